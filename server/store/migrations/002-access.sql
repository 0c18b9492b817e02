-- Who is calling and what they may do: agents, API keys, mandates.
CREATE TABLE agents (
  id              TEXT PRIMARY KEY,
  name            TEXT NOT NULL UNIQUE,
  created_at      INTEGER NOT NULL,
  halted_by       TEXT CHECK (halted_by IN ('agent', 'owner')),   -- NULL: not halted
  halted_at       INTEGER,
  halt_reason     TEXT,
  reducing_reason TEXT CHECK (reducing_reason IN ('daily_loss', 'mandate_expired', 'mandate_revoked')),
  reducing_at     INTEGER,
  reducing_day    TEXT                                            -- the mandate day of a daily loss
) STRICT;

-- The accounts an agent may read.
CREATE TABLE agent_accounts (
  agent_id   TEXT NOT NULL REFERENCES agents (id),
  account_id TEXT NOT NULL,
  PRIMARY KEY (agent_id, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
  id           TEXT PRIMARY KEY,
  agent_id     TEXT NOT NULL REFERENCES agents (id),
  hash         BLOB NOT NULL UNIQUE,     -- SHA-256 of the whole key
  scopes       TEXT NOT NULL,            -- space separated
  ip_allow     TEXT NOT NULL DEFAULT '', -- comma separated CIDR, empty: any the door admits
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at   INTEGER,
  rotated_to   TEXT
) STRICT;
CREATE INDEX api_keys_by_agent ON api_keys (agent_id);

CREATE TABLE mandates (
  agent_id   TEXT NOT NULL REFERENCES agents (id),
  version    INTEGER NOT NULL,
  document   TEXT NOT NULL,              -- JSON as MandateDocument
  resolved   TEXT NOT NULL,              -- JSON: "any" or the instrument ids of its symbols
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,
  PRIMARY KEY (agent_id, version)
) STRICT, WITHOUT ROWID;

-- Calls in the current window, per agent and bucket; survives refresh and restart.
CREATE TABLE rate_windows (
  agent_id     TEXT NOT NULL,
  bucket       TEXT NOT NULL,
  window_start INTEGER NOT NULL,
  used         INTEGER NOT NULL,
  previous     INTEGER NOT NULL,
  PRIMARY KEY (agent_id, bucket)
) STRICT, WITHOUT ROWID;
