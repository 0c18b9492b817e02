/** Kite's instruments, quotes and candles: names that say one thing, prices that are never numbers, bars that are complete. */

import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { listingsOf } from '#brokers/zerodha/dump.ts';
import { clientIdOf, madeAtMs, tagOf } from '#brokers/zerodha/tag.ts';
import { text } from '#domain/decimal.ts';
import type { Bar, Quote } from '#ports.ts';
import { type KiteRoom, MONDAY, openKiteRoom, type RoomOptions } from './kite-room.ts';
import { dumpOf, ist, SIM_INSTRUMENTS } from './kite-world.ts';

const listed = (csv: string) => [...listingsOf(csv)].flat();

describe('the list of instruments', () => {
  it('names each thing once: exchange and symbol, the day of a contract written out, weekly and monthly alike', () => {
    expect(
      listed(dumpOf(SIM_INSTRUMENTS)).map(({ brokerSymbol, instrument }) => [
        brokerSymbol,
        instrument.symbol,
      ]),
    ).toEqual([
      ['NSE:INFY', 'NSE:INFY'],
      ['NSE:RELIANCE', 'NSE:RELIANCE'],
      ['NSE:SBIN', 'NSE:SBIN'],
      ['NSE:M&M', 'NSE:M_M'],
      ['BSE:SBIN', 'BSE:SBIN'],
      ['NSE:NIFTY 50', 'NSE:NIFTY 50'],
      ['NFO:NIFTY26JANFUT', 'NFO:NIFTY27JAN26FUT'],
      ['NFO:NIFTY26JAN24800CE', 'NFO:NIFTY27JAN2624800CE'],
      ['NFO:NIFTY2611324800PE', 'NFO:NIFTY13JAN2624800PE'],
      ['BFO:SENSEX26JANFUT', 'BFO:SENSEX29JAN26FUT'],
    ]);
  });

  it('carries what an order and a chart need, and nothing that could be traded by mistake', () => {
    const by = new Map(listed(dumpOf(SIM_INSTRUMENTS)).map((listing) => [listing.brokerSymbol, listing]));
    const option = by.get('NFO:NIFTY2611324800PE');
    expect(option?.instrument).toMatchObject({
      id: 'ZERODHA:NFO:NIFTY13JAN2624800PE',
      assetClass: 'option',
      currency: 'INR',
      calendar: 'nse',
      venue: 'XNSE',
      directory: 'zerodha',
      contract: { underlying: 'NSE:NIFTY 50', expiry: '2026-01-13', right: 'put' },
    });
    expect(option && [text(option.instrument.lot), text(option.instrument.tick)]).toEqual(['65', '0.05']);
    expect(option?.instrument.contract?.strike?.toFixed()).toBe('24800');
    expect(by.get('BSE:SBIN')?.instrument).toMatchObject({
      calendar: 'bse',
      venue: 'XBOM',
      timezone: 'Asia/Kolkata',
    });
    expect(by.get('NSE:NIFTY 50')?.instrument).toMatchObject({ assetClass: 'index', tradable: 'paper' });
    expect(by.has('CDS:USDINR26JANFUT')).toBe(false);
    expect(by.get('NSE:INFY')?.extra).toEqual({
      token: '408065',
      exchange: 'NSE',
      tradingsymbol: 'INFY',
      segment: 'NSE',
    });
  });

  it('of a hundred thousand rows comes in pages, and bad rows are left out of it', () => {
    const [header = '', infosys = ''] = dumpOf(SIM_INSTRUMENTS).split('\n');
    const rows = Array.from({ length: 100_000 }, (_, n) =>
      infosys.replace('408065', String(n + 1)).replace('INFY', `S${n}`),
    );
    let listings = 0;
    let largest = 0;
    for (const page of listingsOf(
      [header, ...rows, 'x,y', ',,,,,,,,,,,', infosys.replace('408065', '-4')].join('\n'),
    )) {
      listings += page.length;
      largest = Math.max(largest, page.length);
    }
    expect([listings, largest]).toEqual([100_000, 1_000]);
    expect(() => listed('something,else\n1,2\n')).toThrow(/other columns/);
  });
});

describe('our ids as tags', () => {
  it('fit into twenty letters and digits, and are read back to the last bit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 96n - 1n }), (bits) => {
        const id = `pc_${bits.toString(16).padStart(24, '0')}`;
        expect(tagOf(id)).toMatch(/^[0-9a-v]{20}$/);
        expect(clientIdOf(tagOf(id))).toBe(id);
        expect(madeAtMs(id)).toBe(Number(bits >> 48n));
      }),
    );
  });

  it('of another form are one tag each time, that nothing of ours is mistaken for', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        fc.pre(!/^pc_[0-9a-f]{24}$/.test(id));
        expect(tagOf(id)).toMatch(/^[0-9a-z]{20}$/);
        expect(tagOf(id)).toBe(tagOf(id));
        expect(clientIdOf(tagOf(id))).toBeUndefined();
      }),
    );
    for (const strange of ['', 'connect test order1', 'zzzz', '2'.repeat(20)])
      expect(clientIdOf(strange)).toBeUndefined();
  });
});

