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

describe('the paper account', () => {
  const settingsOf = ({ gateway }: TestGateway) =>
    gateway.accounts.list().map((one) => [one.id, one.settings]);

  it('is made at the first start from PAPER_*; what the environment says of it acts at later ones, but its deposit', async () => {
    const first = await open({
      http: false,
      settings: { PAPER_CASH: '5000', PAPER_PRESET: 'friendly', PAPER_SEED: '3' },
    });
    const made = { preset: 'friendly', seed: 3, cash: '5000', accountType: 'margin' };
    expect(settingsOf(first)).toEqual([['paper', made]]);
    expect(await first.call('get_account')).toMatchObject({
      output: { account: { id: 'paper', cash: '5000' } },
    });
    await first.stop();
    const later = await open({
      http: false,
      folder: first.folder,
      settings: { PAPER_CASH: '9', PAPER_PRESET: 'hostile', PAPER_ACCOUNT_TYPE: 'cash' },
    });
    expect(settingsOf(later)).toEqual([
      ['paper', { preset: 'hostile', seed: 3, cash: '5000', accountType: 'cash' }],
    ]);
    expect(await later.call('get_account')).toMatchObject({ output: { account: { cash: '5000' } } });
    const changes = auditQuery(later.gateway.store, later.gateway.keyring).tail(9, {
      kind: 'account.changed',
    });
    expect(changes).toMatchObject([{ account: 'paper', credential: 'owner' }]);
  });
});

describe('a gateway over HTTP', () => {
  it('serves a key on REST, and nobody on what it does not have', async () => {
    const { url, key } = await open();
    const headers = { authorization: `Bearer ${key().key}` };
    const quotes = await fetch(`${url}/api/v1/quotes?symbols=SPX`, { headers });
    expect(quotes.status).toBe(200);
    expect((await fetch(`${url}/api/v1/quotes?symbols=SPX`)).status).toBe(401);
    expect((await fetch(`${url}/oauth/token`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${url}/healthz`, { headers: { 'x-forwarded-for': '1.2.3.4' } })).status).toBe(403);
  });

  it('goes on where it stood: the tape, the orders, the agents', async () => {
    const first = await open({ http: false });
    await first.clock.advanceAsync(25_000);
    const order = {
      symbol: 'SPX',
      side: 'buy',
      qty: '1',
      type: 'limit',
      limit_price: '1390',
      time_in_force: 'gtc',
    };
    const preview = await first.call('place_order', order);
    const token = preview?.ok === true ? preview.output['action_token'] : undefined;
    await first.call('place_order', { ...order, dry_run: false, action_token: token, idempotency_key: 'k' });
    const before = first.gateway.feed.nowMs();
    await first.stop();
    const again = await open({ http: false, folder: first.folder });
    expect(again.gateway.feed.nowMs()).toBe(before);
    expect(await again.call('get_orders', { status: 'open' })).toMatchObject({
      output: { orders: [{ limit_price: '1390', status: 'open' }] },
    });
  });
});
