-- The paper broker's own books: what a real venue would keep on its side. Nothing outside brokers/paper reads them.
CREATE TABLE paper_accounts (
  account_id TEXT PRIMARY KEY,
  state      TEXT NOT NULL               -- JSON: cash, positions, counters, liquidity taken
) STRICT;

CREATE TABLE paper_orders (
  account_id       TEXT NOT NULL,
  broker_order_id  TEXT NOT NULL,
  broker_client_id TEXT NOT NULL,
  open             INTEGER NOT NULL,
  state            TEXT NOT NULL,        -- JSON
  PRIMARY KEY (account_id, broker_order_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX paper_orders_by_client ON paper_orders (account_id, broker_client_id);
CREATE INDEX paper_orders_open ON paper_orders (account_id) WHERE open = 1;

-- Executions and settlements in order: what the gateway asks for after it was away.
CREATE TABLE paper_history (
  account_id TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('execution', 'settlement')),
  state      TEXT NOT NULL,              -- JSON
  PRIMARY KEY (account_id, seq)
) STRICT, WITHOUT ROWID;

-- Everything that happened, in order, on the market clock: same tape and seed, same bytes.
CREATE TABLE paper_journal (
  account_id TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  line       TEXT NOT NULL,
  PRIMARY KEY (account_id, seq)
) STRICT, WITHOUT ROWID;
