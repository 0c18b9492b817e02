/** How often an agent may call, through real doors: its own measure, which no new key, door or restart fills up again. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { auditQuery } from '#audit/query.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, type RawAnswer, send } from '../support/raw-http.ts';

const SETTINGS = { PORTCULLIS_RATE_LIMIT_READ: '5 per minute', PORTCULLIS_RATE_LIMIT_WRITE: '2 per minute' };

let gate: TestGateway;
let key: { readonly id: string; readonly key: string };
beforeEach(async () => {
  gate = await openTestGateway({ settings: SETTINGS });
  key = gate.key('claude');
});
afterEach(() => gate.close());

const ask = (secret: string, method: string, path: string, body?: object): Promise<RawAnswer> =>
  send({ port: Number(new URL(gate.url).port), method, path, headers: bearer(secret), body });
const look = (secret = key.key): Promise<RawAnswer> => ask(secret, 'GET', '/api/v1/status');
async function lookUntilRefused(): Promise<void> {
  for (let n = 0; n < 5; n++) expect((await look()).status).toBe(200);
  await expectRefused(key.key);
}
async function expectRefused(secret: string): Promise<void> {
  const answer = await look(secret);
  expect(answer.status).toBe(429);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const told = answer.json() as { retry_after: number };
  expect(told).toMatchObject({
    reason: 'rate_limited',
    retry_safe: true,
    limits: [{ limit: 'rate_read', used: '5', max: '5', unit: 'calls per minute' }],
  });
  expect(answer.headers['retry-after']).toBe(String(told.retry_after));
  expect(told.retry_after).toBeGreaterThan(0);
}

test('over its measure an agent is told how long to wait, and after that is served', async () => {
  await lookUntilRefused();
  gate.clock.advance(60_000);
  expect((await look()).status).toBe(200);
});

test('a rotated key, a second key and another door are the same agent', async () => {
  await lookUntilRefused();
  const rotated = gate.gateway.access.keys.rotate(key.id, OWNER_CLI);
  if (!rotated.ok) throw new Error(rotated.error.detail);
  await expectRefused(rotated.value.key);
  await expectRefused(gate.key('claude').key);
  const mcp = await ask(rotated.value.key, 'POST', '/mcp', {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'get_gateway_status', arguments: {} },
  });
  // An agent's own haste is an answer to its call, not a closed door.
  expect(mcp.status).toBe(200);
  expect(mcp.json()).toMatchObject({
    result: { isError: true, structuredContent: { reason: 'rate_limited' } },
  });
  expect((await look(gate.key('scalper').key)).status).toBe(200);
});

test('a restart gives no fresh measure', async () => {
  await lookUntilRefused();
  await gate.stop();
  gate = await openTestGateway({ settings: SETTINGS, folder: gate.folder, clock: gate.clock });
  await expectRefused(key.key);
  gate.clock.advance(60_000);
  expect((await look()).status).toBe(200);
});

test('getting out has a measure of its own, and malformed calls are not free', async () => {
  for (let n = 0; n < 5; n++) expect((await ask(key.key, 'GET', '/api/v1/quotes?symbols=')).status).toBe(400);
  await expectRefused(key.key);
  const halted = await ask(key.key, 'POST', '/api/v1/orders/cancel-all', {});
  expect(halted.status).not.toBe(429);
});

test('a thousand refusals are a handful of lines', async () => {
  await lookUntilRefused();
  for (let n = 0; n < 999; n++) expect((await look()).status).toBe(429);
  gate.clock.advance(2_000);
  const { audit, store, keyring } = gate.gateway;
  audit.flush();
  const refused = auditQuery(store, keyring)
    .tail(500)
    .filter(({ detail }) => detail?.['reason'] === 'rate_limited');
  expect(refused.length).toBeLessThanOrEqual(4);
  expect(refused.reduce((sum, { detail }) => sum + Number(detail?.['count'] ?? 1), 0)).toBe(1_000);
  expect(refused.every(({ agent, outcome }) => agent === 'claude' && outcome === 'refused')).toBe(true);
});
