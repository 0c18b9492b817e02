-- The owner: passphrase, second factor, sessions, trusted devices, one-time links, and the tries that were wrong.
CREATE TABLE owner (
  id                    INTEGER PRIMARY KEY CHECK (id = 1),   -- there is one
  name                  TEXT NOT NULL,
  passphrase            TEXT NOT NULL,                        -- argon2id, PHC string
  created_at            INTEGER NOT NULL,
  passphrase_changed_at INTEGER NOT NULL,
  purposes              TEXT NOT NULL DEFAULT '',             -- space separated: where a code is additionally asked for
  totp_seed             BLOB,                                 -- sealed; NULL: no second factor
  totp_last_step        INTEGER NOT NULL DEFAULT -1,          -- codes up to this time step are spent
  pending_seed          BLOB,                                 -- sealed; shown, not yet confirmed
  pending_at            INTEGER
) STRICT;

CREATE TABLE owner_recovery_codes (
  hash BLOB PRIMARY KEY                                       -- SHA-256; a code that was used is gone
) STRICT, WITHOUT ROWID;

CREATE TABLE owner_devices (
  id           TEXT PRIMARY KEY,
  hash         BLOB NOT NULL UNIQUE,                          -- SHA-256 of the token
  proved       INTEGER NOT NULL,                              -- 1: trusted with a code, so none is asked for again
  created_at   INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  user_agent   TEXT NOT NULL
) STRICT;

CREATE TABLE owner_sessions (
  id            TEXT PRIMARY KEY,
  hash          BLOB NOT NULL UNIQUE,                         -- SHA-256 of the token
  created_at    INTEGER NOT NULL,
  last_seen_at  INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL,                             -- at the latest; earlier when idle
  address       TEXT NOT NULL,
  user_agent    TEXT NOT NULL,
  stepped_up_at INTEGER,
  device_id     TEXT REFERENCES owner_devices (id) ON DELETE SET NULL
) STRICT;

-- One-time links: the code of the link, and the ticket of the browser that followed it.
CREATE TABLE owner_links (
  purpose    TEXT PRIMARY KEY CHECK (purpose IN ('setup', 'reset')),
  code       BLOB,                                            -- SHA-256; NULL once it was followed
  ticket     BLOB,                                            -- SHA-256
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tries that count towards a lockout, by who made them; survives a restart.
CREATE TABLE owner_tries (
  bucket       TEXT PRIMARY KEY,
  times        TEXT NOT NULL,                                 -- JSON: epoch ms of the tries that still count
  locks        INTEGER NOT NULL,                              -- lockouts in a row; each is twice as long as the one before
  locked_until INTEGER NOT NULL,
  last_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX owner_tries_by_age ON owner_tries (last_at);
