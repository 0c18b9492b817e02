/** The keys of access tokens: made when first needed, rotated by the schedule and by the owner, gone when nothing needs them. */
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { SIGNING_KEY_KEPT_MS, SIGNING_KEY_TTL_MS, SIGNING_KEYS_MAX } from '#limits.ts';
import { openSigningKeys, type SigningKeys } from '#oauth/signing-keys.ts';
import { type AccessRoom, accessRoom } from '../support/access-room.ts';

let room: AccessRoom;
let keys: SigningKeys;
const open = (): SigningKeys => openSigningKeys({ ...room, wall: room.access.wall });
const fresh = (): void => {
  room = accessRoom();
  keys = open();
};
afterEach(() => {
  keys.close();
  room.close();
});
const files = (): readonly string[] =>
  readdirSync(room.keyring.folder).filter((name) => name.startsWith('oauth-'));
const kids = (): readonly string[] => keys.jwks().map(({ kid }) => kid);
const DAY_MS = 86_400_000;
const noFault = (cause: unknown): never => {
  throw cause;
};

describe('the first key', () => {
  test('is made when it is asked for, and not before', () => {
    fresh();
    expect(keys.list()).toEqual([]);
    expect(files()).toEqual([]);
    const [jwk] = keys.jwks();
    expect(jwk).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig', e: 'AQAB' });
    expect(Buffer.from(String(jwk?.['n']), 'base64url')).toHaveLength(256);
    expect(files()).toEqual([`oauth-${jwk?.kid}.pem`]);
    expect(room.events('oauth.keys_rotated')).toMatchObject([{ detail: { signs: jwk?.kid, why: 'first' } }]);
  });
  test('is closed to everybody else, and in no answer but the one for the signer', () => {
    fresh();
    const [jwk] = keys.jwks();
    const path = join(room.keyring.folder, files()[0] ?? '');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(keys.list())).not.toContain(String(jwk?.['d']));
    expect(room.everythingWritten()).not.toContain(String(jwk?.['d']));
  });
  test('is the same after a restart', () => {
    fresh();
    const before = keys.jwks();
    room = room.restart();
    keys = open();
    expect(keys.jwks()).toEqual(before);
    expect(room.events('oauth.keys_rotated')).toHaveLength(1);
  });
});

describe('rotating', () => {
  test('by the owner: the new key signs at once, the old one verifies, and it is on the record', () => {
    fresh();
    const [old = ''] = kids();
    const told: number[] = [];
    keys.onChange(() => told.push(kids().length));
    const made = keys.rotate(OWNER_CLI);
    expect(kids()).toEqual([made.kid, old]);
    expect(told).toEqual([2]);
    expect(keys.publicKey(old)).toBeDefined();
    expect(keys.list()).toMatchObject([{ retiredAtMs: null }, { kid: old, retiredAtMs: room.access.wall() }]);
    expect(room.events('oauth.keys_rotated')[1]).toMatchObject({
      credential: 'owner',
      detail: { signs: made.kid, before: old, why: 'owner' },
    });
  });
  test('by the schedule, once it is due and not before, without anybody asking', () => {
    fresh();
    const [old] = kids();
    keys.start(noFault);
    room.clock.advance(SIGNING_KEY_TTL_MS - DAY_MS / 2);
    expect(kids()).toEqual([old]);
    room.clock.advance(DAY_MS / 2);
    expect(kids()).toEqual([expect.not.stringMatching(old ?? ''), old]);
    expect(room.events('oauth.keys_rotated')[1]).toMatchObject({
      credential: null,
      detail: { why: 'schedule' },
    });
  });
  test('that fails ends nothing: it is told, the key before signs on, and the next look tries again', () => {
    fresh();
    const [old] = kids();
    const told: unknown[] = [];
    keys.start((cause) => told.push(cause));
    // Nothing can be made in a folder that is none.
    renameSync(room.keyring.folder, `${room.keyring.folder}.aside`);
    writeFileSync(room.keyring.folder, '');
    room.clock.advance(SIGNING_KEY_TTL_MS + DAY_MS / 2);
    expect(told.length).toBeGreaterThan(0);
    expect(kids()).toEqual([old]);
    rmSync(room.keyring.folder);
    renameSync(`${room.keyring.folder}.aside`, room.keyring.folder);
    room.clock.advance(DAY_MS);
    // By then no token of the key before lives any more.
    expect(kids()).toEqual([expect.not.stringMatching(old ?? '')]);
  });
  test('what came due while nothing ran is made up for at the start', () => {
    fresh();
    const [old = ''] = kids();
    room = room.restart({ wallMs: room.clock.wallMs() + SIGNING_KEY_TTL_MS + DAY_MS });
    keys = open();
    keys.start(noFault);
    expect(keys.list()).toHaveLength(2);
    expect(keys.list()[0]?.kid).not.toBe(old);
  });
  test('a clock that is set back does not put it off', () => {
    fresh();
    keys.jwks();
    keys.start(noFault);
    room.clock.advance(SIGNING_KEY_TTL_MS - 2 * 3_600_000);
    room.access.wall();
    room.clock.setWall(room.clock.wallMs() - 30 * DAY_MS);
    // Steady time goes on at half the pace until the machine has caught up.
    room.clock.advance(6 * 3_600_000);
    expect(keys.list()).toHaveLength(2);
  });
});

