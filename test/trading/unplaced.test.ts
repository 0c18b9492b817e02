/** What was closed at the broker by nobody here: a square-off ends the agent's position, and the owner's own sale leaves it alone. */
import { describe, expect, it } from 'vitest';
import type { Product } from '#domain/order.ts';
import type { Principal } from '#domain/principal.ts';
import { settled } from '../support/limit-storm.ts';
import { holds } from '../support/real-account.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  own,
  PAPER,
  place,
  reduce,
  refusal,
  tradingRoom,
} from '../support/trading-room.ts';

const CLOSE = { account: PAPER, symbol: 'SPX' };

async function scene() {
  const broker = scriptedBroker('paper', { capabilities: { products: ['cnc', 'mis', 'nrml'] } });
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker });
  const claude = room.agent('claude');
  const instrument = granted(room.book.resolve('SPX', ['built-in'])).id;
  const holding = room.store.db
    .prepare("SELECT qty FROM holdings WHERE holder = ? AND account_id = 'paper' AND instrument_id = ?")
    .pluck();
  return {
    broker,
    instrument,
    room,
    claude,
    holds: (holder: string) => holding.get(holder, instrument) ?? '0',
    async bought(who: Principal, product: Product, qty: string) {
      const order = await place(room, who, draft({ side: 'buy', qty, limit: '1440', product }));
      broker.fill(order.brokerClientId, qty, '1440', '1');
      await settled();
    },
    /** An order of the broker's own, or of the owner at the broker. */
    async elsewhere(side: 'buy' | 'sell', product: Product, qty: string) {
      const id = broker.placeElsewhere({ instrument, side, qty, product });
      const execution = broker.fill(id, qty, '1450', '3');
      await settled();
      return execution;
    },
    closed: () => room.events('position.closed_elsewhere'),
  };
}

