-- What the owner recorded of an unclear order from the broker's own screen or statement.
CREATE TABLE evidence (
  id           TEXT PRIMARY KEY,
  order_id     TEXT NOT NULL REFERENCES orders (order_id),
  outcome      TEXT NOT NULL CHECK (outcome IN ('never_received', 'rejected', 'canceled', 'expired', 'filled', 'working')),
  source       TEXT NOT NULL,
  text         TEXT NOT NULL,
  observed_at  INTEGER NOT NULL,
  recorded_at  INTEGER NOT NULL,
  door         TEXT NOT NULL
) STRICT;
CREATE INDEX evidence_by_order ON evidence (order_id);

-- Fills that the owner recorded, until the broker itself tells of them.
CREATE TABLE recorded_fills (
  account_id   TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  order_id     TEXT NOT NULL REFERENCES orders (order_id),
  qty          TEXT NOT NULL,
  price        TEXT NOT NULL,
  fee          TEXT NOT NULL,
  replaced_by  TEXT,                     -- the broker's own execution
  PRIMARY KEY (account_id, execution_id)
) STRICT, WITHOUT ROWID;
