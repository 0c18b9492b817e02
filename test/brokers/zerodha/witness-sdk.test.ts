/** The first witness: Kite's official client signs in, trades and streams at the simulator, and its own parsers read what ours read. */
import fc from 'fast-check';
import { KiteConnect, KiteTicker } from 'kiteconnect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listingsOf } from '#brokers/zerodha/dump.ts';
import { parseTicks } from '#brokers/zerodha/ticks.ts';
import { wallClock } from '#clock.ts';
import { text } from '#domain/decimal.ts';
import { handClock } from '../../support/hand-clock.ts';
import { messageOf, packetOf, type TickMode } from './kite-packets.ts';
import { MONDAY } from './kite-room.ts';
import { type KiteSim, openKiteSim, SIM_KEY, SIM_SECRET } from './kite-sim.ts';
import { dumpOf, marketAt, SIM_INSTRUMENTS } from './kite-world.ts';

type Told = Readonly<Record<string, unknown>>;
let sim: KiteSim;
/** Its types ask for more than its methods do, and tell less than they give. */
type Method = (...given: readonly unknown[]) => Promise<unknown>;
type Sdk = {
  readonly [name in
    | 'generateSession'
    | 'placeOrder'
    | 'modifyOrder'
    | 'cancelOrder'
    | 'getOrders'
    | 'getOrderTrades'
    | 'getTrades'
    | 'getOrderHistory'
    | 'getPositions'
    | 'getHoldings'
    | 'getMargins'
    | 'getQuote'
    | 'getLTP'
    | 'orderMargins'
    | 'getHistoricalData'
    | 'placeGTT'
    | 'modifyGTT'
    | 'getGTTs'
    | 'getGTT'
    | 'deleteGTT'
    | 'getInstruments']: Method;
};
const client = (): Sdk => new KiteConnect({ api_key: SIM_KEY, root: sim.url }) as unknown as Sdk;
let kite: Sdk;
beforeEach(async () => {
  sim = await openKiteSim(handClock(MONDAY));
  kite = client();
  await kite.generateSession(sim.signIn(), SIM_SECRET);
});
afterEach(() => sim.close());

const limit = {
  exchange: 'NSE',
  tradingsymbol: 'INFY',
  product: 'MIS',
  order_type: 'LIMIT',
  validity: 'DAY',
} as const;
const place = async (more: Told) =>
  (await kite.placeOrder('regular', {
    ...limit,
    transaction_type: 'BUY',
    quantity: 10,
    price: 1490,
    ...more,
  })) as { readonly order_id: string };

