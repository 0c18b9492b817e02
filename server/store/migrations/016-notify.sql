-- Where the owner is told, and what is still to be delivered there.
CREATE TABLE notify_destinations (
  id         TEXT PRIMARY KEY,
  channel    TEXT NOT NULL CHECK (channel IN ('webhook', 'email', 'ntfy', 'telegram')),
  label      TEXT NOT NULL,
  place      INTEGER NOT NULL,           -- the lowest is told first; the next ones when it does not work
  sealed     BLOB NOT NULL,              -- address and secrets; empty once it is removed
  kinds      TEXT NOT NULL,              -- JSON: what it is told of
  created_at INTEGER NOT NULL,
  removed_at INTEGER
) STRICT;

-- One thing to tell, at least once, by its id.
CREATE TABLE notify_messages (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,
  subject     TEXT,                      -- what it is about: an order, an approval, an agent
  title       TEXT NOT NULL,
  body        TEXT NOT NULL,
  path        TEXT,                      -- of the console's page
  urgent      INTEGER NOT NULL,
  needs_owner INTEGER NOT NULL,          -- the next destination is told too while it stands
  standing    INTEGER NOT NULL,          -- 0: what it tells of is over
  gathered    TEXT,                      -- JSON: what the text is made of, while more may come
  created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX notify_messages_by_time ON notify_messages (created_at);
CREATE INDEX notify_messages_by_subject ON notify_messages (kind, subject, created_at);

CREATE TABLE notify_jobs (
  message_id     TEXT NOT NULL REFERENCES notify_messages (id),
  destination_id TEXT NOT NULL REFERENCES notify_destinations (id),
  due_at         INTEGER NOT NULL,
  tries          INTEGER NOT NULL DEFAULT 0,
  state          TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'given_up', 'not_needed')),
  last_error     TEXT,
  done_at        INTEGER,
  PRIMARY KEY (message_id, destination_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_jobs_waiting ON notify_jobs (destination_id, due_at) WHERE state = 'waiting';
