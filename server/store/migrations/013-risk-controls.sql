-- What the controls of the order line remember: why an agent may only reduce, what a human approved, and what was not.
CREATE TABLE agent_reducing_next (
  agent_id TEXT NOT NULL REFERENCES agents (id),
  reason   TEXT NOT NULL CHECK (reason IN
    ('daily_loss', 'mandate_expired', 'mandate_revoked', 'repeated_refusals', 'repeated_executions')),
  day      TEXT,                         -- the mandate day of a daily loss
  since    INTEGER NOT NULL,
  PRIMARY KEY (agent_id, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO agent_reducing_next SELECT agent_id, reason, day, since FROM agent_reducing;
DROP TABLE agent_reducing;
ALTER TABLE agent_reducing_next RENAME TO agent_reducing;

-- The approval that an order waits for or was given; NULL: nobody was asked.
ALTER TABLE orders ADD COLUMN approval_id TEXT;

-- Filled value of adding orders that no human approved, by side: what `approval: {"above": …}` adds up.
CREATE TABLE unapproved_usage (
  agent_id      TEXT NOT NULL,
  instrument_id TEXT NOT NULL,
  side          TEXT NOT NULL,
  day           TEXT NOT NULL,           -- the mandate day of the fill
  value         TEXT NOT NULL,
  PRIMARY KEY (agent_id, instrument_id, side, day)
) STRICT, WITHOUT ROWID;

-- Resting limit orders, the best price of a side first: whether an order could trade with one of somebody else's.
CREATE INDEX orders_resting ON orders
  (account_id, instrument_id, side, CAST(limit_price AS REAL) * CASE side WHEN 'sell' THEN 1 ELSE -1 END, agent_id)
  WHERE type = 'limit' AND held = 0
    AND status NOT IN ('received', 'pending_approval', 'filled', 'canceled', 'rejected', 'refused', 'expired');
