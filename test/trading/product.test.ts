/** The product of an order: told to brokers that know products and to no other, kept through changes, approvals and closes. */
import { describe, expect, it } from 'vitest';
import { price, quantity } from '#domain/decimal.ts';
import type { Product } from '#domain/order.ts';
import { settled } from '../support/limit-storm.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  PAPER,
  place,
  reduce,
  refusal,
  tradingRoom,
} from '../support/trading-room.ts';

async function scene(products: readonly Product[] = ['cnc', 'mis', 'nrml'], mandate = {}) {
  const broker = scriptedBroker('paper', { capabilities: { products } });
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker });
  return { broker, room, claude: room.agent('claude', mandate) };
}
const buy = (product?: Product, qty = '2') =>
  draft({ side: 'buy', qty, limit: '1440', ...(product === undefined ? {} : { product }) });

describe('a product', () => {
  it('goes to the broker with the order, is stored with it, and stays with a change', async () => {
    const { broker, room, claude } = await scene();
    const order = await place(room, claude, buy('mis'));
    expect(order.product).toBe('mis');
    expect(broker.order(order.brokerClientId)?.product).toBe('mis');
    const change = { orderId: order.orderId, limitPrice: price('1441') };
    granted(await room.trading.modifyOrder(claude, change, { ...commit(), tool: 'modify_order' }));
    expect(granted(await room.trading.order(claude, order.orderId)).order.product).toBe('mis');
    const again = await room.restart();
    expect(granted(await again.trading.order(claude, order.orderId)).order.product).toBe('mis');
  });

  it('is left to the broker where none is named', async () => {
    const { broker, room, claude } = await scene();
    const order = await place(room, claude, buy());
    expect(order).not.toHaveProperty('product');
    expect(broker.order(order.brokerClientId)).not.toHaveProperty('product');
  });

  it('is refused where the broker knows none, and with the list where it has not this one', async () => {
    const none = await scene([]);
    const refused = refusal(await none.room.trading.placeOrder(none.claude, buy('cnc'), commit()));
    expect(refused).toMatchObject({ reason: 'invalid_input', errors: [{ field: 'product' }] });
    const some = await scene(['cnc', 'mis']);
    const other = refusal(await some.room.trading.placeOrder(some.claude, buy('nrml'), commit()));
    expect(other.errors).toMatchObject([{ field: 'product', rule: 'one of cnc, mis there' }]);
    expect([...none.broker.sent.place, ...some.broker.sent.place]).toEqual([]);
  });

  it('is part of what waits for the owner, and leaves as it was decided', async () => {
    const { broker, room, claude } = await scene(undefined, { approval: 'always' });
    const waiting = await place(room, claude, buy('nrml'));
    expect(waiting).toMatchObject({ status: 'pending_approval', product: 'nrml' });
    expect(broker.sent.place).toEqual([]);
  });

  it('of a close is that of what is held, the holder’s before another’s, unless it is named', async () => {
    const { broker, room, claude } = await scene();
    const other = room.agent('other');
    for (const [who, product] of [
      [claude, 'mis'],
      [other, 'nrml'],
    ] as const) {
      const order = await place(room, who, buy(product));
      broker.fill(order.brokerClientId, '2', '1440');
    }
    await settled();
    const closes = { account: PAPER, symbol: 'SPX' };
    const preview = granted(await room.trading.closePosition(claude, closes, { ...reduce(), dryRun: true }));
    expect(preview).toMatchObject({ dryRun: true });
    const closed = granted(await room.trading.closePosition(claude, closes, reduce()));
    expect(closed).toMatchObject({ order: { product: 'mis', side: 'sell' } });
    const named = refusal(await room.trading.closePosition(other, { ...closes, product: 'cnc' }, reduce()));
    expect(named).toMatchObject({ reason: 'not_reducing', detail: expect.stringContaining('2 as nrml') });
    const right = granted(await room.trading.closePosition(other, { ...closes, product: 'nrml' }, reduce()));
    expect(right).toMatchObject({ order: { product: 'nrml' } });
  });

  async function split() {
    const it = await scene(undefined, { allow_short: false });
    for (const [product, qty] of [
      ['cnc', '10'],
      ['mis', '3'],
    ] as const) {
      const order = await place(it.room, it.claude, buy(product, qty));
      it.broker.fill(order.brokerClientId, qty, '1440');
    }
    await settled();
    const sales = () =>
      it.broker
        .everyOrder()
        .filter(({ side }) => side === 'sell')
        .map(({ product, qty }) => `${qty.toFixed()} ${product}`)
        .sort();
    return { ...it, sales, close: { account: PAPER, symbol: 'SPX' } };
  }

  it('has to be named by the close of what is held under two, and takes no more than is held under it', async () => {
    const { room, claude, close, sales } = await split();
    for (const dryRun of [true, false]) {
      const refused = refusal(await room.trading.closePosition(claude, close, { ...reduce(), dryRun }));
      expect(refused).toMatchObject({ reason: 'invalid_input', errors: [{ field: 'product' }] });
      expect(refused.detail).toContain('10 as cnc and 3 as mis');
    }
    const tooMany = { ...close, product: 'mis', qty: quantity('4') } as const;
    const much = refusal(await room.trading.closePosition(claude, tooMany, reduce()));
    expect(much.reason).toBe('not_reducing');
    const sell = draft({ side: 'sell', qty: '4', limit: '1450', product: 'mis', reduceOnly: true });
    expect(refusal(await room.trading.placeOrder(claude, sell, commit())).reason).toBe('not_reducing');
    const short = { ...sell, reduceOnly: false };
    expect(refusal(await room.trading.placeOrder(claude, short, commit())).reason).toBe('short_not_allowed');
    expect(sales()).toEqual([]);
    granted(await room.trading.closePosition(claude, { ...close, product: 'mis' }, reduce()));
    granted(await room.trading.closePosition(claude, { ...close, product: 'cnc' }, reduce()));
    expect(sales()).toEqual(['10 cnc', '3 mis']);
  });

  it('of each part is that of the order which closes it, when everything is closed', async () => {
    const { room, claude, sales } = await split();
    granted(await room.trading.closeAllPositions(claude, {}, reduce()));
    expect(sales()).toEqual(['10 cnc', '3 mis']);
  });

  it('of each part is that of the order which the kill switch flattens it with', async () => {
    const { room, sales } = await split();
    await room.trading.owner.kill({ cancel: 'all', flatten: true });
    await settled();
    expect(sales()).toEqual(['10 cnc', '3 mis']);
  });

  it('is left to the broker for what is of none that is known, beside a close of the rest', async () => {
    const { room, claude, sales, close } = await split();
    room.store.db.prepare("UPDATE executions SET product = NULL WHERE product = 'mis'").run();
    room.store.db.prepare("UPDATE orders SET product = NULL WHERE product = 'mis'").run();
    const refused = refusal(await room.trading.closePosition(claude, close, reduce()));
    expect(refused.detail).toContain('10 as cnc and 3 as no known product');
    granted(await room.trading.closeAllPositions(claude, {}, reduce()));
    granted(await room.trading.closeAllPositions(claude, {}, reduce()));
    expect(sales()).toEqual(['10 cnc', '3 undefined']);
  });

  it('of a close is none where the broker knows none', async () => {
    const { broker, room, claude } = await scene([]);
    const order = await place(room, claude, buy());
    broker.fill(order.brokerClientId, '2', '1440');
    const closed = granted(
      await room.trading.closePosition(claude, { account: PAPER, symbol: 'SPX' }, reduce()),
    );
    expect(closed).toMatchObject({ order: { status: 'open' } });
    const asked = { account: PAPER, symbol: 'SPX', product: 'cnc' as const };
    const refused = await room.trading.closePosition(room.agent('third'), asked, reduce());
    expect(refusal(refused).reason).toBe('not_reducing');
  });

  it('of the legs of a bracket is the entry’s', async () => {
    const { broker, room, claude } = await scene();
    const order = await place(room, claude, { ...buy('mis'), takeProfit: price('1500') });
    const legs = broker.everyOrder().filter(({ held }) => held);
    expect(legs).toMatchObject([{ product: 'mis' }]);
    expect(order.product).toBe('mis');
  });
});
