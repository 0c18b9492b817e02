// /docs as a browser and as a program meet it: one address, two shapes, and nothing from elsewhere.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REFUSAL_REASONS } from '#domain/refusal.ts';
import { prefersHtml } from '#http/docs.ts';
import { TOOLS } from '#tools/index.ts';
import { openDoors } from '../support/doors.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, type RawAnswer, send } from '../support/raw-http.ts';

const STATIC = join(import.meta.dirname, '../../views/static');
const ASSETS = readdirSync(STATIC).filter((name) => name !== 'vendor');
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

let gate: TestGateway;
let page: RawAnswer;
const ask = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> =>
  send({ port: Number(new URL(gate.url).port), path, headers: { host: new URL(gate.url).host, ...headers } });
beforeAll(async () => {
  gate = await openTestGateway();
  page = await ask('/docs', { accept: BROWSER });
});
afterAll(() => gate.close());

describe('GET /docs', () => {
  test.each([
    [BROWSER, true],
    ['text/html', true],
    ['application/json, text/html;q=0.5', false],
    ['text/html;q=0', false],
    ['text/html;q=nonsense', false],
    ['application/json', false],
    ['*/*', false],
    ['', false],
    [undefined, false],
  ])('with Accept: %s is a page: %s', (accept, html) => {
    expect(prefersHtml(accept)).toBe(html);
  });

  test('is a page to a browser, and says that it depends on who asks', () => {
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers.vary).toMatch(/accept/i);
    expect(page.text).toMatch(/^<!doctype html>/);
  });

  test('is the OpenAPI document to everybody else, as /docs/openapi.json is to a browser too', async () => {
    const plain = await ask('/docs');
    const named = await ask('/docs/openapi.json', { accept: BROWSER });
    for (const answer of [plain, named]) {
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.json()).toMatchObject({ openapi: '3.1.0' });
    }
    expect(named.text).toBe(plain.text);
  });
});

test('a slash too many leads to the page', async () => {
  const answer = await ask('/docs/', { accept: BROWSER });
  expect([answer.status, answer.headers.location]).toEqual([308, '/docs']);
});

describe('the page', () => {
  test('has every operation with method, path, description and a line for a shell', () => {
    for (const tool of TOOLS) {
      const article = page.text.split(`id="${tool.name}"`)[1]?.split('</article>')[0] ?? '';
      expect(article).toContain(`<code>/api/v1${tool.rest.path}</code>`);
      expect(article).toContain(`>${tool.rest.method}<`);
      expect(article).toContain('curl ');
      for (const field of Object.keys(tool.inputSchema.properties))
        expect(article).toContain(`<th scope="row"><code>${field}</code></th>`);
    }
  });

  test('offers to call only what reads', () => {
    const forms = [...page.text.matchAll(/<form class="try" data-path="([^"]+)"/g)].map(
      ([, path = '']) => path,
    );
    const reads = TOOLS.filter(({ effect }) => effect === 'read');
    expect(forms.toSorted()).toEqual(reads.map(({ rest }) => `/api/v1${rest.path}`).toSorted());
  });

  test('has every refusal', () => {
    for (const reason of REFUSAL_REASONS)
      expect(page.text).toContain(`<tr id="refusal-${reason}"><th scope="row"><code>${reason}</code></th>`);
  });

  test('shows the address that the reader used, and no other', async () => {
    const { host } = new URL(gate.url);
    expect(page.text).toContain(`curl &#39;http://${host}/api/v1/quotes`);
    const named = await ask('/docs', { accept: BROWSER, host: `localhost:${new URL(gate.url).port}` });
    expect(named.text).toContain('http://localhost:');
    expect(named.text).not.toContain('http://127.0.0.1');
    expect(page.text).not.toContain('portcullis.invalid');
  });

  test('leads only to what is on it or on this gateway, under addresses that answer', async () => {
    const links = [...page.text.matchAll(/\b(?:href|src|action|data-path)="([^"]*)"/g)].map(
      ([, to = '']) => to,
    );
    const ids = new Set([...page.text.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id));
    expect(links.filter((to) => to.startsWith('#') && !ids.has(to.slice(1)))).toEqual([]);
    const elsewhere = new Set(links.filter((to) => !to.startsWith('#') && !to.startsWith('/api/v1/')));
    expect(elsewhere.size).toBeGreaterThan(2);
    for (const to of elsewhere) expect((await ask(to)).status, to).toBe(200);
  });

  test('may load nothing from elsewhere, run nothing inline, and stand in no frame', () => {
    expect(page.headers['content-security-policy']).toBe(
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
    );
    expect(page.headers['referrer-policy']).toBe('no-referrer');
    expect(page.text).not.toMatch(/<script>|<style|\sstyle=|\son\w+=|javascript:/i);
  });
});

