/** Bars of real markets: read from the store where they are known, fetched where they are not, added up where a broker has finer ones alone. */
import type { InstrumentId } from '#domain/instrument.ts';
import { BAR_SETTLE_MS, BARS_PER_FETCH_MAX } from '#limits.ts';
import {
  type Bar,
  type BarQuery,
  type BrokerListing,
  type BrokerMarket,
  type Clock,
  TIMEFRAMES,
  type Timeframe,
} from '#ports.ts';
import type { Store } from '#store/open.ts';
import { aggregate, bucketOf } from './bar-aggregate.ts';
import { type BarTable, barTable, type Stretch } from './bar-table.ts';
import { type Calendar, venueCalendar } from './calendar.ts';
import { dayOf, zoneMoment } from './calendar-time.ts';
import type { BarSource } from './live-feed.ts';
import { TIMEFRAME_MS } from './tape-hours.ts';

export interface BarStore {
  /** Bars of one broker's instruments. */
  sourceOf(market: Pick<BrokerMarket, 'bars' | 'timeframes'>): BarSource;
  /** Bars that came from elsewhere, oldest first; `known`: of which time there are no others, once all of it is here. */
  importBars(
    id: InstrumentId,
    timeframe: Timeframe,
    given: { readonly bars: readonly Bar[]; readonly known?: Stretch },
  ): void;
  summary: BarTable['summary'];
}

interface Wanted {
  readonly listing: BrokerListing;
  readonly timeframe: Timeframe;
}

export function openBarStore(store: Store, clock: Clock): BarStore {
  const table = barTable(store);
  /** One question at a time for an instrument and timeframe: the second finds what the first has stored. */
  const fetching = new Map<string, Promise<void>>();

  async function fetchGap(
    market: Pick<BrokerMarket, 'bars'>,
    { listing, timeframe }: Wanted,
    gap: Stretch,
  ): Promise<void> {
    const { id } = listing.instrument;
    for (let { fromMs } = gap; fromMs < gap.toMs; ) {
      const query = {
        instrument: id,
        timeframe,
        startMs: fromMs,
        endMs: gap.toMs,
        limit: BARS_PER_FETCH_MAX,
      };
      const got = await market.bars(listing, query);
      const bars = got.filter(({ timeMs }) => timeMs >= fromMs && timeMs < gap.toMs);
      const last = bars.at(-1);
      const isAll = got.length < BARS_PER_FETCH_MAX || last === undefined;
      const toMs = isAll ? gap.toMs : last.timeMs + 1;
      const known = { fromMs, toMs, bars, source: 'fetched' } as const;
      store.transaction(() => table.add(id, timeframe, known));
      fromMs = toMs;
    }
  }
  async function complete(market: Pick<BrokerMarket, 'bars'>, wanted: Wanted, of: Stretch): Promise<void> {
    const { id } = wanted.listing.instrument;
    const key = `${id} ${wanted.timeframe}`;
    const before = fetching.get(key) ?? Promise.resolve();
    const mine = before
      .catch(() => undefined)
      .then(async () => {
        for (const gap of table.gaps(id, wanted.timeframe, of)) await fetchGap(market, wanted, gap);
      });
    fetching.set(key, mine);
    try {
      await mine;
    } finally {
      if (fetching.get(key) === mine) fetching.delete(key);
    }
  }

  function sourceOf(market: Pick<BrokerMarket, 'bars' | 'timeframes'>): BarSource {
    const [finest] = TIMEFRAMES.filter((one) => market.timeframes.includes(one));
    return {
      finest: () => finest,
      async query(listing, query) {
        const { timeframe, limit } = query;
        const served = servedBy(market.timeframes, timeframe);
        if (served === undefined) throw new RangeError(`the finest timeframe here is ${finest}`);
        const calendar = venueCalendar(listing.instrument.calendar);
        const wanted = { listing, timeframe: served };
        const of = stretchOf(query, calendar, overBefore(served, calendar, clock.wallMs() - BAR_SETTLE_MS));
        await complete(market, wanted, of);
        const latest = query.startMs === undefined;
        const { id } = listing.instrument;
        if (served === timeframe) return table.read(id, timeframe, { ...of, limit, latest });
        if (calendar === undefined) return [];
        const finer = table.read(id, served, { ...of, limit: BARS_PER_FETCH_MAX, latest });
        const bars = aggregate(finer, timeframe, calendar, of.toMs).filter(
          ({ timeMs }) => timeMs >= of.fromMs,
        );
        return latest ? bars.slice(-limit) : bars.slice(0, limit);
      },
    };
  }
  return {
    sourceOf,
    importBars(id, timeframe, { bars, known = { fromMs: 0, toMs: 0 } }) {
      store.transaction(() => table.add(id, timeframe, { ...known, bars, source: 'imported' }));
    },
    summary: () => table.summary(),
  };
}

/** Bars that begin before this are over. What a broker gives as the begin of a day is its midnight, by either clock, or the open. */
function overBefore(timeframe: Timeframe, calendar: Calendar | undefined, nowMs: number): number {
  if (calendar === undefined) return nowMs - TIMEFRAME_MS[timeframe];
  if (timeframe !== '1d') return bucketOf(nowMs, timeframe, calendar)?.fromMs ?? nowMs;
  const next = calendar.nextSession(nowMs);
  if (next === undefined) return nowMs - TIMEFRAME_MS['1d'];
  const day = dayOf(next.date);
  return Math.min(day * TIMEFRAME_MS['1d'], zoneMoment(calendar.timezone, day, 0), next.openMs);
}

/** Itself where the broker serves it, else the coarsest finer one. */
function servedBy(timeframes: readonly Timeframe[], wanted: Timeframe): Timeframe | undefined {
  return TIMEFRAMES.slice(0, TIMEFRAMES.indexOf(wanted) + 1).findLast((one) => timeframes.includes(one));
}

const DAY_MS = 86_400_000;
/** A week of a venue that trades six and a half hours on five days, in its trading time; and a long weekend more. */
const CLOSED_SHARE = 5.5;
const CLOSED_MORE_MS = 5 * DAY_MS;

/** Of which time bars are needed; without a start so far back that `limit` of them are there. */
function stretchOf(query: BarQuery, calendar: Calendar | undefined, completeMs: number): Stretch {
  const toMs = Math.min(query.endMs ?? completeMs, completeMs);
  if (query.startMs !== undefined) return { fromMs: Math.min(query.startMs, toMs), toMs };
  const spanMs = query.limit * TIMEFRAME_MS[query.timeframe];
  if (calendar?.id === 'crypto') return { fromMs: toMs - spanMs, toMs };
  const share = query.timeframe === '1d' ? 1.6 : CLOSED_SHARE;
  return { fromMs: toMs - spanMs * share - CLOSED_MORE_MS, toMs };
}
