-- Where each tape stands; saved with every published step, in the transaction of those who listen.
CREATE TABLE tapes (
  id          TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,             -- of the rows: another file under the same name starts from the beginning
  run         INTEGER NOT NULL,
  bar         INTEGER NOT NULL,
  step        INTEGER NOT NULL,          -- last published one of `steps`
  steps       INTEGER NOT NULL           -- of this bar: a bar is finished as it was begun when the timing changes
) STRICT;
