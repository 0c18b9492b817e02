// A close whose call a crash cut off, after its order was durable and before its answer was: the moment itself, without a race.

import { expect, it } from 'vitest';
import type { ToolAnswer } from '#tools/dispatch.ts';
import { gatewayFolder, openTestGateway, type TestGateway } from '../support/gateway.ts';

const CLOSE = { symbol: 'SPX', qty: '1', idempotency_key: 'once' };
const BUY = { symbol: 'SPX', side: 'buy', qty: '3', type: 'market', time_in_force: 'gtc' };

const outputOf = (answer: ToolAnswer | null): Record<string, unknown> => {
  if (!answer?.ok) throw new Error(JSON.stringify(answer));
  return answer.output as Record<string, unknown>;
};
const ordersOf = (gate: TestGateway): unknown =>
  gate.gateway.store.db.prepare(`SELECT count(*) FROM orders WHERE origin = 'close'`).pluck().get();

it('gives the order that its key has made, and closes nothing a second time', async () => {
  const settings = { PAPER_PRESET: 'friendly', PAPER_BAR_SECONDS: '4' };
  const folder = gatewayFolder();
  const first = await openTestGateway({ settings, folder, http: false });
  first.clock.advance(1_000);
  const preview = outputOf(await first.call('place_order', BUY));
  const commit = { dry_run: false, action_token: preview['action_token'], idempotency_key: 'buy' };
  outputOf(await first.call('place_order', { ...BUY, ...commit }));
  first.clock.advance(2_000);
  const closed = outputOf(await first.call('close_position', CLOSE));
  first.clock.advance(2_000);
  // As kill -9 leaves it when the call had not ended.
  first.gateway.store.db.prepare(`UPDATE idempotency SET outcome = NULL WHERE key = 'once'`).run();
  await first.stop();

  const second = await openTestGateway({ settings, folder, http: false, clock: first.clock });
  second.clock.advance(1_000);
  const again = outputOf(await second.call('close_position', CLOSE));
  const idOf = (output: Record<string, unknown>): unknown =>
    (output['order'] as { order_id: string }).order_id;
  expect(idOf(again)).toBe(idOf(closed));
  second.clock.advance(2_000);
  expect(ordersOf(second)).toBe(1);
  const { positions } = outputOf(await second.call('get_positions')) as { positions: { own_qty: string }[] };
  expect(positions).toMatchObject([{ own_qty: '2' }]);
  const other = await second.call('close_position', { ...CLOSE, qty: '2' });
  expect(other).toMatchObject({ ok: false, refusal: { reason: 'idempotency_conflict' } });
  await second.close();
});
