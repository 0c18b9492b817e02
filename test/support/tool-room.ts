/** The tools on a real store, record, access and instrument book; the desk and the feed behind them are written by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openAccess } from '#access/access.ts';
import { openAuditLog } from '#audit/log.ts';
import { type AuditLine, auditQuery } from '#audit/query.ts';
import { price, quantity } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { Principal, Scope } from '#domain/principal.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { openMarkets } from '#market/markets.ts';
import { BUILT_IN } from '#market/master.ts';
import { scopedSymbols } from '#market/scoped-symbols.ts';
import type { Bar, MarketFeed, Quote } from '#ports.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore } from '#store/open.ts';
import { openChangeFeed } from '#tools/change-feed.ts';
import type { ToolServices } from '#tools/define.ts';
import { type Dispatcher, openDispatcher, type ToolAnswer } from '#tools/dispatch.ts';
import { openMarketWatch } from '#tools/market-watch.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { AT_MS, type WrittenDesk, writtenDesk } from './written-desk.ts';

const DAY_MS = 86_400_000;

export interface ToolRoom {
  readonly services: ToolServices;
  readonly dispatcher: Dispatcher;
  readonly written: WrittenDesk;
  readonly clock: HandClock;
  readonly principal: Principal;
  /** Bumps the authority epoch, as the kill switch does. */
  endSessions(): void;
  /** From now on the disk takes no writes. */
  breakStore(): void;
  healStore(): void;
  /** As `local` over stdio, unless another principal is given. Throws when there is no such tool. */
  call(tool: string, args: unknown, as?: Principal): Promise<ToolAnswer>;
  /** What the record says of tools, oldest first. */
  recorded(): readonly AuditLine[];
  argumentsOf(seq: number): unknown;
  withScopes(...scopes: readonly Scope[]): Principal;
}

interface RoomOptions {
  readonly rates?: Parameters<typeof openAccess>[0]['rates'];
  readonly change?: (services: ToolServices) => ToolServices;
}

export function toolRoom(o: RoomOptions = {}): ToolRoom {
  const folder = mkdtempSync(join(tmpdir(), 'tool-room-'));
  const clock = handClock(AT_MS);
  const store = openStore(join(folder, 'data'));
  const keyring = openKeyring(join(folder, 'keys'));
  const audit = openAuditLog({ store, clock, folder: join(folder, 'log'), keyring });
  const book = instrumentBook(BUILT_IN);
  const access = openAccess({
    store,
    audit,
    clock,
    keyring,
    timezone: 'UTC',
    instruments: scopedSymbols(book),
    accounts: { currencyOf: (id) => (['paper', 'second'].includes(id) ? 'USD' : undefined) },
    ...(o.rates === undefined ? {} : { rates: o.rates }),
  });
  onTestFinished(() => {
    store.db.pragma('query_only = OFF');
    audit.close();
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const local = access.localPrincipal();
  if (!local.ok) throw new Error(local.error.detail);
  const written = writtenDesk();
  const markets = openMarkets({ feed: writtenFeed(book, clock), directory: 'built-in' });
  const changes = openChangeFeed({ audit, markets, access });
  const plain: ToolServices = {
    desk: written.desk,
    book,
    markets,
    watch: openMarketWatch({ changes, clock, access }),
    access,
    audit,
    transaction: (work) => store.transaction(work),
    clock,
    version: '0.1.0',
    remoteMcp: () => false,
  };
  const services = o.change?.(plain) ?? plain;
  const dispatcher = openDispatcher(services);
  const query = auditQuery(store, keyring);
  return {
    services,
    dispatcher,
    written,
    clock,
    principal: local.value,
    endSessions: () => void store.transaction(() => access.bumpEpoch()),
    breakStore: () => void store.db.pragma('query_only = ON'),
    healStore: () => void store.db.pragma('query_only = OFF'),
    async call(tool, args, as = local.value) {
      const answer = await dispatcher.call({ tool, args, principal: as, via: as.door });
      if (answer === null) throw new Error(`no tool ${tool}`);
      return answer;
    },
    recorded() {
      clock.advance(2_000);
      audit.flush();
      return query.tail(500, { kind: 'tool.call' });
    },
    argumentsOf(seq) {
      const found = query.argumentsOf(seq);
      return found.ok ? found.value : found.error;
    },
    withScopes: (...scopes) => ({ ...local.value, scopes: new Set(scopes) }),
  };
}

/** SPX alone, with one quote and ten daily bars; everything else is known to the book and carried by no feed. */
function writtenFeed(book: ToolServices['book'], clock: HandClock): MarketFeed {
  const found = book.resolve('SPX', ['built-in']);
  if (!found.ok) throw new Error(found.error.detail);
  const spx = found.value;
  const quote: Quote = {
    instrument: spx.id,
    bid: price('4100'),
    ask: price('4100.25'),
    last: price('4100.1'),
    bidSize: null,
    askSize: quantity('20'),
    timeMs: AT_MS - DAY_MS,
    publishedMs: AT_MS,
    source: 'derived',
  };
  const bars: readonly Bar[] = Array.from({ length: 10 }, (_, day) => ({
    timeMs: AT_MS + (day - 10) * DAY_MS,
    open: price('4000'),
    high: price('4200'),
    low: price('3900.5'),
    close: price(String(4000 + day)),
    volume: day === 0 ? null : quantity('1000'),
  }));
  const only = <T>(id: InstrumentId, value: T): T | undefined => (id === spx.id ? value : undefined);
  return {
    nowMs: () => AT_MS - DAY_MS,
    run: () => 1,
    instruments: () => [spx],
    quote: (id) => only(id, quote),
    carries: (id) => id === spx.id,
    follow: async () => undefined,
    hold: () => () => undefined,
    depth: async (id) =>
      only(id, {
        bids: [{ price: quote.bid, size: null }],
        asks: [{ price: quote.ask, size: quote.askSize }],
        timeMs: quote.timeMs,
        publishedMs: clock.wallMs() + 5,
        source: 'derived',
      }),
    phase: (id) =>
      only(id, {
        nowMs: quote.timeMs,
        phase: 'closed',
        session: undefined,
        next: { date: '2026-01-06', openMs: AT_MS + DAY_MS, closeMs: AT_MS + DAY_MS + 1 },
        tradingDate: '2026-01-04',
      }),
    finest: (id) => only(id, '1d' as const),
    async bars({ startMs, endMs, limit }) {
      const within = bars.filter(
        ({ timeMs }) => timeMs >= (startMs ?? -Infinity) && timeMs < (endMs ?? Infinity),
      );
      return startMs === undefined ? within.slice(-limit) : within.slice(0, limit);
    },
    onTick: () => () => undefined,
  };
}
