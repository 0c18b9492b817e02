/** A fee that was taken in the coin itself: both are less by it, agent and account, and every posting balances. */
import { describe, expect, it } from 'vitest';
import { money, price, quantity, sum, ZERO_MONEY } from '#domain/decimal.ts';
import { settled } from '../support/limit-storm.ts';
import { ABC, buying, placedAt, type RealAccount, realAccount } from '../support/real-account.ts';
import { granted, own, reduce, SECOND } from '../support/trading-room.ts';

const HERE = { account: SECOND, symbol: 'ABC' };
const ACCOUNT = '*';

/** An execution of an order of ours as its exchange tells it: the fee in money, and how much of the coin it was. */
async function executed(
  { broker }: RealAccount,
  brokerClientId: string,
  fill: {
    readonly side: 'buy' | 'sell';
    readonly qty: string;
    readonly at: string;
    readonly fee: string;
    readonly feeQty: string;
  },
): Promise<void> {
  broker.emit({
    kind: 'execution',
    execution: {
      executionId: `ABC:${brokerClientId}`,
      brokerOrderId: broker.order(brokerClientId)?.brokerOrderId ?? '',
      brokerClientId,
      instrument: ABC.id,
      side: fill.side,
      qty: quantity(fill.qty),
      price: price(fill.at),
      fee: money(fill.fee),
      feeQty: quantity(fill.feeQty),
      timeMs: 0,
    },
  });
  await settled();
}
/** Two bought at 10, and one of them was the fee. */
async function bought(): Promise<RealAccount> {
  const it = await realAccount({ before: ({ feed }) => feed.venue.set(ABC.id, ['10', '10.02']) });
  const order = await placedAt(it, buying('ABC'));
  await executed(it, order.brokerClientId, { side: 'buy', qty: '2', at: '10', fee: '10', feeQty: '1' });
  return it;
}
const heldIn = ({ room }: RealAccount): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (
      room.store.db
        .prepare('SELECT holder, qty FROM holdings WHERE instrument_id = ?')
        .all(ABC.id) as readonly { readonly holder: string; readonly qty: string }[]
    ).map(({ holder, qty }) => [holder, qty]),
  );
/** What one execution posted, which has to be nothing together. */
function postedBy({ room }: RealAccount, brokerClientId: string): Readonly<Record<string, string>> {
  const rows = room.store.db
    .prepare('SELECT entry, amount FROM ledger WHERE ref = ?')
    .all(`ABC:${brokerClientId}`) as readonly { readonly entry: string; readonly amount: string }[];
  expect(
    sum(
      ZERO_MONEY,
      rows.map(({ amount }) => money(amount)),
    ).toFixed(),
  ).toBe('0');
  return Object.fromEntries(rows.map(({ entry, amount }) => [entry, amount]));
}
const idsSent = ({ broker }: RealAccount): readonly string[] => broker.sent.place;

describe('a fee in the coin that was bought', () => {
  it('leaves agent and account with that much less, for the cash of the whole trade', async () => {
    const it = await bought();
    expect(await own(it.room, it.claude)).toBe('1');
    const held = heldIn(it);
    expect(held[ACCOUNT]).toBe('1');
    expect(Object.values(held)).toEqual(['1', '1']);
    expect(postedBy(it, idsSent(it)[0] ?? '')).toEqual({ cash: '-20', [`cost:${ABC.id}`]: '10', fees: '10' });
  });

  it('is in the trade as it was: all that was bought, and the fee beside it', async () => {
    const it = await bought();
    const [trade] = it.room.store.db.prepare('SELECT qty, price, fee FROM executions').all();
    expect(trade).toEqual({ qty: '2', price: '10', fee: '10' });
  });

  it('leaves what can be closed whole, so that neither coin nor cost is left over', async () => {
    const it = await bought();
    const closed = granted(await it.room.trading.closePosition(it.claude, HERE, reduce()));
    if (closed.dryRun || closed.order === null) throw new Error('nothing was sent');
    expect(closed.order.qty.toFixed()).toBe('1');
    it.broker.fill(closed.order.brokerClientId, '1', '11');
    await settled();
    expect(await own(it.room, it.claude)).toBe('0');
    expect(Object.values(heldIn(it)).filter((qty) => qty !== '0')).toEqual([]);
    const balances = it.room.store.db
      .prepare('SELECT entry, amount FROM ledger_balances WHERE account_id = ?')
      .all(SECOND) as readonly { readonly entry: string; readonly amount: string }[];
    expect(balances.find(({ entry }) => entry === `cost:${ABC.id}`)?.amount).toBe('0');
    expect(
      sum(
        ZERO_MONEY,
        balances.map(({ amount }) => money(amount)),
      ).toFixed(),
    ).toBe('0');
  });

  it('is taken once, however often the exchange tells of the trade', async () => {
    const it = await bought();
    const [id = ''] = idsSent(it);
    await executed(it, id, { side: 'buy', qty: '2', at: '10', fee: '10', feeQty: '1' });
    expect(await own(it.room, it.claude)).toBe('1');
    expect(heldIn(it)[ACCOUNT]).toBe('1');
  });
});

describe('a fee in the coin that was sold', () => {
  it('takes that much more of it, for the cash of what was sold', async () => {
    const it = await realAccount({ before: ({ feed }) => feed.venue.set(ABC.id, ['10', '10.02']) });
    const order = await placedAt(it, buying('ABC'));
    await executed(it, order.brokerClientId, { side: 'buy', qty: '2', at: '10', fee: '0', feeQty: '0' });
    const part = { ...HERE, qty: quantity('1') };
    const closed = granted(await it.room.trading.closePosition(it.claude, part, reduce()));
    if (closed.dryRun || closed.order === null) throw new Error('nothing was sent');
    const { brokerClientId } = closed.order;
    await executed(it, brokerClientId, { side: 'sell', qty: '1', at: '10', fee: '2.5', feeQty: '0.25' });
    expect(await own(it.room, it.claude)).toBe('0.75');
    expect(heldIn(it)[ACCOUNT]).toBe('0.75');
    expect(postedBy(it, brokerClientId)).toEqual({ cash: '10', [`cost:${ABC.id}`]: '-12.5', fees: '2.5' });
  });
});
