/** Tokens and keys: a token is spent once for what was previewed, a key answers once for what was asked. */
import { describe, expect, it } from 'vitest';
import type { OrderDraft } from '#domain/order.ts';
import type { Principal } from '#domain/principal.ts';
import { ACTION_TOKEN_TTL_MS, ACTION_TOKENS_PER_AGENT_MAX } from '#limits.ts';
import type { TradeCommit } from '#trading/desk.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

const LIMIT = '1460';
const order = draft({ side: 'buy', limit: LIMIT });
const TWO_STEP = { commit: 'two_step' } as const;

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
}
async function scene(rules: Readonly<Record<string, unknown>> = TWO_STEP): Promise<Scene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker });
  return { room, broker, claude: room.agent('claude', rules) };
}

async function preview(
  { room }: Scene,
  who: Principal,
  asked: OrderDraft = order,
  digest = 'd',
): Promise<string> {
  const seen = granted(
    await room.trading.placeOrder(who, asked, { kind: 'preview', tool: 'place_order', digest }),
  );
  if (!seen.dryRun) throw new Error('it was placed');
  return seen.actionToken;
}
let keys = 0;
const spend = (
  token: string | undefined,
  more: Partial<Extract<TradeCommit, { kind: 'commit' }>> = {},
): TradeCommit => ({
  kind: 'commit',
  tool: 'place_order',
  digest: 'd',
  idempotencyKey: `k${++keys}`,
  ...(token === undefined ? {} : { token }),
  ...more,
});
async function outcome(
  { room }: Scene,
  who: Principal,
  how: TradeCommit,
  asked: OrderDraft = order,
): Promise<string> {
  const answer = await room.trading.placeOrder(who, asked, how);
  return answer.ok ? 'granted' : answer.error.reason;
}
const rows = ({ room }: Scene, table: 'orders' | 'idempotency'): number =>
  Number(room.store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());

describe('a two_step mandate', () => {
  it('wants a token, and without one writes, binds and sends nothing', async () => {
    const now = await scene();
    expect(await outcome(now, now.claude, spend(undefined))).toBe('token_required');
    expect([rows(now, 'orders'), rows(now, 'idempotency'), now.broker.sent.place.length]).toEqual([0, 0, 0]);
  });

  it('takes the token of the preview, once', async () => {
    const now = await scene();
    const token = await preview(now, now.claude);
    expect(await outcome(now, now.claude, spend(token))).toBe('granted');
    expect(await outcome(now, now.claude, spend(token))).toBe('token_invalid');
    expect(now.broker.sent.place).toHaveLength(1);
  });

  it('takes one token for one of two commits at once', async () => {
    const now = await scene();
    const token = await preview(now, now.claude);
    const both = await Promise.all([
      outcome(now, now.claude, spend(token)),
      outcome(now, now.claude, spend(token)),
    ]);
    expect(both.sort()).toEqual(['granted', 'token_invalid']);
    expect(now.broker.sent.place).toHaveLength(1);
  });

  it.each([
    ['a millisecond before its end', ACTION_TOKEN_TTL_MS - 1, 'granted'],
    ['at its end', ACTION_TOKEN_TTL_MS, 'token_invalid'],
  ])('%s: %i ms', async (_what, waitMs, expected) => {
    const now = await scene();
    const token = await preview(now, now.claude);
    await now.room.clock.advanceAsync(waitMs);
    expect(await outcome(now, now.claude, spend(token))).toBe(expected);
  });

  it('measures that on the monotonic clock: setting the wall clock back revives nothing', async () => {
    const now = await scene();
    const token = await preview(now, now.claude);
    await now.room.clock.advanceAsync(ACTION_TOKEN_TTL_MS);
    now.room.clock.setWall(now.room.clock.wallMs() - 2 * 86_400_000);
    await now.room.play(1);
    expect(await outcome(now, now.claude, spend(token))).toBe('token_invalid');
  });

  it.each([
    ['other arguments', {}, { digest: 'other' }],
    ['another tool', {}, { tool: 'modify_order' }],
  ])('takes it for nothing else: %s', async (_what, _about, more) => {
    const now = await scene();
    const token = await preview(now, now.claude);
    expect(await outcome(now, now.claude, spend(token, more))).toBe('token_invalid');
    // It has not been spent by that.
    expect(await outcome(now, now.claude, spend(token))).toBe('granted');
  });

  it('takes it from no other agent', async () => {
    const now = await scene();
    const cursor = now.room.agent('cursor', TWO_STEP);
    const token = await preview(now, now.claude);
    expect(await outcome(now, cursor, spend(token))).toBe('token_invalid');
    expect(await outcome(now, now.claude, spend(token))).toBe('granted');
  });

  it('takes none of before a restart', async () => {
    const now = await scene();
    const token = await preview(now, now.claude);
    const room = await now.room.restart();
    expect(await outcome({ ...now, room }, now.claude, spend(token))).toBe('token_invalid');
  });

  it('takes none that was made up', async () => {
    const now = await scene();
    expect(await outcome(now, now.claude, spend('act_made-up'))).toBe('token_invalid');
  });

  it('keeps a bounded number of tokens, the newest', async () => {
    const now = await scene();
    const first = await preview(now, now.claude);
    let last = first;
    for (let issued = 0; issued < ACTION_TOKENS_PER_AGENT_MAX; issued++)
      last = await preview(now, now.claude);
    expect(await outcome(now, now.claude, spend(first))).toBe('token_invalid');
    expect(await outcome(now, now.claude, spend(last))).toBe('granted');
  });

  it('wants none for what only reduces, and still checks one that is given', async () => {
    const now = await scene();
    const bought = spend(await preview(now, now.claude));
    const placed = granted(await now.room.trading.placeOrder(now.claude, order, bought));
    if (placed.dryRun) throw new Error('previewed');
    now.broker.fill(placed.order.brokerClientId, '1', '1450');
    const sale = draft({ side: 'sell', limit: '1500' });
    expect(await outcome(now, now.claude, spend('act_made-up'), sale)).toBe('token_invalid');
    expect(await outcome(now, now.claude, spend(undefined), sale)).toBe('granted');
    // The same again would sell twice: that adds.
    expect(await outcome(now, now.claude, spend(undefined), sale)).toBe('token_required');
  });
});

