/** Who has a claim to a position: what others would take of it, what is left for an order whose position has gone, and who comes first. */
import { describe, expect, it } from 'vitest';
import { money, price, quantity } from '#domain/decimal.ts';
import { OWNER_CLI, OWNER_CONSOLE } from '#domain/principal.ts';
import { approveCard, ask, cardNow } from '../support/approvals.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  own,
  PAPER,
  place,
  reduce,
  refusal,
  tradingRoom,
} from '../support/trading-room.ts';

async function flat(options: Parameters<typeof scriptedBroker>[1] = {}) {
  const broker = scriptedBroker('paper', options);
  const room = await tradingRoom({ csv: flatTape('100', 600), adapter: () => broker });
  return { room, broker };
}
type Room = Awaited<ReturnType<typeof flat>>['room'];
const act = (tool: string) => ({ tool, digest: 'd', dryRun: false });
const tighten = async (room: Room, who: Parameters<Room['trading']['tightenMandate']>[0], fields: object) =>
  granted(await room.trading.tightenMandate(who, fields, act('tighten_mandate')));
const PREVIEW = { kind: 'preview', tool: 'place_order', digest: 'd' } as const;
/** May close what others hold, and open nothing. */
const CLOSER = {
  may_reduce: 'account',
  allow_short: false,
  max_order_qty: '0',
  max_order_value: '0',
  max_daily_value: '0',
  max_daily_orders: 0,
  max_gross_exposure: '0',
  max_open_orders: 0,
  approval: 'always',
  max_daily_loss: '500',
};
async function closerScene() {
  const scene = await flat();
  const other = scene.room.agent('other');
  const closer = scene.room.agent('closer', CLOSER);
  const buy = await place(scene.room, other, draft({ side: 'buy', qty: '10', limit: '100.5' }));
  scene.broker.fill(buy.brokerClientId, '10', '100');
  return { ...scene, other, closer };
}

describe('an agent that may only close opens nothing by tightening', () => {
  it('in the millisecond of its order', async () => {
    const { room, broker, other, closer } = await closerScene();
    const sell = await place(room, closer, draft({ side: 'sell', qty: '10', limit: '101' }));
    await tighten(room, closer, { may_reduce: 'own' });
    broker.fill(sell.brokerClientId, '10', '101');
    expect([await own(room, closer), await own(room, other)]).toEqual(['0', '0']);
  });
  it('more often than versions are kept', async () => {
    const { room, broker, other, closer } = await closerScene();
    const sell = await place(room, closer, draft({ side: 'sell', qty: '10', limit: '101' }));
    await room.clock.advanceAsync(10);
    await tighten(room, closer, { may_reduce: 'own' });
    for (let n = 0; n < 101; n++) await tighten(room, closer, { max_daily_loss: String(499 - n / 1000) });
    const authors = room.access.mandates.history(closer.agent).map(({ author }) => author);
    expect([authors.length, authors.at(-1)]).toEqual([101, 'owner']);
    broker.fill(sell.brokerClientId, '10', '101');
    expect([await own(room, closer), await own(room, other)]).toEqual(['0', '0']);
  });
  it('where the position goes by somebody else’s order first', async () => {
    const { room, broker, other, closer } = await closerScene();
    const sell = await place(room, closer, draft({ side: 'sell', qty: '10', limit: '101' }));
    const theirs = await place(room, other, draft({ side: 'sell', qty: '10', limit: '101' }));
    broker.fill(theirs.brokerClientId, '10', '101');
    await room.clock.advanceAsync(3_000);
    expect((await now(room, closer, sell)).status).toBe('canceled');
  });
});

