/** Prices of a broker: current, honest about their age, never nonsense, and streamed again after every break. */
import { expect } from 'vitest';
import { price, text } from '#domain/decimal.ts';
import { SYMBOL_PATTERN } from '#domain/instrument.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { BrokerListing, BrokerMarket, Quote } from '#ports.ts';
import { type ConformanceCase, conforms, either, needs, unless } from '../conformance-case.ts';
import { LOST_ANSWERS } from '../lost-answers.ts';
import type { Scene } from '../scene.ts';

interface Watched {
  readonly market: BrokerMarket;
  readonly listing: BrokerListing;
  readonly quotes: Quote[];
  readonly last: () => readonly string[];
}

/** Its market, with everything that is streamed written down. */
function watched({ adapter, bench }: Scene): Watched {
  const { market } = adapter;
  const { listing } = bench;
  if (market === undefined || listing === undefined) throw new Error('a bench with a market has a listing');
  const quotes: Quote[] = [];
  market.onQuotes((told) => void quotes.push(...told));
  return { market, listing, quotes, last: () => touch(quotes.at(-1)) };
}
const touch = (quote: Quote | undefined): readonly string[] =>
  quote === undefined ? [] : [text(quote.bid), text(quote.ask)];

/** Two touches that differ, on tick. */
function touches({ bench }: Scene): readonly (readonly [string, string])[] {
  const { buyLimit, sellLimit } = bench.prices;
  const { tick } = bench.instrument;
  return [1, 2, 3].map((ticks) => {
    const off = tick.times(String(ticks));
    return [
      text(price(buyLimit).plus(off) as typeof tick),
      text(price(sellLimit).minus(off) as typeof tick),
    ] as const;
  });
}
async function streams(scene: Scene, of: Watched, index: number): Promise<void> {
  const [bid, ask] = touches(scene)[index] ?? ['', ''];
  await scene.venue.quote(bid, ask);
  await scene.until(
    () => of.last().join() === [bid, ask].map((one) => text(price(one))).join(),
    'the quote is streamed',
  );
}
/** Followed, and the first quote heard. */
async function following(scene: Scene): Promise<Watched> {
  const of = watched(scene);
  of.market.follow([of.listing]);
  await scene.pass(2_000);
  await streams(scene, of, 0);
  return of;
}
const market = needs('market');

const lostAnswers = LOST_ANSWERS.filter(({ name }) => ['silent', 'malformed', '500'].includes(name)).map(
  ({ name, answer }, index) =>
    conforms(
      `C${190 + index}`,
      `A question about prices whose answer is lost (${name}) has none, within the time of a call.`,
      either(market, needs('wire')),
      async (scene) => {
        const of = watched(scene);
        scene.venue.fault?.('price', { carriedOut: true, answer });
        const beganMs = scene.bench.clock.monotonicMs();
        await expect(scene.soon(of.market.quotes([of.listing]))).rejects.toThrow(/./);
        expect(scene.bench.clock.monotonicMs() - beganMs).toBeLessThanOrEqual(BROKER_CALL_TIMEOUT_MS);
      },
    ),
);

