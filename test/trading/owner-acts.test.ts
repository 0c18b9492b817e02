/** The owner cancels anybody's orders and closes anybody's positions, once each, and halts and lifts agents. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantity } from '#domain/decimal.ts';
import { agentId, OWNER_HOLDER, type Principal } from '#domain/principal.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  draft,
  granted,
  now,
  own,
  PAPER,
  place,
  reduce,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

const KILL = { cancel: 'all', flatten: false } as const;
const away = (room: TradingRoom): string => room.bid().minus('20').toFixed(2);
const closing = (who: Pick<Principal, 'agent'>, qty?: string) => ({
  holder: who.agent,
  account: PAPER,
  symbol: 'SPX',
  ...(qty === undefined ? {} : { qty: quantity(qty) }),
});
const namedOn = (room: TradingRoom, orderId: string) =>
  room
    .events()
    .filter(({ detail }) => detail?.['order_id'] === orderId)
    .map((line) => [line.agent, Reflect.get(line, 'credential'), Reflect.get(line, 'door')]);

/** An agent that holds ten, at a broker that does as it is told. */
async function holding(qty = '10') {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const claude = room.agent('claude');
  const order = await place(room, claude, draft({ side: 'buy', qty }));
  broker.fill(order.brokerClientId, qty, '1400');
  expect(await own(room, claude)).toBe(qty);
  return { broker, room, claude, owner: room.trading.owner };
}

describe('the owner cancels', () => {
  it('an agent’s order, with the owner on the record', async () => {
    const { room, claude, owner } = await holding();
    const order = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    expect(granted(await owner.cancel(order.orderId)).status).toBe('canceled');
    expect(granted(owner.order(order.orderId)).timeline.map(({ detail }) => detail)).toContain(
      'cancel asked by the owner',
    );
    expect(namedOn(room, order.orderId)).toContainEqual(['claude', 'owner', 'console']);
  });

  it('an order that nobody here placed', async () => {
    const { broker, room, owner } = await holding();
    const instrument = granted(room.book.resolve('SPX', ['built-in'])).id;
    const elsewhere = broker.placeElsewhere({ instrument, side: 'buy', qty: '3' });
    await room.clock.advanceAsync(60_000);
    const [order] = owner.orders({ agent: 'external', limit: 10 }).items;
    expect([order?.status, order?.agentName]).toEqual(['open', 'external']);
    granted(await owner.cancel(order?.orderId ?? ''));
    expect(broker.sent.cancel).toHaveLength(1);
    expect(broker.order(elsewhere)?.status).toBe('canceled');
  });

  it('one that is canceled already, which is no error and no second cancel', async () => {
    const { broker, room, claude, owner } = await holding();
    const order = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    await Promise.all([owner.cancel(order.orderId), owner.cancel(order.orderId)]);
    const sent = broker.sent.cancel.length;
    expect(granted(await owner.cancel(order.orderId)).status).toBe('canceled');
    expect(broker.sent.cancel).toHaveLength(sent);
  });

  it('nothing that is over or not there', async () => {
    const { room, claude, owner } = await holding();
    const [filled] = granted(await room.trading.orders(claude, { status: 'final', limit: 1 })).items;
    expect(refusal(await owner.cancel(filled?.orderId ?? '')).reason).toBe('order_final');
    expect(refusal(await owner.cancel('ord_nothing')).reason).toBe('not_found');
  });

  it('all of one agent, one instrument or one account, and leaves the others’', async () => {
    const { room, claude, owner } = await holding();
    const cursor = room.agent('cursor');
    const [mine, theirs] = [
      await place(room, claude, draft({ side: 'buy', limit: away(room) })),
      await place(room, cursor, draft({ side: 'buy', limit: away(room) })),
    ];
    expect(granted(await owner.cancelAll({ symbol: 'BTC/USD' })).canceled).toEqual([]);
    expect(granted(await owner.cancelAll({ agent: 'nobody-such' })).canceled).toEqual([]);
    expect(granted(await owner.cancelAll({ agent: 'claude' })).canceled).toEqual([mine.orderId]);
    expect((await now(room, cursor, theirs)).status).toBe('open');
    expect(granted(await owner.cancelAll({ account: PAPER })).canceled).toEqual([theirs.orderId]);
  });
});