describe('the owner closes, whoever else has a claim', () => {
  it('a position that a closer’s far order reserves', async () => {
    const { room, other, closer } = await closerScene();
    const far = await place(room, closer, draft({ side: 'sell', qty: '10', limit: '99999' }));
    const closed = await room.trading.owner.closePosition(
      { holder: other.agent, account: PAPER, symbol: 'SPX' },
      'k1',
    );
    expect(closed.ok ? 'ok' : closed.error.reason).toBe('ok');
    expect((await now(room, closer, far)).status).toBe('canceled');
  });
  it('and so does the holder itself, who hears of its own orders alone', async () => {
    const { room, broker, other, closer } = await closerScene();
    const far = await place(room, closer, draft({ side: 'sell', qty: '10', limit: '99999' }));
    const closed = granted(
      await room.trading.closePosition(other, { account: PAPER, symbol: 'SPX' }, reduce()),
    );
    expect((await now(room, closer, far)).status).toBe('canceled');
    if (closed.dryRun) throw new Error('previewed');
    expect(closed.canceled).toEqual([]);
    broker.fill(closed.order?.brokerClientId ?? '', '10', '99');
    expect([await own(room, closer), await own(room, other)]).toEqual(['0', '0']);
  });
  it('and leaves alone what protects the position of somebody else', async () => {
    const { room, broker, other } = await closerScene();
    const third = room.agent('third');
    const entry = await place(room, third, draft({ side: 'buy', qty: '3', limit: '100.5' }));
    broker.fill(entry.brokerClientId, '3', '100');
    const stop = await place(room, third, draft({ side: 'sell', qty: '3', type: 'stop', stop: '95' }));
    granted(
      await room.trading.owner.closePosition({ holder: other.agent, account: PAPER, symbol: 'SPX' }, 'k1'),
    );
    expect((await now(room, third, stop)).status).toBe('open');
  });
  it('by kill --flatten, though the sweep keeps that order as protective', async () => {
    const { room, broker, other } = await closerScene();
    const wide = room.agent('wide', { may_reduce: 'account' });
    const entry = await place(room, wide, draft({ side: 'buy', qty: '1', limit: '100.5' }));
    broker.fill(entry.brokerClientId, '1', '100');
    await place(room, wide, draft({ side: 'sell', qty: '11', limit: '99999' }));
    broker.silent = true;
    const killed = room.trading.kill({ cancel: 'adding', flatten: true, by: 'cli' });
    await room.clock.advanceAsync(500);
    broker.silent = false;
    broker.release();
    await room.clock.advanceAsync(20_000);
    expect((await killed).failed).toEqual([]);
    for (const id of broker.sent.place.slice(-2)) {
      const sent = broker.order(id);
      if (sent?.status === 'open') broker.fill(id, sent.qty.toFixed(), '99');
    }
    expect([await own(room, other), await own(room, wide)]).toEqual(['0', '0']);
  });
});

describe('no short under allow_short: false', () => {
  it.each(['approved', 'placed'])(
    'by an adding sell that was %s before, and one that reduces',
    async (how) => {
      const { room, broker } = await flat();
      const claude = room.agent('claude', how === 'approved' ? { approval: { above: '1500' } } : {});
      const sellTerms = { side: 'sell', qty: '20', limit: '101' } as const;
      const waits = how === 'approved' ? await ask(room, claude, sellTerms) : undefined;
      const first = waits?.order ?? (await place(room, claude, draft(sellTerms)));
      const buy = draft({ side: 'buy', qty: '20', limit: '100.5' });
      if (waits) {
        const entry = await ask(room, claude, { side: 'buy', qty: '20', limit: '100.5' });
        granted(await approveCard(room, entry.card));
        broker.fill(entry.order.brokerClientId, '20', '100.5');
      } else broker.fill((await place(room, claude, buy)).brokerClientId, '20', '100.5');
      await tighten(room, claude, { allow_short: false });
      if (waits) await approveCard(room, cardNow(room, waits.card));
      const second = await room.trading.placeOrder(claude, draft(sellTerms), commit());
      await room.clock.advanceAsync(1_000);
      const ids = [
        first.brokerClientId,
        second.ok && !second.value.dryRun ? second.value.order.brokerClientId : '',
      ];
      for (const id of ids) if (broker.order(id)?.status === 'open') broker.fill(id, '20', '101');
      expect(await own(room, claude)).toBe('0');
    },
  );
  it('by a reducing order whose position was taken back with the evidence for it', async () => {
    const { room, broker } = await flat();
    const claude = room.agent('claude', { allow_short: false });
    broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    broker.silent = true;
    broker.deaf = true;
    const order = await place(room, claude, draft({ side: 'buy', qty: '5', limit: '100.5' }));
    granted(
      room.trading.owner.recordEvidence({
        orderId: order.orderId,
        outcome: 'filled',
        fills: [{ qty: quantity('5'), price: price('100'), fee: money('0') }],
        source: 'screen',
        text: 'filled 5',
        observedAtMs: room.access.wall(),
        by: OWNER_CONSOLE,
      }),
    );
    const sell = await place(room, claude, draft({ side: 'sell', qty: '5', limit: '101' }));
    broker.deaf = false;
    broker.silent = false;
    broker.release();
    await room.clock.advanceAsync(70_000);
    expect((await now(room, claude, sell)).status).toBe('canceled');
  });
});

