/** Fees in the coin itself: charged to who holds it, once and balanced, so that a close sells what is there. */
import { expect, it } from 'vitest';
import { defineInstrument } from '#domain/instrument.ts';
import { RECONCILE_ALL_INTERVAL_MS, RECONCILE_INTERVAL_MS } from '#limits.ts';
import { settled } from '../support/limit-storm.ts';
import { holds, realAccount } from '../support/real-account.ts';
import { commit, draft, granted, reduce } from '../support/trading-room.ts';

const COIN = defineInstrument({
  id: 'BROKER:COIN/USD',
  symbol: 'COIN/USD',
  name: 'Coin',
  assetClass: 'crypto',
  currency: 'USD',
  tick: '0.01',
  lot: '0.000001',
  calendar: 'always',
  timezone: 'UTC',
  directory: 'broker',
});

async function scene() {
  const it = await realAccount({ listed: [COIN] });
  it.feed.venue.set(COIN.id, ['10', '10.01']);
  const anna = it.room.agent('anna', { accounts: ['paper', 'second'] });
  const order = (side: 'buy' | 'sell', qty: string) =>
    draft({ side, qty, limit: '10', symbol: 'COIN/USD', account: 'second' });
  async function bought(who: typeof it.claude, qty: string) {
    const answer = granted(await it.room.trading.placeOrder(who, order('buy', qty), commit()));
    if (answer.dryRun) throw new Error('previewed');
    it.broker.fill(answer.order.brokerClientId, qty, '10');
    await settled();
  }
  const held = () =>
    it.room.store.db
      .prepare("SELECT holder, qty FROM holdings WHERE account_id = 'second' AND qty <> '0' ORDER BY qty")
      .raw()
      .all();
  const compared = () => it.clock.advanceAsync(RECONCILE_ALL_INTERVAL_MS + RECONCILE_INTERVAL_MS);
  const balance = (entry: string) =>
    it.room.store.db
      .prepare("SELECT amount FROM ledger_balances WHERE account_id = 'second' AND entry = ?")
      .pluck()
      .get(entry);
  return { ...it, anna, bought, held, compared, balance };
}

it('is charged to each holder for its part, as a sale that is all fee; the close sells the rest', async () => {
  const it = await scene();
  await it.bought(it.claude, '3');
  await it.bought(it.anna, '1');
  const cash = it.balance('cash');
  holds(it.broker, { [COIN.id]: '3.99' });
  await it.compared();
  expect(it.held()).toEqual([
    [it.anna.agent, '0.9975'],
    [it.claude.agent, '2.9925'],
    ['*', '3.99'],
  ]);
  expect([it.balance('cash'), it.balance('fees')]).toEqual([cash, '0.1001']);
  expect(it.room.events('ledger.charged_in_kind')).toHaveLength(1);
  expect(it.room.events('reconcile.mismatch')).toEqual([]);
  await it.compared();
  expect(it.room.events('ledger.charged_in_kind')).toHaveLength(1);
  const close = { account: it.broker.account, symbol: 'COIN/USD' };
  const { order } = granted(await it.room.trading.closePosition(it.claude, close, reduce())) as {
    readonly order: { readonly qty: { toFixed(): string } };
  };
  expect(order.qty.toFixed()).toBe('2.9925');
});

it('of more than a fee is no fee: it is external, and the owner is told', async () => {
  const it = await scene();
  await it.bought(it.claude, '3');
  holds(it.broker, { [COIN.id]: '2.9' });
  await it.compared();
  expect(it.room.events('ledger.charged_in_kind')).toEqual([]);
  expect(it.room.events('reconcile.mismatch')).toHaveLength(1);
  expect(it.held()).toContainEqual(['external', '-0.1']);
});

it('that is still to come leaves a little more at the broker, for a day and a half', async () => {
  const it = await scene();
  await it.bought(it.claude, '3');
  holds(it.broker, { [COIN.id]: '3.0075' });
  await it.compared();
  expect(it.held()).toEqual([
    ['*', '3'],
    [it.claude.agent, '3'],
  ]);
  expect(it.room.events('reconcile.mismatch')).toEqual([]);
  it.room.store.db.prepare('UPDATE executions SET posted_at = posted_at - 37 * 3600000').run();
  await it.compared();
  expect(it.held()).toContainEqual(['external', '0.0075']);
});
