/** An execution is its order's only where it can be: what another side, instrument or order says is nobody's here. */
import { expect, it } from 'vitest';
import { money, price, quantity } from '#domain/decimal.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import type { BrokerExecution } from '#ports.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { draft, flatTape, granted, now, own, PAPER, place, tradingRoom } from '../support/trading-room.ts';

async function bought() {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('100', 600), adapter: () => broker });
  const claude = room.agent('claude', { allow_short: false });
  const order = await place(room, claude, draft({ side: 'buy', qty: '10', limit: '99' }));
  const fill = broker.fill(order.brokerClientId, '2', '99');
  const holding = room.store.db
    .prepare('SELECT qty FROM holdings WHERE holder = ? AND account_id = ? AND instrument_id = ?')
    .pluck();
  const holds = (holder: string, instrument: string = order.instrument) =>
    holding.get(holder, PAPER, instrument) ?? '0';
  const say = (more: Partial<BrokerExecution>) =>
    broker.emit({
      kind: 'execution',
      execution: { ...fill, executionId: 'stray', qty: quantity('7'), price: price('100'), ...more },
    });
  return { room, broker, claude, order, holds, say };
}

it.each([
  ['the other side under its id at the broker alone', { side: 'sell', brokerClientId: null }],
  ['the other side under both ids', { side: 'sell' }],
  ['another client id, under its id at the broker', { brokerClientId: 'ptc_of_somebody_else' }],
] as const)('%s is posted to external, on the record, and not to the agent', async (_what, more) => {
  const { room, claude, order, holds, say } = await bought();
  say(more);
  say(more);
  expect(await own(room, claude)).toBe('2');
  expect((await now(room, claude, order)).filledQty.toFixed()).toBe('2');
  const signed = 'side' in more ? '-7' : '7';
  expect(holds('external')).toBe(signed);
  expect(holds('*')).toBe(String(2 + Number(signed)));
  expect(room.events('execution.stray')).toMatchObject([
    { outcome: 'error', detail: { execution_id: 'stray', order_id: order.orderId, qty: '7' } },
  ]);
});

it('another instrument is posted there, and not to the agent', async () => {
  const { room, claude, holds, say } = await bought();
  const other = granted(room.book.resolve('BTC/USD', ['built-in'])).id;
  say({ instrument: other });
  expect([holds('external', other), holds(claude.agent, other)]).toEqual(['7', '0']);
  expect([holds('external'), holds(claude.agent)]).toEqual(['0', '2']);
});

it('one that the owner recorded of an order is taken back from it', async () => {
  const { room, broker, claude, holds, say } = await bought();
  broker.deaf = true;
  broker.next.place.push({ effect: 'accept', answer: 'unknown' });
  broker.silent = true;
  const unclear = await place(room, claude, draft({ side: 'buy', qty: '7', limit: '99' }));
  granted(
    room.trading.owner.recordEvidence({
      orderId: unclear.orderId,
      outcome: 'filled',
      fills: [{ executionId: 'stray', qty: quantity('7'), price: price('99'), fee: money('0') }],
      source: 'the screen',
      text: 'filled',
      observedAtMs: room.clock.wallMs(),
      by: OWNER_CONSOLE,
    }),
  );
  expect(await own(room, claude)).toBe('9');
  broker.silent = false;
  say({ side: 'sell', brokerClientId: unclear.brokerClientId, brokerOrderId: 'b99' });
  expect(await own(room, claude)).toBe('2');
  expect(holds('external')).toBe('-7');
});
