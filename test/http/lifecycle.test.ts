/** The life of an order as agents live it: both SDK lines, over HTTP and stdio, place, modify, cancel, close and read refusals. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LocalListener, listenLocally } from '#cli/listen.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { serveConnection } from '#http/stdio.ts';
import { MANDATE as DESIGN_MANDATE } from '../support/access-room.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { currentClient, currentClientOver, olderClient, olderClientOver } from '../support/mcp-clients.ts';
import { meanwhile as answerMeanwhile } from '../support/still-market.ts';

const MANDATE = {
  ...DESIGN_MANDATE,
  symbols: ['SPX'],
  order_types: ['market', 'limit', 'stop', 'stop_limit'],
  max_order_qty: '5',
  expires_at: null,
  approval: 'never',
};

type Wire = Record<string, unknown>;
interface AnyClient {
  callTool(call: { name: string; arguments: Wire }): Promise<Wire>;
  close(): Promise<void>;
}

let gate: TestGateway;
let key: string;
let listener: LocalListener;
const clients: AnyClient[] = [];
beforeEach(async () => {
  gate = await openTestGateway({ settings: { PAPER_PRESET: 'friendly' } });
  ({ key } = gate.key());
  const set = gate.gateway.access.mandates.set('claude', MANDATE, OWNER_CLI);
  if (!set.ok) throw new Error(set.error.detail);
  await gate.clock.advanceAsync(5_000);
  const { access, mcp } = gate.gateway;
  listener = await listenLocally({
    path: socketPath(),
    connectionsMax: 4,
    onConnection: (stream) =>
      void serveConnection({
        stream,
        principal: () => access.keys.authenticate(key, { door: 'stdio' }),
        stillLive: (who) => access.stillLive(who).ok,
        mcp,
        clock: gate.clock,
        version: 'test',
      }),
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close().catch(() => undefined);
  await listener.close();
  await gate.close();
});
const socketPath = (): string => join(gate.folder, 'life.sock');

const DOORS: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['HTTP, current SDK', () => currentClient(gate.url, key)],
  ['HTTP, older SDK', () => olderClient(gate.url, key)],
  ['stdio, current SDK', () => currentClientOver(connect(socketPath()))],
  ['stdio, older SDK', () => olderClientOver(connect(socketPath()))],
];

const meanwhile = <T>(asking: Promise<T>): Promise<T> => answerMeanwhile(gate, asking);

describe.each(DOORS)('over %s', (_door, open) => {
  let client: AnyClient;
  let keys = 0;
  beforeEach(async () => {
    client = (await open()) as AnyClient;
    clients.push(client);
  });
  /** The older SDK throws when a result does not fit the tool's output schema, a refusal included. */
  async function ask(name: string, args: Wire): Promise<Wire> {
    const result = await meanwhile(client.callTool({ name, arguments: args }));
    return { ...(result['structuredContent'] as Wire), isError: result['isError'] ?? false };
  }
  async function commit(name: string, args: Wire): Promise<Wire> {
    const preview = await ask(name, args);
    expect(preview).toMatchObject({ dry_run: true, isError: false });
    const done = await ask(name, {
      ...args,
      dry_run: false,
      action_token: preview['action_token'],
      idempotency_key: `key-${++keys}`,
    });
    expect(done).toMatchObject({ dry_run: false, isError: false });
    return done['order'] as Wire;
  }
  const status = async (order: Wire): Promise<unknown> =>
    ((await ask('get_order', { order_id: order['order_id'] }))['order'] as Wire)['status'];

  test('an order is placed, made smaller and canceled', async () => {
    const [quote] = (await ask('get_quotes', { symbols: ['SPX'] }))['quotes'] as Wire[];
    const below = (Number(quote?.['bid']) * 0.96).toFixed(2);
    const order = await commit('place_order', {
      symbol: 'SPX',
      side: 'buy',
      qty: '2',
      type: 'limit',
      limit_price: below,
      time_in_force: 'gtc',
    });
    expect(order['status']).toBe('open');
    const changed = await commit('modify_order', { order_id: order['order_id'], qty: '1' });
    expect(changed).toMatchObject({ order_id: order['order_id'], qty: '1', status: 'open' });
    const canceled = await ask('cancel_order', { order_id: order['order_id'] });
    expect(canceled).toMatchObject({ isError: false });
    expect(await status(order)).toBe('canceled');
    expect(await ask('modify_order', { order_id: order['order_id'], qty: '1' })).toMatchObject({
      isError: true,
      reason: 'order_final',
    });
  });

  test('a position is opened and closed, and a second close finds nothing', async () => {
    const order = await commit('place_order', { symbol: 'SPX', side: 'buy', qty: '2', type: 'market' });
    await gate.clock.advanceAsync(3_000);
    expect(await status(order)).toBe('filled');
    expect((await ask('get_positions', {}))['positions']).toMatchObject([{ own_qty: '2' }]);
    const closed = await ask('close_position', { symbol: 'SPX' });
    expect(closed).toMatchObject({ isError: false, order: { side: 'sell', qty: '2', time_in_force: 'gtc' } });
    await gate.clock.advanceAsync(3_000);
    expect((await ask('get_positions', {}))['positions']).toEqual([]);
    expect(await ask('close_position', { symbol: 'SPX' })).toMatchObject({
      isError: true,
      reason: 'not_reducing',
    });
  });

  test.each([
    ['invalid_input', { symbol: 'SPX', side: 'up', qty: '1', type: 'market' }],
    ['unknown_symbol', { symbol: 'SPXX', side: 'buy', qty: '1', type: 'market' }],
    ['symbol_not_allowed', { symbol: 'AAPL', side: 'buy', qty: '1', type: 'market' }, 'not_tradable'],
    [
      'order_type_not_allowed',
      { symbol: 'SPX', side: 'buy', qty: '1', type: 'trailing_stop', trail_percent: '2' },
    ],
    ['off_tick', { symbol: 'SPX', side: 'buy', qty: '1', type: 'limit', limit_price: '1400.001' }],
    ['off_lot', { symbol: 'SPX', side: 'buy', qty: '0.5', type: 'market' }],
    ['price_collar', { symbol: 'SPX', side: 'buy', qty: '1', type: 'limit', limit_price: '9999' }],
    ['max_order_qty', { symbol: 'SPX', side: 'buy', qty: '6', type: 'market' }],
    ['short_not_allowed', { symbol: 'SPX', side: 'sell', qty: '1', type: 'market' }],
    ['not_reducing', { symbol: 'SPX', side: 'sell', qty: '1', type: 'market', reduce_only: true }],
    [
      'token_required',
      { symbol: 'SPX', side: 'buy', qty: '1', type: 'market', dry_run: false, idempotency_key: 'k' },
    ],
    ['idempotency_key_required', { symbol: 'SPX', side: 'buy', qty: '1', type: 'market', dry_run: false }],
  ] as const)('the refusal %s is read with its reason', async (reason, args, other?: string) => {
    const refused = await ask('place_order', { ...args });
    expect(refused['isError']).toBe(true);
    expect([reason, other]).toContain(refused['reason']);
    expect(refused).toMatchObject({
      status: expect.any(Number),
      detail: expect.any(String),
      retry_safe: true,
    });
    expect((await ask('get_positions', {}))['positions']).toEqual([]);
  });
});
