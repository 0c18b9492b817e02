/** API keys: shown once, stored as a hash, bounded in time and place, ended at once. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Access } from '#access/access.ts';
import type { KeyRequest } from '#access/key-request.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, granted, refused } from '../support/access-room.ts';

const DAY_MS = 86_400_000;
let room: AccessRoom;
let access: Access;
beforeEach(() => {
  room = accessRoom();
  access = room.access;
});
afterEach(() => room.close());

const request = (given: Partial<KeyRequest> = {}): KeyRequest => ({
  agent: 'claude',
  scopes: ['read:market', 'write:orders'],
  by: OWNER_CLI,
  ...given,
});
const create = (given: Partial<KeyRequest> = {}) => granted(access.keys.create(request(given)));
const present = (key: string, address: string | undefined = '127.0.0.1') =>
  access.keys.authenticate(key, { door: 'http', ...(address === undefined ? {} : { address }) });

describe('a key', () => {
  test('is made for an agent that it creates when it is new', () => {
    const made = create();
    expect(made).toEqual({
      id: expect.stringMatching(/^key_[0-9a-f]{16}$/),
      agent: 'claude',
      scopes: ['read:market', 'write:orders'],
      key: expect.stringMatching(/^pcl_[A-Za-z0-9_-]{43}$/),
      expiresAtMs: room.clock.wallMs() + 90 * DAY_MS,
    });
    create();
    expect(access.agents.list()).toHaveLength(1);
    expect(room.events().map(({ kind }) => kind)).toEqual(['agent.created', 'key.created', 'key.created']);
  });

  test('opens the gateway as its agent, with its scopes and no others', () => {
    const { key, id } = create();
    const who = granted(present(key));
    expect(who).toEqual({
      kind: 'agent',
      agent: access.agents.byName('claude')?.id,
      agentName: 'claude',
      credential: id,
      door: 'http',
      scopes: new Set(['read:market', 'write:orders']),
      epoch: 1,
      address: '127.0.0.1',
    });
    expect(access.stillLive(who).ok).toBe(true);
  });

  test('is nowhere in what is written, only its hash is', () => {
    const made = create();
    const rotated = granted(access.keys.rotate(made.id, OWNER_CLI));
    present(made.key);
    present(rotated.key);
    const written = room.everythingWritten();
    for (const { key } of [made, rotated]) {
      expect(written).not.toContain(key);
      expect(written).not.toContain(key.slice(4));
      expect(written).toContain(createHash('sha256').update(key).digest().toString('latin1'));
    }
    expect(JSON.stringify(access.keys.list())).not.toContain('pcl_');
  });

  test.each([
    [{ scopes: [] }, 'scopes', null],
    [{ scopes: ['read:markets'] }, 'scopes', 'read:market'],
    [{ scopes: ['read:market', 'admin'] }, 'scopes', null],
    [{ expiresInMs: 0 }, 'expires', '1s'],
    [{ expiresInMs: 1.5 }, 'expires', '1s'],
    [{ expiresInMs: Number.NaN }, 'expires', '1s'],
    [{ expiresInMs: 3_650 * DAY_MS + 1 }, 'expires', '3650d'],
    [{ ipAllow: ['10.0.0.0/33'] }, 'ip_allow', null],
    [{ agent: 'local' }, 'name', null],
    [{ agent: 'owner' }, 'name', null],
  ])('is not made with %j', (given, field, nearest) => {
    const refusal = refused(access.keys.create(request(given)));
    expect(refusal).toMatchObject({ reason: 'invalid_input', errors: [{ field, nearest }] });
    expect(access.keys.list()).toEqual([]);
    expect(access.agents.list()).toEqual([]);
    expect(room.events()).toEqual([]);
  });

  test('may last ten years', () => {
    expect(create({ expiresInMs: 3_650 * DAY_MS }).expiresAtMs).toBe(room.clock.wallMs() + 3_650 * DAY_MS);
  });

  test('is one of at most a hundred live ones of an agent', () => {
    for (let n = 0; n < 100; n++) create({ expiresInMs: 60_000 });
    expect(refused(access.keys.create(request())).reason).toBe('invalid_input');
    expect(access.keys.create(request({ agent: 'other' })).ok).toBe(true);
    room.clock.advance(60_000);
    expect(access.keys.create(request()).ok).toBe(true);
  });
});

describe('authentication', () => {
  test.each(['', 'pcl_', 'pcl_short', `pcl_${'A'.repeat(43)}`, `PCL_${'A'.repeat(43)}`, 'Bearer x'])(
    'does not know %j, and puts the denial on the record',
    (presented) => {
      create();
      expect(refused(present(presented, '203.0.113.7'))).toMatchObject({
        reason: 'unauthenticated',
        status: 401,
      });
      expect(room.events('auth.denied')).toMatchObject([
        { agent: null, outcome: 'refused', detail: { reason: 'unauthenticated', address: '203.0.113.7' } },
      ]);
    },
  );

  test('refuses a key of another spelling', () => {
    const { key } = create();
    expect(present(key.repeat(200)).ok).toBe(false);
    expect(present(` ${key}`).ok).toBe(false);
    expect(present(`${key}\n`).ok).toBe(false);
    expect(present(key.slice(0, -1)).ok).toBe(false);
  });

  test('refuses a key from its expiry on', () => {
    const { key, id } = create({ expiresInMs: 60_000 });
    const who = granted(present(key));
    room.clock.advance(59_999);
    expect(present(key).ok).toBe(true);
    expect(access.stillLive(who).ok).toBe(true);
    room.clock.advance(1);
    expect(refused(present(key)).reason).toBe('credential_revoked');
    expect(refused(access.stillLive(who)).reason).toBe('credential_revoked');
    expect(room.events('auth.denied')).toMatchObject([{ agent: 'claude', credential: id }]);
  });

  test('admits only the addresses of the key', () => {
    const { key } = create({ ipAllow: ['10.0.0.0/8', '2001:db8::/32'] });
    expect(present(key, '10.1.2.3').ok).toBe(true);
    expect(present(key, '::ffff:10.1.2.3').ok).toBe(true);
    expect(present(key, '2001:db8::9').ok).toBe(true);
    expect(refused(present(key, '11.1.2.3'))).toMatchObject({ reason: 'ip_not_allowed', status: 403 });
    expect(refused(present(key, 'unknown')).reason).toBe('ip_not_allowed');
  });

  test('takes a caller on a socket of this machine for one on this machine', () => {
    const far = create({ ipAllow: ['10.0.0.0/8'] });
    const near = create({ ipAllow: ['127.0.0.0/8'] });
    const socket = (key: string) => access.keys.authenticate(key, { door: 'stdio' });
    expect(refused(socket(far.key)).reason).toBe('ip_not_allowed');
    expect(granted(socket(near.key)).door).toBe('stdio');
  });

  test('writes the last use once a minute and no more', () => {
    const { key, id } = create();
    const used = () => access.keys.list().find((record) => record.id === id)?.lastUsedAtMs;
    expect(used()).toBe(null);
    const first = room.clock.wallMs();
    present(key);
    expect(used()).toBe(first);
    room.clock.advance(59_999);
    present(key);
    expect(used()).toBe(first);
    room.clock.advance(1);
    present(key);
    expect(used()).toBe(first + 60_000);
  });

  test('a denial is no use', () => {
    const { key } = create({ ipAllow: ['10.0.0.0/8'] });
    present(key, '11.0.0.1');
    expect(access.keys.list()[0]?.lastUsedAtMs).toBe(null);
  });
});

describe('revoking', () => {
  test('ends a key at once, for sessions under way too, and changes nothing when repeated', () => {
    const { key, id } = create();
    const who = granted(present(key));
    granted(access.keys.revoke(id, OWNER_CLI));
    room.clock.advance(1_000);
    expect(granted(access.keys.revoke(id, OWNER_CLI)).revokedAtMs).toBe(room.clock.wallMs() - 1_000);
    expect(refused(present(key)).reason).toBe('credential_revoked');
    expect(refused(access.stillLive(who)).reason).toBe('credential_revoked');
    expect(room.events('key.revoked')).toMatchObject([
      { agent: 'claude', detail: { before: { id }, after: null } },
    ]);
  });

  test('an unknown key is not found', () => {
    const { id } = create();
    expect(refused(access.keys.revoke(`${id}x`, OWNER_CLI))).toMatchObject({
      reason: 'not_found',
      did_you_mean: [id],
    });
  });
});

describe('rotating', () => {
  test('gives the same rights for the same span, and ends the old key in the same commit', () => {
    const old = create({ expiresInMs: 7 * DAY_MS, ipAllow: ['127.0.0.1'] });
    const who = granted(present(old.key));
    room.clock.advance(3 * DAY_MS);
    const made = granted(access.keys.rotate(old.id, OWNER_CLI));
    expect(made).toMatchObject({ agent: 'claude', scopes: old.scopes });
    expect(made.expiresAtMs).toBe(room.clock.wallMs() + 7 * DAY_MS);
    expect(made.key).not.toBe(old.key);
    expect(present(made.key).ok).toBe(true);
    expect(refused(present(made.key, '10.0.0.1')).reason).toBe('ip_not_allowed');
    expect(refused(present(old.key)).reason).toBe('credential_revoked');
    expect(refused(access.stillLive(who)).reason).toBe('credential_revoked');
    expect(access.keys.list()[0]).toMatchObject({ id: old.id, rotatedTo: made.id });
    expect(room.events('key.rotated')).toMatchObject([
      { detail: { before: { id: old.id, ip_allow: ['127.0.0.1/32'] }, after: { id: made.id } } },
    ]);
  });

  test('does not bring back a revoked key', () => {
    const { id } = create();
    granted(access.keys.revoke(id, OWNER_CLI));
    expect(refused(access.keys.rotate(id, OWNER_CLI)).reason).toBe('credential_revoked');
    expect(access.keys.list()).toHaveLength(1);
  });
});
