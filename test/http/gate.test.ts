// The doors on the whole gateway: real tools, the real order line, the paper broker on the sample tape.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { TOOLS } from '#tools/index.ts';
import { MANDATE as DESIGN_MANDATE } from '../support/access-room.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { currentClient, olderClient } from '../support/mcp-clients.ts';
import { bearer, send } from '../support/raw-http.ts';
import { meanwhile as answerMeanwhile } from '../support/still-market.ts';

const MANDATE = { ...DESIGN_MANDATE, symbols: ['SPX'], expires_at: null, approval: 'never' };
const BUY = { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' };

type Wire = Record<string, unknown>;
interface AnyClient {
  callTool(call: { name: string; arguments: Wire }): Promise<Wire>;
  close(): Promise<void>;
}

let gate: TestGateway;
let port: number;
let key: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  gate = await openTestGateway({ settings: { PAPER_PRESET: 'friendly' } });
  port = Number(new URL(gate.url).port);
  ({ key } = gate.key());
  const set = gate.gateway.access.mandates.set('claude', MANDATE, OWNER_CLI);
  if (!set.ok) throw new Error(set.error.detail);
  await gate.clock.advanceAsync(5_000);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close().catch(() => undefined);
  await gate.close();
});

const meanwhile = <T>(asking: Promise<T>): Promise<T> => answerMeanwhile(gate, asking);
async function connected<C extends AnyClient>(connecting: Promise<C>): Promise<C> {
  const client = await connecting;
  closers.push(() => client.close());
  return client;
}
const content = (result: Wire): Wire => result['structuredContent'] as Wire;

type Ask = (tool: string, args: Wire) => Promise<Wire>;
const overMcp =
  (client: AnyClient): Ask =>
  async (name, args) =>
    content(await meanwhile(client.callTool({ name, arguments: args })));
const overRest: Ask = async (name, args) => {
  const { method, path } = TOOLS.find((tool) => tool.name === name)?.rest ?? { method: 'GET', path: '/' };
  const query = method === 'GET' ? `?${new URLSearchParams(args as Record<string, string>).toString()}` : '';
  const answer = await meanwhile(
    send({
      port,
      method,
      path: `/api/v1${path}${query}`,
      headers: bearer(key),
      ...(method === 'GET' ? {} : { body: args }),
    }),
  );
  return answer.json();
};

const DOORS: readonly (readonly [string, () => Promise<Ask>])[] = [
  ['MCP, modern', async () => overMcp((await connected(currentClient(gate.url, key, 'auto'))) as AnyClient)],
  [
    'MCP, legacy',
    async () => overMcp((await connected(currentClient(gate.url, key, 'legacy'))) as AnyClient),
  ],
  ['MCP, older SDK', async () => overMcp((await connected(olderClient(gate.url, key))) as AnyClient)],
  ['REST', async () => overRest],
];

describe.each(DOORS)('through %s', (_door, open) => {
  test('an order is previewed, committed with token and key, and found again; a repeated key is the same order', async () => {
    const ask = await open();
    const preview = await ask('place_order', BUY);
    expect(preview).toMatchObject({
      dry_run: true,
      action_token: expect.any(String),
      preview: { value: expect.any(String) },
    });
    expect((await ask('get_orders', { status: 'all' }))['orders']).toEqual([]);
    const commit = { ...BUY, dry_run: false, action_token: preview['action_token'], idempotency_key: 'once' };
    const placed = await ask('place_order', commit);
    expect(placed).toMatchObject({ dry_run: false, order: { symbol: 'SPX', side: 'buy', qty: '1' } });
    const again = await ask('place_order', commit);
    expect((again['order'] as Wire)['order_id']).toBe((placed['order'] as Wire)['order_id']);
    expect((await ask('get_orders', { status: 'all' }))['orders']).toHaveLength(1);
  });
  test('without a token nothing is sent', async () => {
    const ask = await open();
    const refused = await ask('place_order', { ...BUY, dry_run: false, idempotency_key: 'k' });
    expect(refused).toMatchObject({ reason: 'token_required', retry_safe: true });
    expect((await ask('get_orders', { status: 'all' }))['orders']).toEqual([]);
  });
  test('a limit refuses with its figures', async () => {
    const ask = await open();
    const refused = await ask('place_order', { ...BUY, qty: '90' });
    expect(refused).toMatchObject({
      reason: 'max_order_value',
      limits: [{ limit: 'max_order_value', max: '10000' }],
    });
  });
});

test('one key is one order, whichever door it comes through', async () => {
  const modern = overMcp((await connected(currentClient(gate.url, key, 'auto'))) as AnyClient);
  const preview = await modern('place_order', BUY);
  const commit = { ...BUY, dry_run: false, action_token: preview['action_token'], idempotency_key: 'across' };
  const placed = await modern('place_order', commit);
  const repeated = await overRest('place_order', commit);
  expect((repeated['order'] as Wire)['order_id']).toBe((placed['order'] as Wire)['order_id']);
  const other = await overRest('place_order', { ...commit, qty: '2' });
  expect(other).toMatchObject({ reason: 'idempotency_conflict', status: 409 });
});

test('every door tells the same quote and the same whoami', async () => {
  const mcp = overMcp((await connected(currentClient(gate.url, key, 'auto'))) as AnyClient);
  const ask = { symbols: ['SPX'] };
  const [quote] = (await mcp('get_quotes', ask))['quotes'] as Wire[];
  const [same] = (await overRest('get_quotes', { symbols: 'SPX' }))['quotes'] as Wire[];
  expect(same).toMatchObject({ symbol: 'SPX', source: quote?.['source'] });
  expect(await mcp('get_mandate', {})).toMatchObject({ agent: 'claude', door: 'http' });
  expect(await overRest('get_mandate', {})).toMatchObject({ agent: 'claude', door: 'rest' });
});

test('every tool of the core is listed over MCP and routed over REST, and its schema fits the older client', async () => {
  const client = await olderClient(gate.url, key);
  closers.push(() => client.close());
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name)).toEqual(TOOLS.map((tool) => tool.name));
  for (const { rest } of TOOLS) {
    const path = `/api/v1${rest.path.replace(/\{\w+\}/, 'x')}`;
    const answer = await send({ port, method: rest.method, path });
    // 404 would mean that nobody looked at the key.
    expect([rest.method, path, answer.status]).toEqual([rest.method, path, 401]);
  }
});

test('the kill switch shuts every door on the next call and keeps the record whole', async () => {
  const modern = await connected(currentClient(gate.url, key, 'auto'));
  const older = await connected(olderClient(gate.url, key));
  const report = await meanwhile(gate.gateway.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' }));
  expect(report.tradingState).toBe('HALTED');
  const status = { name: 'get_gateway_status', arguments: {} };
  await expect(modern.callTool(status)).rejects.toThrow();
  await expect(older.callTool(status)).rejects.toThrow();
  expect((await send({ port, path: '/api/v1/status', headers: bearer(key) })).status).toBe(401);
  expect((await send({ port, path: '/healthz' })).status).toBe(200);
});