describe('a key that could not be announced', () => {
  test('leaves no file, and the one before goes on signing', () => {
    fresh();
    const before = keys.jwks();
    room.store.db.pragma('query_only = ON');
    expect(() => keys.rotate(OWNER_CLI)).toThrow();
    room.store.db.pragma('query_only = OFF');
    expect(keys.jwks()).toEqual(before);
    expect(files()).toEqual([`oauth-${before[0]?.kid}.pem`]);
  });
  test('keeps its file when only a listener failed: it signs', () => {
    fresh();
    keys.jwks();
    keys.onChange(() => {
      throw new Error('the provider was not rebuilt');
    });
    expect(() => keys.rotate(OWNER_CLI)).toThrow(/not rebuilt/);
    expect(files()).toHaveLength(2);
    expect(kids()).toHaveLength(2);
  });
});

describe('a retired key', () => {
  test('verifies for as long as a token of it can live, then its file goes with it', () => {
    fresh();
    const [old = ''] = kids();
    keys.start(noFault);
    keys.rotate(OWNER_CLI);
    room.clock.advance(SIGNING_KEY_KEPT_MS - 1);
    expect(keys.publicKey(old)).toBeDefined();
    room.clock.advance(3_600_001);
    expect(keys.publicKey(old)).toBeUndefined();
    expect(files()).toEqual([`oauth-${kids()[0]}.pem`]);
    expect(keys.list()).toHaveLength(1);
  });
  test('is let go early when somebody rotates on and on', () => {
    fresh();
    const [first = ''] = kids();
    for (let n = 0; n < SIGNING_KEYS_MAX + 2; n++) {
      room.clock.advance(1_000);
      keys.rotate(OWNER_CLI);
    }
    expect(keys.list()).toHaveLength(SIGNING_KEYS_MAX);
    expect(files()).toHaveLength(SIGNING_KEYS_MAX);
    expect(keys.publicKey(first)).toBeUndefined();
  }, 60_000);
});

describe('files and rows that do not agree', () => {
  test('a file that a crash left without a row is removed with the next start, and nothing else', () => {
    fresh();
    const [kid] = kids();
    room.keyring.makeRsaKey('oauth-0123456789abcdef');
    room.keyring.signingKey('checkpoint');
    keys.start(noFault);
    expect(files()).toEqual([`oauth-${kid}.pem`]);
    expect(existsSync(join(room.keyring.folder, 'checkpoint.pem'))).toBe(true);
  });
  test('a key whose file is gone is replaced: a backup holds no keys', () => {
    fresh();
    const [old = ''] = kids();
    rmSync(join(room.keyring.folder, `oauth-${old}.pem`));
    keys = open();
    expect(kids()).toEqual([expect.not.stringMatching(old)]);
    expect(keys.list()).toHaveLength(1);
    expect(room.events('oauth.keys_rotated')[1]).toMatchObject({ detail: { why: 'lost' } });
  });
  test.each([
    ['is readable by others', (path: string) => chmodSync(path, 0o644), /can be read by other users/],
    ['is no key', (path: string) => writeFileSync(path, 'hello'), /is not a private key/],
  ])('a file that %s stops the start with its name', (_what, spoil, said) => {
    fresh();
    const [kid = ''] = kids();
    const path = join(room.keyring.folder, `oauth-${kid}.pem`);
    spoil(path);
    expect(() => open()).toThrow(said);
    expect(() => open()).toThrow(path);
  });
  test('a key of another kind is refused', () => {
    fresh();
    const [kid = ''] = kids();
    const pem = room.keyring.signingKey('checkpoint').privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(room.keyring.folder, `oauth-${kid}.pem`), pem);
    expect(() => open()).toThrow(/is not an RSA key/);
  });
});
