-- Decisions that wait for the owner, and those that were made: one an order, decided once.
CREATE TABLE approvals (
  id              TEXT PRIMARY KEY,
  order_id        TEXT NOT NULL UNIQUE REFERENCES orders (order_id),
  agent_id        TEXT NOT NULL,
  principal       TEXT NOT NULL,         -- JSON: who asked, as authorised then (credential, door, scopes, epoch)
  digest          TEXT NOT NULL,         -- of the exact order and the reference price that the card shows
  reference_price TEXT NOT NULL,         -- what the collar of the tap is measured from
  shown           TEXT NOT NULL,         -- JSON: the figures of the card, as last shown or decided
  note            TEXT,                  -- the agent's words, for the owner
  requested_at    INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  decision        TEXT CHECK (decision IN ('approved', 'rejected', 'expired', 'withdrawn', 'void')), -- NULL: waits
  decided_seq     INTEGER UNIQUE,        -- the order of decisions; pages go by it
  decided_at      INTEGER,
  decided_door    TEXT,                  -- of the owner; NULL: it ended by itself
  reason          TEXT,                  -- the owner's words, or why it ended
  edited          TEXT,                  -- JSON: the terms as asked for, and as the owner cut them down
  CHECK ((decision IS NULL) = (decided_seq IS NULL) AND (decision IS NULL) = (decided_at IS NULL))
) STRICT;
CREATE INDEX approvals_waiting ON approvals (agent_id, requested_at) WHERE decision IS NULL;
