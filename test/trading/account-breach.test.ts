/** What a breach of an account’s limit does: nothing is added any more, and what would add is taken back. */
import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '#store/fault.ts';
import { accountScene, lift, restarted, standingOf, stateOf, trade } from '../support/account-scene.ts';
import { commit, draft, granted, now, PAPER, place, refusal } from '../support/trading-room.ts';

describe('at a breach of an account’s limit', () => {
  it('everybody’s adding orders are canceled at once, protective ones stay, and closing goes on', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    const cursor = it.room.agent('cursor');
    const far = await place(it.room, cursor, draft({ side: 'buy', limit: '1440' }));
    const own = granted(
      await it.room.trading.owner.placeOrder(draft({ side: 'buy', limit: '1430' }), 'form-1'),
    );
    const entry = await place(
      it.room,
      claude,
      draft({ side: 'buy', qty: '10', takeProfit: '1500', stopLoss: '1400' }),
    );
    it.broker.fill(entry.brokerClientId, '10', '1455');
    await it.room.play(1);
    expect((await now(it.room, cursor, far)).status).toBe('canceled');
    expect(granted(it.room.trading.owner.order(own.orderId)).order.status).toBe('canceled');
    const { items } = granted(await it.room.trading.orders(claude, { status: 'open', limit: 9 }));
    expect(items.map((order) => order.role).sort()).toEqual(['stop_loss', 'take_profit']);
    const refused = refusal(
      await it.room.trading.placeOrder(cursor, draft({ side: 'buy', limit: '1440' }), commit()),
    );
    expect(refused).toMatchObject({ reason: 'trading_reducing' });
    expect(refused.detail).toContain('the account paper lost 50 today and may lose 50');
    const ticket = refusal(
      await it.room.trading.owner.placeOrder(draft({ side: 'buy', limit: '1430' }), 'form-2'),
    );
    expect(ticket.reason).toBe('trading_reducing');
    const closed = granted(
      await it.room.trading.closePosition(
        claude,
        { account: PAPER, symbol: 'SPX' },
        { tool: 'close_position', digest: 'd', dryRun: false },
      ),
    );
    expect(closed.dryRun === false && closed.order?.qty.toFixed()).toBe('10');
  });

  it('an order that the broker acknowledges late is canceled too', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    const cursor = it.room.agent('cursor');
    it.broker.next.place.push({ effect: 'accept', answer: 'never' });
    it.broker.silent = true;
    const slow = it.room.trading.placeOrder(cursor, draft({ side: 'buy', limit: '1440' }), commit());
    await it.room.clock.advanceAsync(0);
    it.broker.silent = false;
    const [sent = ''] = it.broker.sent.place;
    // Nobody can cancel yet what the venue has not put on its book.
    it.broker.next.cancel.push({ effect: 'reject', answer: 'truth' }, { effect: 'lose', answer: 'unknown' });
    await trade(it, claude, ['buy', '10', '1455']);
    expect(stateOf(it)).toBe('max_daily_loss');
    await it.room.play(1);
    expect(it.broker.order(sent)?.status).toBe('open');
    it.broker.release();
    await it.room.play(8);
    expect(it.broker.order(sent)?.status).toBe('canceled');
    it.broker.answerLate(sent, { kind: 'accepted', brokerOrderId: 'late' });
    expect((await slow).ok).toBe(true);
    expect(it.broker.sent.place).toHaveLength(2);
  });

  it('agents see the state of the account', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    const state = async () => granted(await it.room.trading.account(claude, PAPER)).tradingState;
    expect(await state()).toBe('ACTIVE');
    await trade(it, claude, ['buy', '10', '1455']);
    expect(await state()).toBe('REDUCING');
  });

  it('a process that dies before the broker has said a word takes the orders back when it is there again', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    const claude = it.room.agent('claude');
    const far = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    it.broker.next.cancel.push({ effect: 'lose', answer: 'never' });
    await trade(it, claude, ['buy', '10', '1455']);
    expect(it.broker.order(far.brokerClientId)?.status).toBe('open');
    const later = await restarted(it);
    expect(it.broker.order(far.brokerClientId)?.status).toBe('canceled');
    expect((await now(later.room, claude, far)).status).toBe('canceled');
    expect(later.room.events('limit.breached')).toHaveLength(1);
  });

  it('an order that waits for the owner is taken back too, and nothing of it is ever sent', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    const careful = it.room.agent('careful', { approval: 'always' });
    const waiting = await place(it.room, careful, draft({ side: 'buy', limit: '1440' }));
    expect(waiting.status).toBe('pending_approval');
    await trade(it, it.room.agent('claude'), ['buy', '10', '1455']);
    await it.room.play(1);
    expect(['canceled', 'refused']).toContain((await now(it.room, careful, waiting)).status);
    expect(it.room.trading.owner.approvals.count()).toBe(0);
    expect(it.broker.sent.place).toHaveLength(1);
    expect(it.broker.sent.cancel).toEqual([]);
  });

  it.each([
    ['max_daily_loss', `NULL, NULL, '50'`, { limit: 'account_max_daily_loss', used: '50', max: '50' }],
    ['max_drawdown', `'0.05', NULL, NULL`, { limit: 'account_max_drawdown', used: '0.05', max: '0.05' }],
  ])(
    'an adding order is refused by the figures before anybody has looked: %s',
    async (reason, columns, figure) => {
      const it = await accountScene();
      const claude = it.room.agent('claude');
      await trade(it, claude, ['buy', '10', '1455']);
      it.room.store.transaction(() =>
        it.room.store.db.prepare(`INSERT INTO account_limits VALUES ('paper', ${columns}, 0)`).run(),
      );
      expect(stateOf(it)).toBe('ACTIVE');
      const order = draft({ side: 'buy', limit: '1440' });
      expect(refusal(await it.room.trading.placeOrder(claude, order, commit()))).toMatchObject({
        reason,
        limits: [figure],
      });
      expect(it.broker.sent.place).toHaveLength(1);
      await it.room.play(1);
      expect(stateOf(it)).toBe(reason);
    },
  );

  it('is recorded once, however long it lasts, and waits for the owner', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    await trade(it, it.room.agent('claude'), ['buy', '10', '1455']);
    await it.room.play(10);
    expect(it.room.events('limit.breached')).toMatchObject([
      { agent: null, outcome: 'ok', detail: { limit: 'max_daily_loss', used: '50', max: '50' } },
    ]);
    expect(it.room.trading.owner.waiting().items).toMatchObject([
      { kind: 'account_reducing', account: PAPER, reason: 'max_daily_loss', used: '50', max: '50' },
    ]);
    lift(it);
    expect(it.room.trading.owner.waiting().items).toEqual([]);
    expect(it.room.events('account.lifted')).toMatchObject([
      { detail: { limits: ['max_daily_loss'], before: 'REDUCING', why: 'lifted by the owner' } },
    ]);
  });

  it('is acted on although nothing can be written down', async () => {
    let broken = false;
    const it = await accountScene(
      {},
      {
        watched: (store) => ({
          ...store,
          transaction(work) {
            if (broken) throw new StoreUnavailable('SQLITE_FULL', 'the disk is full');
            return store.transaction(work);
          },
        }),
      },
    );
    const claude = it.room.agent('claude');
    const far = await place(it.room, claude, draft({ side: 'buy', limit: '1440' }));
    await trade(it, claude, ['buy', '10', '1455']);
    it.room.store.transaction(() =>
      it.room.store.db.prepare(`INSERT INTO account_limits VALUES ('paper', NULL, NULL, '50', 0)`).run(),
    );
    broken = true;
    await it.room.play(2);
    expect(it.broker.sent.cancel).toContain(far.brokerClientId);
    broken = false;
    await it.room.play(2);
    expect(stateOf(it)).toBe('max_daily_loss');
  });

  it('nothing is lifted where nothing has tripped', async () => {
    const it = await accountScene({ max_daily_loss: '51' });
    await trade(it, it.room.agent('claude'), ['buy', '10', '1455']);
    expect(lift(it)).toEqual([]);
    expect(standingOf(it)).toMatchObject({ loss: '50', peak: '100000' });
    expect(it.room.events('account.lifted')).toEqual([]);
  });
});

