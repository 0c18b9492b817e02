/** How much one address may ask for: strangers are slowed down, honest callers at the same address are not, the record stays short. */
import Fastify, { type FastifyRequest } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { addressKey, addressLimits } from '#http/address-limit.ts';
import {
  ADDRESS_REQUESTS_MAX,
  ADDRESS_TURNED_AWAY_MAX,
  ADDRESS_WINDOW_MS,
  ADDRESSES_COUNTED_MAX,
} from '#limits.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { collectGarbage } from '../support/garbage.ts';
import { handClock } from '../support/hand-clock.ts';
import { bearer, send } from '../support/raw-http.ts';

const WRONG_KEY = bearer(`pcl_${'x'.repeat(43)}`);

describe('an address', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:DB8:1:2::', '2001:db8:1:2::'],
    ['2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::'],
    ['fe80::1%eth0', 'fe80::'],
    ['::1', '::'],
  ])('%s is counted under %s', (address, key) => expect(addressKey(address)).toBe(key));
  test.each(['', 'unknown', '203.0.113.7:1234', '1.2.3', '2001:db8::g', '"', 'x'.repeat(10_000), undefined])(
    'that can not be read (%s) is counted with all others that can not',
    (address) => expect(addressKey(address)).toBe('unreadable'),
  );
  test('of the next /64 is another one', () => {
    expect(addressKey('2001:db8:1:3::')).not.toBe(addressKey('2001:db8:1:2::'));
  });
});

describe('the limits', () => {
  const silent = { recordRepeated: () => undefined, recordDeferred: () => undefined };
  const from = (ip: string) => ({ ip, routeOptions: { config: {} } }) as unknown as FastifyRequest;
  async function limits() {
    const app = Fastify();
    const opened = addressLimits(app, { audit: silent, clock: handClock() });
    await app.ready();
    return opened;
  }
  test('hold to the request, and say how long to wait', async () => {
    const { requests } = await limits();
    for (let n = 0; n < ADDRESS_REQUESTS_MAX; n++)
      expect(await requests(from('203.0.113.7'))).toBeUndefined();
    const refusal = await requests(from('203.0.113.7'));
    expect(refusal).toMatchObject({ reason: 'rate_limited', status: 429, retry_after: 60 });
    expect(await requests(from('203.0.113.8'))).toBeUndefined();
  });
  test('remember a bounded number of addresses: 100,000 networks leave nothing behind', async () => {
    const { turnedAway } = await limits();
    const network = (n: number): string =>
      `2001:db8:${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`;
    for (let n = 0; n < ADDRESSES_COUNTED_MAX; n++) await turnedAway(from(network(n)));
    const before = collectGarbage();
    for (let n = ADDRESSES_COUNTED_MAX; n < 100_000; n++) await turnedAway(from(network(n)));
    expect(collectGarbage() - before).toBeLessThan(5 * 1024 * 1024);
  });
});