describe('prices', () => {
  let room: KiteRoom;
  const open = async (options?: RoomOptions): Promise<KiteRoom> => (room = await openKiteRoom(options));
  afterEach(() => room.close());
  const market = () => {
    if (room.adapter.market === undefined) throw new Error('it has a market');
    return room.adapter.market;
  };
  const shown = (quote: Quote | undefined) =>
    quote && [
      quote.instrument,
      text(quote.bid),
      text(quote.ask),
      quote.last && text(quote.last),
      quote.source,
    ];

  it('come by question and by stream as the same thing, with the exchange’s time', async () => {
    await open();
    const [infosys, index] = [room.listing('NSE:INFY'), room.listing('NSE:NIFTY 50')];
    const asked = await room.soon(market().quotes([infosys, index]));
    expect(asked.map(shown)).toEqual([
      ['ZERODHA:NSE:INFY', '1499.9', '1500.1', '1500', 'live'],
      ['ZERODHA:NSE:NIFTY 50', '24750', '24750', '24750', 'live'],
    ]);
    const heard: Quote[] = [];
    market().onQuotes((told) => heard.push(...told));
    market().follow([infosys, index]);
    await room.until(() => heard.length >= 2, 'both are heard of');
    expect(heard.slice(0, 2).map(shown)).toEqual(expect.arrayContaining(asked.map(shown)));
    expect(Math.abs((heard[0]?.timeMs ?? 0) - room.clock.wallMs())).toBeLessThan(2_000);
    expect([...room.sim.subscriptions()]).toEqual([
      [408065, 'full'],
      [256265, 'full'],
    ]);
    market().follow([index]);
    await room.until(() => room.sim.subscriptions().size === 1, 'what is not followed is left');
  });

  it('have five levels of depth, and no quote while a side is empty or they cross', async () => {
    await open();
    const depth = await room.soon(market().depth(room.listing('NSE:INFY')));
    expect([depth.bids.length, depth.asks.length, depth.bids[0] && text(depth.bids[0].price)]).toEqual([
      5,
      5,
      '1499.9',
    ]);
    const heard: Quote[] = [];
    market().onQuotes((told) => heard.push(...told));
    room.sim.setMarket('NSE:INFY', { asks: [] });
    market().follow([room.listing('NSE:INFY')]);
    await room.pass(2_000);
    room.sim.setMarket('NSE:INFY', { asks: [{ price: 1499, quantity: 1, orders: 1 }] });
    room.sim.pushTicks();
    await room.pass(2_000);
    expect(heard).toEqual([]);
    expect(await room.soon(market().quotes([room.listing('NSE:INFY')]))).toEqual([]);
  });

  it('keep to one question for quotes a second', async () => {
    await open();
    await room.soon(Promise.all([1, 2, 3].map(() => market().quotes([room.listing('NSE:INFY')]))));
    const at = room.sim.requests.flatMap(({ path, atMs }) => (path === '/quote' ? atMs : []));
    expect((at[2] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(1_900);
  });

  it('of the past are bars of the session, complete ones alone, the day’s where its session opens', async () => {
    await open();
    const infosys = room.listing('NSE:INFY');
    const candle = (ms: number, close: number) =>
      [`${ist(ms).replace(' ', 'T')}+0530`, 1500, 1510.5, 1490, close, 100] as const;
    const minute = 60_000;

    room.clock.advance(30_000);
    room.sim.candles.set('408065:minute', [
      candle(MONDAY - 2 * minute, 1501),
      candle(MONDAY - minute, 1502.05),
      candle(MONDAY, 1503),
    ]);
    const shownBar = (bar: Bar) => [bar.timeMs, text(bar.close)];
    const minutes = await room.soon(
      market().bars(infosys, { instrument: infosys.instrument.id, timeframe: '1m', limit: 10 }),
    );
    expect(minutes.map(shownBar)).toEqual([
      [MONDAY - 2 * minute, '1501'],
      [MONDAY - minute, '1502.05'],
    ]);
    const friday = Date.UTC(2026, 0, 1, 18, 30);
    room.sim.candles.set('408065:day', [candle(friday, 1499), candle(Date.UTC(2026, 0, 4, 18, 30), 1500)]);
    const days = await room.soon(
      market().bars(infosys, { instrument: infosys.instrument.id, timeframe: '1d', limit: 10 }),
    );
    // Friday's at 09:15 in India; Monday's session is still on.
    expect(days.map(shownBar)).toEqual([[Date.UTC(2026, 0, 2, 3, 45), '1499']]);
  });
});
