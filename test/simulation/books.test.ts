// What the simulations and labelled kills look at can be seen to be wrong: each kind of damage, planted in whole books, is told.

import { expect, it } from 'vitest';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import { commit, draft, granted, type TradingRoom, tradingRoom } from '../support/trading-room.ts';
import { sentTwice, venueFaults } from '../support/venue-books.ts';

interface Whole {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  /** The venue's id of an order that has filled two of its three. */
  readonly id: string;
}

async function whole(): Promise<Whole> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const who = room.agent('claude');
  const order = { ...draft({ side: 'buy', qty: '3', limit: room.bid().toFixed() }), tag: 'k' };
  const placed = granted(await room.trading.placeOrder(who, order, commit()));
  if (placed.dryRun) throw new Error('previewed');
  const id = placed.order.brokerClientId;
  broker.fill(id, '2', '1450');
  expect(venueFaults(room.store, broker)).toEqual([]);
  return { room, broker, id };
}

it.each([
  ['a lost fill', 'DELETE FROM executions', /fill that was lost/],
  [
    'a fill twice',
    `INSERT INTO executions SELECT 99, account_id, 'x9', order_id, agent_id, instrument_id, symbol, side, qty,
     price, fee, realised, market_time, run, posted_at, product FROM executions`,
    /fill that never was: x9/,
  ],
  ['another price', `UPDATE executions SET price = '1'`, /fill that never was: .* at 1$/m],
  ['a state of our own', `UPDATE orders SET status = 'canceled'`, /two stories of one order/],
  ['another limit', `UPDATE orders SET limit_price = '1'`, /two stories of one order/],
  ['an order that stays unclear', `UPDATE orders SET status = 'unknown'`, /still unclear/],
  ['an order that never left', `UPDATE orders SET broker_client_id = 'x'`, /venue does not know/],
  ['an order that is unknown', `UPDATE orders SET broker_client_id = 'x'`, /gateway does not know: pc_/],
  ['other cash', `UPDATE ledger_balances SET amount = '1' WHERE entry = 'cash'`, /cash: 1 here/],
  ['a ledger out of balance', `UPDATE ledger SET amount = '1' WHERE entry = 'cash'`, /the ledger: /],
  ['another position', `UPDATE holdings SET qty = '9' WHERE holder = '*'`, /position: 9 here, 2 there/],
  ['a holder too many', `UPDATE holdings SET qty = '9' WHERE holder <> '*'`, /holders have: 9 here/],
  ['a reservation that stays', `UPDATE reservations SET value = '9'`, /reserved: 9 here/],
  ['an order that counts twice', `UPDATE reservations SET open_orders = 2`, /that count: 2 here, 1 there/],
  ['one taken for a stranger’s', `UPDATE orders SET origin = 'external'`, /taken for a stranger/],
])('%s', async (_what, damage, told) => {
  const { room, broker } = await whole();
  room.store.db.pragma('foreign_keys = OFF');
  room.store.db.exec(damage);
  expect(venueFaults(room.store, broker).join('\n')).toMatch(told);
});

it('an order that is sent a second time', async () => {
  const { room, broker, id } = await whole();
  broker.sent.place.push(id);
  expect(sentTwice(broker)).toEqual([`an order that was sent twice: ${id}`]);
  expect(venueFaults(room.store, broker).join()).toContain('sent twice');
});

it('an intention with two orders', async () => {
  const { room, broker } = await whole();
  const order = { ...draft({ side: 'buy', limit: room.bid().toFixed() }), tag: 'k' };
  await room.trading.placeOrder(room.agent('claude'), order, commit());
  expect(venueFaults(room.store, broker).join()).toMatch(/one intention with two orders: .*"k"/);
});
