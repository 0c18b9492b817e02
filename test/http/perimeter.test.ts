/** Who is served where: Host, peer, forwarding headers and Origin are looked at before any route. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PerimeterSettings, parseHost, perimeter, type RequestHead } from '#http/perimeter.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { bearer, send } from '../support/raw-http.ts';

const OFF: PerimeterSettings = {
  allowedHosts: [],
  ipAllowlist: [],
  trustedProxies: [],
  publicUrl: undefined,
  publicConsole: false,
  publicRest: false,
  corsOrigins: ['https://claude.ai'],
};
const ON: PerimeterSettings = { ...OFF, publicUrl: new URL('https://gate.example') };
const HEAD: RequestHead = {
  path: '/mcp',
  hosts: ['127.0.0.1:7800'],
  origin: undefined,
  headerNames: ['host'],
  peer: '127.0.0.1',
  client: '127.0.0.1',
};
function decide(settings: PerimeterSettings, head: Partial<RequestHead>): string {
  const admitted = perimeter(settings)({ ...HEAD, ...head });
  if (admitted.ok) return admitted.value.place;
  return 'reason' in admitted.error
    ? `${admitted.error.status} ${admitted.error.reason}`
    : String(admitted.error.status);
}

describe('a Host', () => {
  test.each(['127.0.0.1:7800', 'localhost', 'LOCALHOST:1', '[::1]:7800', '127.0.0.2'])(
    '%s is ours',
    (host) => {
      expect(decide(OFF, { hosts: [host] })).toBe('inside');
    },
  );
  test.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'localhost.',
    '127.1',
    '0x7f.0.0.1',
    '[::ffff:127.0.0.1]',
    '',
    'localhost:7800, evil.example',
    'localhost@evil.example',
    'localhost/',
    'user:pass@localhost',
    '127.0.0.1:',
    '127.0.0.1:999999',
    '10.0.0.1',
  ])('%j is not ours: 421', (host) => {
    expect(decide(OFF, { hosts: [host] })).toBe('421');
  });
  test('that is missing or said twice is 421, because two readers could believe different ones', () => {
    expect(decide(OFF, { hosts: [] })).toBe('421');
    expect(decide(OFF, { hosts: ['localhost', 'localhost'] })).toBe('421');
  });
  test('that the owner named is ours, under its port only when one was given', () => {
    const settings = { ...OFF, allowedHosts: ['gate.lan', 'nas.lan:7800'], ipAllowlist: ['10.0.0.0/8'] };
    expect(decide(settings, { hosts: ['gate.lan:1234'], peer: '10.1.2.3' })).toBe('inside');
    expect(decide(settings, { hosts: ['nas.lan:7800'] })).toBe('inside');
    expect(decide(settings, { hosts: ['nas.lan:7801'] })).toBe('421');
  });
  test('is a name or an address with a port, and nothing else', () => {
    expect(parseHost('a-b.example:80')).toEqual({ name: 'a-b.example', port: '80' });
    expect(parseHost('a b')).toBeUndefined();
    expect(parseHost('a\r\nb')).toBeUndefined();
  });
});

describe('while remote MCP is off', () => {
  test.each(['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'via', 'x-real-ip', 'cf-connecting-ip'])(
    'a request with %s is refused even from this machine: a tunnel ends here',
    (name) => expect(decide(OFF, { headerNames: ['host', name] })).toBe('403 ip_not_allowed'),
  );
  test('a peer that is neither loopback nor listed is refused', () => {
    expect(decide(OFF, { peer: '192.168.1.9', client: '127.0.0.1' })).toBe('403 ip_not_allowed');
    expect(decide(OFF, { peer: '' })).toBe('403 ip_not_allowed');
    expect(decide({ ...OFF, ipAllowlist: ['192.168.1.0/24'] }, { peer: '192.168.1.9' })).toBe('inside');
    expect(decide({ ...OFF, ipAllowlist: ['192.168.1.0/24'] }, { peer: '192.168.2.9' })).toBe(
      '403 ip_not_allowed',
    );
  });
  test('loopback is loopback in every spelling', () => {
    expect(decide(OFF, { peer: '::1' })).toBe('inside');
    expect(decide(OFF, { peer: '::ffff:127.0.0.1' })).toBe('inside');
  });
  test('the browser origins of remote MCP count for nothing', () => {
    expect(decide(OFF, { origin: 'https://claude.ai' })).toBe('403');
  });
});

describe('an Origin', () => {
  test.each([
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'file://',
    'http://127.0.0.1@evil.example',
    'chrome-extension://abc',
    '',
  ])('%j is foreign: 403', (origin) => expect(decide(OFF, { origin })).toBe('403'));
  test.each(['http://localhost:6274', 'http://127.0.0.1:7800', 'http://[::1]:7800'])(
    '%s is this machine',
    (origin) => {
      expect(decide(OFF, { origin })).toBe('inside');
    },
  );
});

describe('on the public host', () => {
  const remote = {
    hosts: ['gate.example'],
    peer: '127.0.0.1',
    client: '203.0.113.7',
    headerNames: ['host', 'x-forwarded-for'],
  };
  test.each([
    '/mcp',
    '/',
    '/healthz',
    '/oauth/token',
    '/authorize',
    '/.well-known/oauth-protected-resource/mcp',
  ])('%s is served', (path) => expect(decide(ON, { ...remote, path })).toBe('public'));
  test.each(['/admin', '/admin/login', '/api/v1/quotes', '/docs', '/mcpx', '/metrics'])(
    '%s is not',
    (path) => {
      expect(decide(ON, { ...remote, path })).toBe('404 not_found');
    },
  );
  test('console and REST are added only when the owner says so', () => {
    expect(decide({ ...ON, publicConsole: true }, { ...remote, path: '/admin/login' })).toBe('public');
    expect(decide({ ...ON, publicConsole: true }, { ...remote, path: '/api/v1/quotes' })).toBe(
      '404 not_found',
    );
    expect(decide({ ...ON, publicRest: true }, { ...remote, path: '/api/v1/quotes' })).toBe('public');
  });
  describe('an address list', () => {
    const listed = {
      ...ON,
      ipAllowlist: ['203.0.113.0/24'],
      trustedProxies: ['127.0.0.1'],
      publicConsole: true,
      publicRest: true,
    };
    const other = { ...remote, client: '198.51.100.1' };
    const GUARDED = ['/mcp', '/', '/admin', '/admin/login', '/api/v1/quotes', '/docs', '/docs/openapi.json'];
    test.each(GUARDED)('guards %s', (path) => {
      expect(decide(listed, { ...remote, path })).toBe('public');
      expect(decide(listed, { ...other, path })).toBe('403 ip_not_allowed');
    });
    test.each([
      '/oauth/authorize',
      '/oauth/interaction/abc',
      '/oauth/token',
      '/oauth/register',
      '/authorize',
      '/token',
      '/register',
      '/.well-known/oauth-authorization-server/mcp',
      '/healthz',
    ])('leaves %s to everybody: the owner and the token calls come from elsewhere', (path) => {
      expect(decide(listed, { ...other, path })).toBe('public');
    });
    test.each(['/%6dcp', '/mc%70', '/MCP', '/mcp/', '/%61dmin', '//mcp', '/x'])(
      'is not walked around by another spelling of a path: %s',
      (path) => {
        expect(decide(listed, { ...other, path })).toBe('403 ip_not_allowed');
      },
    );
    test('lets this machine itself in', () => {
      expect(decide(listed, {})).toBe('inside');
    });
    test('takes nobody by the address of a proxy that nobody vouches for', () => {
      const ofTheProxy = { ...listed, ipAllowlist: ['127.0.0.0/8'], trustedProxies: [] };
      const through = { ...remote, client: '127.0.0.1' };
      expect(decide(ofTheProxy, through)).toBe('403 ip_not_allowed');
      expect(decide(ofTheProxy, { ...through, hosts: ['localhost'] })).toBe('403 ip_not_allowed');
      expect(decide({ ...ofTheProxy, trustedProxies: ['127.0.0.1'] }, through)).toBe('public');
    });
  });
  test('a tunnel that rewrites Host to localhost does not make strangers local', () => {
    expect(decide(ON, { ...remote, hosts: ['localhost'], path: '/admin' })).toBe('403 ip_not_allowed');
    expect(
      decide(ON, { hosts: ['localhost'], peer: '192.168.1.9', client: '192.168.1.9', path: '/admin' }),
    ).toBe('403 ip_not_allowed');
    expect(decide(ON, { hosts: ['localhost'], path: '/admin' })).toBe('inside');
  });
  test('the browser origins of remote MCP may call', () => {
    expect(decide(ON, { ...remote, origin: 'https://claude.ai' })).toBe('public');
    expect(decide(ON, { ...remote, origin: 'https://claude.ai.evil.example' })).toBe('403');
  });
  test('a loopback public host serves everything that loopback serves', () => {
    const tunnel = { ...OFF, publicUrl: new URL('http://127.0.0.1:7800') };
    expect(decide(tunnel, { path: '/admin' })).toBe('inside');
  });
});

describe('over HTTP', () => {
  let doors: Doors;
  beforeAll(async () => {
    doors = await openDoors();
  });
  afterAll(() => doors.close());

  const ROUTES: readonly (readonly [string, string])[] = [
    ['GET', '/'],
    ['POST', '/'],
    ['GET', '/healthz'],
    ['GET', '/mcp'],
    ['POST', '/mcp'],
    ['DELETE', '/mcp'],
    ['GET', '/api/v1/words/x'],
    ['POST', '/api/v1/slow-orders'],
    ['GET', '/admin'],
    ['GET', '/nothing/here'],
    ['OPTIONS', '/mcp'],
    ['GET', '/%zz'],
  ];
  test.each(ROUTES)(
    '%s %s refuses a foreign Host, a foreign Origin and a forwarded request, key or not',
    async (method, path) => {
      const { key } = doors.key();
      const asked = { port: doors.port, method, path };
      const foreignHost = await send({ ...asked, headers: { ...bearer(key), host: 'evil.example' } });
      expect(foreignHost.status).toBe(421);
      const foreignOrigin = await send({
        ...asked,
        headers: { ...bearer(key), origin: 'https://evil.example' },
      });
      expect(foreignOrigin.status).toBe(403);
      const forwarded = await send({
        ...asked,
        headers: { ...bearer(key), 'x-forwarded-for': '203.0.113.7' },
      });
      expect(forwarded.status).toBe(403);
      expect(JSON.stringify(forwarded.json())).toContain('ip_not_allowed');
      expect(doors.script.seen).toEqual([]);
    },
  );

  test('tells an MCP client in JSON-RPC and everybody else in problem+json', async () => {
    const mcp = await send({
      port: doors.port,
      method: 'POST',
      path: '/mcp',
      headers: { host: 'evil.example' },
    });
    expect(mcp.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { data: { status: 421 } } });
    const rest = await send({ port: doors.port, path: '/api/v1/words/x', headers: { host: 'evil.example' } });
    expect(rest.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(rest.json()).toMatchObject({ status: 421 });
  });
});