describe('a one_step mandate', () => {
  it('needs no token, and checks one that is given', async () => {
    const now = await scene({ commit: 'one_step' });
    expect(await outcome(now, now.claude, spend(undefined))).toBe('granted');
    expect(await outcome(now, now.claude, spend('act_made-up'))).toBe('token_invalid');
    const token = await preview(now, now.claude);
    expect(await outcome(now, now.claude, spend(token, { digest: 'other' }))).toBe('token_invalid');
    expect(await outcome(now, now.claude, spend(token))).toBe('granted');
  });
});

describe('a preview', () => {
  it('writes no order, reserves nothing, sends nothing, and is on the record', async () => {
    const now = await scene();
    await preview(now, now.claude);
    expect([rows(now, 'orders'), rows(now, 'idempotency'), now.broker.sent.place.length]).toEqual([0, 0, 0]);
    const [used] = granted(await now.room.trading.mandate(now.claude)).used;
    expect(used).toMatchObject({ dailyOrders: 0, openOrders: 0 });
    expect(now.room.events('order.previewed')).toHaveLength(1);
  });

  it('of an order that would be refused gives the refusal and no token', async () => {
    const now = await scene({ ...TWO_STEP, max_order_qty: '1' });
    const seen = await now.room.trading.placeOrder(
      now.claude,
      draft({ side: 'buy', qty: '2', limit: LIMIT }),
      { kind: 'preview', tool: 'place_order', digest: 'd' },
    );
    expect(refusal(seen).reason).toBe('max_order_qty');
    expect(now.room.events('order.previewed')).toHaveLength(0);
  });

  it('promises nothing: what is refused by then is refused with its token', async () => {
    const now = await scene();
    const token = await preview(now, now.claude);
    now.room.agent('claude', { ...TWO_STEP, max_order_value: '1459.99' });
    expect(await outcome(now, now.claude, spend(token))).toBe('max_order_value');
    expect(now.broker.sent.place).toEqual([]);
  });
});

describe('a refusal by a control', () => {
  it('is the outcome of its key, and spends its token', async () => {
    const now = await scene();
    const token = await preview(now, now.claude);
    now.room.agent('claude', { ...TWO_STEP, max_order_value: '1' });
    const first = refusal(
      await now.room.trading.placeOrder(now.claude, order, spend(token, { idempotencyKey: 'same' })),
    );
    expect(first.reason).toBe('max_order_value');
    // Even when it would pass by now.
    now.room.agent('claude', TWO_STEP);
    const again = refusal(
      await now.room.trading.placeOrder(now.claude, order, spend(token, { idempotencyKey: 'same' })),
    );
    expect(again).toEqual(first);
    expect(await outcome(now, now.claude, spend(token))).toBe('token_invalid');
    expect(rows(now, 'orders')).toBe(1);
    expect(now.broker.sent.place).toEqual([]);
  });

  it('is answered again after a restart', async () => {
    const now = await scene({ max_order_qty: '0' });
    const first = refusal(await now.room.trading.placeOrder(now.claude, order, commit('same', 'd')));
    const room = await now.room.restart();
    expect(refusal(await room.trading.placeOrder(now.claude, order, commit('same', 'd')))).toEqual(first);
  });

  it('names the refused order, whose state says why', async () => {
    const now = await scene({ max_order_qty: '0' });
    const refused = refusal(await now.room.trading.placeOrder(now.claude, order, commit()));
    const stored = granted(await now.room.trading.order(now.claude, refused.order_id ?? ''));
    expect(stored.order).toMatchObject({ status: 'refused', reason: 'max_order_qty' });
    expect(stored.timeline.map((entry) => entry.status)).toEqual(['received', 'refused']);
  });
});