describe('over HTTP', () => {
  let doors: Doors;
  afterEach(() => doors.close());
  const post = (headers: Record<string, string>, remoteAddress = '127.0.0.1', path = '/mcp') =>
    doors.app.inject({
      method: 'POST',
      url: path,
      remoteAddress,
      headers: { host: '127.0.0.1', ...headers },
      payload: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
    });
  async function exhaust(headers: Record<string, string> = WRONG_KEY, remoteAddress?: string): Promise<void> {
    for (let n = 0; n < ADDRESS_TURNED_AWAY_MAX; n++)
      expect((await post(headers, remoteAddress)).statusCode).toBe(401);
  }

  test('five thousand wrong keys are a few lines, and most of them 429', async () => {
    doors = await openDoors({ logLevel: 'silent' });
    const statuses = new Map<number, number>();
    for (let n = 0; n < 5_000; n++) {
      const { statusCode } = await post(WRONG_KEY);
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
    }
    expect(Object.fromEntries(statuses)).toEqual({
      401: ADDRESS_TURNED_AWAY_MAX,
      429: 5_000 - ADDRESS_TURNED_AWAY_MAX,
    });
    doors.clock.advance(2_000);
    const lines = doors.record();
    expect(lines.map(({ kind }) => kind).toSorted()).toEqual([
      'auth.denied',
      'auth.denied',
      'http.limited',
      'http.limited',
    ]);
    const counted = lines.filter(({ kind }) => kind === 'http.limited');
    expect(counted.at(-1)?.detail).toMatchObject({ reason: 'rate_limited', address: '127.0.0.1' });
    expect(lines.reduce((sum, { detail }) => sum + Number(detail?.['count'] ?? 1), 0)).toBe(
      10_000 - ADDRESS_TURNED_AWAY_MAX,
    );
  });

  test('on /mcp the refusal is the error of JSON-RPC, on REST problem+json, both with the wait', async () => {
    doors = await openDoors();
    await exhaust();
    const mcp = await post(WRONG_KEY);
    expect(mcp.statusCode).toBe(429);
    expect(mcp.headers['content-type']).toMatch(/^application\/json/);
    expect(mcp.headers['www-authenticate']).toBeUndefined();
    expect(mcp.headers['retry-after']).toBe('60');
    expect(mcp.json()).toMatchObject({
      jsonrpc: '2.0',
      id: null,
      error: {
        code: -32000,
        data: { reason: 'rate_limited', status: 429, retry_after: 60, retry_safe: true },
      },
    });
    const rest = await doors.app.inject({
      url: '/api/v1/words/x',
      headers: { host: 'localhost', ...WRONG_KEY },
    });
    expect(rest.statusCode).toBe(429);
    expect(rest.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(rest.headers['retry-after']).toBe('60');
    expect(rest.json()).toMatchObject({ reason: 'rate_limited', status: 429, retry_after: 60 });
  });

  test('a live key at the same address is served on, and so is the health of the process', async () => {
    doors = await openDoors();
    await exhaust();
    const { key } = doors.key();
    expect((await post(bearer(key))).statusCode).toBe(200);
    expect((await send({ port: doors.port, path: '/healthz' })).status).toBe(200);
    expect((await send({ port: doors.port, path: '/mcp' })).status).toBe(200);
    expect((await post({})).statusCode).toBe(429);
  });

  test('the kill switch stays a 401, however often it is met', async () => {
    doors = await openDoors({ logLevel: 'silent' });
    const { key } = doors.key();
    doors.kill();
    for (let n = 0; n <= ADDRESS_TURNED_AWAY_MAX; n++) expect((await post(bearer(key))).statusCode).toBe(401);
  });

  test('looking for what is not there counts as well; a foreign Host stays 421', async () => {
    doors = await openDoors({ logLevel: 'silent' });
    const look = (host: string) => doors.app.inject({ url: '/wp-login.php', headers: { host } });
    for (let n = 0; n < ADDRESS_TURNED_AWAY_MAX; n++) expect((await look('localhost')).statusCode).toBe(404);
    expect((await look('localhost')).statusCode).toBe(429);
    expect((await look('evil.example')).statusCode).toBe(421);
  });

  test('a new window opens after the old one', async () => {
    doors = await openDoors({ logLevel: 'silent' });
    await exhaust();
    doors.clock.advance(ADDRESS_WINDOW_MS - 1_500);
    expect((await post(WRONG_KEY)).headers['retry-after']).toBe('2');
    doors.clock.advance(1_500);
    expect((await post(WRONG_KEY)).statusCode).toBe(401);
  });

  const REMOTE = { publicUrl: new URL('https://gate.example'), logLevel: 'silent' };
  test('what a client says of itself changes nothing: the rightmost hop that is not a proxy of ours counts', async () => {
    doors = await openDoors({ ...REMOTE, trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    const spoofed = (n: number, address: string) =>
      post(
        {
          ...WRONG_KEY,
          host: 'gate.example',
          'x-forwarded-for': `198.51.100.${n % 250}, ${address}, 10.0.0.2`,
        },
        '127.0.0.1',
      );
    for (let n = 0; n < ADDRESS_TURNED_AWAY_MAX; n++)
      expect((await spoofed(n, '203.0.113.7')).statusCode).toBe(401);
    expect((await spoofed(251, '203.0.113.7')).statusCode).toBe(429);
    // Nor does it spend what is somebody else's.
    expect((await spoofed(1, '203.0.113.8')).statusCode).toBe(401);
  });
  test('without trusted proxies the header means nothing: the address is the connection', async () => {
    doors = await openDoors(REMOTE);
    for (let n = 0; n < ADDRESS_TURNED_AWAY_MAX; n++)
      await post(
        { ...WRONG_KEY, host: 'gate.example', 'x-forwarded-for': `198.51.100.${n % 250}` },
        `2001:db8:0:1::${n.toString(16)}`,
      );
    const answer = await post(
      { ...WRONG_KEY, host: 'gate.example', 'x-forwarded-for': '192.0.2.1' },
      '2001:db8:0:1:ffff::1',
    );
    expect(answer.statusCode).toBe(429);
    const neighbour = await post({ ...WRONG_KEY, host: 'gate.example' }, '2001:db8:0:2::1');
    expect(neighbour.statusCode).toBe(401);
  });
  test('an address that nobody can read is never an error', async () => {
    doors = await openDoors({ ...REMOTE, trustedProxies: ['127.0.0.1'] });
    for (const spoken of ['unknown', '', '_hidden', '203.0.113.7:80', '[2001:db8::1]', 'x'.repeat(4_000)]) {
      const answer = await post({ ...WRONG_KEY, host: 'gate.example', 'x-forwarded-for': spoken });
      expect(answer.statusCode).toBe(401);
    }
  });
});