describe('the owner closes', () => {
  it('an agent’s position in its name, taking its brackets first', async () => {
    const room = await tradingRoom();
    const { owner } = room.trading;
    const claude = room.agent('claude');
    const stopLoss = room.bid().minus('60').toFixed(2);
    await place(room, claude, draft({ side: 'buy', qty: '4', stopLoss }));
    await room.play(1);
    const preview = granted(await owner.previewClose(closing(claude)));
    expect(preview.preview?.positionAfter.toFixed()).toBe('0');
    expect(preview.wouldCancel).toHaveLength(1);
    expect(await own(room, claude)).toBe('4');
    const closed = granted(await owner.closePosition(closing(claude), 'c1'));
    expect(closed.canceled).toEqual(preview.wouldCancel);
    expect(closed.order).toMatchObject({ agent: claude.agent, origin: 'flatten', side: 'sell' });
    await room.play(2);
    expect(await own(room, claude)).toBe('0');
    // It is the agent's order, that the owner's credential made.
    const { order } = granted(owner.order(closed.order?.orderId ?? ''));
    expect([order.agentName, order.credential]).toEqual(['claude', 'owner']);
    expect((await now(room, claude, order)).status).toBe('filled');
    expect(namedOn(room, order.orderId)[0]).toEqual(['claude', 'owner', 'console']);
  });

  it('twice at once, and closes once', async () => {
    const { broker, room, claude, owner } = await holding();
    const all = await Promise.all([
      owner.closePosition(closing(claude)),
      owner.closePosition(closing(claude)),
      owner.closePosition(closing(claude), 'c1'),
      owner.closePosition(closing(claude), 'c2'),
    ]);
    expect(new Set(all.map((one) => granted(one).order?.orderId)).size).toBe(1);
    expect(broker.sent.place).toHaveLength(2);
    broker.fill(broker.sent.place[1] ?? '', '10', '1400');
    expect(await own(room, claude)).toBe('0');
    expect(refusal(await owner.closePosition(closing(claude), 'c3'))).toMatchObject({
      reason: 'not_reducing',
      detail: 'claude has no position in SPX to close.',
    });
    expect(broker.sent.place).toHaveLength(2);
  });

  it('a part, which a second send of the same form does not take again, filled or not', async () => {
    const { broker, room, claude, owner } = await holding();
    const first = granted(await owner.closePosition(closing(claude, '4'), 'c1'));
    expect(granted(await owner.closePosition(closing(claude, '4'), 'c1')).order?.orderId).toBe(
      first.order?.orderId,
    );
    broker.fill(broker.sent.place[1] ?? '', '4', '1400');
    const again = granted(await owner.closePosition(closing(claude, '4'), 'c1'));
    expect(again.order).toMatchObject({ orderId: first.order?.orderId, status: 'filled' });
    expect(await own(room, claude)).toBe('6');
    expect(refusal(await owner.closePosition(closing(claude, '5'), 'c1')).reason).toBe(
      'idempotency_conflict',
    );
    // A new form is a new intention.
    granted(await owner.closePosition(closing(claude, '4'), 'c2'));
    expect(broker.sent.place).toHaveLength(3);
  });

  it('all after a part that is still at work, which is taken back first', async () => {
    const { broker, claude, owner } = await holding();
    const part = granted(await owner.closePosition(closing(claude, '4')));
    const whole = granted(await owner.closePosition(closing(claude)));
    expect(whole.canceled).toEqual([part.order?.orderId]);
    expect(whole.order?.qty.toFixed()).toBe('10');
    expect(broker.sent.place).toHaveLength(3);
    // Less than what is at work is that close.
    expect(granted(await owner.closePosition(closing(claude, '3'))).order?.orderId).toBe(
      whole.order?.orderId,
    );
  });

  it('and the kill switch’s flatten closes what such a part would leave', async () => {
    const { broker, room, claude, owner } = await holding();
    granted(await owner.closePosition(closing(claude, '4')));
    const report = await owner.kill({ cancel: 'adding', flatten: true });
    expect(report.failed).toEqual([]);
    const last = broker.sent.place.at(-1) ?? '';
    expect(broker.order(last)?.qty.toFixed()).toBe('10');
    broker.fill(last, '10', '1400');
    const flat = owner.positions({ agent: 'claude', status: 'all' });
    expect(flat.map(({ qty }) => qty.toFixed())).toEqual(['0']);
    expect(room.trading.workingOrders()).toBe(0);
  });

  it('no more than there is: nothing is canceled for a close that can not be', async () => {
    const { broker, room, claude, owner } = await holding();
    const stop = await place(room, claude, draft({ side: 'sell', qty: '10', stop: away(room) }));
    const refused = refusal(await owner.closePosition(closing(claude, '11')));
    expect(refused).toMatchObject({ reason: 'not_reducing', detail: 'The position of claude in SPX is 10.' });
    expect((await now(room, claude, stop)).status).toBe('open');
    expect(broker.sent.cancel).toEqual([]);
  });

  it('what an agent is closing already with the whole, instead of it', async () => {
    const { room, claude, owner } = await holding();
    const theirs = granted(
      await room.trading.closePosition(
        claude,
        { account: PAPER, symbol: 'SPX', qty: quantity('4') },
        reduce(),
      ),
    );
    const mine = granted(await owner.closePosition(closing(claude)));
    expect(mine.canceled).toEqual([theirs.dryRun ? '' : theirs.order?.orderId]);
    expect(mine.order?.qty.toFixed()).toBe('10');
  });

  it('while everything is halted, and no sweep takes the close back', async () => {
    const { broker, room, claude, owner } = await holding();
    await owner.kill(KILL);
    const closed = granted(await owner.closePosition(closing(claude)));
    await room.clock.advanceAsync(10_000);
    expect(granted(owner.order(closed.order?.orderId ?? '')).order.status).toBe('open');
    broker.fill(broker.sent.place.at(-1) ?? '', '10', '1400');
    expect(owner.positions({ status: 'open' })).toEqual([]);
  });

  it('nothing while a cancel before it is unclear', async () => {
    const { broker, room, claude, owner } = await holding();
    await place(room, claude, draft({ side: 'sell', qty: '10', stop: away(room) }));
    broker.deaf = true;
    broker.silent = true;
    broker.next.cancel.push({ effect: 'lose', answer: 'unknown' });
    const sent = broker.sent.place.length;
    const answer = owner.closePosition(closing(claude));
    await room.clock.advanceAsync(20_000);
    expect(refusal(await answer).reason).toBe('reconciling');
    expect(broker.sent.place).toHaveLength(sent);
  });

  it('what nobody here opened, and the owner’s own', async () => {
    const { broker, room, owner } = await holding();
    const instrument = granted(room.book.resolve('SPX', ['built-in'])).id;
    const elsewhere = broker.placeElsewhere({ instrument, side: 'buy', qty: '3' });
    broker.fill(elsewhere, '3', '1400');
    const mine = granted(await owner.placeOrder(draft({ side: 'buy', qty: '2' }), 'k1'));
    broker.fill(mine.brokerClientId, '2', '1400');
    for (const [holder, qty] of [
      ['external', '3'],
      [OWNER_HOLDER, '2'],
    ] as const) {
      const closed = granted(await owner.closePosition(closing({ agent: agentId(holder) })));
      expect(closed.order?.qty.toFixed()).toBe(qty);
    }
  });

  it('in no account that is not there, and for nobody that is not', async () => {
    const { claude, owner } = await holding();
    const nowhere = { ...closing(claude), account: 'nowhere' as typeof PAPER };
    expect(refusal(await owner.closePosition(nowhere)).reason).toBe('not_found');
    expect(refusal(await owner.closePosition(closing({ agent: agentId('agt_none') }))).reason).toBe(
      'not_reducing',
    );
    expect(refusal(await owner.closePosition(closing(claude), '')).reason).toBe('idempotency_key_required');
  });

  it('with any number of clicks, parts and fills between, and never leaves a short', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            qty: fc.constantFrom('1', '3', '10', undefined),
            waits: fc.boolean(),
            byAgent: fc.boolean(),
          }),
          { minLength: 2, maxLength: 6 },
        ),
        async (clicks) => {
          const room = await tradingRoom();
          const claude = room.agent('claude');
          await place(room, claude, draft({ side: 'buy', qty: '10' }));
          await room.play(1);
          const calls: Promise<unknown>[] = [];
          for (const { qty, waits, byAgent } of clicks) {
            const { holder: _, ...asked } = closing(claude, qty);
            calls.push(
              byAgent
                ? room.trading.closePosition(claude, asked, reduce())
                : room.trading.owner.closePosition(closing(claude, qty)),
            );
            if (waits) await room.play(1);
          }
          await room.play(10);
          await Promise.all(calls);
          await room.play(3);
          const left = Number(await own(room, claude));
          expect(left).toBeGreaterThanOrEqual(0);
          if (clicks.some(({ qty, byAgent }) => !byAgent && qty === undefined)) expect(left).toBe(0);
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('the owner halts an agent', () => {
  it('whose adding orders are canceled and protective ones stay, and lifts it', async () => {
    const { room, claude, owner } = await holding();
    const adding = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    const protective = await place(room, claude, draft({ side: 'sell', qty: '10', stop: away(room) }));
    const cursor = room.agent('cursor');
    const others = await place(room, cursor, draft({ side: 'buy', limit: away(room) }));
    expect(granted(owner.haltAgent('claude'))).toEqual({
      agent: 'claude',
      tradingState: 'HALTED',
      reason: 'by the owner (console)',
      canceling: [adding.orderId],
    });
    await room.clock.advanceAsync(0);
    expect((await now(room, claude, adding)).status).toBe('canceled');
    expect((await now(room, claude, protective)).status).toBe('open');
    expect((await now(room, cursor, others)).status).toBe('open');
    expect(namedOn(room, adding.orderId)).toContainEqual(['claude', 'owner', 'console']);
    expect(room.events('agent.halted')).toMatchObject([
      { agent: 'claude', credential: 'owner', door: 'console' },
    ]);
    // What the owner did does not wait for the owner.
    expect(owner.waiting()).toEqual({ count: 0, items: [] });
    expect(granted(owner.liftAgent('claude'))).toEqual({
      agent: 'claude',
      tradingState: 'ACTIVE',
      reason: null,
    });
    await place(room, claude, draft({ side: 'buy', limit: away(room) }));
  });

  it('from the command line too: its adding orders are canceled within a second', async () => {
    const { room, claude } = await holding();
    const adding = await place(room, claude, draft({ side: 'buy', limit: away(room) }));
    granted(room.access.agents.halt('claude', { kind: 'owner', credential: 'owner', door: 'cli' }, 'cli'));
    await room.clock.advanceAsync(1_000);
    expect((await now(room, claude, adding)).status).toBe('canceled');
  });

  it('who is not there: nothing happens, and the nearest name is told', async () => {
    const { owner } = await holding();
    expect(refusal(owner.haltAgent('cluade'))).toMatchObject({
      reason: 'not_found',
      did_you_mean: ['claude'],
    });
    expect(refusal(owner.liftAgent('owner')).reason).toBe('not_found');
  });
});
