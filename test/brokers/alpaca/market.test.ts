/** Prices from Alpaca: the list, quotes asked for and streamed, depth, bars, and a stream that is lost, refused or silent. */
import { afterEach, describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import type { BrokerListing, BrokerMarket, Quote } from '#ports.ts';
import { directoryOf, openAccount, type TestAccount } from './account.ts';

let opened: TestAccount | undefined;
afterEach(async () => {
  const account = opened;
  opened = undefined;
  await account?.close();
});

interface Place extends TestAccount {
  readonly market: BrokerMarket;
  readonly quotes: Quote[];
  readonly listing: (symbol: string) => BrokerListing;
}
async function place(...given: Parameters<typeof openAccount>): Promise<Place> {
  const account = await openAccount(...given);
  opened = account;
  const { market } = account.adapter;
  if (market === undefined) throw new Error('Alpaca has prices of its own');
  const quotes: Quote[] = [];
  market.onQuotes((told) => void quotes.push(...told));
  const directory = directoryOf(account.sim.state);
  return {
    ...account,
    market,
    quotes,
    listing(symbol) {
      const found = directory.bySymbol(symbol);
      if (found === undefined) throw new Error(`${symbol} is not listed`);
      return found;
    },
  };
}
const touch = (quote: Quote | undefined): readonly string[] =>
  quote === undefined ? [] : [quote.instrument, text(quote.bid), text(quote.ask)];

describe('the list', () => {
  it('has what is active and tradable, at its venue and in its steps, and nothing else', async () => {
    const { market, soon } = await place();
    const read = async (): Promise<BrokerListing[]> => {
      const all: BrokerListing[] = [];
      for await (const page of market.listings()) all.push(...page);
      return all;
    };
    const listed = (await soon(read())).map(({ instrument: one, brokerSymbol }) => [
      brokerSymbol,
      one.id,
      one.venue,
      one.currency,
      text(one.tick),
      text(one.lot),
      one.calendar,
    ]);
    expect(listed).toEqual([
      ['AAPL', 'ALPACA:AAPL', 'XNAS', 'USD', '0.01', '0.000000001', 'us-equity'],
      ['SPY', 'ALPACA:SPY', 'ARCX', 'USD', '0.01', '0.000000001', 'us-equity'],
      ['BRK.B', 'ALPACA:BRK.B', 'XNYS', 'USD', '0.01', '1', 'us-equity'],
      ['PENNY', 'ALPACA:PENNY', 'OTCM', 'USD', '0.01', '0.000000001', 'us-equity'],
      ['BTC/USD', 'ALPACA:BTC/USD', 'ALPACA', 'USD', '0.01', '0.000000001', 'crypto'],
      ['ETH/BTC', 'ALPACA:ETH/BTC', 'ALPACA', 'BTC', '0.000000001', '0.000000001', 'crypto'],
    ]);
  });
});

describe('quotes', () => {
  it('are asked for together, shares and coins apart, with their sizes and age', async () => {
    const { market, listing, soon, sim, clock } = await place();
    const quotes = await soon(market.quotes([listing('AAPL'), listing('BTC/USD'), listing('SPY')]));
    expect(quotes.map(touch)).toEqual([
      ['ALPACA:BTC/USD', '60000', '60010'],
      ['ALPACA:AAPL', '190', '190.1'],
    ]);
    expect(quotes[1]).toMatchObject({ source: 'live' });
    expect(clock.wallMs() - (quotes[1]?.publishedMs ?? 0)).toBeLessThan(1_000);
    expect(sim.exchanges.filter(({ url }) => url.includes('snapshots'))).toHaveLength(2);
  });

  it('stream for what is followed and no longer', async () => {
    const { market, listing, sim, quotes, until } = await place();
    market.follow([listing('AAPL'), listing('BTC/USD')]);
    await until(
      () => sim.streams.subscribed('AAPL') && sim.streams.subscribed('BTC/USD'),
      'both are followed',
    );
    sim.quote('AAPL', '191', '191.05');
    sim.quote('BTC/USD', '61000', '61001');
    sim.quote('SPY', '500', '500.01');
    await until(() => quotes.length === 2, 'both are told');
    expect(quotes.map(touch)).toEqual([
      ['ALPACA:AAPL', '191', '191.05'],
      ['ALPACA:BTC/USD', '61000', '61001'],
    ]);
    market.follow([listing('SPY')]);
    await until(
      () => sim.streams.subscribed('SPY') && !sim.streams.subscribed('AAPL'),
      'SPY alone is followed',
    );
    sim.quote('AAPL', '192', '192.05');
    sim.quote('SPY', '501', '501.01');
    await until(() => quotes.length === 3, 'it is told');
    expect(touch(quotes[2])).toEqual(['ALPACA:SPY', '501', '501.01']);
  });

  it('are followed again after the stream was lost, and after it fell silent', async () => {
    const { market, listing, sim, quotes, until } = await place();
    market.follow([listing('AAPL')]);
    await until(() => sim.streams.subscribed('AAPL'), 'it is followed');
    for (const trouble of ['drop', 'freeze'] as const) {
      const before = sim.streams.opened.prices;
      sim.streams[trouble]('prices');
      await until(
        () => sim.streams.opened.prices > before && sim.streams.subscribed('AAPL'),
        'it is followed again',
      );
    }
    sim.quote('AAPL', '193', '193.05');
    await until(() => quotes.length === 1, 'it is told');
    expect(market.heardAtMs()).toBeGreaterThan(0);
  });

  it('of nothing, or with the bid above the ask, are none', async () => {
    const { market, listing, sim, quotes, until } = await place();
    market.follow([listing('AAPL')]);
    await until(() => sim.streams.subscribed('AAPL'), 'it is followed');
    const t = '2026-01-05T12:00:00Z';
    const odd = [
      { T: 'q', S: 'AAPL', t, bp: 0, bs: 0, ap: 190, as: 1 },
      { T: 'q', S: 'AAPL', t, bp: 191, bs: 1, ap: 190, as: 1 },
      { T: 'q', S: 'AAPL', t, bp: 'much', bs: 1, ap: 190, as: 1 },
    ];
    sim.streams.raw('prices', JSON.stringify(odd));
    sim.streams.raw('prices', '[{"T":"q",');
    sim.quote('AAPL', '190', '190.02');
    await until(() => quotes.length > 0, 'the good one is told');
    expect(quotes.map(touch)).toEqual([['ALPACA:AAPL', '190', '190.02']]);
  });

  it.each([
    [406, 'Another program'],
    [409, 'does not include this feed'],
    [402, 'does not take the key'],
  ])('that the stream refuses (%i) are the owner’s news, and are tried again', async (code, words) => {
    const { market, listing, sim, adapter, until } = await place();
    sim.streams.refuseData({ code, msg: 'no' });
    market.follow([listing('AAPL')]);
    await until(() => adapter.health().trouble?.includes(words), 'it is told');
    expect(market.heardAtMs()).toBeUndefined();
    sim.streams.refuseData(undefined);
    await until(() => sim.streams.subscribed('AAPL'), 'it is followed after all');
    expect(adapter.health().trouble).toBeNull();
  });

  it('of more symbols than the plan allows leave those that were followed alone', async () => {
    const { market, listing, sim, adapter, quotes, until } = await place();
    expect(market.followedMax).toBe(30);
    market.follow([listing('AAPL')]);
    await until(() => sim.streams.subscribed('AAPL'), 'it is followed');
    sim.streams.raw('prices', '[{"T":"error","code":405,"msg":"symbol limit exceeded"}]');
    await until(() => adapter.health().trouble?.includes('plan'), 'it is told');
    sim.quote('AAPL', '190', '190.02');
    await until(() => quotes.length === 1, 'the quote comes');
    expect(sim.streams.opened.prices).toBe(1);
  });
});

describe('depth', () => {
  it('of coins is Alpaca’s book, of shares their best bid and ask', async () => {
    const { market, listing, soon } = await place();
    const coins = await soon(market.depth(listing('BTC/USD')));
    expect([coins.bids, coins.asks].map(([first]) => first && text(first.price))).toEqual(['60000', '60010']);
    const shares = await soon(market.depth(listing('AAPL')));
    expect([shares.bids, shares.asks].map(([first]) => first && text(first.price))).toEqual(['190', '190.1']);
    await expect(soon(market.depth(listing('SPY')))).rejects.toThrow('no quote of SPY');
  });
});

describe('bars', () => {
  const minute = (at: number, close: string) => ({
    t: new Date(Date.UTC(2026, 0, 5, 11, at)).toISOString(),
    o: '190',
    h: '191',
    l: '189',
    c: close,
    v: '100',
  });

  it('are those that are complete, oldest first, the latest when no start is given', async () => {
    const { market, listing, sim, soon, clock } = await place();
    const last = minute(59, '190.9');
    const running = { ...minute(59, '190.95'), t: new Date(clock.wallMs()).toISOString() };
    sim.bars('AAPL', [minute(56, '190.6'), minute(57, '190.7'), minute(58, '190.8'), last, running]);
    const { instrument } = listing('AAPL');
    const bars = await soon(
      market.bars(listing('AAPL'), { instrument: instrument.id, timeframe: '1m', limit: 3 }),
    );
    expect(bars.map(({ close }) => text(close))).toEqual(['190.7', '190.8', '190.9']);
    const startMs = Date.UTC(2026, 0, 5, 11, 56);
    const from = await soon(
      market.bars(listing('AAPL'), {
        instrument: instrument.id,
        timeframe: '1m',
        startMs,
        endMs: startMs + 120_000,
        limit: 10,
      }),
    );
    expect(from.map(({ timeMs }) => (timeMs - startMs) / 60_000)).toEqual([0, 1]);
  });
});