export const MARKET_CASES: readonly ConformanceCase[] = [
  conforms(
    'C180',
    'Its listings name what is traded there, each once, under ids of its directory.',
    market,
    async (scene) => {
      const of = watched(scene);
      const all: BrokerListing[] = [];
      const read = async (): Promise<void> => {
        for await (const page of of.market.listings()) all.push(...page);
      };
      await scene.soon(read());
      const ids = all.map(({ instrument }) => instrument.id);
      expect(ids).toContain(scene.bench.instrument.id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(new Set(all.map(({ brokerSymbol }) => brokerSymbol)).size).toBe(all.length);
      const { directory } = scene.bench.instrument;
      for (const { instrument } of all) {
        expect(instrument.directory).toBe(directory);
        expect(instrument.symbol).toMatch(SYMBOL_PATTERN);
        expect(instrument.tick.gt('0') && instrument.lot.gt('0')).toBe(true);
      }
      const own = all.find(({ instrument }) => instrument.id === scene.bench.instrument.id);
      expect(own?.instrument).toEqual(scene.bench.instrument);
    },
  ),
  conforms(
    'C181',
    'A quote that is asked for is the touch, to the last digit, and says that it is live.',
    market,
    async (scene) => {
      const of = watched(scene);
      const [bid, ask] = touches(scene)[1] ?? ['', ''];
      await scene.venue.quote(bid, ask);
      const [quote, ...others] = await scene.soon(of.market.quotes([of.listing]));
      expect(others).toEqual([]);
      expect(touch(quote)).toEqual([bid, ask].map((one) => text(price(one))));
      expect(quote).toMatchObject({ instrument: scene.bench.instrument.id, source: 'live' });
      expect(scene.bench.clock.wallMs() - (quote?.publishedMs ?? 0)).toBeLessThanOrEqual(
        BROKER_CALL_TIMEOUT_MS,
      );
    },
  ),
  conforms('C182', 'What is followed is streamed as it changes.', market, async (scene) => {
    const of = await following(scene);
    await streams(scene, of, 1);
    await streams(scene, of, 2);
    expect(of.quotes.every(({ instrument }) => instrument === scene.bench.instrument.id)).toBe(true);
  }),
  conforms('C183', 'What is followed no more is not streamed.', market, async (scene) => {
    const of = await following(scene);
    of.market.follow([]);
    await scene.pass(2_000);
    const before = of.quotes.length;
    const [bid, ask] = touches(scene)[2] ?? ['', ''];
    await scene.venue.quote(bid, ask);
    await scene.pass(2_000);
    expect(of.quotes.length).toBe(before);
  }),
  conforms(
    'C184',
    'What can not be a price is no quote: neither nothing nor a bid above the ask is told.',
    market,
    async (scene) => {
      const of = await following(scene);
      await scene.venue.market?.quoteNonsense();
      await scene.pass(2_000);
      for (const { bid, ask } of of.quotes) expect(bid.gt('0') && bid.lte(ask)).toBe(true);
      await streams(scene, of, 1);
    },
  ),
  conforms(
    'C185',
    'Depth is told best first, and does not cross.',
    either(
      market,
      unless(({ capabilities }) => capabilities.depth, 'it tells no depth'),
    ),
    async (scene) => {
      const of = watched(scene);
      const { bids, asks } = await scene.soon(of.market.depth(of.listing));
      expect(bids.length * asks.length).toBeGreaterThan(0);
      const sorted = (levels: typeof bids, sign: number): boolean =>
        levels.every(
          ({ price: at }, index) => index === 0 || at.cmp(levels[index - 1]?.price ?? at) === sign,
        );
      expect(sorted(bids, -1) && sorted(asks, 1)).toBe(true);
      expect(asks[0] && bids[0]?.price.lt(asks[0].price)).toBe(true);
    },
  ),
  conforms(
    'C186',
    'Bars are complete, oldest first and within what was asked for.',
    market,
    async (scene) => {
      const of = watched(scene);
      const times = scene.venue.market?.barTimesMs ?? [];
      const ask = (query: { readonly startMs?: number; readonly endMs?: number; readonly limit: number }) =>
        scene.soon(
          of.market.bars(of.listing, { instrument: scene.bench.instrument.id, timeframe: '1m', ...query }),
        );
      const [startMs = 0, , endMs = 0] = times.slice(-4);
      const within = await ask({ startMs, endMs, limit: 100 });
      expect(within.map(({ timeMs }) => timeMs)).toEqual(
        times.filter((timeMs) => timeMs >= startMs && timeMs < endMs),
      );
      for (const { low, high, open, close } of within)
        expect([low.lte(open), low.lte(close), high.gte(open), high.gte(close)]).not.toContain(false);
      const latest = await ask({ limit: 2 });
      expect(latest.map(({ timeMs }) => timeMs)).toEqual(times.slice(-2));
      for (const { timeMs } of latest)
        expect(timeMs + 60_000).toBeLessThanOrEqual(scene.bench.clock.wallMs());
    },
  ),
  conforms(
    'C187',
    'A stream of prices that ends comes back and carries what was followed.',
    market,
    async (scene) => {
      const of = await following(scene);
      await scene.venue.market?.drop();
      await scene.pass(35_000);
      await streams(scene, of, 1);
      expect(of.market.heardAtMs()).toBeGreaterThan(0);
    },
  ),
  conforms(
    'C188',
    'A stream of prices that stands open and says nothing is opened anew within thirty seconds.',
    market,
    async (scene) => {
      const of = await following(scene);
      scene.venue.market?.freeze();
      await scene.pass(32_000);
      await streams(scene, of, 1);
    },
  ),
  conforms('C189', 'A stream of prices is opened anew when that is asked for.', market, async (scene) => {
    const of = await following(scene);
    of.market.reopen('The owner asked for it.');
    await scene.until(() => of.market.heardAtMs() !== undefined, 'it is open again');
    await scene.pass(3_000);
    await streams(scene, of, 1);
  }),
  ...lostAnswers,
];
