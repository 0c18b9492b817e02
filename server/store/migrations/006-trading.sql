-- The order line: orders with their reservations, executions, ledger, agents' own positions, usage.
CREATE TABLE orders (
  seq              INTEGER PRIMARY KEY AUTOINCREMENT,  -- cursors and the order of records go by it
  order_id         TEXT NOT NULL UNIQUE,
  agent_id         TEXT NOT NULL,                      -- 'external' for orders found at the broker, 'owner' for the owner's
  credential       TEXT NOT NULL,
  account_id       TEXT NOT NULL,
  instrument_id    TEXT NOT NULL,
  symbol           TEXT NOT NULL,
  client_order_id  TEXT,
  broker_client_id TEXT NOT NULL UNIQUE,
  broker_order_id  TEXT,
  parent_order_id  TEXT REFERENCES orders (order_id),
  role             TEXT NOT NULL CHECK (role IN ('entry', 'take_profit', 'stop_loss')),
  origin           TEXT NOT NULL CHECK (origin IN ('agent', 'close', 'flatten', 'settlement', 'external')),
  effect           TEXT NOT NULL CHECK (effect IN ('adding', 'reducing')),
  side             TEXT NOT NULL,
  type             TEXT NOT NULL,
  time_in_force    TEXT NOT NULL,
  qty              TEXT NOT NULL,
  limit_price      TEXT,
  stop_price       TEXT,
  trail_percent    TEXT,
  trail_price      TEXT,
  take_profit      TEXT,
  stop_loss        TEXT,
  post_only        INTEGER NOT NULL,
  reduce_only      INTEGER NOT NULL,
  extended_hours   INTEGER NOT NULL,
  tag              TEXT,
  status           TEXT NOT NULL,
  reason           TEXT,
  filled_qty       TEXT NOT NULL DEFAULT '0',
  filled_value     TEXT NOT NULL DEFAULT '0',          -- sum of price × qty, for the average
  unit_value       TEXT NOT NULL DEFAULT '0',          -- what one unit reserves; times the remaining qty: the reservation
  pending_terms    TEXT,                               -- JSON of a modify the broker has not answered
  held             INTEGER NOT NULL DEFAULT 0,         -- a leg that waits for its entry
  run              INTEGER NOT NULL,                   -- of the tape
  mandate_day      TEXT NOT NULL,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_by_agent ON orders (agent_id, seq);
CREATE INDEX orders_by_account ON orders (account_id, seq);
CREATE INDEX orders_working ON orders (agent_id, account_id, instrument_id)
  WHERE status NOT IN ('filled', 'canceled', 'rejected', 'refused', 'expired');
CREATE INDEX orders_unsettled ON orders (account_id) WHERE status IN ('submitting', 'unknown');
CREATE INDEX orders_by_client_id ON orders (agent_id, client_order_id) WHERE client_order_id IS NOT NULL;
CREATE INDEX orders_by_broker_id ON orders (account_id, broker_order_id) WHERE broker_order_id IS NOT NULL;
CREATE INDEX orders_by_parent ON orders (parent_order_id) WHERE parent_order_id IS NOT NULL;

CREATE TABLE order_timeline (
  id       INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders (order_id),
  time     INTEGER NOT NULL,
  status   TEXT NOT NULL,
  detail   TEXT NOT NULL
) STRICT;
CREATE INDEX order_timeline_by_order ON order_timeline (order_id, id);

CREATE TABLE executions (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id    TEXT NOT NULL,
  execution_id  TEXT NOT NULL,
  order_id      TEXT NOT NULL REFERENCES orders (order_id),
  agent_id      TEXT NOT NULL,
  instrument_id TEXT NOT NULL,
  symbol        TEXT NOT NULL,
  side          TEXT NOT NULL,
  qty           TEXT NOT NULL,
  price         TEXT NOT NULL,
  fee           TEXT NOT NULL,
  realised      TEXT NOT NULL,                         -- of the agent's own position, fee included
  market_time   INTEGER NOT NULL,                      -- market clock
  run           INTEGER NOT NULL,
  posted_at     INTEGER NOT NULL,
  UNIQUE (account_id, execution_id)
) STRICT;
CREATE INDEX executions_by_agent ON executions (agent_id, seq);
CREATE INDEX executions_by_order ON executions (order_id);

-- Double entry: the amounts of one `ref` sum to zero.
CREATE TABLE ledger (
  id         INTEGER PRIMARY KEY,
  account_id TEXT NOT NULL,
  ref        TEXT NOT NULL,                            -- an execution id, a deposit, a settlement
  entry      TEXT NOT NULL,                            -- cash, cost:<instrument>, realised, fees, capital
  amount     TEXT NOT NULL,
  time       INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_by_ref ON ledger (account_id, ref);

CREATE TABLE ledger_balances (
  account_id TEXT NOT NULL,
  entry      TEXT NOT NULL,
  amount     TEXT NOT NULL,
  PRIMARY KEY (account_id, entry)
) STRICT, WITHOUT ROWID;

-- Holdings per account (holder '*') and per agent; the agents' add up to the account's.
CREATE TABLE holdings (
  holder        TEXT NOT NULL,
  account_id    TEXT NOT NULL,
  instrument_id TEXT NOT NULL,
  qty           TEXT NOT NULL,                         -- signed
  cost          TEXT NOT NULL,                         -- signed like qty
  realised      TEXT NOT NULL,                         -- since ever, fees excluded
  fees          TEXT NOT NULL,
  mark          TEXT,                                  -- last mark saved
  opened_at     INTEGER,
  closed_at     INTEGER,
  PRIMARY KEY (holder, account_id, instrument_id)
) STRICT, WITHOUT ROWID;

-- Where a holder's profit stood when the mandate day began.
CREATE TABLE day_starts (
  holder        TEXT NOT NULL,
  account_id    TEXT NOT NULL,
  instrument_id TEXT NOT NULL,
  day           TEXT NOT NULL,
  profit        TEXT NOT NULL,                         -- realised − fees + unrealised at day start
  PRIMARY KEY (holder, account_id, instrument_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
  agent_id   TEXT NOT NULL,
  account_id TEXT NOT NULL,
  day        TEXT NOT NULL,
  value_used TEXT NOT NULL,                            -- filled value of adding orders that day
  orders     INTEGER NOT NULL,                         -- adding orders cleared that day
  PRIMARY KEY (agent_id, account_id, day)
) STRICT, WITHOUT ROWID;

-- What the agent's working adding orders hold, kept by the transactions that change it.
CREATE TABLE reservations (
  agent_id    TEXT NOT NULL,
  account_id  TEXT NOT NULL,
  value       TEXT NOT NULL,
  open_orders INTEGER NOT NULL,
  PRIMARY KEY (agent_id, account_id)
) STRICT, WITHOUT ROWID;

-- Account P&L by market date, per run of the tape.
CREATE TABLE pnl_days (
  account_id TEXT NOT NULL,
  run        INTEGER NOT NULL,
  date       TEXT NOT NULL,
  realised_total TEXT NOT NULL,                        -- since ever at its end, fees included
  unrealised TEXT NOT NULL,                            -- at its end
  equity     TEXT NOT NULL,                            -- at its end
  PRIMARY KEY (account_id, run, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  agent_id   TEXT NOT NULL,
  tool       TEXT NOT NULL,
  key        TEXT NOT NULL,
  digest     TEXT NOT NULL,
  order_id   TEXT,
  outcome    TEXT,                                     -- JSON of a refusal or of a result without one order
  created_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, tool, key)
) STRICT, WITHOUT ROWID;

-- How far each broker's history has been read.
CREATE TABLE broker_cursors (
  account_id    TEXT PRIMARY KEY,
  cursor        TEXT,
  reconciled_at INTEGER
) STRICT;
