/** DNS rebinding and its kin, on every route there is: a page or tunnel that reaches this port gets nothing and leaves nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Doors, openDoors } from '../support/doors.ts';
import { bearer, send } from '../support/raw-http.ts';
import { type Route, routesOf } from '../support/routes.ts';

let doors: Doors;
let key: string;
let routes: readonly Route[];
beforeAll(async () => {
  doors = await openDoors();
  ({ key } = doors.key());
  routes = routesOf(doors.app);
});
afterAll(() => doors.close());

/** What the attacker's page or proxy sends, and what it is told. */
const ATTACKS: readonly (readonly [string, number, (port: number) => Record<string, string | string[]>])[] = [
  ['a foreign Host', 421, () => ({ host: 'evil.example' })],
  ['the name that was rebound to this machine', 421, (port) => ({ host: `rebound.evil.example:${port}` })],
  ['an address of the network', 421, (port) => ({ host: `192.168.1.20:${port}` })],
  [
    'the Origin of a rebound page',
    403,
    (port) => ({ host: `127.0.0.1:${port}`, origin: `http://rebound.evil.example:${port}` }),
  ],
  ['the Origin of a foreign page', 403, () => ({ origin: 'https://evil.example' })],
  ['no Origin that can be named', 403, () => ({ origin: 'null' })],
  ['an origin of remote MCP while that is off', 403, () => ({ origin: 'https://claude.ai' })],
  ['a tunnel', 403, () => ({ 'x-forwarded-for': '203.0.113.7' })],
  ['a tunnel that speaks another header', 403, () => ({ forwarded: 'for=203.0.113.7;host=localhost' })],
];

test('the walk meets every door', () => {
  const shown = routes.map(({ method, path }) => `${method} ${path}`);
  expect(shown).toEqual(
    expect.arrayContaining([
      'GET /',
      'POST /',
      'GET /healthz',
      'GET /docs',
      'GET /docs/openapi.json',
      'GET /mcp',
      'POST /mcp',
      'DELETE /mcp',
      'GET /api/v1/words/x',
      'PATCH /api/v1/slow-orders/x',
    ]),
  );
});

test.each(ATTACKS)('%s is refused on every route with %i, key or not', async (_name, status, headers) => {
  const before = doors.record().length;
  const preflights = [...new Set(routes.map(({ path }) => path))].map((path) => ({
    method: 'OPTIONS',
    path,
  }));
  const nowhere = [
    { method: 'GET', path: '/nothing' },
    { method: 'PUT', path: '/mcp' },
    { method: 'GET', path: '/%zz' },
    { method: 'GET', path: `/api/v1/words/${'x'.repeat(300)}` },
  ];
  for (const route of [...routes, ...preflights, ...nowhere]) {
    const attack = headers(doors.port);
    const asked = route.method === 'OPTIONS' ? { 'access-control-request-method': 'POST' } : {};
    for (const credential of [bearer(key), {}]) {
      const answer = await send({
        port: doors.port,
        ...route,
        headers: { ...credential, ...asked, ...attack },
        ...(route.method === 'GET'
          ? {}
          : { body: { name: 'stolen', jsonrpc: '2.0', id: 1, method: 'tools/list' } }),
      });
      expect(answer.status, `${route.method} ${route.path}`).toBe(status);
      expect(answer.headers['content-type']).toMatch(/^application\/(problem\+)?json/);
      // Nothing that a page could read, nothing that it sent.
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(answer.text).not.toMatch(/evil\.example|192\.168|203\.0\.113|stolen/);
      expect(answer.text).not.toContain(key);
    }
  }
  expect(doors.script.seen).toEqual([]);
  // Any page can make a browser do this as often as it likes: it must not be able to write the record full.
  expect(doors.record().length).toBe(before);
});

test('the same walk from here meets the doors themselves', async () => {
  for (const route of routes.filter(({ method }) => method === 'GET')) {
    const answer = await send({ port: doors.port, ...route, headers: bearer(key) });
    expect([421, 403, 405], `${route.method} ${route.path}`).not.toContain(answer.status);
  }
});
