-- Remote clients: who may ask for tokens, what was granted to them, what the authorization server keeps, and how far each came.
CREATE TABLE oauth_clients (
  client_id        TEXT PRIMARY KEY,        -- as the client presents it: of our making, or the URL of its metadata document
  credential       TEXT NOT NULL UNIQUE,    -- `client_…`: what the record and principals name
  kind             TEXT NOT NULL CHECK (kind IN ('registered', 'document', 'static')),
  name             TEXT NOT NULL,           -- what the client calls itself: somebody else's words
  metadata         TEXT NOT NULL,           -- JSON: the fields of RFC 7591 that we take
  secret_hash      BLOB,                    -- SHA-256; NULL: a public client
  state            TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'revoked')),
  agent_id         TEXT REFERENCES agents (id),
  asked_scopes     TEXT NOT NULL,           -- what it registered for, space separated; empty: it named none
  ceiling          TEXT NOT NULL DEFAULT '',-- what the owner lets it hold at most, space separated
  address          TEXT NOT NULL,           -- who registered it
  user_agent       TEXT NOT NULL,
  created_at       INTEGER NOT NULL,
  decided_at       INTEGER,                 -- when it was approved or revoked last
  last_used_at     INTEGER
) STRICT;
CREATE INDEX oauth_clients_by_state ON oauth_clients (state, created_at);
CREATE INDEX oauth_clients_by_agent ON oauth_clients (agent_id);

-- Every consent of the owner's, live or over. A token is worth what its row says at that moment.
CREATE TABLE oauth_grants (
  grant_id     TEXT PRIMARY KEY,
  client_id    TEXT NOT NULL,
  agent_id     TEXT NOT NULL REFERENCES agents (id),
  scopes       TEXT NOT NULL,               -- space separated
  epoch        INTEGER NOT NULL,            -- the authority epoch it was given in; a later one ends it
  stepup_at    INTEGER,                     -- when a code was shown for it; NULL: none was
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at   INTEGER,
  reason       TEXT                         -- why it ended
) STRICT;
CREATE INDEX oauth_grants_live ON oauth_grants (client_id, created_at) WHERE revoked_at IS NULL;
CREATE INDEX oauth_grants_over ON oauth_grants (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX oauth_grants_by_agent ON oauth_grants (agent_id, created_at);

-- What the authorization server keeps: codes, refresh tokens, interactions, sessions, grants. Ids of what is secret are hashes.
CREATE TABLE oauth_payloads (
  kind        TEXT NOT NULL,
  id          TEXT NOT NULL,
  payload     TEXT NOT NULL,                -- JSON, without the secret that found it
  grant_id    TEXT,
  client_id   TEXT,
  uid         TEXT,
  address     TEXT,                         -- of an interaction: the network that began it
  epoch       INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  consumed_at INTEGER,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_payloads_by_grant ON oauth_payloads (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX oauth_payloads_by_client ON oauth_payloads (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX oauth_payloads_by_uid ON oauth_payloads (uid) WHERE uid IS NOT NULL;
CREATE INDEX oauth_payloads_by_expiry ON oauth_payloads (expires_at);

-- Signing keys, the private halves being files among the keys.
CREATE TABLE oauth_signing_keys (
  kid        TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  retired_at INTEGER                        -- signs no more; verifies until its last token has expired
) STRICT;

-- How far each client came, for who asks why nothing arrives. Before it has a client id, a client is its address.
CREATE TABLE oauth_progress (
  subject      TEXT NOT NULL,               -- a client_id, or `address:…`
  step         TEXT NOT NULL,
  first_at     INTEGER NOT NULL,
  last_at      INTEGER NOT NULL,
  times        INTEGER NOT NULL,
  last_outcome TEXT NOT NULL,               -- `ok`, or the error as it was answered
  PRIMARY KEY (subject, step)
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_progress_by_age ON oauth_progress (last_at);
