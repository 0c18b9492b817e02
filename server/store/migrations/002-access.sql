-- Who is calling and what they may do: agents, API keys, mandates.
CREATE TABLE agents (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  created_at  INTEGER NOT NULL,
  halted_by   TEXT CHECK (halted_by IN ('agent', 'owner')),   -- NULL: not halted
  halted_at   INTEGER,
  halt_reason TEXT
) STRICT;

-- Why an agent may only reduce; a row a reason, because a loss does not end with a new mandate, nor a revocation with the day.
CREATE TABLE agent_reducing (
  agent_id TEXT NOT NULL REFERENCES agents (id),
  reason   TEXT NOT NULL CHECK (reason IN ('daily_loss', 'mandate_expired', 'mandate_revoked')),
  day      TEXT,                         -- the mandate day of a daily loss
  since    INTEGER NOT NULL,
  PRIMARY KEY (agent_id, reason)
) STRICT, WITHOUT ROWID;

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

-- Calls in the current window, per agent and bucket; survives a restart.
CREATE TABLE rate_windows (
  agent_id TEXT NOT NULL,
  bucket   TEXT NOT NULL,
  saved_at INTEGER NOT NULL,
  ages     BLOB NOT NULL,                -- how long before saved_at each call was, ms, uint32 little endian, oldest first
  PRIMARY KEY (agent_id, bucket)
) STRICT, WITHOUT ROWID;