describe('what is left of a position', () => {
  it('stays protected by an order that is larger by now, while what has nothing left goes', async () => {
    const { room, broker, other, closer } = await closerScene();
    const target = await place(room, other, draft({ side: 'sell', qty: '4', limit: '101' }));
    const stop = await place(room, other, draft({ side: 'sell', qty: '5', type: 'stop', stop: '95' }));
    const closing = await place(room, closer, draft({ side: 'sell', qty: '1', limit: '100.5' }));
    broker.fill(closing.brokerClientId, '1', '100.5');
    await room.clock.advanceAsync(1_000);
    const statuses = async () => [
      (await now(room, other, target)).status,
      (await now(room, other, stop)).status,
    ];
    expect(await statuses()).toEqual(['open', 'open']);
    const short = await place(room, other, draft({ side: 'sell', qty: '6', limit: '101' }));
    expect(short.effect).toBe('adding');
    broker.fill(short.brokerClientId, '6', '101');
    await room.clock.advanceAsync(1_000);
    expect(await own(room, other)).toBe('3');
    expect(await statuses()).toEqual(['canceled', 'open']);
  });
});

describe('an order that waits for the owner', () => {
  it('is not taken back by an agent that may reduce the account', async () => {
    const { room } = await flat();
    const claude = room.agent('claude', { approval: 'always' });
    const closer = room.agent('closer', CLOSER);
    const { order } = await ask(room, claude, { side: 'buy', qty: '20', limit: '101' });
    expect(refusal(await room.trading.cancelOrder(closer, order.orderId, reduce())).reason).toBe('not_found');
    expect((await now(room, claude, order)).status).toBe('pending_approval');
    expect(granted(await room.trading.cancelOrder(claude, order.orderId, reduce())).order.status).toBe(
      'canceled',
    );
  });
  it('takes no place of max_positions from others', async () => {
    const { room } = await flat();
    const { accountLimits } = room.trading.owner;
    granted(accountLimits.change({ account: PAPER, to: { max_positions: '1' }, by: OWNER_CLI }));
    await ask(room, room.agent('careful', { approval: 'always' }), { side: 'buy', qty: '20', limit: '101' });
    const claude = room.agent('claude');
    const inUse = async () => {
      const seen = granted(await room.trading.placeOrder(claude, draft({ side: 'buy' }), PREVIEW));
      if (!seen.dryRun) throw new Error('placed');
      return seen.preview.limits.find(({ limit }) => limit === 'account_max_positions')?.used;
    };
    expect(await inUse()).toBe('0');
    await place(room, claude, draft({ side: 'buy', limit: '99' }));
    expect(await inUse()).toBe('1');
  });
});
