-- Limits of a whole account, over those of its agents; an account without a row has the standard ones.
CREATE TABLE account_limits (
  account_id           TEXT PRIMARY KEY,
  max_drawdown_percent TEXT,             -- of the highest equity; NULL: no breaker
  max_positions        INTEGER,          -- NULL: no cap
  max_daily_loss       TEXT,             -- account currency; NULL: none
  updated_at           INTEGER NOT NULL
) STRICT;

-- What an account is measured from. NULL: from what it is worth at the next look, because the owner lifted what had tripped.
CREATE TABLE account_standings (
  account_id TEXT PRIMARY KEY,
  peak       TEXT,                       -- the highest equity since the account, or the last lift, began
  day        TEXT NOT NULL,              -- the mandate day of the last look
  day_start  TEXT,                       -- equity when that day began
  seen       TEXT NOT NULL               -- equity when it was last written down: where a day starts that nobody saw begin
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
