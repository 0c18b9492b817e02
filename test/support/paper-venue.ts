/** A paper venue on a hand-driven market: real books in a real database, each step of the market written out by the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openVenue, type PaperAdapter } from '#brokers/paper/adapter.ts';
import type { PaperStep } from '#brokers/paper/prices.ts';
import { type PaperRules, PRESET_RULES } from '#brokers/paper/settings.ts';
import { price, quantity, text } from '#domain/decimal.ts';
import { defineInstrument, type Instrument } from '#domain/instrument.ts';
import { accountId } from '#domain/principal.ts';
import type { BrokerEvent, DepthLevel, MarketPhase, Quote } from '#ports.ts';
import { openStore, type Store } from '#store/open.ts';
import { cleared, type OrderWords } from './cleared.ts';

export const ABC: Instrument = defineInstrument({
  id: 'TEST:ABC',
  symbol: 'ABC',
  name: 'A test share',
  assetClass: 'index',
  currency: 'USD',
  tick: '0.01',
  lot: '1',
  calendar: 'tape',
  timezone: 'UTC',
  tradable: 'paper',
  aliases: [],
});

/** As published rules say, with every knob at rest: displayed sizes count, nothing is random. */
export const PLAIN: PaperRules = {
  ...PRESET_RULES.friendly,
  limitFills: 'penetrate',
  displayedSize: true,
};

export interface StepWords {
  readonly bid: string;
  readonly ask: string;
  readonly last?: string | null;
  readonly kind?: 'gap' | 'move';
  /** `100@10.00 100@10.01`; a bare number is the size at the touch; absent: unlimited. */
  readonly bids?: string;
  readonly asks?: string;
  readonly volume?: string;
  /** Of the whole bar; the step alone when absent. */
  readonly bar?: {
    readonly low: string;
    readonly high: string;
    readonly close?: string;
    readonly key?: string;
  };
  readonly phase?: 'open' | 'extended';
  readonly sessionEnd?: boolean;
  readonly dayEnd?: boolean;
  readonly tapeEnd?: boolean;
  /** How old the quote is at its publication. */
  readonly ageMs?: number;
  readonly stepsPerBar?: number;
  /** When it is published; a second after the one before when absent. */
  readonly timeMs?: number;
}

export interface VenueWords {
  readonly rules?: PaperRules;
  readonly accountType?: 'cash' | 'margin';
  readonly cash?: string;
  readonly seed?: number;
  readonly instrument?: Instrument;
  readonly folder?: string;
  readonly startMs?: number;
}

export interface TestVenue {
  readonly adapter: PaperAdapter;
  readonly store: Store;
  readonly folder: string;
  readonly events: BrokerEvent[];
  /** Publishes a step and returns the executions it caused, as `side qty@price`. */
  step(words: StepWords): string[];
  place(words: OrderWords): Promise<string>;
  replace(words: OrderWords): Promise<string>;
  cancel(id: string): Promise<string>;
  /** Status of an order by its client id, `status filled/qty`. */
  status(id: string): Promise<string>;
  reason(id: string): Promise<string | undefined>;
  fills(): string[];
  setPhase(phase: MarketPhase['phase']): void;
  /** Closes everything and opens the same folder again, the market standing where it stood. */
  reopen(): TestVenue;
  close(): void;
}

interface Market {
  nowMs: number;
  run: number;
  quote: Quote | undefined;
  phase: MarketPhase['phase'];
  bar: number;
}

export function paperVenue(words: VenueWords = {}): TestVenue {
  const folder = words.folder ?? mkdtempSync(join(tmpdir(), 'paper-'));
  return openOn(folder, words, {
    nowMs: words.startMs ?? Date.UTC(2020, 5, 1, 14),
    run: 1,
    quote: undefined,
    phase: 'open',
    bar: 0,
  });
}

