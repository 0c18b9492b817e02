-- The gateway itself: its trading state, the authority epoch, the accounts it is connected to.
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
INSERT INTO settings (name, value) VALUES ('trading_state', 'ACTIVE'), ('authority_epoch', '1'), ('wall_high_water_ms', '0');

CREATE TABLE accounts (
  id           TEXT PRIMARY KEY,
  broker       TEXT NOT NULL,
  mode         TEXT NOT NULL CHECK (mode IN ('paper', 'live')),
  currency     TEXT NOT NULL,
  settings     TEXT NOT NULL,           -- JSON, the broker's own settings (never a secret)
  trading_state TEXT NOT NULL DEFAULT 'ACTIVE' CHECK (trading_state IN ('ACTIVE', 'REDUCING', 'HALTED')),
  state_reason TEXT,
  created_at   INTEGER NOT NULL,        -- wall clock, epoch ms (so everywhere, unless a column says market)
  removed_at   INTEGER
) STRICT;
