/** The owner’s close is the owner’s: nobody takes it back, and it closes nothing but what its holder has. */
import { describe, expect, it } from 'vitest';
import { quantity } from '#domain/decimal.ts';
import { agentId, type Principal } from '#domain/principal.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  granted,
  now,
  own,
  PAPER,
  place,
  reduce,
  refusal,
  tradingRoom,
} from '../support/trading-room.ts';

const closing = (who: Pick<Principal, 'agent'>) => ({ holder: who.agent, account: PAPER, symbol: 'SPX' });

/** Agents that hold ten each, at a broker that does as it is told. */
async function holders(...names: readonly string[]) {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const agents = [];
  for (const name of names) {
    const who = room.agent(name);
    const order = await place(room, who, draft({ side: 'buy', qty: '10' }));
    broker.fill(order.brokerClientId, '10', '1400');
    agents.push(who);
  }
  const [first = room.agent('claude'), second = first] = agents;
  return { broker, room, first, second, owner: room.trading.owner };
}

describe('the owner’s close in an agent’s name', () => {
  it('can be neither canceled nor changed by the agent, halted or not', async () => {
    const { broker, room, first: claude, owner } = await holders('claude');
    const closed = granted(await owner.closePosition(closing(claude))).order;
    if (closed === null) throw new Error('nothing was sent');
    const tries = async () => [
      refusal(await room.trading.cancelOrder(claude, closed.orderId, reduce())).reason,
      refusal(
        await room.trading.modifyOrder(claude, { orderId: closed.orderId, qty: quantity('1') }, commit()),
      ).reason,
      granted(await room.trading.cancelAllOrders(claude, {}, reduce())).canceled,
      granted(await room.trading.cancelAllOrders(claude, {}, { ...reduce(), dryRun: true })).pending,
    ];
    expect(await tries()).toEqual(['not_found', 'not_found', [], []]);
    granted(owner.haltAgent('claude'));
    expect((await tries())[0]).toBe('not_found');
    expect([broker.sent.cancel, broker.sent.replace]).toEqual([[], []]);
    // It is seen all the same, and the owner may take it back.
    expect((await now(room, claude, closed)).status).toBe('open');
    expect(granted(await owner.cancel(closed.orderId)).status).toBe('canceled');
  });

  it('can not be canceled by an agent that may reduce the account', async () => {
    const { broker, room, first: claude, owner } = await holders('claude');
    const guard = room.agent('guard', { may_reduce: 'account' });
    const closed = granted(await owner.closePosition(closing(claude))).order;
    const tried = await room.trading.cancelOrder(guard, closed?.orderId ?? '', reduce());
    expect(refusal(tried).reason).toBe('not_found');
    expect(broker.sent.cancel).toEqual([]);
  });

  it('is sent anew when the one at work is being taken back', async () => {
    const { broker, room, first: claude, owner } = await holders('claude');
    const first = granted(await owner.closePosition(closing(claude))).order;
    broker.silent = true;
    const canceling = owner.cancel(first?.orderId ?? '');
    await room.clock.advanceAsync(10);
    const again = owner.closePosition(closing(claude));
    const byAgent = room.trading.closePosition(claude, { account: PAPER, symbol: 'SPX' }, reduce());
    await room.clock.advanceAsync(10);
    broker.release();
    expect(granted(await canceling).status).toBe('canceled');
    const second = granted(await again).order;
    expect(second).toMatchObject({ status: 'open' });
    expect(second?.orderId).not.toBe(first?.orderId);
    expect(granted(await byAgent)).toMatchObject({ order: { orderId: second?.orderId } });
    broker.fill(second?.brokerClientId ?? '', '10', '1400');
    expect(await own(room, claude)).toBe('0');
  });

  it('first cancels what would sell the position beyond flat, and leaves what buys', async () => {
    const { broker, room, first: claude, owner } = await holders('claude');
    const beyond = await place(room, claude, draft({ side: 'sell', qty: '15', limit: '1500' }));
    const more = await place(room, claude, draft({ side: 'buy', qty: '1', limit: '1450' }));
    expect([beyond.effect, more.effect]).toEqual(['adding', 'adding']);
    const preview = granted(await owner.previewClose(closing(claude)));
    expect(preview.wouldCancel).toEqual([beyond.orderId]);
    const closed = granted(await owner.closePosition(closing(claude)));
    expect(closed.canceled).toEqual([beyond.orderId]);
    expect((await now(room, claude, more)).status).toBe('open');
    broker.fill(closed.order?.brokerClientId ?? '', '10', '1400');
    expect(await own(room, claude)).toBe('0');
  });

  it('first cancels what is being sold elsewhere of a position that nobody here opened', async () => {
    const { broker, room, owner } = await holders();
    const instrument = granted(room.book.resolve('SPX', ['built-in'])).id;
    broker.fill(broker.placeElsewhere({ instrument, side: 'buy', qty: '3' }), '3', '1400');
    const selling = broker.placeElsewhere({ instrument, side: 'sell', qty: '3' });
    const closed = granted(await owner.closePosition(closing({ agent: agentId('external') })));
    expect(broker.order(selling)?.status).toBe('canceled');
    expect([closed.canceled.length, closed.order?.qty.toFixed()]).toEqual([1, '3']);
  });

  it('takes nothing from another agent when the position has gone meanwhile', async () => {
    const { broker, room, first: claude, second: cursor, owner } = await holders('claude', 'cursor');
    const closed = granted(await owner.closePosition(closing(claude))).order;
    // With all of it being closed this is a sale of what it does not have, which its mandate allows.
    const short = await place(room, claude, draft({ side: 'sell', qty: '10', limit: '1500' }));
    expect(short.effect).toBe('adding');
    broker.fill(short.brokerClientId, '10', '1500');
    broker.fill(closed?.brokerClientId ?? '', '10', '1400');
    expect([await own(room, claude), await own(room, cursor)]).toEqual(['-10', '10']);
  });
});