function openOn(folder: string, words: VenueWords, market: Market): TestVenue {
  const store = openStore(folder);
  // Nothing here pulls the plug; what a commit holds is tested, not what a disk does.
  store.db.pragma('synchronous = OFF');
  const instrument = words.instrument ?? ABC;
  const opened = openVenue({
    account: accountId('paper'),
    settings: {
      preset: 'friendly',
      seed: words.seed ?? 1,
      cash: words.cash ?? '100000',
      accountType: words.accountType ?? 'margin',
    },
    rules: words.rules ?? PLAIN,
    store,
    currency: instrument.currency,
    market: {
      nowMs: () => market.nowMs,
      run: () => market.run,
      quote: (id) => (id === instrument.id ? market.quote : undefined),
      phase: () => ({
        nowMs: market.nowMs,
        phase: market.phase,
        session: undefined,
        next: undefined,
        tradingDate: '2020-06-01',
      }),
      instrument: (id) => (id === instrument.id ? instrument : undefined),
    },
  });
  const { adapter } = opened;
  const events: BrokerEvent[] = [];
  adapter.onEvents((told) => void events.push(...told));
  const order = (one: OrderWords) => cleared({ instrument: instrument.id, ...one });
  const fillsIn = (list: readonly BrokerEvent[]) =>
    list.flatMap((event) =>
      event.kind === 'execution'
        ? `${event.execution.side} ${text(event.execution.qty)}@${text(event.execution.price)}`
        : [],
    );
  const outcome = (one: { readonly kind: string; readonly reason?: string }) =>
    one.reason === undefined ? one.kind : `${one.kind}: ${one.reason}`;

  const venue: TestVenue = {
    adapter,
    store,
    folder,
    events,
    step(said) {
      market.nowMs = said.timeMs ?? market.nowMs + 1000;
      market.bar++;
      const built = stepOf(said, market, instrument);
      market.quote = built.quote;
      const before = events.length;
      opened.step(built);
      if (said.tapeEnd) market.run++;
      return fillsIn(events.slice(before));
    },
    place: async (one) => outcome(await adapter.place(order(one))),
    replace: async (one) => outcome(await adapter.replace(order(one))),
    cancel: async (id) => outcome(await adapter.cancel({ brokerClientId: id })),
    async status(id) {
      const found = await adapter.orderByClientId(id);
      if (!found) return 'none';
      return `${found.held ? 'held' : found.status} ${text(found.filledQty)}/${text(found.qty)}`;
    },
    reason: async (id) => (await adapter.orderByClientId(id))?.reason,
    fills: () => fillsIn(events),
    setPhase(phase) {
      market.phase = phase;
    },
    reopen() {
      store.close();
      return openOn(folder, words, market);
    },
    close() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return venue;
}

function stepOf(said: StepWords, market: Market, instrument: Instrument): PaperStep {
  const bids = levels(said.bid, said.bids);
  const asks = levels(said.ask, said.asks);
  const quote: Quote = {
    instrument: instrument.id,
    bid: price(said.bid),
    ask: price(said.ask),
    last: said.last === null ? null : price(said.last ?? said.bid),
    bidSize: bids[0]?.size ?? null,
    askSize: asks[0]?.size ?? null,
    timeMs: market.nowMs - (said.ageMs ?? 0),
    publishedMs: market.nowMs,
    source: 'recorded',
  };
  return {
    kind: said.kind ?? 'gap',
    quote,
    previous: market.quote,
    bids,
    asks,
    bar: {
      lowBid: price(said.bar?.low ?? said.bid),
      highAsk: price(said.bar?.high ?? said.ask),
      closeBid: price(said.bar?.close ?? said.bid),
      closeAsk: price(said.bar?.close ?? said.ask),
      volume: said.volume === undefined ? null : quantity(said.volume),
    },
    barKey: said.bar?.key ?? `${market.run}:${market.bar}`,
    stepsPerBar: said.stepsPerBar ?? 1,
    phase: said.phase ?? 'open',
    timeMs: market.nowMs,
    run: market.run,
    sessionEnd: said.sessionEnd ?? false,
    dayEnd: said.dayEnd ?? said.sessionEnd ?? false,
    tapeEnd: said.tapeEnd ?? false,
  };
}

function levels(touch: string, said: string | undefined): readonly DepthLevel[] {
  if (said === undefined) return [{ price: price(touch), size: null }];
  if (!said.includes('@')) return [{ price: price(touch), size: quantity(said) }];
  return said.split(' ').map((level) => {
    const [size = '', at = ''] = level.split('@');
    return { price: price(at), size: quantity(size) };
  });
}