describe('of what the owner does at the broker’s own screen, a breach', () => {
  async function breached() {
    const it = await accountScene({ max_daily_loss: '50' });
    const instrument = granted(it.room.book.resolve('SPX', ['built-in'])).id;
    const claude = it.room.agent('claude');
    await trade(it, claude, ['buy', '10', '1455']);
    await it.room.play(1);
    expect(stateOf(it)).toBe('max_daily_loss');
    const at = async (side: 'buy' | 'sell', qty: string) => {
      const id = it.broker.placeElsewhere({ instrument, side, qty });
      await it.room.play(2);
      return () => it.broker.order(id)?.status;
    };
    return { it, claude, at };
  }

  it('leaves a close alone, as large as the position, and takes back what goes beyond it or adds', async () => {
    const { at } = await breached();
    const most = await at('sell', '6');
    const rest = await at('sell', '4');
    const beyond = await at('sell', '1');
    const adding = await at('buy', '1');
    expect([most(), rest(), beyond(), adding()]).toEqual(['open', 'open', 'canceled', 'canceled']);
  });

  it('takes the close back once its position has gone another way', async () => {
    const { it, claude, at } = await breached();
    const close = await at('sell', '10');
    await trade(it, claude, ['sell', '10', '1450']);
    await it.room.play(2);
    expect(close()).toBe('canceled');
  });

  it('leaves the stop of a position that was opened there, which the kill switch keeps too', async () => {
    const it = await accountScene({ max_daily_loss: '50' });
    const instrument = granted(it.room.book.resolve('SPX', ['built-in'])).id;
    it.broker.fill(it.broker.placeElsewhere({ instrument, side: 'buy', qty: '10' }), '10', '1450');
    const stop = it.broker.placeElsewhere({ instrument, side: 'sell', qty: '10' });
    await it.room.play(1);
    await trade(it, it.room.agent('claude'), ['buy', '10', '1455']);
    await it.room.play(2);
    expect(it.broker.order(stop)?.status).toBe('open');
    const killed = it.room.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
    await it.room.clock.advanceAsync(20_000);
    const { kept, ordersLeft, canceled } = await killed;
    expect([kept.length, ordersLeft, canceled]).toEqual([1, [], []]);
    expect(it.broker.order(stop)?.status).toBe('open');
  });
});