describe('no request leaves the machine', () => {
  /** Addresses that a browser would fetch or a script could; text may name any. */
  const outward = (text: string): string[] =>
    [
      ...text.matchAll(
        /(?:\b(?:href|src|srcset|action|poster|data)\s*=\s*["']?|url\(\s*["']?|@import\s+["']?|["'`(])(?:https?:)?\/\/[^\s"')]*/gi,
      ),
    ].map(([found]) => found);

  test('would be noticed', () => {
    const planted =
      '<img src="//a.example"><link href=https://b.example> url(http://c) @import "//d" fetch(`//e`)';
    expect(outward(planted)).toHaveLength(5);
    expect(outward('<code>curl http://127.0.0.1</code> // a comment')).toEqual([]);
  });
  test('neither by the page, in whose tags alone an address would act', () => {
    expect(outward(page.text.replaceAll(/>[^<]*</g, '><'))).toEqual([]);
  });
  test.each(ASSETS)('nor by %s', (name) => {
    const text = readFileSync(join(STATIC, name), 'utf8').replace('xmlns="http://www.w3.org/2000/svg"', '');
    expect(text).not.toMatch(/https?:\/\//);
    expect(outward(text)).toEqual([]);
  });
});

describe('the script of the page', () => {
  const script = readFileSync(join(STATIC, 'docs.js'), 'utf8');
  test('is read by the engine', () => {
    expect(() => new Script(script)).not.toThrow();
  });
  test('keeps the key nowhere, and shows an answer as text alone', () => {
    expect(script).not.toMatch(/localStorage|sessionStorage|indexedDB|cookie/);
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(/);
  });
  test('names only parts that the page has', () => {
    const ids = [...script.matchAll(/'#(\w+)'/g)].map(([, id]) => `id="${id}"`);
    const classes = [...script.matchAll(/'(?:form)?\.(\w+)(?::not\(\[hidden\]\))?'/g)].map(
      ([, name]) => `class="${name}"`,
    );
    expect(ids.length + classes.length).toBeGreaterThan(5);
    for (const part of [...ids, ...classes]) expect(page.text).toContain(part);
  });
});

describe('an asset', () => {
  test.each(ASSETS)('%s is served as what it is, and not again while it is the same', async (name) => {
    const answer = await ask(`/docs/static/${name}`);
    expect(answer.status).toBe(200);
    const types = {
      css: 'text/css; charset=utf-8',
      js: 'text/javascript; charset=utf-8',
      svg: 'image/svg+xml',
    };
    expect(answer.headers['content-type']).toBe(types[name.split('.')[1] as keyof typeof types]);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.text).toBe(readFileSync(join(STATIC, name), 'utf8'));
    const again = await ask(`/docs/static/${name}`, { 'if-none-match': String(answer.headers.etag) });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  test.each([
    'nothing.css',
    '..',
    '../docs.html',
    '..%2fdocs.html',
    '%2e%2e/docs.html',
    '%2e%2e%2f%2e%2e%2fpackage.json',
    '..%5cdocs.html',
    'page.css%00',
    'constructor',
    '__proto__',
    '',
  ])('%s is a JSON 404', async (name) => {
    const answer = await ask(`/docs/static/${name}`);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.text).not.toContain('{%');
  });
});

test('on the public host all of it asks for a key, and is there only when REST is', async () => {
  const headers = { host: 'gate.example', accept: BROWSER };
  for (const publicRest of [false, true]) {
    const remote = await openDoors({ publicUrl: new URL('https://gate.example'), publicRest });
    for (const path of ['/docs', '/docs/openapi.json', '/docs/static/page.css', '/docs/static/nothing']) {
      const keyless = await send({ port: remote.port, path, headers });
      expect([path, keyless.status]).toEqual([path, publicRest ? 401 : 404]);
      expect(keyless.headers['content-type']).toMatch(/^application\/problem\+json/);
      const authorised = await send({
        port: remote.port,
        path,
        headers: { ...headers, ...bearer(remote.key().key) },
      });
      const found = publicRest && !path.endsWith('nothing');
      expect([path, authorised.status]).toEqual([path, found ? 200 : 404]);
    }
    await remote.close();
  }
});

test('an address that a proxy merely passes on is not shown: the one that was admitted is', async () => {
  const remote = await openDoors({
    publicUrl: new URL('https://gate.example'),
    publicRest: true,
    trustedProxies: ['127.0.0.1'],
  });
  const answer = await send({
    port: remote.port,
    path: '/docs',
    headers: {
      ...bearer(remote.key().key),
      host: 'gate.example',
      accept: BROWSER,
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-host': 'evil.example"><b>',
      'x-forwarded-proto': 'https',
    },
  });
  expect(answer.status).toBe(200);
  expect(answer.text).toContain('https://gate.example/api/v1/words/hello');
  expect(answer.text).not.toContain('evil.example');
  const odd = await send({
    port: remote.port,
    path: '/docs',
    headers: {
      ...bearer(remote.key().key),
      host: 'gate.example',
      accept: BROWSER,
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': '"><b>odd',
    },
  });
  expect(odd.text).toContain('http://gate.example/api/v1/words/hello');
  expect(odd.text).not.toContain('<b>odd');
  await remote.close();
});
