/** Access tokens at the doors: what they open, how their holders are refused, and that nothing of a grant outlives it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { send } from '../support/raw-http.ts';
import { openStream } from '../support/streams.ts';
import { mayTrade, openTokenGateway, type TokenGateway } from '../support/token-gateway.ts';

const METADATA = 'resource_metadata="https://gate.example.com/.well-known/oauth-protected-resource/mcp"';
const READS = ['read:market', 'read:account'] as const;
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const BOTH = 'application/json, text/event-stream';

let gate: TokenGateway;

describe('an access token', () => {
  beforeAll(async () => {
    gate = await openTokenGateway({ PORTCULLIS_PUBLIC_REST: 'true' });
  });
  afterAll(() => gate.close());
  // Counts of refusals belong to the test that made them.
  afterEach(() => gate.clock.advance(61_000));

  test('opens /mcp as its agent, under the name that the record gives its client', async () => {
    const clientId = gate.client('reader', READS);
    const token = gate.token(gate.grant(clientId, READS));
    const answer = await gate.callTool(token, 'get_mandate');
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({
      result: {
        structuredContent: {
          agent: 'reader',
          credential: gate.gateway.clients.find(clientId)?.credential,
          door: 'http',
          scopes: READS,
        },
      },
    });
    expect((await gate.callTool(token, 'get_gateway_status')).json()).toMatchObject({
      result: { structuredContent: { remote_mcp: true } },
    });
    const listed = await gate.ask({ bearer: token, body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } });
    expect(listed.text).toContain('get_positions');
    expect(listed.text).not.toContain('place_order');
  });
  test('that is none, or none any more, is 401 with what a client goes by', async () => {
    const grantId = gate.grant(gate.client());
    const token = gate.token(grantId);
    gate.gateway.grants.end(grantId, 'owner', OWNER_CONSOLE);
    const challenge = `Bearer error="invalid_token", ${METADATA}, scope="read:market read:account write:orders"`;
    for (const [bearer, reason] of [
      [token, 'credential_revoked'],
      [gate.token(gate.grant(gate.client()), { aud: 'https://other.example/mcp' }), 'unauthenticated'],
      ['hello', 'unauthenticated'],
    ] as const) {
      const answer = await gate.callTool(bearer, 'get_mandate');
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe(challenge);
      expect(answer.json()).toMatchObject({
        id: null,
        error: { code: -32001, data: { reason, status: 401 } },
      });
      expect(answer.text).not.toContain(bearer);
      // Who signs in by OAuth has no use for a key.
      expect(answer.text).not.toContain('keys create');
    }
  });
  test('is asked for where nothing or a dead key was shown, without speaking of an error', async () => {
    const challenge = `Bearer ${METADATA}, scope="read:market read:account write:orders"`;
    for (const bearer of [undefined, `pcl_${'x'.repeat(43)}`]) {
      const answer = await gate.ask({ bearer, body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe(challenge);
    }
  });
  test('that is missing is noted for the owner who asks why nothing arrives, by the address alone', async () => {
    await gate.ask({ body: LIST, headers: { 'x-forwarded-for': '192.0.2.77' } });
    await gate.ask({
      bearer: `pcl_${'x'.repeat(43)}`,
      body: LIST,
      headers: { 'x-forwarded-for': '192.0.2.78' },
    });
    await gate.clock.advanceAsync(60_000);
    const noted = gate.gateway.connections.list(50).map(({ subject, steps }) => ({
      subject,
      steps: steps.map(({ step, lastOutcome }) => `${step}: ${lastOutcome}`),
    }));
    expect(noted).toContainEqual({ subject: 'address:192.0.2.77', steps: ['challenge: unauthenticated'] });
    expect(JSON.stringify(noted)).not.toContain('192.0.2.78');
  });
  test('in the query string is not looked at', async () => {
    const token = gate.connected();
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    for (const path of [`/mcp?access_token=${token}`, `/mcp?token=${token}`]) {
      const answer = await gate.ask({ path, body });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).not.toContain('error=');
      expect((await gate.ask({ path, body, bearer: token })).status).toBe(200);
    }
    const inBody = await gate.ask({ body: { ...body, params: { access_token: token } } });
    expect(inBody.status).toBe(401);
    expect(gate.logged.join('')).not.toContain(token);
  });
  test('is no key: REST and its documents refuse it, inside and outside', async () => {
    const token = gate.connected();
    for (const path of ['/api/v1/status', '/api/v1/orders', '/docs']) {
      const answer = await gate.ask({ method: 'GET', path, bearer: token });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.json()).toMatchObject({ reason: 'unauthenticated' });
    }
    const here = await send({
      port: gate.port,
      path: '/api/v1/status',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(here.status).toBe(401);
    const { key } = gate.key('claude', READS);
    expect((await gate.ask({ method: 'GET', path: '/api/v1/status', bearer: key })).status).toBe(200);
  });
  test('without a scope is 403, and the challenge names every scope that it would need', async () => {
    const token = gate.connected('reader', READS);
    const answer = await gate.callTool(token, 'place_order', {
      symbol: 'SPX',
      side: 'buy',
      qty: '1',
      type: 'market',
    });
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer error="insufficient_scope", scope="read:market read:account write:orders", ${METADATA}`,
    );
    expect(answer.json()).toMatchObject({
      id: 7,
      error: { code: -32003, data: { reason: 'insufficient_scope' } },
    });
    const resource = await gate.ask({
      bearer: gate.connected('reader', ['read:market']),
      body: {
        jsonrpc: '2.0',
        id: 8,
        method: 'resources/read',
        params: { uri: 'portcullis://accounts/paper' },
      },
    });
    expect(resource.status).toBe(403);
    expect(resource.headers['www-authenticate']).toContain('scope="read:market read:account"');
  });
  test('loses a scope with the next call after the owner took it from its client', async () => {
    const clientId = gate.client('claude');
    const token = gate.token(gate.grant(clientId));
    expect((await gate.callTool(token, 'get_orders')).status).toBe(200);
    gate.gateway.clients.changeCeiling({ clientId, scopes: ['read:market'], by: OWNER_CONSOLE });
    expect((await gate.callTool(token, 'get_orders')).status).toBe(403);
    expect((await gate.callTool(token, 'get_market_clock', { symbol: 'SPX' })).status).toBe(200);
  });
});

describe('a session', () => {
  beforeEach(async () => {
    gate = await openTokenGateway();
  });
  afterEach(() => gate.close());

  async function openSession(bearer: string): Promise<string> {
    const answer = await gate.ask({
      bearer,
      headers: { accept: BOTH },
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'raw', version: '1' },
        },
      },
    });
    expect(answer.status).toBe(200);
    const id = String(answer.headers['mcp-session-id']);
    await gate.ask({
      bearer,
      headers: { accept: BOTH, 'mcp-session-id': id },
      body: { jsonrpc: '2.0', method: 'notifications/initialized' },
    });
    return id;
  }
  const listen = (key: string, session: string) =>
    openStream({ port: gate.port, key, headers: { host: 'gate.example.com', 'mcp-session-id': session } });

  test('goes on with a newer token of its grant, and is unknown to another grant of the same client', async () => {
    const clientId = gate.client();
    const [one, other] = [gate.grant(clientId), gate.grant(clientId)];
    const session = await openSession(gate.token(one));
    gate.clock.advance(600_000);
    expect((await gate.callTool(gate.token(one), 'get_orders', {}, session)).status).toBe(200);
    expect((await gate.callTool(gate.token(other), 'get_orders', {}, session)).status).toBe(404);
    expect((await listen(gate.token(other), session)).status).toBe(404);
  });
  test.each([
    ['its grant', (grantId: string) => gate.gateway.grants.end(grantId, 'owner', OWNER_CONSOLE)],
    ['its client', (_: string, clientId: string) => gate.gateway.clients.revoke(clientId, OWNER_CONSOLE)],
    ['every connection', () => gate.gateway.clients.disconnectAll(OWNER_CONSOLE)],
    ['the gate', () => gate.gateway.trading.kill({ cancel: 'adding', flatten: false, by: 'owner' })],
    ['the gate, in memory alone', () => gate.gateway.access.haltInMemory('the disk is full')],
  ])('and its stream end with %s', async (_what, end) => {
    const clientId = gate.client();
    const grantId = gate.grant(clientId);
    const token = gate.token(grantId);
    const session = await openSession(token);
    const stream = await listen(token, session);
    expect(stream.status).toBe(200);
    void end(grantId, clientId);
    await stream.ended;
    expect((await gate.callTool(token, 'get_orders', {}, session)).status).toBe(401);
  });
});

describe('what one agent does through several grants', () => {
  const order = (key: string) => ({
    symbol: 'SPX',
    side: 'buy',
    qty: '1',
    type: 'market',
    dry_run: false,
    idempotency_key: key,
  });
  afterEach(() => gate.close());

  test('is one budget: registering and connecting again gives no fresh one', async () => {
    gate = await openTokenGateway();
    const first = gate.connected();
    mayTrade(gate, 'claude', { max_daily_orders: 2 });
    const placed = await gate.callTool(first, 'place_order', order('one'));
    expect(placed.json()).toMatchObject({ result: { structuredContent: { dry_run: false } } });
    await gate.callTool(gate.connected(), 'place_order', order('two'));
    const third = await gate.callTool(gate.connected(), 'place_order', order('three'));
    expect(third.json()).toMatchObject({
      result: { isError: true, structuredContent: { reason: 'max_daily_orders' } },
    });
  });
  test('is one rate, and not that of its keys', async () => {
    gate = await openTokenGateway({ MCP_RATE_LIMIT_READ: '3 per minute' });
    const [one, other] = [gate.connected(), gate.connected()];
    for (const bearer of [one, other, one])
      expect((await gate.callTool(bearer, 'get_orders')).json()).not.toMatchObject({
        result: { isError: true },
      });
    for (const bearer of [one, other, gate.connected()]) {
      const refused = await gate.callTool(bearer, 'get_orders');
      expect(refused.status).toBe(200);
      expect(refused.json()).toMatchObject({
        result: {
          isError: true,
          structuredContent: { reason: 'rate_limited', limits: [{ limit: 'rate_remote_read', max: '3' }] },
        },
      });
    }
    const { key } = gate.key('claude');
    expect((await gate.callTool(key, 'get_orders')).json()).not.toMatchObject({ result: { isError: true } });
    expect((await gate.callTool(gate.connected('scalper'), 'get_orders')).json()).not.toMatchObject({
      result: { isError: true },
    });
    gate.clock.advance(60_000);
    expect((await gate.callTool(one, 'get_orders')).json()).not.toMatchObject({ result: { isError: true } });
  });
  test('writes and reduces have rates of their own, and a restart is no fresh start', async () => {
    gate = await openTokenGateway({ MCP_RATE_LIMIT_WRITE: '1 per hour' });
    const token = gate.connected();
    mayTrade(gate, 'claude');
    await gate.callTool(token, 'place_order', order('one'));
    const second = await gate.callTool(token, 'place_order', order('two'));
    expect(second.text).toContain('rate_remote_write');
    expect((await gate.callTool(token, 'cancel_all_orders')).text).not.toContain('rate_limited');
    expect((await gate.callTool(token, 'cancel_all_orders')).text).toContain('rate_remote_reduce');
    await gate.stop();
    const { folder } = gate;
    gate = await openTokenGateway({ MCP_RATE_LIMIT_WRITE: '1 per hour' }, { folder });
    const after = await gate.callTool(gate.connected(), 'place_order', order('three'));
    expect(after.text).toContain('rate_remote_write');
  });
});

describe('an order of a remote client that waits for the owner', () => {
  beforeEach(async () => {
    gate = await openTokenGateway();
  });
  afterEach(() => gate.close());

  async function waiting(clientId: string, grantId: string) {
    mayTrade(gate, gate.gateway.clients.find(clientId)?.agent?.name ?? '', { approval: 'always' });
    const answer = await gate.callTool(gate.token(grantId), 'place_order', {
      symbol: 'SPX',
      side: 'buy',
      qty: '1',
      type: 'market',
      dry_run: false,
      idempotency_key: 'waits',
    });
    return answer.text;
  }
  test('is not sent once its grant has ended, whatever the owner then taps', async () => {
    const clientId = gate.client();
    const grantId = gate.grant(clientId);
    const asked = await waiting(clientId, grantId);
    const orderId = /ord_[A-Za-z0-9]+/.exec(asked)?.[0] ?? '';
    const card = gate.gateway.trading.owner.approvals.ofOrder(orderId);
    if (card === undefined) throw new Error(asked);
    gate.gateway.grants.end(grantId, 'owner', OWNER_CONSOLE);
    const { id, digest } = card;
    const tapped = await gate.gateway.trading.owner.approvals.approve({ id, digest, by: OWNER_CONSOLE });
    expect(tapped).toMatchObject({
      ok: false,
      error: { reason: 'order_final', detail: expect.stringContaining('This connection was ended') },
    });
    expect(gate.gateway.trading.owner.approvals.ofOrder(orderId)?.order.status).toBe('refused');
  });
});
