/** Steps of price and size against a published list of what markets really have, which a clone does not have beside it. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { openExchange } from '#brokers/ccxt/exchange.ts';
import { listingOf } from '#brokers/ccxt/listings.ts';
import { text } from '#domain/decimal.ts';
import { handClock } from '../../support/hand-clock.ts';
import { RECORDED_SKIPPED, recordedAbsent, recordedFile } from '../../support/tapes.ts';
import { BINANCE, directoryFrom, KRAKEN, PERPETUALS } from './bench.ts';

if (recordedAbsent) console.log(RECORDED_SKIPPED);

interface Published {
  readonly exchange: string;
  readonly kind: string;
  readonly ticker: string;
  readonly base: string;
  readonly quote: string;
  readonly tick: string;
  readonly lot: string;
}
const STEP = /^(?:1|10|100|1000|0\.0*1)$/;

/** Of coins and perpetuals; those whose steps are no power of ten are told by a figure of their own, and tested elsewhere. */
const PUBLISHED: readonly Published[] = recordedAbsent
  ? []
  : readFileSync(recordedFile('symbol-properties-database.csv'), 'utf8')
      .split('\n')
      .filter((line) => /^(?:binance|kraken|coinbase),/.test(line))
      .flatMap((line) => {
        const [
          exchange = '',
          symbol = '',
          kind = '',
          ,
          quote = '',
          multiplier,
          tick = '',
          lot = '',
          ticker = '',
        ] = line.split(',');
        const base = symbol.slice(0, -quote.length);
        const isUsual = symbol.endsWith(quote) && base !== '' && multiplier === '1';
        return isUsual && STEP.test(tick) && STEP.test(lot)
          ? { exchange, kind, ticker, base, quote, tick, lot }
          : [];
      });
const rowsOf = (exchange: string, kind = 'crypto'): readonly Published[] => {
  const rows = PUBLISHED.filter((one) => one.exchange === exchange && one.kind === kind);
  // Some are there under two symbols.
  return [...new Map(rows.map((one) => [one.ticker, one])).values()];
};
const placesOf = (step: string): number => step.split('.')[1]?.length ?? 0;

/** The list as each exchange writes it, by the path that it is asked at. */
const WRITTEN: Readonly<Record<string, () => Readonly<Record<string, unknown>>>> = {
  binance: () => ({
    '/api/v3/exchangeInfo': { symbols: rowsOf('binance').map((one) => binanceMarket(one, {})) },
    '/fapi/v1/exchangeInfo': {
      symbols: rowsOf('binance', 'cryptofuture').map((one) =>
        binanceMarket(one, {
          contractType: 'PERPETUAL',
          marginAsset: one.quote,
          deliveryDate: 4_133_404_800_000,
        }),
      ),
    },
  }),
  kraken: () => ({
    '/0/public/Time': { error: [], result: { unixtime: Date.UTC(2026, 0, 5) / 1_000 } },
    '/0/public/Assets': { error: [], result: {} },
    '/0/public/AssetPairs': {
      error: [],
      result: Object.fromEntries(
        rowsOf('kraken')
          .filter(({ tick, lot }) => !/^10+$/.test(tick) && !/^10+$/.test(lot))
          .map(({ ticker, base, quote, tick, lot }) => [
            ticker,
            {
              altname: ticker,
              wsname: `${base}/${quote}`,
              base,
              quote,
              pair_decimals: placesOf(tick),
              lot_decimals: placesOf(lot),
              tick_size: tick,
              status: 'online',
              fees: [[0, 0.26]],
              fees_maker: [[0, 0.16]],
            },
          ]),
      ),
    },
  }),
  coinbaseexchange: () => ({
    '/products': rowsOf('coinbase').map(({ ticker, tick, lot }) => ({
      id: ticker,
      base_increment: lot,
      quote_increment: tick,
      status: 'online',
    })),
  }),
};
const binanceMarket = ({ ticker, base, quote, tick, lot }: Published, more: object) => ({
  symbol: ticker,
  status: 'TRADING',
  baseAsset: base,
  quoteAsset: quote,
  isSpotTradingAllowed: true,
  permissionSets: [['SPOT']],
  filters: [
    // With as many zeros behind as Binance writes.
    { filterType: 'PRICE_FILTER', tickSize: tick.includes('.') ? tick.padEnd(10, '0') : `${tick}.00000000` },
    { filterType: 'LOT_SIZE', stepSize: lot.includes('.') ? lot.padEnd(10, '0') : `${lot}.00000000` },
  ],
  ...more,
});

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

async function read(exchange: string): Promise<ReadonlyMap<string, string>> {
  const written = WRITTEN[exchange]?.() ?? {};
  const server = createServer(({ url = '' }, response) => {
    const [path = ''] = url.split('?');
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(written[path] ?? { serverTime: Date.UTC(2026, 0, 5), error: [], result: {} }),
    );
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  open.push(() => void server.close());
  const address = server.address();
  const rest = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const made = openExchange({
    exchange,
    kind: 'spot',
    testnet: false,
    credentials: {},
    endpoints: { rest },
    clock: handClock(),
  });
  open.push(() => made.close());
  const { ccxt, wire } = made;
  const markets = await wire.run({ kind: 'read', left: false, status: undefined }, () => ccxt.loadMarkets());
  const context = { directory: `ccxt:${exchange}`, exchange, precisionMode: ccxt.precisionMode };
  return new Map(
    Object.values(markets).flatMap((market) => {
      const instrument = listingOf(market, context)?.instrument;
      if (instrument === undefined) return [];
      const key = `${instrument.assetClass} ${market.id}`;
      return [[key, `${text(instrument.tick)} ${text(instrument.lot)}`] as const];
    }),
  );
}

describe.skipIf(recordedAbsent)('a published list of markets', () => {
  it.each([
    { venue: BINANCE, kind: 'crypto', published: 'BTCUSDT' },
    { venue: PERPETUALS, kind: 'cryptofuture', published: 'BTCUSDT' },
    { venue: KRAKEN, kind: 'crypto', published: 'XXBTZUSD' },
  ])(
    'has the steps that the simulator of $venue.exchange ($venue.kind) has',
    async ({ venue, kind, published }) => {
      const clock = handClock();
      const sim = await venue.open(clock);
      const directory = await directoryFrom(venue, sim, clock);
      await sim.close();
      const row = rowsOf(venue.exchange, kind).find(({ ticker }) => ticker === published);
      const { tick, lot } = directory.bySymbol(venue.symbol)?.instrument ?? {};
      expect([tick && text(tick), lot && text(lot)]).toEqual([row?.tick, row?.lot]);
    },
  );

  it.each([
    { exchange: 'binance', of: 'binance', least: 3_000 },
    { exchange: 'kraken', of: 'kraken', least: 1_000 },
    { exchange: 'coinbaseexchange', of: 'coinbase', least: 800 },
  ])(
    'written as $exchange writes it is read to the last digit of every step',
    async ({ exchange, of, least }) => {
      const listed = await read(exchange);
      const wrong = [...rowsOf(of), ...rowsOf(of, 'cryptofuture')].flatMap(({ ticker, kind, tick, lot }) => {
        const found = listed.get(`${kind === 'crypto' ? 'crypto' : 'perpetual'} ${ticker}`);
        // Without a listing it is not traded, which is no wrong step.
        return found === undefined || found === `${tick} ${lot}`
          ? []
          : `${ticker}: ${found}, not ${tick} ${lot}`;
      });
      expect(wrong).toEqual([]);
      expect(listed.size).toBeGreaterThan(least);
    },
  );
});
