-- A paper account can begin anew: its venue tells so in its history, and profit and loss count from there.
CREATE TABLE paper_history_with_restarts (
  account_id TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('execution', 'settlement', 'restart')),
  state      TEXT NOT NULL,              -- JSON
  PRIMARY KEY (account_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO paper_history_with_restarts SELECT account_id, seq, kind, state FROM paper_history;
DROP TABLE paper_history;
ALTER TABLE paper_history_with_restarts RENAME TO paper_history;

-- Where an account stood when it began anew: the newest one is where its profit and loss count from.
CREATE TABLE account_starts (
  seq            INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id     TEXT NOT NULL,
  restart_id     TEXT NOT NULL,
  run            INTEGER NOT NULL,          -- of the tape
  date           TEXT NOT NULL,             -- market date
  realised_total TEXT NOT NULL,             -- since ever, fees included
  equity         TEXT NOT NULL,             -- the deposit
  execution_seq  INTEGER NOT NULL,          -- the last one before it
  posted_at      INTEGER NOT NULL,
  UNIQUE (account_id, restart_id)
) STRICT;
CREATE INDEX account_starts_by_account ON account_starts (account_id, seq);

-- Settlements that were posted: told again, they must not close what was opened since.
CREATE TABLE settlements (
  account_id    TEXT NOT NULL,
  settlement_id TEXT NOT NULL,
  posted_at     INTEGER NOT NULL,
  PRIMARY KEY (account_id, settlement_id)
) STRICT, WITHOUT ROWID;
INSERT INTO settlements (account_id, settlement_id, posted_at)
  SELECT account_id, substr(execution_id, 1, instr(execution_id, ':') - 1), max(posted_at) FROM executions
  WHERE execution_id GLOB 'ps-*:*' GROUP BY 1, 2;
