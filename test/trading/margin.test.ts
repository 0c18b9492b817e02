/** Orders at a broker that lends: what it says an order needs is asked once with the rest, counted, kept for nobody twice, and on the record. */
import { describe, expect, it } from 'vitest';
import {
  type Money,
  money,
  price,
  quantity,
  ratio,
  scale,
  subtract,
  sum,
  text,
  value,
  ZERO_MONEY,
} from '#domain/decimal.ts';
import { MARGIN_WAIT_MS } from '#limits.ts';
import type { BrokerAdapter } from '#ports.ts';
import { approveCard, ask, cardNow } from '../support/approvals.ts';
import { settled } from '../support/limit-storm.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  now,
  place,
  refusal,
  tradingRoom,
} from '../support/trading-room.ts';

type Asked = Parameters<NonNullable<BrokerAdapter['margin']>>[0];
/** At its limit. */
const fifthOf = ({ qty, limitPrice }: Pick<Asked, 'qty' | 'limitPrice'>): Money =>
  scale(value(limitPrice ?? price('0'), qty, ratio('1')), ratio('0.2'));

/** A market at 100; a broker that takes a fifth of what works there off what is left of `power`. */
async function scene(power: string, mandate: Readonly<Record<string, unknown>> = {}) {
  const broker: ScriptedBroker = scriptedBroker('paper', { capabilities: { marginPreview: true } });
  const asked: Asked[] = [];
  const taken = (): Money =>
    sum(
      ZERO_MONEY,
      broker
        .everyOrder()
        .filter(({ status }) => status === 'open')
        .map(fifthOf),
    );
  Object.assign(broker, {
    balance: async () => ({
      currency: 'USD',
      cash: money('100000'),
      equity: money('100000'),
      buyingPower: subtract(money(power), taken()),
    }),
    margin: async (order: Asked) => {
      asked.push(order);
      return { required: fifthOf(order), source: 'broker' as const };
    },
  });
  const room = await tradingRoom({ csv: flatTape('100', 600), adapter: () => broker });
  return { broker, room, asked, taken, claude: room.agent('claude', mandate) };
}
const buy = (qty: string) => draft({ side: 'buy', qty, limit: '100' });

