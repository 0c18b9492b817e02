// The whole gateway, put together: one thread from a door to a fill and onto the record, and starts that are refused.

import { afterEach, describe, expect, it } from 'vitest';
import { auditQuery } from '#audit/query.ts';
import { verifyAudit } from '#audit/verify.ts';
import { type GatewayOptions, openTestGateway, type TestGateway } from './support/gateway.ts';

const opened: TestGateway[] = [];
async function open(options: GatewayOptions = {}): Promise<TestGateway> {
  const made = await openTestGateway(options);
  opened.push(made);
  return made;
}
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

describe('the thinnest thread', () => {
  it('takes a market order from the stdio door to a fill, audited in a chain that verifies', async () => {
    const { gateway, call, clock, config } = await open({ http: false });
    await clock.advanceAsync(1_000);
    const order = { symbol: 'SPX', side: 'buy', qty: '2', type: 'market', time_in_force: 'day' };
    const preview = await call('place_order', order);
    expect(preview).toMatchObject({ ok: true, output: { dry_run: true } });
    const token = preview?.ok === true ? preview.output['action_token'] : undefined;
    const placed = await call('place_order', {
      ...order,
      dry_run: false,
      action_token: token,
      idempotency_key: 'one',
    });
    expect(placed).toMatchObject({ ok: true, output: { dry_run: false, order: { status: 'open' } } });
    await clock.advanceAsync(10_000);
    expect(await call('get_orders')).toMatchObject({
      ok: true,
      output: { orders: [{ status: 'filled', filled_qty: '2' }] },
    });
    expect(await call('get_positions')).toMatchObject({
      output: { positions: [{ symbol: 'SPX', qty: '2' }] },
    });
    gateway.audit.flush();
    const fills = auditQuery(gateway.store, gateway.keyring).tail(9, { kind: 'order.executed' });
    expect(fills).toHaveLength(1);
    const { store, keyring } = gateway;
    expect(verifyAudit({ store, keyring, folder: config.LOG_DIR })).toMatchObject({ ok: true });
  });
});