it('an agent’s own close takes nothing from another agent either, unless it may reduce the account', async () => {
  const { broker, room, first: claude, second: cursor } = await holders('claude', 'cursor');
  const closed = granted(
    await room.trading.closePosition(claude, { account: PAPER, symbol: 'SPX' }, reduce()),
  );
  const short = await place(room, claude, draft({ side: 'sell', qty: '10', limit: '1500' }));
  broker.fill(short.brokerClientId, '10', '1500');
  broker.fill(closed.dryRun ? '' : (closed.order?.brokerClientId ?? ''), '10', '1400');
  expect([await own(room, claude), await own(room, cursor)]).toEqual(['-10', '10']);
});

it('what an agent is selling itself is not taken from it by one that closes the account', async () => {
  const { broker, room, first: claude, second: cursor } = await holders('claude', 'cursor');
  const guard = room.agent('guard', { may_reduce: 'account' });
  for (const [seller, other] of [
    [claude, cursor],
    [cursor, claude],
  ] as const) {
    const mine = await place(room, seller, draft({ side: 'sell', qty: '5', limit: '1500' }));
    const close = { account: PAPER, symbol: 'SPX', qty: quantity('1') };
    const closed = granted(await room.trading.closePosition(guard, close, reduce()));
    const before = Number(await own(room, other));
    const order = closed.dryRun ? null : closed.order;
    // All that the seller has is claimed by its own order.
    await place(
      room,
      seller,
      draft({ side: 'sell', qty: String(Number(await own(room, seller)) - 5), limit: '1500' }),
    );
    broker.fill(order?.brokerClientId ?? '', '1', '1400');
    expect(Number(await own(room, other))).toBe(before - 1);
    granted(await room.trading.cancelAllOrders(seller, {}, reduce()));
    expect((await now(room, seller, mine)).status).toBe('canceled');
  }
  expect([await own(room, claude), await own(room, cursor)]).toEqual(['9', '9']);
});

it('the account’s own row is nobody’s position to close', async () => {
  const { broker, first: claude, owner } = await holders('claude');
  const all = closing({ agent: agentId('*') });
  expect(refusal(await owner.closePosition(all)).reason).toBe('not_found');
  expect(refusal(await owner.previewClose(all)).reason).toBe('not_found');
  expect(broker.sent.place).toHaveLength(1);
  expect(owner.positions({ status: 'open' }).map(({ holder }) => holder)).toEqual([claude.agent]);
});
