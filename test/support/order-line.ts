/** The order line's parts on a real store, record, tape and broker, without a test around them: a child process opens it too. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Access, openAccess } from '#access/access.ts';
import { type AuditLog, openAuditLog } from '#audit/log.ts';
import { connectPaper } from '#brokers/paper/adapter.ts';
import type { PaperSettings } from '#brokers/paper/settings.ts';
import { BUILT_IN_DIRECTORY, type Instrument } from '#domain/instrument.ts';
import { type AccountId, accountId } from '#domain/principal.ts';
import { type InstrumentBook, instrumentBook } from '#market/instrument-book.ts';
import { type MarketSource, type Markets, openMarkets } from '#market/markets.ts';
import { BUILT_IN } from '#market/master.ts';
import { scopedSymbols } from '#market/scoped-symbols.ts';
import { loadTape } from '#market/tape.ts';
import { openTapeFeed, type TapeFeed } from '#market/tape-feed.ts';
import type { BrokerAdapter, Clock } from '#ports.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore, type Store } from '#store/open.ts';
import type { ThrottleLimits } from '#trading/line.ts';
import { openTrading, type Trading } from '#trading/open.ts';
import { mandateJudge } from '#trading/policy.ts';

const DEFAULT_THROTTLE: ThrottleLimits = {
  refusals: { count: 100, per: 'minute' },
  executions: { count: 600, per: 'minute' },
};

export const PAPER: AccountId = accountId('paper');
export const SECOND: AccountId = accountId('second');

export interface LineOptions {
  /** Rows of `time_ms,open,high,low,close,volume`; default: the S&P 500 sample. */
  readonly csv?: string;
  readonly symbol?: string;
  readonly paper?: Partial<PaperSettings>;
  /** In place of the paper broker. */
  readonly adapter?: (room: { readonly store: Store; readonly feed: TapeFeed }) => BrokerAdapter;
  /** Zone of mandate days; default UTC. */
  readonly timezone?: string;
  /** An account `second` beside `paper`, in the same currency. */
  readonly second?: BrokerAdapter;
  /** What `second` trades on, in place of the tape. */
  readonly secondMarket?: MarketSource;
  /** Instruments beside the built-in ones. */
  readonly listed?: readonly Instrument[];
  /** How often an agent may be refused and may send; default: as a gateway without settings. */
  readonly throttle?: Partial<ThrottleLimits>;
  /** Looks at every transaction; what it gives is the store of every part. */
  readonly watched?: (store: Store) => Store;
  /** The same of the feed: what a line sees of the market. */
  readonly heard?: (feed: TapeFeed) => TapeFeed;
}

export interface OpenedLine {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly access: Access;
  readonly book: InstrumentBook;
  readonly feed: TapeFeed;
  readonly markets: Markets;
  readonly adapter: BrokerAdapter;
  /** The line reads it: what is put in here is an account's connection from then on. */
  readonly adapters: Map<AccountId, BrokerAdapter>;
  readonly trading: Trading;
  readonly instrument: Instrument;
  /** Once; a second time does nothing. */
  readonly close: () => Promise<void>;
}

const PAPER_DEFAULTS: PaperSettings = { preset: 'friendly', seed: 1, cash: '100000', accountType: 'margin' };

/** Nothing has started: `trading.start()` compares the books, `feed.start()` lets the tape play. */
export function openLine(folder: string, clock: Clock, options: LineOptions): OpenedLine {
  const opened = openStore(join(folder, 'data'));
  const store = options.watched?.(opened) ?? opened;
  const keyring = openKeyring(join(folder, 'keys'));
  const audit = openAuditLog({ store, clock, keyring, folder: join(folder, 'log') });
  const book = instrumentBook([...BUILT_IN, ...(options.listed ?? [])]);
  const found = book.resolve(options.symbol ?? 'SPX', [BUILT_IN_DIRECTORY]);
  if (!found.ok) throw new Error(found.error.detail);
  const instrument = found.value;
  const file = options.csv === undefined ? 'sample' : join(folder, 'tape.csv');
  if (options.csv !== undefined) writeFileSync(file, options.csv);
  const tape = openTapeFeed({ tape: loadTape({ file, instrument }), store, clock, barSeconds: 4 });
  const feed = options.heard?.(tape) ?? tape;
  const markets = openMarkets({ feed, directory: BUILT_IN_DIRECTORY });
  if (options.secondMarket) markets.add(SECOND, options.secondMarket);
  const symbols = scopedSymbols(book, (names) => markets.scopesOf(names.map(accountId)));
  const access = openAccess({
    store,
    audit,
    clock,
    keyring,
    timezone: options.timezone ?? 'UTC',
    instruments: symbols,
    judge: mandateJudge(symbols),
    accounts: {
      currencyOf: (id) =>
        id === PAPER || (id === SECOND && options.second) ? instrument.currency : undefined,
    },
  });
  const adapter =
    options.adapter?.({ store, feed }) ??
    connectPaper({
      account: { id: PAPER, settings: { ...PAPER_DEFAULTS, ...options.paper } },
      store,
      feed,
    });
  const adapters = new Map<AccountId, BrokerAdapter>([
    [PAPER, adapter],
    ...(options.second ? [[SECOND, options.second] as const] : []),
  ]);
  const throttle = () => ({ ...DEFAULT_THROTTLE, ...options.throttle });
  const line = { store, audit, clock, wallMs: access.wall, access, book, markets, adapters, throttle };
  const trading = openTrading(line);
  let closed = false;
  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    feed.stop();
    await trading.stop();
    access.close();
    audit.close();
    store.close();
  }
  return { store, audit, access, book, feed, markets, adapter, adapters, trading, instrument, close };
}
