-- The record: one row an event, chained; the file log/audit.jsonl follows the table.
CREATE TABLE audit (
  seq    INTEGER PRIMARY KEY,
  time   INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  agent  TEXT,
  tool   TEXT,
  outcome TEXT NOT NULL,
  line   TEXT NOT NULL,                 -- the canonical JSON line as written to the file; the other columns repeat it for queries
  hash   TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_agent ON audit (agent, seq);
CREATE INDEX audit_by_kind ON audit (kind, seq);

-- Arguments for the owner's eyes, sealed.
CREATE TABLE audit_arguments (
  seq    INTEGER PRIMARY KEY REFERENCES audit (seq),
  sealed BLOB NOT NULL
) STRICT;

-- How far the file has followed: file name, byte length and last seq known to be written and synced. A file that holds less
-- was cut; what it holds beyond is what a crash may have torn.
CREATE TABLE audit_file (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  name     TEXT NOT NULL,
  bytes    INTEGER NOT NULL,
  last_seq INTEGER NOT NULL
) STRICT;
