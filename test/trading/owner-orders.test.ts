/** Everybody's orders as the owner looks through them: every filter is exact, and no page looks at more than its share. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountId } from '#domain/principal.ts';
import { OWNER_SCAN_ROWS_MAX } from '#limits.ts';
import type {
  OwnerDesk,
  OwnerOrder,
  OwnerOrderFilter,
  OwnerTrade,
  OwnerTradeFilter,
} from '#trading/owner-desk.ts';
import { FIRST_ORDER_MS, MANY_AGENTS, manyOrders, ORDER_EVERY_MS } from '../support/many-orders.ts';
import { draft, granted, place, refusal, tradingRoom } from '../support/trading-room.ts';

const COUNT = 3_000;
const at = (seq: number): number => FIRST_ORDER_MS + seq * ORDER_EVERY_MS;

/** One room for all: nothing here writes. */
async function manyRoom(count = COUNT): Promise<OwnerDesk> {
  const room = await tradingRoom();
  manyOrders(room.store, count);
  return room.trading.owner;
}

/** Every page of a filter, as one list. */
function walk<T>(
  page: (beforeSeq: number | undefined) => { items: readonly T[]; nextBeforeSeq: number | null },
): {
  readonly items: readonly T[];
  readonly pages: number;
} {
  const items: T[] = [];
  let before: number | undefined;
  for (let pages = 1; ; pages++) {
    const { items: more, nextBeforeSeq } = page(before);
    items.push(...more);
    if (nextBeforeSeq === null) return { items, pages };
    if (before !== undefined && nextBeforeSeq >= before) throw new Error('the pages do not go on');
    before = nextBeforeSeq;
  }
}
const allOrders = (owner: OwnerDesk, filter: Omit<OwnerOrderFilter, 'limit'>, limit = 500) =>
  walk((beforeSeq) => owner.orders({ ...filter, limit, ...(beforeSeq === undefined ? {} : { beforeSeq }) }));
const allTrades = (owner: OwnerDesk, filter: Omit<OwnerTradeFilter, 'limit'>, limit = 500) =>
  walk((beforeSeq) => owner.trades({ ...filter, limit, ...(beforeSeq === undefined ? {} : { beforeSeq }) }));
const ids = (orders: readonly { readonly orderId: string }[]): readonly string[] =>
  orders.map(({ orderId }) => orderId);

const FINAL: readonly string[] = ['filled', 'canceled', 'refused', 'expired', 'rejected'];
/** What each filter means, said a second time. */
function fits(order: OwnerOrder, filter: Omit<OwnerOrderFilter, 'limit'>): boolean {
  const { account, agent, symbol, status, side, sinceMs, untilMs, text } = filter;
  const final = FINAL.includes(order.status);
  return (
    (account === undefined || order.account === account) &&
    (agent === undefined || order.agentName === agent) &&
    (symbol === undefined || order.symbol === symbol) &&
    (side === undefined || order.side === side) &&
    (sinceMs === undefined || order.createdAtMs >= sinceMs) &&
    (untilMs === undefined || order.createdAtMs < untilMs) &&
    (text === undefined || order.orderId === text || order.clientOrderId === text) &&
    (status === undefined ||
      (status === 'open' ? !final : status === 'final' ? final : order.status === status))
  );
}

const times = fc.integer({ min: -100, max: COUNT + 100 }).map((seq) => at(seq) - (seq % 3) * 400);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 });
const filters: fc.Arbitrary<Omit<OwnerOrderFilter, 'limit'>> = fc
  .record({
    account: optional(fc.constantFrom(accountId('paper'), accountId('second'), accountId('nowhere'))),
    agent: optional(fc.constantFrom(...MANY_AGENTS, 'owner', 'external', 'nobody')),
    symbol: optional(fc.constantFrom('SPX', 'AAPL', 'BTC/USD', 'ETH/USD')),
    side: optional(fc.constantFrom('buy' as const, 'sell' as const)),
    status: optional(
      fc.constantFrom('open', 'final', 'filled', 'rejected', 'refused', 'unknown', 'pending_cancel'),
    ),
    sinceMs: optional(times),
    untilMs: optional(times),
    text: fc.option(
      fc.integer({ min: 1, max: COUNT }).map((seq) => (seq % 2 ? `ord_${seq}` : `c-${seq}`)),
      {
        nil: undefined,
        freq: 1,
      },
    ),
  })
  .map(
    (filter) =>
      Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as Omit<
        OwnerOrderFilter,
        'limit'
      >,
  );