describe('a refusal before the transaction', () => {
  it.each([
    ['an unknown symbol', draft({ side: 'buy', symbol: 'SPX500' }), 'unknown_symbol'],
    ['an account of another', draft({ side: 'buy', account: 'second' }), 'account_not_allowed'],
    ['a missing token', order, 'token_required'],
  ] as const)('binds nothing: %s', async (_what, asked, reason) => {
    const now = await scene();
    expect(await outcome(now, now.claude, spend(undefined, { idempotencyKey: 'free' }), asked)).toBe(reason);
    expect([rows(now, 'orders'), rows(now, 'idempotency')]).toEqual([0, 0]);
    const token = await preview(now, now.claude);
    expect(await outcome(now, now.claude, spend(token, { idempotencyKey: 'free' }))).toBe('granted');
  });

  it('spends no token: a broker that does not answer', async () => {
    const now = await scene();
    const token = await preview(now, now.claude);
    now.broker.stay(false);
    expect(await outcome(now, now.claude, spend(token, { idempotencyKey: 'free' }))).toBe(
      'broker_unavailable',
    );
    now.broker.stay(true);
    await now.room.play(10);
    expect(await outcome(now, now.claude, spend(token, { idempotencyKey: 'free' }))).toBe('granted');
  });
});

describe('a key', () => {
  it('of two calls at once makes one order', async () => {
    const now = await scene({ commit: 'one_step' });
    const both = await Promise.all([
      now.room.trading.placeOrder(now.claude, order, commit('once', 'd')),
      now.room.trading.placeOrder(now.claude, order, commit('once', 'd')),
    ]);
    const ids = both.map((one) => (one.ok && !one.value.dryRun ? one.value.order.orderId : 'refused'));
    expect(ids[0]).toBe(ids[1]);
    expect(now.broker.sent.place).toHaveLength(1);
  });

  it('gives its order as it is by now', async () => {
    const now = await scene({ commit: 'one_step' });
    const first = granted(await now.room.trading.placeOrder(now.claude, order, commit('once', 'd')));
    if (first.dryRun) throw new Error('previewed');
    now.broker.fill(first.order.brokerClientId, '1', '1450');
    const again = granted(await now.room.trading.placeOrder(now.claude, order, commit('once', 'd')));
    expect(again.dryRun === false && again.order.status).toBe('filled');
  });

  it('is its agent’s own', async () => {
    const now = await scene({ commit: 'one_step' });
    const cursor = now.room.agent('cursor');
    granted(await now.room.trading.placeOrder(now.claude, order, commit('once', 'd')));
    granted(await now.room.trading.placeOrder(cursor, order, commit('once', 'other')));
    expect(now.broker.sent.place).toHaveLength(2);
  });

  it('with other arguments is a conflict that names the order, and sends nothing', async () => {
    const now = await scene({ commit: 'one_step' });
    const first = granted(await now.room.trading.placeOrder(now.claude, order, commit('once', 'd')));
    const conflict = refusal(await now.room.trading.placeOrder(now.claude, order, commit('once', 'other')));
    expect(conflict.reason).toBe('idempotency_conflict');
    expect(conflict.order_id).toBe(first.dryRun === false && first.order.orderId);
    expect(now.broker.sent.place).toHaveLength(1);
  });
});

describe('a client order id', () => {
  const named = draft({ side: 'buy', limit: LIMIT, clientOrderId: 'mine-1' });

  it('names one order of its agent, for ever', async () => {
    const now = await scene({ commit: 'one_step' });
    const first = await place(now.room, now.claude, named);
    now.broker.fill(first.brokerClientId, '1', '1450');
    const again = refusal(await now.room.trading.placeOrder(now.claude, named, commit()));
    expect(again).toMatchObject({ reason: 'duplicate_order', order_id: first.orderId });
    expect(now.broker.sent.place).toHaveLength(1);
    // The refused one does not take the name over.
    const owner = now.room.store.db
      .prepare(`SELECT order_id FROM orders WHERE client_order_id = 'mine-1'`)
      .pluck()
      .all();
    expect(owner).toEqual([first.orderId]);
  });

  it('may be used by another agent for its own', async () => {
    const now = await scene({ commit: 'one_step' });
    const cursor = now.room.agent('cursor');
    await place(now.room, now.claude, named);
    await place(now.room, cursor, named);
    expect(now.broker.sent.place).toHaveLength(2);
  });

  it('of two orders at once belongs to one', async () => {
    const now = await scene({ commit: 'one_step' });
    const both = await Promise.all([
      now.room.trading.placeOrder(now.claude, named, commit()),
      now.room.trading.placeOrder(now.claude, named, commit()),
    ]);
    expect(both.filter((one) => one.ok)).toHaveLength(1);
    expect(now.broker.sent.place).toHaveLength(1);
  });
});
