-- Limits of a whole account, over those of its agents, and what has tripped.
CREATE TABLE account_limits (
  account_id           TEXT PRIMARY KEY,
  max_drawdown_percent TEXT,             -- of the highest equity; NULL: no breaker
  max_positions        INTEGER,          -- NULL: no cap
  max_daily_loss       TEXT,             -- account currency; NULL: none
  updated_at           INTEGER NOT NULL
) STRICT;

-- The highest equity since the account, or the last lift, began.
CREATE TABLE account_peaks (
  account_id TEXT PRIMARY KEY,
  equity     TEXT NOT NULL,
  at         INTEGER NOT NULL
) STRICT;

-- Why an account may only reduce; a row a limit.
CREATE TABLE account_reducing (
  account_id TEXT NOT NULL,
  reason     TEXT NOT NULL CHECK (reason IN ('max_drawdown', 'max_daily_loss')),
  day        TEXT,                       -- the mandate day of a daily loss
  used       TEXT NOT NULL,
  max        TEXT NOT NULL,
  since      INTEGER NOT NULL,
  PRIMARY KEY (account_id, reason)
) STRICT, WITHOUT ROWID;