describe('the official client at the simulator', () => {
  it('places, modifies, reads and cancels', async () => {
    sim.books.matches = false;
    const { order_id: id } = await place({ tag: 'asdf1234' });
    await kite.modifyOrder('regular', id, { quantity: 12, price: 1489.5 });
    const [order] = (await kite.getOrders()) as readonly Told[];
    expect(order).toMatchObject({
      order_id: id,
      quantity: 12,
      price: 1489.5,
      status: 'OPEN',
      tag: 'asdf1234',
    });
    expect(order?.['order_timestamp']).toBeInstanceOf(Date);
    sim.books.fill(id, 4, 1489.5);
    expect(await kite.getOrderTrades(id)).toMatchObject([
      { quantity: 4, average_price: 1489.5, order_id: id },
    ]);
    expect(await kite.getTrades()).toHaveLength(1);
    await kite.cancelOrder('regular', id);
    const last = (await kite.getOrderHistory(id)) as readonly Told[];
    expect(last.at(-1)).toMatchObject({ status: 'CANCELLED', filled_quantity: 4, cancelled_quantity: 8 });
  });

  it('reads positions, holdings, margins, quotes and candles', async () => {
    await place({ order_type: 'MARKET', market_protection: -1, price: 0 });
    expect(await kite.getPositions()).toMatchObject({
      net: [{ tradingsymbol: 'INFY', quantity: 10, product: 'MIS' }],
    });
    expect(await kite.getHoldings()).toEqual([]);
    expect(await kite.getMargins('equity')).toMatchObject({ enabled: true, net: sim.books.cash });
    expect(await kite.getQuote(['NSE:INFY', 'BSE:SBIN'])).toMatchObject({
      'NSE:INFY': { last_price: 1500 },
      'BSE:SBIN': { last_price: 820 },
    });
    expect(await kite.getLTP(['NSE:INFY'])).toMatchObject({ 'NSE:INFY': { last_price: 1500 } });
    expect(
      await kite.orderMargins([
        { ...limit, transaction_type: 'BUY', variety: 'regular', quantity: 10, price: 1500 },
      ]),
    ).toMatchObject([{ total: 3000 }]);
    sim.candles.set('408065:day', [['2026-01-02T00:00:00+0530', 1490, 1505.5, 1488, 1500, 1_000]]);
    expect(
      await kite.getHistoricalData(408065, 'day', '2026-01-01 00:00:00', '2026-01-05 00:00:00'),
    ).toMatchObject([{ high: 1505.5, volume: 1_000 }]);
  });

  it('places, changes and deletes triggers', async () => {
    const terms = {
      trigger_type: 'single',
      exchange: 'NSE',
      tradingsymbol: 'INFY',
      trigger_values: [1400],
      last_price: 1500,
      orders: [{ transaction_type: 'BUY', quantity: 5, product: 'CNC', order_type: 'LIMIT', price: 1401 }],
    };
    const { trigger_id: id } = (await kite.placeGTT(terms)) as { readonly trigger_id: number };
    await kite.modifyGTT(id, { ...terms, trigger_values: [1390] });
    expect(await kite.getGTTs()).toMatchObject([
      { id, status: 'active', condition: { trigger_values: [1390] } },
    ]);
    await kite.deleteGTT(id);
    expect(await kite.getGTT(id)).toMatchObject({ status: 'deleted' });
    const two = {
      ...terms,
      trigger_type: 'two-leg',
      trigger_values: [1400, 1600],
      orders: [terms.orders[0], terms.orders[0]],
    };
    await expect(kite.placeGTT(two)).resolves.toMatchObject({ trigger_id: expect.any(Number) });
  });

  it('is refused what Kite refuses, in its words, and its session ends', async () => {
    await expect(place({ tag: 'x'.repeat(21) })).rejects.toMatchObject({ error_type: 'InputException' });
    await expect(place({ order_type: 'MARKET' })).rejects.toMatchObject({
      message: expect.stringContaining('protection'),
    });
    await expect(place({ price: 1490.01 })).rejects.toMatchObject({
      message: expect.stringContaining('Tick size'),
    });
    sim.expireToken();
    await expect(kite.getOrders()).rejects.toMatchObject({ error_type: 'TokenException' });
  });

  it('reads the list of instruments as we do', async () => {
    const told = (await kite.getInstruments('NFO')) as readonly Told[];
    const ours = [...listingsOf(dumpOf(SIM_INSTRUMENTS))]
      .flat()
      .filter(({ extra }) => extra['exchange'] === 'NFO');
    const named = told.filter((row) => row['tradingsymbol'] !== undefined);
    expect(
      named.map((row) => [`NFO:${String(row['tradingsymbol'])}`, row['lot_size'], row['tick_size']]),
    ).toEqual(
      ours.map(({ brokerSymbol, instrument }) => [
        brokerSymbol,
        Number(text(instrument.lot)),
        Number(text(instrument.tick)),
      ]),
    );
  });

  it('streams, subscribes and hears of orders', async () => {
    const live = await openKiteSim(wallClock);
    const where: object = {
      api_key: SIM_KEY,
      access_token: live.newToken(),
      root: live.tickerUrl,
      reconnect: false,
    };
    const ticker = new KiteTicker(where as ConstructorParameters<typeof KiteTicker>[0]);
    const ticks: Told[] = [];
    const orders: Told[] = [];
    ticker.on('ticks', (told: readonly Told[]) => ticks.push(...told));
    ticker.on('order_update', (told: Told) => orders.push(told));
    ticker.on('connect', () => {
      ticker.subscribe([408065]);
      ticker.setMode('full', [408065]);
    });
    ticker.connect();
    await expect
      .poll(() => ticks.find((tick) => tick['mode'] === 'full'))
      .toMatchObject({ instrument_token: 408065, last_price: 1500 });
    live.books.place('regular', { ...limit, transaction_type: 'BUY', quantity: '10', price: '1490' });
    await expect.poll(() => orders.at(-1)).toMatchObject({ tradingsymbol: 'INFY', status: 'OPEN' });
    ticker.disconnect();
    await live.close();
  });
});

describe('a binary message', () => {
  const reader = new KiteTicker({ api_key: SIM_KEY, access_token: 'x', reconnect: false }) as unknown as {
    parseBinary(bytes: ArrayBuffer): readonly Told[];
  };
  const bufferOf = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;

  it('says the same to both parsers, whatever the instrument, the mode and the price', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SIM_INSTRUMENTS),
        fc.constantFrom<TickMode>('ltp', 'quote', 'full'),
        fc.integer({ min: 1_000, max: 20_000_000 }),
        fc.integer({ min: 1, max: 20_000_000 }),
        (instrument, mode, paise, volume) => {
          // Currencies travel with seven places: beyond ₹200 a word of 32 bits would not hold them.
          if (instrument.exchange === 'CDS' && paise > 20_000) return;
          const market = { ...marketAt(paise / 100, MONDAY, instrument.tick), volume };
          const message = messageOf([packetOf(instrument, market, mode, MONDAY)]);
          const [ours] = parseTicks(message);
          const [theirs] = reader.parseBinary(bufferOf(message));
          expect(ours?.token).toBe(theirs?.['instrument_token']);
          expect(Number(ours && text(ours.last))).toBeCloseTo(Number(theirs?.['last_price']), 6);
          const depth = theirs?.['depth'] as
            | { readonly buy: readonly { readonly price: number; readonly quantity: number }[] }
            | undefined;
          const bids = depth?.buy
            .filter(({ price }) => price > 0)
            .map(({ price, quantity }) => [price, quantity]);
          expect(ours?.bids?.map(({ price, qty }) => [Number(text(price)), Number(text(qty))])).toEqual(bids);
          const at = theirs?.['exchange_timestamp'];
          expect(ours?.exchangeMs).toBe(at instanceof Date ? at.getTime() : undefined);
        },
      ),
    );
  });

  it('that is cut off, lies about its length or is noise is read as far as it goes, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(200), (noise, cut) => {
        const instrument = SIM_INSTRUMENTS[0];
        if (instrument === undefined) return;
        const whole = messageOf([packetOf(instrument, marketAt(1500, MONDAY), 'full', MONDAY)]);
        parseTicks(Buffer.from(noise));
        expect(parseTicks(whole.subarray(0, Math.min(cut, whole.length - 1)))).toEqual([]);
      }),
    );
  });
});