describe('a square-off by the broker', () => {
  it('ends the position that the agent has under the product: nothing is left that a close could sell short', async () => {
    const it = await scene();
    await it.bought(it.claude, 'mis', '3');
    const stop = draft({
      side: 'sell',
      qty: '3',
      type: 'stop',
      stop: '1400',
      product: 'mis',
      reduceOnly: true,
    });
    const protection = await place(it.room, it.claude, stop);
    await it.elsewhere('sell', 'mis', '3');
    expect([it.holds(it.claude.agent), it.holds('external'), it.holds('*')]).toEqual(['0', '0', '0']);
    const sent = it.broker.sent.place.length;
    expect(refusal(await it.room.trading.closePosition(it.claude, CLOSE, reduce())).reason).toBe(
      'not_reducing',
    );
    expect(it.broker.sent.place.length).toBe(sent);
    expect(it.broker.sent.cancel).toEqual([protection.brokerClientId]);
    const orders = granted(await it.room.trading.orders(it.claude, { status: 'all', limit: 9 })).items;
    expect(orders[0]).toMatchObject({
      side: 'sell',
      status: 'filled',
      origin: 'settlement',
      product: 'mis',
      reason: 'Closed at the broker by an order that nobody here placed (mis).',
    });
    const trades = granted(await it.room.trading.trades(it.claude, { limit: 9 })).items;
    expect(trades.map(({ side, qty, fee }) => [side, qty.toFixed(), fee.toFixed()])).toEqual([
      ['sell', '3', '3'],
      ['buy', '3', '1'],
    ]);
    expect(it.closed()).toMatchObject([
      { outcome: 'ok', detail: { product: 'mis', side: 'sell', qty: '3', holders: 'claude 3' } },
    ]);
  });

  it('told twice, and found again by comparisons, is posted once', async () => {
    const it = await scene();
    await it.bought(it.claude, 'mis', '3');
    const execution = await it.elsewhere('sell', 'mis', '3');
    await it.bought(it.claude, 'mis', '2');
    it.broker.emit({ kind: 'execution', execution });
    expect([it.holds(it.claude.agent), it.holds('external'), it.holds('*')]).toEqual(['2', '0', '2']);
    const again = await it.room.restart();
    await settled();
    expect(await own(again, it.claude)).toBe('2');
    expect(again.events('position.closed_elsewhere')).toHaveLength(1);
  });

  it('of which no trade is told any more ends the position with the comparison, and leaves what is delivered', async () => {
    const it = await scene();
    await it.bought(it.claude, 'cnc', '10');
    await it.bought(it.claude, 'mis', '3');
    holds(it.broker, { [it.instrument]: '10' });
    const again = await it.room.restart();
    await settled();
    expect(await own(again, it.claude)).toBe('10');
    expect(again.events('position.closed_elsewhere')).toMatchObject([{ detail: { holders: 'claude 3' } }]);
    expect(again.events('reconcile.mismatch')).toHaveLength(1);
    // Delivered shares do not go by themselves: that they are gone is the owner's doing.
    holds(it.broker, { [it.instrument]: '4' });
    const later = await again.restart();
    await settled();
    expect(await own(later, it.claude)).toBe('10');
    expect(later.events('position.closed_elsewhere')).toHaveLength(1);
  });

  it('of what the owner opened under the product leaves alone what an agent holds under another', async () => {
    const it = await scene();
    await it.bought(it.claude, 'cnc', '10');
    await it.elsewhere('buy', 'mis', '5');
    await it.elsewhere('sell', 'mis', '5');
    expect([it.holds(it.claude.agent), it.holds('external'), it.holds('*')]).toEqual(['10', '0', '10']);
    expect(it.closed()).toEqual([]);
  });

  it('of both takes the owner’s first, and what the agent has under another product stays', async () => {
    const it = await scene();
    await it.bought(it.claude, 'cnc', '10');
    await it.bought(it.claude, 'mis', '3');
    await it.elsewhere('buy', 'mis', '5');
    await it.elsewhere('sell', 'mis', '4');
    expect([it.holds(it.claude.agent), it.holds('external')]).toEqual(['13', '1']);
    await it.elsewhere('sell', 'mis', '4');
    expect([it.holds(it.claude.agent), it.holds('external'), it.holds('*')]).toEqual(['10', '0', '10']);
    // A sale beyond what anybody has under the product is the owner's alone.
    await it.elsewhere('sell', 'mis', '2');
    expect([it.holds(it.claude.agent), it.holds('external'), it.holds('*')]).toEqual(['10', '-2', '8']);
    expect(it.closed()).toMatchObject([{ outcome: 'ok', detail: { holders: 'external 1, claude 3' } }]);
  });

  it('of a part of what two agents have is taken in order of name, and is on the record as not told', async () => {
    const it = await scene();
    const other = it.room.agent('anna');
    await it.bought(it.claude, 'mis', '3');
    await it.bought(other, 'mis', '3');
    await it.elsewhere('sell', 'mis', '4');
    expect([it.holds(other.agent), it.holds(it.claude.agent), it.holds('*')]).toEqual(['0', '2', '2']);
    expect(it.closed()).toMatchObject([{ outcome: 'unknown', detail: { holders: 'anna 3, claude 1' } }]);
    await it.elsewhere('sell', 'mis', '2');
    expect([it.holds(it.claude.agent), it.holds('external'), it.holds('*')]).toEqual(['0', '0', '0']);
    expect(it.closed()).toHaveLength(2);
  });

  it('buys back a short all the same', async () => {
    const it = await scene();
    const order = granted(
      await it.room.trading.placeOrder(
        it.claude,
        draft({ side: 'sell', qty: '2', limit: '1460', product: 'mis' }),
        commit(),
      ),
    );
    if (order.dryRun) throw new Error('previewed');
    it.broker.fill(order.order.brokerClientId, '2', '1460');
    await it.elsewhere('buy', 'mis', '2');
    expect([it.holds(it.claude.agent), it.holds('external'), it.holds('*')]).toEqual(['0', '0', '0']);
  });
});
