/**
 * Witness B: what Alpaca has published as examples goes through our translation, and comes out as another parse of it says: the models
 * of Alpaca's own SDK where it has them, the plain text of the example elsewhere.
 */
import { marketData, trading } from '@alpacahq/alpaca-trade-api';
import { describe, expect, it } from 'vitest';
import { openChains } from '#brokers/alpaca/chains.ts';
import { listingOf } from '#brokers/alpaca/listings.ts';
import { clientIdOf, orderOf } from '#brokers/alpaca/terms.ts';
import {
  accountPayload,
  assetPayload,
  barsPayload,
  fillPayload,
  msOf,
  type OrderPayload,
  orderbooksPayload,
  orderPayload,
  positionPayload,
  snapshotPayload,
} from '#brokers/alpaca/wire.ts';
import { type Exact, parseExact } from '#brokers/exact-json.ts';
import { text } from '#domain/decimal.ts';
import type { BrokerListing, BrokerOrder } from '#ports.ts';
import { type Judge, openJudge, SPECS_ABSENT } from './openapi-judge.ts';

/** As it would come over the wire. */
function wired(example: unknown): Exact {
  const parsed = parseExact(JSON.stringify(example));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
const listing = (symbol: string, kind: 'us_equity' | 'crypto'): BrokerListing => {
  const made = listingOf(
    assetPayload.parse({
      id: 'an asset',
      class: kind,
      exchange: 'NASDAQ',
      symbol,
      name: symbol,
      status: 'active',
      tradable: true,
      min_trade_increment: '0.0001',
      price_increment: '0.01',
    }),
  );
  if (made === undefined) throw new Error(`${symbol} is no listing`);
  return made;
};
async function translated(payload: OrderPayload, of: BrokerListing): Promise<BrokerOrder | undefined> {
  const chains = openChains({ byId: async () => undefined, byClientId: async () => undefined });
  chains.learn(payload);
  const chain = await chains.of(payload.id);
  return chain && orderOf(chain, of);
}

describe.skipIf(SPECS_ABSENT)('of what Alpaca publishes', () => {
  // Made by the first test: where the documents are absent none runs.
  let made: Judge | undefined;
  const documents = (): Judge => {
    made ??= openJudge();
    return made;
  };

  it.each([
    ['EquityOrderResponse', 'AAPL', 'us_equity'],
    ['CryptoOrderResponse', 'ETH/USD', 'crypto'],
  ] as const)('%s is the order that its SDK reads', async (name, symbol, kind) => {
    const example = documents().example(name);
    const theirs = trading.OrderFromJSON(example);
    const ours = await translated(orderPayload.parse(wired(example)), listing(symbol, kind));
    expect(ours).toMatchObject({
      brokerOrderId: theirs.id,
      // Alpaca made it: nobody's own id.
      brokerClientId: null,
      side: theirs.side,
      type: theirs.type,
      timeInForce: theirs.timeInForce,
      extendedHours: theirs.extendedHours,
      status: 'open',
    });
    expect(ours && [text(ours.qty), text(ours.filledQty), ours.limitPrice && text(ours.limitPrice)]).toEqual([
      theirs.qty,
      theirs.filledQty,
      theirs.limitPrice,
    ]);
    expect(ours?.timeMs).toBe(theirs.updatedAt?.getTime());
  });

  it.each(['MultilegOptionsOrderResponse', 'IPOOrderResponse'])(
    '%s is no order of ours, and breaks nothing',
    async (name) => {
      const parsed = orderPayload.safeParse(wired(documents().example(name)));
      const ours = parsed.success ? await translated(parsed.data, listing('AAPL', 'us_equity')) : undefined;
      expect(ours).toBeUndefined();
    },
  );

  it('an execution keeps its id, figures and moment', () => {
    const example = documents().exampleOf('TradingActivities');
    const theirs = trading.TradingActivitiesFromJSON(example);
    const ours = fillPayload.parse(wired(example));
    expect([ours.id, ours.qty, ours.price, ours.side, ours.order_id, ours.symbol]).toEqual([
      theirs.id,
      theirs.qty,
      theirs.price,
      theirs.side,
      theirs.orderId,
      theirs.symbol,
    ]);
    expect(msOf(ours.transaction_time)).toBe(theirs.transactionTime?.getTime());
  });

  it('an account has the money that its SDK reads', () => {
    const example = documents().answerOf('/v2/account');
    const theirs = trading.AccountFromJSON(example);
    const ours = accountPayload.parse(wired(example));
    expect([ours.cash, ours.equity, ours.buying_power, ours.multiplier]).toEqual([
      theirs.cash,
      theirs.equity,
      theirs.buyingPower,
      theirs.multiplier,
    ]);
    expect([ours.trading_blocked, ours.status, ours.currency]).toEqual([
      false,
      theirs.status,
      theirs.currency,
    ]);
  });

  it('a position has the size and side that its SDK reads', () => {
    const example = documents().exampleOf('Position');
    const theirs = trading.PositionFromJSON(example);
    expect(positionPayload.parse(wired(example))).toMatchObject({ qty: theirs.qty, side: theirs.side });
  });

  it('an asset is listed at its venue, in the steps that are traded', () => {
    const example = wired(documents().exampleOf('Assets'));
    const listed = listingOf(assetPayload.parse(example));
    expect(listed).toMatchObject({
      brokerSymbol: 'AAPL',
      instrument: { id: 'ALPACA:AAPL', assetClass: 'equity', currency: 'USD', venue: 'XNAS' },
    });
  });

  it('snapshots of shares and coins have the prices of their SDK', () => {
    const shares = documents().answerOf('/v2/stocks/snapshots') as Record<string, unknown>;
    for (const [symbol, example] of Object.entries(shares)) {
      const theirs = marketData.StockSnapshotFromJSON(example);
      const ours = snapshotPayload.parse(wired(example));
      expect([symbol, Number(ours.latestQuote?.bp), Number(ours.latestTrade?.p)]).toEqual([
        symbol,
        theirs.latestQuote?.bp,
        theirs.latestTrade?.p,
      ]);
    }
    const coins = documents().answerOf('/v1beta3/crypto/{loc}/snapshots') as {
      snapshots: Record<string, unknown>;
    };
    const example = coins.snapshots['BTC/USD'];
    expect(Number(snapshotPayload.parse(wired(example)).latestQuote?.ap)).toBe(
      marketData.CryptoSnapshotFromJSON(example).latestQuote?.ap,
    );
  });

  it('books and bars are read to the last digit', () => {
    const books = orderbooksPayload.parse(
      wired(documents().answerOf('/v1beta3/crypto/{loc}/latest/orderbooks')),
    );
    expect(books.orderbooks['BTC/USD']?.b).toEqual([
      { p: '20846', s: '0.1902' },
      { p: '20350', s: '0' },
    ]);
    const bars = barsPayload.parse(wired(documents().answerOf('/v2/stocks/bars')));
    expect(bars.bars?.['AAPL']?.[0]).toMatchObject({
      o: '178.26',
      h: '178.26',
      l: '178.21',
      c: '178.21',
      v: '1118',
    });
  });

  it('the one fault that is known of it is there: a list of orders shown as one order', () => {
    const example = documents().example('EquityOrderResponse');
    expect(Array.isArray(example)).toBe(false);
    expect(documents().isOf('Order', example)).toEqual([]);
  });
});

describe('ids', () => {
  it('that Alpaca makes are nobody’s, and a number of a change is no part of ours', () => {
    const of = (id: string) => clientIdOf({ client_order_id: id } as OrderPayload);
    expect(of('5680c4bc-9ac1-4a12-a44c-df427ba53032')).toBeNull();
    expect(of('pc_019b8e074650000000000083')).toBe('pc_019b8e074650000000000083');
    expect(of('pc_019b8e074650000000000083~12')).toBe('pc_019b8e074650000000000083');
  });
});
