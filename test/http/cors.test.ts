/** Web pages of other origins: the listed ones may call while remote MCP is on, everybody else gets no word to read. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Doors, openDoors } from '../support/doors.ts';
import { bearer, type RawAnswer, send } from '../support/raw-http.ts';

const REMOTE = {
  publicUrl: new URL('https://gate.example'),
  corsOrigins: ['https://claude.ai', 'https://chatgpt.com'],
};
const corsOf = ({ headers }: RawAnswer): readonly string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control'));
const words = (header: string | string[] | undefined): readonly string[] =>
  String(header).toLowerCase().split(', ');

let doors: Doors;
afterEach(() => doors.close());
const preflight = (path: string, headers: Record<string, string>) =>
  send({
    port: doors.port,
    method: 'OPTIONS',
    path,
    headers: {
      host: 'gate.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, content-type, mcp-protocol-version',
      ...headers,
    },
  });

describe('while remote MCP is on', () => {
  beforeEach(async () => {
    doors = await openDoors(REMOTE);
  });
  test('a preflight of a listed origin is answered before authentication, with what MCP needs', async () => {
    const answer = await preflight('/mcp', { origin: 'https://claude.ai' });
    expect(answer.status).toBe(204);
    expect(answer.text).toBe('');
    expect(answer.headers['access-control-allow-origin']).toBe('https://claude.ai');
    expect(words(answer.headers['access-control-allow-methods'])).toEqual(['get', 'post', 'patch', 'delete']);
    expect(words(answer.headers['access-control-allow-headers'])).toEqual(
      expect.arrayContaining([
        'authorization',
        'content-type',
        'accept',
        'mcp-protocol-version',
        'mcp-session-id',
        'mcp-method',
        'mcp-name',
        'last-event-id',
      ]),
    );
    expect(answer.headers['vary']).toBe('Origin');
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    expect(answer.headers['access-control-allow-private-network']).toBeUndefined();
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(doors.record()).toEqual([]);
  });
  test('an answer names its origin back and shows the page what it may read, refusals too', async () => {
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    for (const [credential, status] of [
      [bearer(doors.key().key), 200],
      [{}, 401],
    ] as const) {
      const answer = await send({
        port: doors.port,
        method: 'POST',
        path: '/mcp',
        headers: { host: 'gate.example', origin: 'https://chatgpt.com', ...credential },
        body: list,
      });
      expect(answer.status).toBe(status);
      expect(answer.headers['access-control-allow-origin']).toBe('https://chatgpt.com');
      expect(words(answer.headers['access-control-expose-headers'])).toEqual(
        expect.arrayContaining(['mcp-session-id', 'www-authenticate', 'retry-after', 'mcp-protocol-version']),
      );
      expect(answer.headers['vary']).toBe('Origin');
    }
  });
  test('event streams name it as well', async () => {
    const { key } = doors.key();
    const opened = await send({
      port: doors.port,
      method: 'POST',
      path: '/mcp',
      headers: {
        host: 'gate.example',
        origin: 'https://claude.ai',
        accept: 'application/json, text/event-stream',
        ...bearer(key),
      },
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-06-18',
          capabilities: {},
          clientInfo: { name: 'page', version: '1' },
        },
      },
    });
    expect(opened.status).toBe(200);
    expect(opened.headers['mcp-session-id']).toBeDefined();
    expect(opened.headers['access-control-allow-origin']).toBe('https://claude.ai');
  });
  test('without an Origin nothing is granted, but caches are told that it matters', async () => {
    const answer = await send({ port: doors.port, path: '/mcp', headers: { host: 'gate.example' } });
    expect(corsOf(answer)).toEqual([]);
    expect(answer.headers['vary']).toBe('Origin');
  });
  test.each([
    'https://evil.example',
    'http://claude.ai',
    'https://claude.ai:444',
    'https://CLAUDE.ai.evil.example',
    'null',
  ])('%s is foreign: 403 and no header to read, preflight and call alike', async (origin) => {
    for (const path of ['/mcp', '/api/v1/words/x', '/', '/healthz', '/.well-known/openid-configuration']) {
      const asked = await preflight(path, { origin });
      expect([asked.status, corsOf(asked)]).toEqual([403, []]);
      const called = await send({ port: doors.port, path, headers: { host: 'gate.example', origin } });
      expect([called.status, corsOf(called)]).toEqual([403, []]);
    }
  });
  test('pages that are for people are not for other pages', async () => {
    for (const path of ['/admin', '/docs', '/oauth/authorize', '/healthz']) {
      const answer = await send({
        port: doors.port,
        path,
        headers: { origin: 'https://claude.ai', host: '127.0.0.1' },
      });
      expect(corsOf(answer), path).toEqual([]);
    }
  });
  test('a foreign Host is 421, preflight or not', async () => {
    const answer = await preflight('/mcp', { origin: 'https://claude.ai', host: 'evil.example' });
    expect([answer.status, corsOf(answer)]).toEqual([421, []]);
  });
});

describe('while remote MCP is off', () => {
  beforeEach(async () => {
    doors = await openDoors({ corsOrigins: REMOTE.corsOrigins });
  });
  test('the listed origins are foreign', async () => {
    const answer = await preflight('/mcp', { origin: 'https://claude.ai', host: '127.0.0.1' });
    expect([answer.status, corsOf(answer)]).toEqual([403, []]);
  });
  test('a page of this machine may call: MCP inspectors are such', async () => {
    const origin = 'http://localhost:6274';
    const asked = await preflight('/mcp', { origin, host: '127.0.0.1' });
    expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, origin]);
    const rest = await preflight('/api/v1/words/x', { origin, host: '127.0.0.1' });
    expect([rest.status, rest.headers['access-control-allow-origin']]).toEqual([204, origin]);
  });
  test('an OPTIONS that is no preflight is a method like any other', async () => {
    const answer = await send({ port: doors.port, method: 'OPTIONS', path: '/mcp' });
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('DELETE, GET, POST');
  });
});
