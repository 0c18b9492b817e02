/** Who is turned away at the door learns how to be let in: by a key always, through OAuth only while remote MCP is on. */
import { afterEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { bearer, send } from '../support/raw-http.ts';

const REMOTE = { publicUrl: new URL('https://gate.example'), publicRest: true };
const METADATA = 'resource_metadata="https://gate.example/.well-known/oauth-protected-resource/mcp"';
const call = (name: string) => ({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name, arguments: { name: 'x' } },
});

let doors: Doors;
afterEach(() => doors.close());
const post = (headers: Record<string, string>, body: unknown = call('slow_order'), path = '/mcp') =>
  send({ port: doors.port, method: 'POST', path, headers, body });

describe('while remote MCP is off', () => {
  test('a 401 asks for a bearer and says where keys come from, and names no metadata', async () => {
    doors = await openDoors();
    for (const path of ['/mcp', '/']) {
      const answer = await post({}, call('slow_order'), path);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.json()).toMatchObject({
        jsonrpc: '2.0',
        id: null,
        error: { code: -32001, data: { reason: 'unauthenticated', status: 401 } },
      });
      expect(answer.text).toContain('portcullis keys create');
    }
  });
  test('a missing scope is named, and nothing else', async () => {
    doors = await openDoors();
    const answer = await post(bearer(doors.key(['read:market']).key));
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_scope", scope="write:orders"',
    );
  });
});

describe('while remote MCP is on', () => {
  test('a 401 of /mcp points at its metadata in the path form, and at what may be asked for', async () => {
    doors = await openDoors(REMOTE);
    const { key, id } = doors.key();
    const wrong = bearer(`pcl_${'x'.repeat(43)}`);
    for (const headers of [{}, wrong, { authorization: 'Basic eDp5' }])
      for (const host of ['gate.example', '127.0.0.1']) {
        const answer = await post({ ...headers, host });
        expect(answer.status).toBe(401);
        expect(answer.headers['www-authenticate']).toBe(
          `Bearer ${METADATA}, scope="read:market read:account"`,
        );
      }
    doors.access.keys.revoke(id, OWNER_CLI);
    const revoked = await post({ ...bearer(key), host: 'gate.example' });
    expect(revoked.status).toBe(401);
    expect(revoked.json()).toMatchObject({ error: { data: { reason: 'credential_revoked' } } });
    expect(revoked.headers['www-authenticate']).toContain(METADATA);
  });
  test('a GET that wants a stream and a DELETE are challenged like a POST', async () => {
    doors = await openDoors(REMOTE);
    for (const asked of [{ method: 'GET', headers: { accept: 'text/event-stream' } }, { method: 'DELETE' }]) {
      const answer = await send({ port: doors.port, path: '/mcp', ...asked });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toContain(METADATA);
    }
  });
  test('a 403 for a scope points there too, naming the scope that is missing', async () => {
    doors = await openDoors(REMOTE);
    const answer = await post(bearer(doors.key(['read:market']).key));
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer error="insufficient_scope", scope="write:orders", ${METADATA}`,
    );
    expect(answer.json()).toMatchObject({ id: 7, error: { data: { reason: 'insufficient_scope' } } });
  });
  test('REST has no such metadata: its callers hold keys', async () => {
    doors = await openDoors(REMOTE);
    const answer = await send({
      port: doors.port,
      path: '/api/v1/words/x',
      headers: { host: 'gate.example' },
    });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });
  test('what a remote client may ask for is what the owner lets it', async () => {
    doors = await openDoors({ ...REMOTE, remoteScopes: ['read:market', 'read:account', 'write:orders'] });
    expect((await post({})).headers['www-authenticate']).toContain(
      'scope="read:market read:account write:orders"',
    );
  });
  test('an address that may not connect is told so, without a challenge', async () => {
    doors = await openDoors({ ...REMOTE, ipAllowlist: ['203.0.113.0/24'] });
    const answer = await post({ host: 'gate.example', 'x-forwarded-for': '198.51.100.1' });
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(answer.json()).toMatchObject({ error: { data: { reason: 'ip_not_allowed' } } });
  });
});
