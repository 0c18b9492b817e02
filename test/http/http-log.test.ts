/** The log: what was turned away by default, everything on request, and never a word that a caller could hide a secret in. */
import Fastify from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { answerError } from '#http/errors.ts';
import { loggerOptions } from '#http/http-log.ts';
import { BODY_BYTES_MAX } from '#limits.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { bearer, send } from '../support/raw-http.ts';
import { openSocket } from '../support/raw-socket.ts';

type Line = Readonly<Record<string, unknown>>;
const linesOf = (logged: readonly string[]): readonly Line[] =>
  logged
    .join('')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
const answered = (doors: Doors): readonly Line[] =>
  linesOf(doors.logged).filter(({ msg }) => msg === 'answered');

let doors: Doors;
afterEach(() => doors.close());

test('a line for each answer, with what an owner looks for', async () => {
  doors = await openDoors({ logLevel: 'debug' });
  await send({ port: doors.port, path: '/api/v1/words/x?tags=a', headers: bearer(doors.key().key) });
  await send({ port: doors.port, path: '/nothing' });
  const [served, missed] = answered(doors);
  expect(served).toMatchObject({
    level: 20,
    reqId: expect.stringMatching(/^req-/),
    method: 'GET',
    path: '/api/v1/words/x',
    status: 200,
    ms: expect.any(Number),
    address: '127.0.0.1',
  });
  expect(missed).toMatchObject({ level: 30, path: '/nothing', status: 404 });
  expect(missed?.['reqId']).not.toBe(served?.['reqId']);
});

test('by default what was served is not logged, because the record has it, and what was turned away is', async () => {
  doors = await openDoors({ logLevel: 'info' });
  const { key } = doors.key();
  await send({ port: doors.port, path: '/api/v1/words/x', headers: bearer(key) });
  await send({ port: doors.port, path: '/healthz' });
  await send({ port: doors.port, path: '/api/v1/words/x' });
  await send({ port: doors.port, path: '/healthz', headers: { host: 'evil.example' } });
  expect(answered(doors).map(({ status }) => status)).toEqual([401, 421]);
});

test('a route is logged under its address, whatever stands in a path of nobody is cut and cleaned', async () => {
  doors = await openDoors({ logLevel: 'info' });
  await send({ port: doors.port, path: `/x/${'y'.repeat(5_000)}` });
  await send({ port: doors.port, path: '/x%0d%0a%1b%5b31m%e2%80%ae' });
  const raw = await openSocket(
    doors.port,
    'GET /x\u202e\u009b31m HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  await raw.ended;
  for (const { path } of answered(doors)) {
    expect(String(path).length).toBeLessThan(210);
    expect(path).toMatch(/^[\x21-\x7e…]+$/);
  }
  for (const line of doors.logged) expect(line).toMatch(/^[^\n\r\x1b\x7f-\x9f\u202e]*\n$/);
});

describe('a secret', () => {
  test('wherever it is put and whatever comes of it, is in no line of any level', async () => {
    doors = await openDoors({ logLevel: 'trace' });
    const { key } = doors.key();
    const wrong = `pcl_${'canary'.repeat(7)}c`;
    const places: readonly Record<string, string | readonly string[]>[] = [
      bearer(key),
      bearer(wrong),
      { authorization: `Basic ${wrong}` },
      { ...bearer(key), cookie: 'session=canary' },
      { ...bearer(key), referer: `http://localhost/?key=${key}` },
      { ...bearer(key), 'user-agent': `canary ${key}` },
      { host: `${wrong}.example` },
      { origin: `https://${wrong}.example` },
      { 'x-forwarded-for': `canary, ${key}` },
      { ...bearer(key), 'mcp-session-id': 'canary' },
      { ...bearer(key), 'content-type': 'canary/canary' },
      { ...bearer(key), 'x-huge': 'canary'.repeat(4_000) },
    ];
    const bodies = [
      undefined,
      '{"canary',
      { canary: key },
      'canary'.repeat(BODY_BYTES_MAX / 6 + 1),
      { jsonrpc: '2.0', id: 'canary', method: 'canary', params: { canary: key } },
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_word', arguments: { word: key } } },
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'get_fault', arguments: { canary: key } },
      },
    ];
    for (const path of [
      '/mcp',
      `/mcp?key=${key}`,
      `/api/v1/slow-orders`,
      `/api/v1/words/x?a=canary`,
      `/nothing/${key}`,
      `/%zz${key}`,
      `/api/v1/words/${key}`,
    ])
      for (const headers of places)
        for (const body of bodies) {
          const method = body === undefined ? 'GET' : 'POST';
          await send({ port: doors.port, method, path, headers, body }).catch(() => undefined);
        }
    for (const noise of [
      `GET /?${key} HTTP/9\r\n\r\n`,
      `canary ${key}\r\n\r\n`,
      `GET / HTTP/1.1\r\ncanary\x00: ${key}\r\n\r\n`,
    ])
      await (await openSocket(doors.port, noise)).ended;
    const log = doors.logged.join('');
    expect(answered(doors).length).toBeGreaterThan(100);
    expect(log).not.toContain('canary');
    expect(log).not.toContain(key.slice(4));
  });
  test('that a trusted proxy passes on for an address is not taken for one', async () => {
    doors = await openDoors({
      logLevel: 'trace',
      publicUrl: new URL('https://gate.example'),
      trustedProxies: ['127.0.0.1'],
    });
    const { key } = doors.key();
    for (const forwarded of [`canary, ${key}`, key, `::1%${key.slice(0, 30)}`, '2001:DB8::0001'])
      await send({
        port: doors.port,
        path: '/healthz',
        headers: { host: 'gate.example', 'x-forwarded-for': forwarded },
      });
    expect(doors.logged.join('')).not.toContain(key.slice(4, 30));
    expect(answered(doors).map(({ address }) => address)).toEqual([
      'unreadable',
      'unreadable',
      '::1',
      '2001:db8::1',
    ]);
  });
  test('in an error that nobody expected is redacted, its place kept', async () => {
    doors = await openDoors();
    const logged: string[] = [];
    const app = Fastify(loggerOptions({ level: 'trace', to: { write: (line) => void logged.push(line) } }));
    app.setErrorHandler(answerError);
    const key = `pcl_${'k'.repeat(43)}`;
    app.get('/error', () => {
      throw Object.assign(new Error(`no ${key}\nat Bearer abcdefghijkl`), {
        request: { headers: bearer(key) },
      });
    });
    app.get('/thing', () => {
      // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- what a library may do
      throw { toString: () => key };
    });
    for (const url of ['/error', '/thing']) {
      const { statusCode, body } = await app.inject({ url });
      expect([statusCode, JSON.parse(body)]).toMatchObject([500, { reason: 'internal' }]);
      expect(body).not.toMatch(/pcl_|at |Bearer/);
    }
    await app.close();
    const [error, thing] = linesOf(logged).filter(({ msg }) => msg === 'request failed');
    expect(error).toMatchObject({
      level: 50,
      reqId: 'req-1',
      err: { type: 'Error', stack: expect.stringContaining('http-log.test.ts') },
    });
    expect(thing).toMatchObject({ reqId: 'req-2' });
    expect(logged.join('')).not.toMatch(/kkkk|abcdefghijkl/);
  });
});
