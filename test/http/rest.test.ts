/** REST: every tool under /api/v1, strict queries, problem+json. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { bearer, type RawAnswer, send } from '../support/raw-http.ts';

let doors: Doors;
let key: string;
beforeAll(async () => {
  doors = await openDoors();
  ({ key } = doors.key());
});
afterAll(() => doors.close());

function ask(
  method: string,
  path: string,
  body?: unknown,
  presented: string | undefined = key,
): Promise<RawAnswer> {
  return send({
    port: doors.port,
    method,
    path: `/api/v1${path}`,
    ...(presented === '' ? {} : { headers: bearer(presented) }),
    ...(body === undefined ? {} : { body }),
  });
}

describe('a request', () => {
  test('takes its arguments from path and query, each read as its own type', async () => {
    const answer = await ask('GET', '/words/A%2FB?times=3&loud=true&tags=x,y');
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ word: 'A/B', times: 3, loud: true, tags: ['x', 'y'] });
    expect(answer.headers['cache-control']).toBe('no-store');
  });
  test('takes its arguments from a JSON body with POST, PATCH and DELETE', async () => {
    expect((await ask('POST', '/slow-orders', { name: 'a', dry_run: false })).json()).toEqual({
      placed: 'a',
    });
    expect((await ask('PATCH', '/slow-orders/o1', { qty: '2' })).json()).toEqual({
      order_id: 'o1',
      qty: '2',
    });
    expect((await ask('DELETE', '/slow-orders/o1', { idempotency_key: 'k' })).json()).toEqual({
      order_id: 'o1',
      key: 'k',
    });
    expect((await ask('DELETE', '/slow-orders/o1')).json()).toEqual({ order_id: 'o1', key: '' });
    expect((await ask('DELETE', '/slow-orders/o1?idempotency_key=q')).json()).toEqual({
      order_id: 'o1',
      key: 'q',
    });
  });
  test('with an empty body under a JSON content type has no body', async () => {
    const answer = await send({
      port: doors.port,
      method: 'DELETE',
      path: '/api/v1/slow-orders/o1',
      headers: { ...bearer(key), 'content-type': 'application/json' },
    });
    expect(answer.json()).toEqual({ order_id: 'o1', key: '' });
  });
  test('is on the record under its own door', async () => {
    await ask('GET', '/words/recorded');
    expect(doors.record()).toContainEqual(
      expect.objectContaining({ tool: 'get_word', door: 'rest', outcome: 'ok' }),
    );
  });
});

describe('a query', () => {
  test('with a key that the tool does not know is refused, and the nearest named', async () => {
    const ran = doors.script.seen.length;
    const answer = await ask('GET', '/words/x?tiems=3');
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json()).toMatchObject({ reason: 'invalid_input', did_you_mean: ['times'] });
    expect(doors.script.seen).toHaveLength(ran);
  });
  test.each([
    '/words/x?times=2&times=3',
    '/words/x?word=y',
    '/words/x?times=2.5',
    '/words/x?times=',
    '/words/x?loud=yes',
    '/words/x?times=1e1',
  ])('%s is refused: nothing is guessed', async (path) => {
    const ran = doors.script.seen.length;
    const answer = await ask('GET', path);
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ reason: 'invalid_input', status: 400 });
    expect(doors.script.seen).toHaveLength(ran);
  });
  test('beside a POST or PATCH is refused: those take their arguments in the body alone', async () => {
    const ran = doors.script.seen.length;
    const answer = await ask('POST', '/slow-orders?name=a');
    expect(answer.json()).toMatchObject({
      reason: 'invalid_input',
      detail: expect.stringContaining('JSON body'),
    });
    expect((await ask('POST', '/slow-orders?dry_run=false', { name: 'a' })).status).toBe(400);
    expect(doors.script.seen).toHaveLength(ran);
  });
  test('that contradicts the body is refused', async () => {
    const answer = await ask('DELETE', '/slow-orders/o1?idempotency_key=a', { idempotency_key: 'b' });
    expect(answer.json()).toMatchObject({ reason: 'invalid_input', status: 400 });
    expect((await ask('PATCH', '/slow-orders/o1', { order_id: 'o2' })).status).toBe(400);
  });
  test.each([[['a']], ['"text"'], ['7']])('and a body that is no object (%j) is refused', async (body) => {
    expect((await ask('POST', '/slow-orders', body)).status).toBe(400);
  });
});

describe('a refusal', () => {
  test('is problem+json with all its members, under its own status', async () => {
    const answer = await ask('GET', '/refused?reason=max_order_value');
    expect(answer.status).toBe(422);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json()).toEqual({
      type: 'urn:portcullis:refusal:max_order_value',
      title: 'Max order value',
      status: 422,
      detail: 'Less is more.',
      reason: 'max_order_value',
      retry_safe: true,
      limits: [{ limit: 'max_order_value', used: '0', order: '11', max: '10', unit: 'USD' }],
    });
  });
  test('for haste is 429 with Retry-After in whole seconds', async () => {
    const answer = await ask('GET', '/refused?reason=rate_limited');
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('2');
  });
  test("by the agent's own state is 403, not the door's 401", async () => {
    expect((await ask('GET', '/refused?reason=trading_halted')).status).toBe(403);
  });
});

describe('who may not', () => {
  test('no key is 401 with the way to one', async () => {
    const answer = await ask('GET', '/words/x', undefined, '');
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.json()).toMatchObject({
      reason: 'unauthenticated',
      detail: expect.stringContaining('keys create'),
    });
  });
  test('a missing scope is 403 and named', async () => {
    const reader = doors.key(['read:market'], 'reader').key;
    const answer = await ask('POST', '/slow-orders', { name: 'never' }, reader);
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toContain('scope="write:orders"');
    expect(doors.script.seen).not.toContain('never');
  });
  test('a revoked key is 401', async () => {
    const made = doors.key();
    doors.access.keys.revoke(made.id, OWNER_CLI);
    const answer = await ask('GET', '/words/x', undefined, made.key);
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ reason: 'credential_revoked' });
  });
  test('too many calls are 429 with their wait', async () => {
    const { key: hasty } = doors.key(['read:market'], 'hasty');
    let last: RawAnswer | undefined;
    for (let n = 0; n <= 600; n++) {
      last = await ask('GET', '/words/x', undefined, hasty);
      if (last.status !== 200) break;
    }
    expect(last?.status).toBe(429);
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0);
  });
});