describe('the owner’s orders', () => {
  it('are, page after page, exactly those that fit, newest first, whatever the filters', async () => {
    const owner = await manyRoom();
    const every = allOrders(owner, {}).items;
    expect(every).toHaveLength(COUNT - COUNT / 10);
    let found = 0;
    fc.assert(
      fc.property(filters, fc.integer({ min: 50, max: 500 }), (filter, limit) => {
        const { items } = allOrders(owner, filter, limit);
        found += items.length;
        expect(ids(items)).toEqual(ids(every.filter((order) => fits(order, filter))));
      }),
      { numRuns: 50 },
    );
    expect(found).toBeGreaterThan(200);
  });

  it.each([
    ['an account', { account: accountId('paper') }],
    ['an agent', { agent: 'busy' }],
    ['the owner', { agent: 'owner' }],
    ['a rare symbol', { symbol: 'BTC/USD' }],
    ['a side', { side: 'sell' }],
    ['a rare outcome', { status: 'rejected' }],
    ['the open ones', { status: 'open' }],
    ['what is over', { status: 'final' }],
    ['since then', { sinceMs: at(1_500) }],
    ['until then', { untilMs: at(1_000) }],
    [
      'a rare outcome of an agent in an account',
      { status: 'rejected', agent: 'calm', account: accountId('paper') },
    ],
  ] as const)('by %s come full pages without gaps', async (_what, filter) => {
    const owner = await manyRoom(2_000);
    const first = owner.orders({ ...filter, limit: 5 });
    expect(first.items.length === 5 || first.nextBeforeSeq === null).toBe(true);
  });

  it('are found by time to the millisecond: since includes its moment, until does not', async () => {
    const owner = await manyRoom(100);
    const between = (sinceMs: number, untilMs: number) =>
      ids(owner.orders({ sinceMs, untilMs, limit: 100 }).items);
    expect(between(at(50), at(52))).toEqual(['ord_51', 'ord_50']);
    expect(between(at(50) + 1, at(52) + 1)).toEqual(['ord_52', 'ord_51']);
    // The sequence has no 53.
    expect(between(at(52), at(54))).toEqual(['ord_52']);
    expect(between(at(53), at(55))).toEqual(['ord_54']);
    expect(between(at(99), at(5_000))).toEqual(['ord_100', 'ord_99']);
    expect(between(0, at(2))).toEqual(['ord_1']);
    expect(between(at(101), at(5_000))).toEqual([]);
    expect(between(at(60), at(50))).toEqual([]);
  });

  it('that are not there are looked for in so many rows a page, and the reader may go on', async () => {
    // One agent of five, that never buys.
    const owner = await manyRoom(OWNER_SCAN_ROWS_MAX * 6);
    const never = { agent: 'calm', side: 'buy' } as const;
    const first = owner.orders({ ...never, limit: 5 });
    expect(first.items).toEqual([]);
    expect(first.nextBeforeSeq).not.toBeNull();
    expect(allOrders(owner, never)).toEqual({ items: [], pages: 2 });
    // Where the rarer of two filters has few rows, all of them are looked at at once.
    expect(allOrders(owner, { agent: 'busy', status: 'open' })).toEqual({ items: [], pages: 1 });
  });

  it('are named after their agents, and carry the credential that placed them', async () => {
    const room = await tradingRoom();
    const claude = room.agent('claude');
    await place(room, claude, draft({ side: 'buy', clientOrderId: 'same' }));
    granted(await room.trading.owner.placeOrder(draft({ side: 'buy', clientOrderId: 'same' }), 'k1'));
    const { items } = room.trading.owner.orders({ limit: 10 });
    expect(items.map(({ agentName, credential }) => [agentName, credential])).toEqual([
      ['owner', 'owner'],
      ['claude', claude.credential],
    ]);
    // A client order id is its agent's alone: two agents may have the same.
    expect(room.trading.owner.orders({ text: 'same', limit: 10 }).items).toHaveLength(2);
    expect(room.trading.owner.orders({ text: 'same', agent: 'claude', limit: 10 }).items).toHaveLength(1);
  });

  it('are read by what filters say and by nothing that they hold', async () => {
    const owner = await manyRoom(100);
    const hostile = "' OR 1=1; DROP TABLE orders --";
    for (const filter of [
      { symbol: hostile },
      { agent: hostile },
      { text: hostile },
      { account: accountId(hostile) },
    ])
      expect(owner.orders({ ...filter, limit: 100 }).items).toEqual([]);
    expect(owner.orders({ limit: 100 }).items).toHaveLength(90);
  });

  it('that are not there have no story', async () => {
    const owner = await manyRoom(100);
    expect(refusal(owner.order('ord_none')).reason).toBe('not_found');
    expect(granted(owner.order('ord_50')).order.orderId).toBe('ord_50');
  });
});

describe('the owner’s trades', () => {
  const meant = (trade: OwnerTrade, filter: Omit<OwnerTradeFilter, 'limit'>): boolean =>
    (filter.account === undefined || trade.account === filter.account) &&
    (filter.agent === undefined || trade.agentName === filter.agent) &&
    (filter.symbol === undefined || trade.symbol === filter.symbol) &&
    (filter.side === undefined || trade.side === filter.side) &&
    (filter.orderId === undefined || trade.orderId === filter.orderId) &&
    (filter.sinceMs === undefined || trade.timeMs + 500 >= filter.sinceMs) &&
    (filter.untilMs === undefined || trade.timeMs + 500 < filter.untilMs);

  it('are, page after page, exactly those that fit', async () => {
    const owner = await manyRoom();
    const every = allTrades(owner, {}).items;
    fc.assert(
      fc.property(filters, fc.integer({ min: 50, max: 500 }), ({ status: _status, text, ...rest }, limit) => {
        const filter = { ...rest, ...(text?.startsWith('ord_') ? { orderId: text } : {}) };
        const { items } = allTrades(owner, filter, limit);
        expect(items.map(({ seq }) => seq)).toEqual(
          every.filter((trade) => meant(trade, filter)).map(({ seq }) => seq),
        );
      }),
      { numRuns: 30 },
    );
  });
});
