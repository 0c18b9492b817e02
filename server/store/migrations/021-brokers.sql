-- Real brokers: what opens an account, the instruments each broker lists, bars that were fetched or imported.

-- Sealed under the key in keys/; never in `accounts`, which is shown and exported.
CREATE TABLE account_secrets (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  slot       TEXT NOT NULL CHECK (slot IN ('credentials', 'session')),
  sealed     BLOB NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, slot)
) STRICT, WITHOUT ROWID;

-- Effective-dated: what a broker lists now has no valid_to; a change of tick, lot or name is a new row.
CREATE TABLE instruments (
  key           INTEGER PRIMARY KEY,
  instrument_id TEXT NOT NULL,
  directory     TEXT NOT NULL,
  symbol        TEXT NOT NULL,           -- ours, canonical
  broker_symbol TEXT NOT NULL,           -- the broker's own
  name          TEXT NOT NULL,
  asset_class   TEXT NOT NULL,
  facts         TEXT NOT NULL,           -- JSON: everything of the instrument and of the listing
  digest        TEXT NOT NULL,           -- of what was listed: the same listing is not written again
  valid_from    INTEGER NOT NULL,
  valid_to      INTEGER
) STRICT;
CREATE UNIQUE INDEX instruments_now ON instruments (instrument_id) WHERE valid_to IS NULL;
CREATE INDEX instruments_by_id ON instruments (instrument_id, valid_from);
CREATE INDEX instruments_by_symbol ON instruments (directory, symbol) WHERE valid_to IS NULL;
CREATE INDEX instruments_by_broker_symbol ON instruments (directory, broker_symbol) WHERE valid_to IS NULL;
-- Of what is listed now; `directory` as one word, so that a search stays within its lists.
CREATE VIRTUAL TABLE instrument_words USING fts5 (
  directory, symbol, name, aliases,
  content = '', contentless_delete = 1, prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE directories (
  directory    TEXT PRIMARY KEY,
  refreshed_at INTEGER,                  -- of the last whole list
  listed       INTEGER NOT NULL DEFAULT 0,
  fault        TEXT                      -- why the last try failed
) STRICT, WITHOUT ROWID;

CREATE TABLE bars (
  instrument_id TEXT NOT NULL,
  timeframe     TEXT NOT NULL,
  time          INTEGER NOT NULL,        -- start, epoch ms, market clock
  open          TEXT NOT NULL,
  high          TEXT NOT NULL,
  low           TEXT NOT NULL,
  close         TEXT NOT NULL,
  volume        TEXT,
  source        TEXT NOT NULL CHECK (source IN ('fetched', 'imported')),
  PRIMARY KEY (instrument_id, timeframe, time)
) STRICT, WITHOUT ROWID;

-- Of which time it is known that every bar there is is stored: what lies outside is a gap, not silence.
CREATE TABLE bar_ranges (
  instrument_id TEXT NOT NULL,
  timeframe     TEXT NOT NULL,
  from_ms       INTEGER NOT NULL,
  to_ms         INTEGER NOT NULL,        -- exclusive
  PRIMARY KEY (instrument_id, timeframe, from_ms)
) STRICT, WITHOUT ROWID;

ALTER TABLE orders ADD COLUMN product TEXT CHECK (product IN ('cnc', 'mis', 'nrml'));

-- What a broker closes of a position by itself is told apart by it.
ALTER TABLE executions ADD COLUMN product TEXT CHECK (product IN ('cnc', 'mis', 'nrml'));

CREATE INDEX executions_by_account ON executions (account_id, seq);

-- Money and positions that came into an account or left it without a trade of ours: no profit and no loss of its day.
CREATE TABLE account_flows (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id TEXT NOT NULL,
  run        INTEGER NOT NULL,
  date       TEXT NOT NULL,              -- market date
  amount     TEXT NOT NULL,              -- by which it changed the equity, account currency
  ref        TEXT NOT NULL,              -- of the posting
  posted_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX account_flows_by_account ON account_flows (account_id, run, date);
