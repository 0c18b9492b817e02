// What pages load: ours and vendored, by bare name, compressed once, kept for ever under the address that carries its version.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openAssets } from '#http/assets.ts';
import { LOCK_NAME, lockOf, VENDOR_FOLDER, vendoredFiles } from '../../scripts/vendor.mjs';

describe('what is vendored', () => {
  const files = vendoredFiles();
  test('is what the installed packages have, file by file, with their licences', () => {
    expect(files.length).toBeGreaterThan(5);
    expect(readdirSync(VENDOR_FOLDER).sort()).toEqual([...files.map(({ name }) => name), LOCK_NAME].sort());
    for (const { name, content } of files) expect(readFileSync(join(VENDOR_FOLDER, name))).toEqual(content);
  });
  test('is written down with version, licence and hash', () => {
    const lock = readFileSync(join(VENDOR_FOLDER, LOCK_NAME), 'utf8');
    expect(lock).toBe(lockOf(files));
    const locked = JSON.parse(lock) as Record<string, { version: string; licence: string; sha256: string }>;
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(VENDOR_FOLDER, '../../../package.json'), 'utf8'),
    ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
    for (const { name, locked: of } of files) {
      const content = readFileSync(join(VENDOR_FOLDER, name));
      expect(locked[name]?.sha256).toBe(createHash('sha256').update(content).digest('hex'));
      expect(locked[name]?.licence).toMatch(/^(?:MIT|Apache-2\.0|BSD-0-Clause|0BSD)$/);
      expect(locked[name]?.version).toBe({ ...dependencies, ...devDependencies }[of.package]);
    }
  });
});

describe('an asset', () => {
  const assets = openAssets();
  const app = Fastify();
  app.get<{ Params: { readonly name: string } }>('/static/:name', (request, reply) =>
    assets.send(request, reply, request.params.name),
  );
  beforeAll(async () => app.ready());
  afterAll(() => app.close());
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    app.inject({ url: `/static/${path}`, headers });

  test('may be kept for ever under its versioned address, and is asked about under any other', async () => {
    const kept = await get(assets.versioned('console.css'));
    expect(kept.headers['cache-control']).toBe('private, max-age=31536000, immutable');
    expect(kept.headers['content-type']).toBe('text/css; charset=utf-8');
    for (const other of ['console.css', 'console.css?v=', 'console.css?v=AAAA'])
      expect((await get(other)).headers['cache-control']).toBe('private, no-cache');
  });
  test('comes compressed to who takes that, under a tag of its own', async () => {
    const plain = await get('htmx.min.js');
    const gzipped = await get('htmx.min.js', { 'accept-encoding': 'br, gzip;q=0.8' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(gzipped.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    expect(gunzipSync(gzipped.rawPayload)).toEqual(plain.rawPayload);
    expect(gzipped.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2);
    expect(gzipped.headers.etag).not.toBe(plain.headers.etag);
    expect(plain.headers.etag).toMatch(/^"[\w-]{22}"$/);
  });
  test.each(['', 'br', 'gzip;q=0', 'gzip; q=0.0', 'gzippy', 'x-gzip2'])(
    'comes as it is to who says Accept-Encoding: %s',
    async (coding) => {
      const answer = await get('console.js', { 'accept-encoding': coding });
      expect(answer.headers['content-encoding']).toBeUndefined();
    },
  );
  test('that is there already is not sent again', async () => {
    const { headers } = await get('icon.svg');
    const again = await get('icon.svg', { 'if-none-match': String(headers.etag) });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });
  test.each([
    'nothing.css',
    'vendor',
    'lock.json',
    'uplot.LICENSE',
    'vendor%2Fhtmx.min.js',
    '..%2Flayout.html',
    '%2e%2e%2fviews%2flayout.html',
    '..%2f..%2fpackage.json',
    'constructor',
    '__proto__',
  ])('%s is none: 404', async (name) => {
    expect((await get(name)).statusCode).toBe(404);
  });
  test('that there is not is a bug of the page that asks for it', () => {
    expect(() => assets.versioned('nothing.js')).toThrow('there is no asset nothing.js');
  });
});
