/** Perpetuals: short is a position below nothing, an order may only reduce, contracts have a size, and each is settled in one coin. */
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { readBalance, readPositions, type StateContext } from '#brokers/ccxt/account-state.ts';
import { openExchange } from '#brokers/ccxt/exchange.ts';
import { listingOf } from '#brokers/ccxt/listings.ts';
import { text } from '#domain/decimal.ts';
import { pricedIn } from '#domain/instrument.ts';
import type { BrokerAdapter, BrokerListing } from '#ports.ts';
import { cleared, type OrderWords } from '../../support/cleared.ts';
import { handClock } from '../../support/hand-clock.ts';
import { connectTo, directoryFrom, PERPETUALS, type Venue } from './bench.ts';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

async function account(venue: Venue = PERPETUALS) {
  const clock = handClock();
  const sim = await venue.open(clock);
  opened.push(() => sim.close());
  const directory = await directoryFrom(venue, sim, clock);
  const adapter = connectTo(venue, sim, { clock, directory });
  opened.push(() => adapter.close());
  async function passUntil(over: () => boolean): Promise<void> {
    while (!over()) {
      await new Promise((turn) => setTimeout(turn, 1));
      await clock.advanceAsync(40);
    }
  }
  async function soon<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await passUntil(() => settled);
    return promise;
  }
  adapter.start();
  await passUntil(() => adapter.connected());
  const instrument = directory.bySymbol(PERPETUALS.symbol)?.instrument;
  if (instrument === undefined) throw new Error('no perpetual');
  const place = (words: OrderWords): ReturnType<BrokerAdapter['place']> =>
    soon(adapter.place(cleared({ ...words, instrument: instrument.id, account: adapter.account })));
  return { sim, adapter, soon, place, instrument };
}

describe('an account of perpetuals', () => {
  it('is short by what it sold without having it, and says of an order whether it may only reduce', async () => {
    const { sim, adapter, soon, place, instrument } = await account();
    expect(instrument).toMatchObject({ assetClass: 'perpetual', contract: { settle: 'USDT' } });
    expect(await place({ id: 'pc_1', side: 'sell', qty: '0.02' })).toMatchObject({ kind: 'accepted' });
    const held = await soon(adapter.positions());
    expect(held.map((one) => text(one.qty))).toEqual(['-0.02']);

    await place({ id: 'pc_2', side: 'buy', qty: '0.02', limit: '49000', reduceOnly: true });
    await place({ id: 'pc_3', side: 'buy', qty: '0.02', limit: '49000' });
    expect(sim.book.orders.map(({ side, reduceOnly }) => [side, reduceOnly])).toEqual([
      ['sell', false],
      ['buy', true],
      ['buy', false],
    ]);
  });

  it('sends nothing for what is settled in another coin than its own', async () => {
    const { sim, place } = await account({ ...PERPETUALS, currency: 'USDC' });
    expect(await place({ id: 'pc_1', side: 'buy', qty: '0.02' })).toEqual({
      kind: 'not_sent',
      reason: 'The instrument is not one of this account.',
    });
    expect(sim.book.orders).toEqual([]);
  });
});

/** OKX, "Get instruments", "Get positions" and "Get balance", what is read of them: a contract is a hundredth of a coin. */
const contract = (settleCcy: string) => ({
  instId: `BTC-${settleCcy}-SWAP`,
  instType: 'SWAP',
  uly: `BTC-${settleCcy}`,
  settleCcy,
  ctType: 'linear',
  ctVal: '0.01',
  ctValCcy: 'BTC',
  lotSz: '1',
  minSz: '1',
  tickSz: '0.1',
  state: 'live',
});
const position = (settleCcy: string) => ({
  instId: `BTC-${settleCcy}-SWAP`,
  instType: 'SWAP',
  posSide: 'net',
  pos: '-27',
  avgPx: '50000',
  upl: '100',
  ccy: settleCcy,
  mgnMode: 'cross',
  lever: '10',
});
const ANSWERS: Readonly<Record<string, readonly unknown[]>> = {
  '/api/v5/public/time': [{ ts: String(Date.UTC(2026, 0, 5, 12)) }],
  '/api/v5/account/positions': [position('USDT'), position('USDC')],
  '/api/v5/account/balance': [{ details: [{ ccy: 'USDT', eq: '10100', availEq: '8750' }] }],
};

async function contracts(): Promise<{ readonly context: StateContext; readonly listing: BrokerListing }> {
  const server = createServer(({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://okx');
    const swaps = searchParams.get('instType') === 'SWAP' ? [contract('USDT'), contract('USDC')] : [];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ code: '0', msg: '', data: ANSWERS[pathname] ?? swaps }));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  opened.push(async () => server.close());
  const address = server.address();
  const exchange = openExchange({
    exchange: 'okx',
    kind: 'swap',
    testnet: false,
    credentials: { apiKey: 'canary-key', secret: 'canary-secret', password: 'canary-password' },
    endpoints: { rest: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` },
    clock: handClock(),
  });
  opened.push(async () => exchange.close());
  const { ccxt } = exchange;
  const markets = await ccxt.loadMarkets();
  const context = { directory: 'ccxt:okx', exchange: 'okx', precisionMode: ccxt.precisionMode };
  const listings = Object.values(markets).flatMap((one) => listingOf(one, context) ?? []);
  const [listing] = listings.filter(({ instrument }) => pricedIn(instrument) === 'USDT');
  if (listing === undefined) throw new Error('no contract');
  const state: StateContext = {
    exchange,
    currency: 'USDT',
    listingOf: (symbol) => (symbol === listing.brokerSymbol ? listing : undefined),
    rateOf: () => undefined,
  };
  return { context: state, listing };
}

describe('contracts of a hundredth of a coin', () => {
  it('are counted as contracts, and worth a hundredth each', async () => {
    const { context, listing } = await contracts();
    expect(text(listing.instrument.multiplier)).toBe('0.01');
    const { positions, leftOut } = await readPositions(context);
    expect(positions.map(({ instrument, qty }) => `${instrument} ${text(qty)}`)).toEqual([
      'OKX:BTC/USDT:USDT -27',
    ]);
    expect(leftOut).toEqual(['BTC/USDC:USDC']);
  });

  it('leave as cash what there would be if each were paid whole: with them it is the equity, and the gain is in it once', async () => {
    const { context } = await contracts();
    const { cash, equity, buyingPower } = await readBalance(context, async () => undefined);
    // 10,000 without the gain, and 13,500 for 27 hundredths sold at 50,000.
    expect([text(cash), text(equity), text(buyingPower)]).toEqual(['23500', '10100', '8750']);
  });
});