describe('at a broker that lends', () => {
  it('an order of five times what is left passes, and its margin is on the record', async () => {
    const { room, claude, asked } = await scene('1000');
    const order = await place(room, claude, buy('50'));
    expect(order.status).toBe('open');
    expect(asked.map(({ qty, instrument }) => [text(qty), instrument])).toEqual([['50', order.instrument]]);
    const cleared = room.events('order.transition').find(({ detail }) => detail?.['to'] === 'submitting');
    expect(cleared?.detail).toMatchObject({ order_id: order.orderId, margin: '1000' });
  });

  it('one of more is refused with the figures, and nothing is sent', async () => {
    const { room, claude, broker } = await scene('1000');
    const refused = refusal(await room.trading.placeOrder(claude, buy('51'), commit()));
    expect(refused).toMatchObject({
      reason: 'buying_power',
      limits: [{ limit: 'buying_power', order: '1020', max: '1000' }],
    });
    expect(broker.sent.place).toEqual([]);
  });

  it('without an answer in its time the full value counts', async () => {
    for (const silent of [() => new Promise(() => undefined), () => Promise.reject(new Error('503'))]) {
      const { room, claude, broker } = await scene('1000');
      Object.assign(broker, { margin: silent });
      const asking = room.trading.placeOrder(claude, buy('50'), commit());
      await settled();
      await room.clock.advanceAsync(MARGIN_WAIT_MS);
      // Valued at the touch with its allowance.
      expect(refusal(await asking)).toMatchObject({ reason: 'buying_power', limits: [{ max: '1000' }] });
      const small = room.trading.placeOrder(claude, buy('5'), commit());
      await settled();
      await room.clock.advanceAsync(MARGIN_WAIT_MS);
      expect(granted(await small)).toMatchObject({ order: { status: 'open' } });
      expect(JSON.stringify(room.events('order.transition'))).not.toContain('margin');
    }
  });

  it('a storm takes no margin twice, and what works counts by its margin when the storm is over', async () => {
    const { room, claude, taken, broker } = await scene('1000');
    const storm = await Promise.all(
      Array.from({ length: 20 }, () => room.trading.placeOrder(claude, buy('15'), commit())),
    );
    const passed = storm.filter(({ ok }) => ok).length;
    expect(passed).toBeGreaterThan(0);
    expect(broker.sent.place.length).toBe(passed);
    expect(Number(text(taken()))).toBeLessThanOrEqual(1_000);
    for (const each of storm) if (!each.ok) expect(each.error.reason).toBe('buying_power');
    // A fifth of 1,500 each: three fit into 1,000.
    for (let more = passed; more < 3; more++) await place(room, claude, buy('15'));
    expect(refusal(await room.trading.placeOrder(claude, buy('15'), commit())).reason).toBe('buying_power');
    expect(text(taken())).toBe('900');
  });

  it('nothing is asked before an order that reduces, and a silent broker keeps none waiting', async () => {
    const { room, claude, broker, asked } = await scene('1000');
    const order = await place(room, claude, buy('5'));
    const [sent = ''] = broker.sent.place;
    broker.fill(sent, '5', '100');
    await settled();
    expect((await now(room, claude, order)).status).toBe('filled');
    asked.splice(0);
    Object.assign(broker, { margin: () => new Promise(() => undefined) });
    const sell = draft({ side: 'sell', qty: '5', limit: '100' });
    expect((await place(room, claude, sell)).effect).toBe('reducing');
    expect(asked).toEqual([]);
  });

  it('a change counts by what it adds to the margin', async () => {
    const { room, claude } = await scene('1000');
    const order = await place(room, claude, buy('40'));
    const to = (qty: string) =>
      room.trading.modifyOrder(
        claude,
        { orderId: order.orderId, qty: quantity(qty) },
        { ...commit(), tool: 'modify_order' },
      );
    expect(refusal(await to('51'))).toMatchObject({
      reason: 'buying_power',
      limits: [{ order: '1020', max: '1000' }],
    });
    expect(granted(await to('50'))).toMatchObject({ order: { status: 'open' } });
    expect((await now(room, claude, order)).qty.toFixed()).toBe('50');
  });

  it('a size that is given as a value is asked about in the units it buys', async () => {
    const { room, claude, asked } = await scene('1000');
    await place(room, claude, draft({ side: 'buy', notional: '5000', limit: '100' }));
    expect(asked.map(({ qty }) => text(qty))).toEqual(['50']);
  });

  it('the owner’s card goes by the margin too, and the tap asks anew', async () => {
    const { room, claude, broker } = await scene('1000', { approval: 'always' });
    const { card } = await ask(room, claude, { qty: '50', limit: '100' });
    expect(cardNow(room, card).wouldRefuse).toBeNull();
    Object.assign(broker, { margin: async () => ({ required: money('1000.01'), source: 'broker' }) });
    expect(refusal(await approveCard(room, card)).reason).toBe('buying_power');
    expect(broker.sent.place).toEqual([]);
  });

  it('a preview shows it, and what is left after it', async () => {
    const { room, claude } = await scene('1000');
    const seen = granted(
      await room.trading.placeOrder(claude, buy('30'), { kind: 'preview', tool: 'place_order', digest: 'd' }),
    );
    if (!seen.dryRun) throw new Error('it was placed');
    expect(seen.preview.margin).toEqual({ required: money('600'), source: 'broker' });
    expect(text(seen.preview.buyingPowerAfter)).toBe('400');
    expect(text(seen.preview.value)).toMatch(/^3\d{3}/);
  });
});
