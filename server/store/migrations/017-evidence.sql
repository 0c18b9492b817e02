-- What the owner recorded of an unclear order from the broker's own screen or statement.
CREATE TABLE evidence (
  id           TEXT PRIMARY KEY,
  order_id     TEXT NOT NULL REFERENCES orders (order_id),
  account_id   TEXT NOT NULL,
  outcome      TEXT NOT NULL CHECK (outcome IN ('never_received', 'rejected', 'canceled', 'expired', 'filled', 'working')),
  source       TEXT NOT NULL,
  text         TEXT NOT NULL,
  observed_at  INTEGER NOT NULL,
  recorded_at  INTEGER NOT NULL,
  door         TEXT NOT NULL,
  broker_said  TEXT                      -- what the broker said of the order when it was asked afterwards
) STRICT;
CREATE INDEX evidence_by_order ON evidence (order_id);
CREATE INDEX evidence_unheard ON evidence (account_id) WHERE broker_said IS NULL;

-- Fills that the owner recorded: what is left of them after the broker's own executions took their place.
CREATE TABLE recorded_fills (
  account_id   TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  order_id     TEXT NOT NULL REFERENCES orders (order_id),
  day          TEXT NOT NULL,            -- the mandate day that it counts for
  qty          TEXT NOT NULL,
  price        TEXT NOT NULL,
  fee          TEXT NOT NULL,
  effects      TEXT NOT NULL,            -- JSON: what it did to each holding
  replaced_by  TEXT,                     -- the broker's last execution in its place
  PRIMARY KEY (account_id, execution_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX recorded_fills_by_order ON recorded_fills (order_id);

-- What became of each change of an order that was sent, for who asks with the same key again.
CREATE TABLE order_changes (
  id       INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders (order_id),
  agent_id TEXT NOT NULL,
  key      TEXT NOT NULL,                -- the idempotency key it was asked under
  outcome  TEXT NOT NULL CHECK (outcome IN ('pending', 'accepted', 'rejected', 'unknown')),
  reason   TEXT,
  UNIQUE (agent_id, key)
) STRICT;
CREATE INDEX order_changes_by_order ON order_changes (order_id, id);
