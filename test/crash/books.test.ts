// What the kill tests look at can be seen to be wrong: each kind of damage, planted in whole books, is told.

import { expect, it } from 'vitest';
import { openBooks } from '../support/crashed-books.ts';
import { openTestGateway } from '../support/gateway.ts';

const BUY = { symbol: 'SPX', side: 'buy', qty: '3', type: 'market', time_in_force: 'gtc', tag: 'k' };
const TOLD = `state = replace(state, '"filledQty":"3"', '"filledQty":"2"')`;

it.each([
  ['a lost execution', `DELETE FROM executions`, /execution that was lost/],
  ['an execution twice', `UPDATE executions SET execution_id = 'px-9'`, /broker never made/],
  ['another price', `UPDATE executions SET price = '1'`, /execution told differently/],
  ['an unknown order', `UPDATE orders SET status = 'unknown'`, /unsettled order/],
  ['an order that never left', `DELETE FROM paper_orders`, /broker does not know/],
  ['an order of nobody', `UPDATE orders SET broker_client_id = 'x'`, /gateway does not know/],
  ['another quantity at the broker', `UPDATE paper_orders SET ${TOLD}`, /two stories of one order/],
  ['other cash', `UPDATE ledger_balances SET amount = '1' WHERE entry = 'cash'`, /cash: 1 here/],
  ['another position', `UPDATE holdings SET qty = '4' WHERE holder = '*'`, /position: 4 here, 3 there/],
  ['a budget that forgot', `UPDATE usage SET orders = 0`, /counted twice, or not at all/],
])('%s', async (_what, damage, told) => {
  const gate = await openTestGateway({
    settings: { PAPER_PRESET: 'friendly', PAPER_BAR_SECONDS: '4' },
    http: false,
  });
  const { db } = gate.gateway.store;
  gate.clock.advance(1_000);
  const preview = await gate.call('place_order', BUY);
  if (!preview?.ok) throw new Error(JSON.stringify(preview));
  const { action_token } = preview.output as { action_token: string };
  await gate.call('place_order', { ...BUY, dry_run: false, action_token, idempotency_key: 'k' });
  gate.clock.advance(2_000);
  const books = openBooks(gate.config.DATA_DIR);
  expect(books.orderOfTag('k')).toHaveLength(1);
  expect(books.faults()).toEqual([]);
  db.pragma('foreign_keys = OFF');
  db.exec(damage);
  expect(books.faults().join('\n')).toMatch(told);
  books.close();
  await gate.close();
});
