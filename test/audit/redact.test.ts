/** No secret gets onto the record, by whatever name and in whatever text it comes. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auditQuery } from '#audit/query.ts';
import { redacted, redactedText } from '#audit/redact.ts';
import { openAuditRoom } from '../support/audit-room.ts';

const BOUNDS = { textLengthMax: 200, depthMax: 6 };

describe('names', () => {
  test.each([
    'key',
    'api_key',
    'apiKey',
    'API-KEY',
    'token',
    'action_token',
    'actionToken',
    'refresh_token',
    'password',
    'passphrase',
    'Authorization',
    'proxy-authorization',
    'cookie',
    'client_secret',
    'clientSecret',
    'totp',
    'setup_code',
    'code_verifier',
    'private',
    'credentials',
  ])('%s keeps nothing but the fact that it was there', (name) => {
    expect(redacted({ [name]: 'canary', a: { [name]: ['canary'] } }, BOUNDS)).toEqual({
      [name]: '[redacted]',
      a: { [name]: '[redacted]' },
    });
    expect(redacted({ [name]: null }, BOUNDS)).toEqual({ [name]: null });
  });

  test.each([
    'idempotency_key',
    'idempotencyKey',
    'credential',
    'agent',
    'order_id',
    'monkey',
    'tokens_left',
    'reason',
    'code',
  ])('%s is kept', (name) => {
    expect(redacted({ [name]: 'kept' }, BOUNDS)).toEqual({ [name]: 'kept' });
  });
});

test('a seed is kept where it is the whole number of a paper account, and nowhere else', () => {
  const settings = { preset: 'realistic', seed: 7 };
  expect(redacted({ before: settings, after: { ...settings, seed: -3 } }, BOUNDS)).toEqual({
    before: settings,
    after: { ...settings, seed: -3 },
  });
  const secrets = ['JBSWY3DPEHPK3PXP', '234567', '7', '', Buffer.from('seed'), [7], { of: 7 }, 0.5, 2 ** 60];
  for (const secret of secrets) expect(redacted({ seed: secret }, BOUNDS)).toEqual({ seed: '[redacted]' });
  for (const name of ['totp_seed', 'totpSeed', 'pending_seed', 'SEED', 'totp', 'secret'])
    expect(redacted({ [name]: 123_456 }, BOUNDS)).toEqual({ [name]: '[redacted]' });
});

describe('texts', () => {
  test.each([
    ['the key pcl_abcDEF-123_xyz is wrong', 'the key pcl_[redacted] is wrong'],
    ['pc\u200bl_abc\u202edef', 'pcl_[redacted]'],
    ['Authorization: Bearer abcdefgh.ijkl', 'Authorization: [redacted]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', '[redacted]'],
    ['a\n-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----', 'a[redacted]'],
    ['\u001b[31mred\u0007\u2066', 'red'],
    ['a plain sentence, bearer of news', 'a plain sentence, bearer of news'],
  ])('%j', (given, kept) => {
    expect(redactedText(given, 200)).toBe(kept);
  });

  test.each([
    ['a.eyJhbGciOiJIUzI1NiJ9.eyJz.', 'a.[redacted]'],
    ['x-eyJhbGciOiJIUzI1NiJ9.b.c.d', 'x-[redacted].d'],
    ['xeyJhbGciOiJIUzI1NiJ9.b.c', 'xeyJhbGciOiJIUzI1NiJ9.b.c'],
    ['eyJhbGciOiJIUzI1NiJ9..c eyJshort.b.c', 'eyJhbGciOiJIUzI1NiJ9..c eyJshort.b.c'],
  ])('%j holds a web token or does not', (given, kept) => {
    expect(redactedText(given, 200)).toBe(kept);
  });

  test.each([
    '-eyJ',
    '-eyJaaaaaaaa',
    'eyJaaaaaaaa.',
    '-----BEGIN ',
    'bearer  -',
    'pcl_ ',
    'basic'.padEnd(500),
  ])(
    'made of %j alone are read in one pass, however long',
    // A pattern that looks twice takes half a minute here, and with it every order waits.
    (piece) => {
      expect(redactedText(piece.repeat(500_000 / piece.length), 200).length).toBeLessThan(202);
    },
  );

  test('are cut where they are too long, never inside a character', () => {
    expect(redactedText('𝄞'.repeat(10), 3)).toBe('𝄞\ufffd…');
    expect(redactedText('abc', 3)).toBe('abc');
  });
});

test('any value becomes JSON that says the same again, and no key of ours survives in it', () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }),
      fc.string(),
      (value, text) => {
        const kept = redacted({ value, text: `pcl_${text}canary`, ['pcl_Canary1']: 1 }, BOUNDS);
        const spelled = JSON.stringify(kept);
        // As text: JSON has one zero, and vitest's equality has two.
        expect(JSON.stringify(JSON.parse(spelled))).toBe(spelled);
        expect(spelled).not.toContain('Canary1');
      },
    ),
  );
});

test('canaries in every field of an event are in no file and no database page', () => {
  const room = openAuditRoom();
  const canary = 'CANARYdeadbeef42';
  const key = `pcl_${canary}`;
  const hidden = {
    action_token: canary,
    password: canary,
    nested: [{ apiKey: canary, note: `they said ${key}` }],
    headers: { authorization: `Bearer ${canary}`, cookie: canary },
    [key]: 'as a name',
  };
  const event = {
    kind: `tool.call ${key}`,
    agent: key,
    credential: key,
    tool: key,
    scope: key,
    account: key,
    outcome: 'error',
    args: hidden,
    detail: { ...hidden, reason: `unknown key ${key}` },
  } as const;
  room.store.transaction(() => room.log.record(event));
  room.log.recordGrouped(event);
  room.log.recordRepeated(event);
  room.log.recordRepeated(event);
  room.log.recordDeferred(event);
  room.log.flush();
  expect(room.kinds()).toHaveLength(5);
  expect(JSON.stringify(auditQuery(room.store, room.keyring).argumentsOf(1))).not.toContain(canary);
  room.log.close();
  room.store.db.pragma('wal_checkpoint(PASSIVE)');
  for (const name of readdirSync(room.root, { recursive: true, encoding: 'utf8' })) {
    const path = join(room.root, name);
    if (statSync(path).isFile()) expect(readFileSync(path).includes(canary), name).toBe(false);
  }
  const arguments_ = auditQuery(room.store, room.keyring).argumentsOf(1);
  expect(arguments_.ok && (arguments_.value as { headers: unknown }).headers).toEqual({
    authorization: '[redacted]',
    cookie: '[redacted]',
  });
});
