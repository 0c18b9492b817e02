/** How many clients there may be: per network, in all, waiting, approved, revoked; nobody's place is taken, nothing grows without end. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CLIENT_UNCONNECTED_MS,
  CLIENTS_APPROVED_LATEST_KEPT,
  CLIENTS_APPROVED_MAX,
  CLIENTS_PENDING_PER_SITE_MAX,
  CLIENTS_REVOKED_KEPT_MAX,
} from '#limits.ts';
import { consentApproval } from '#oauth/consent-approval.ts';
import type { ClientKind } from '#oauth/records.ts';
import type { RegistrationError } from '#oauth/registration.ts';
import { granted, refused } from '../support/access-room.ts';
import { asked, BY, type ClientRoom, clientRoom, STRANGER } from '../support/client-room.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CLAUDE_CODE = 'https://claude.ai/oauth/claude-code-client-metadata';

let room: ClientRoom;
beforeEach(() => {
  room = clientRoom();
});
afterEach(() => room.close());

/** `ok`, or the refusal. */
function tried(address = STRANGER): 'ok' | RegistrationError {
  const result = room.registration.register(asked(), { address, userAgent: '' });
  return result.ok ? 'ok' : result.error;
}
const outcomes = (count: number, address?: string): readonly string[] =>
  Array.from({ length: count }, () => tried(address)).map((one) => (one === 'ok' ? one : one.error));
/** Registers as many as fit, each turned away by the owner at once so that none waits. */
function registerAndRevoke(count: number, address = STRANGER): number {
  let taken = 0;
  for (let n = 0; n < count; n++) {
    if (tried(address) !== 'ok') break;
    taken++;
    for (const { clientId, state } of room.clients.list())
      if (state === 'pending') granted(room.clients.revoke(clientId, BY));
  }
  return taken;
}

describe('one network', () => {
  test('has at most eight clients that wait; the ninth is told to come later', () => {
    expect(outcomes(8)).toEqual(Array.from({ length: 8 }, () => 'ok'));
    expect(tried()).toMatchObject({ status: 429, error: 'too_many_requests', retryAfterSeconds: 3_600 });
    expect(room.clients.pending()).toBe(8);
    // Approving one makes room for one, as far as the hour has room.
    granted(room.clients.approve({ clientId: room.clients.list()[0]?.clientId ?? '', by: BY }));
    expect(outcomes(2)).toEqual(['ok', 'too_many_requests']);
  });

  test('registers ten in an hour, and one more for each whose hour is over', () => {
    expect(registerAndRevoke(11)).toBe(10);
    expect(tried()).toMatchObject({ status: 429, retryAfterSeconds: 3_600 });
    room.clock.advance(40 * MINUTE_MS);
    expect(tried()).toMatchObject({ retryAfterSeconds: 1_200 });
    room.clock.advance(20 * MINUTE_MS);
    expect(registerAndRevoke(11)).toBe(10);
  });

  test('registers thirty in a day', () => {
    for (let hour = 0; hour < 3; hour++) {
      expect(registerAndRevoke(11)).toBe(10);
      room.clock.advance(HOUR_MS);
    }
    expect(tried()).toMatchObject({ status: 429, retryAfterSeconds: 21 * 3_600 });
    room.clock.advance(21 * HOUR_MS);
    expect(tried()).toBe('ok');
  });

  test('is one IPv4 address however it is written, or one /64 of IPv6: it has no more by changing it', () => {
    expect(outcomes(8, '2001:db8:1:2::1')).not.toContain('too_many_requests');
    expect(tried('2001:db8:1:2:ffff::9')).toMatchObject({ status: 429 });
    expect(tried('2001:db8:1:3::1')).toBe('ok');
    expect(outcomes(8, '198.51.100.1')).not.toContain('too_many_requests');
    expect(tried('::ffff:198.51.100.1')).toMatchObject({ status: 429 });
  });

  test('has no more than a share together with the other networks of its /48', () => {
    const networks = Array.from({ length: 20 }, (_, n) => tried(`2001:db8:7:${n}::1`));
    expect(networks.filter((one) => one === 'ok')).toHaveLength(CLIENTS_PENDING_PER_SITE_MAX);
    expect(networks.at(-1)).toMatchObject({ status: 429, error: 'too_many_requests' });
    expect(tried('2001:db8:8::1')).toBe('ok');
    expect(tried('192.0.2.1')).toBe('ok');
  });

  test('has no fresh budget after a restart', () => {
    expect(registerAndRevoke(11)).toBe(10);
    room = clientRoom(room.restart());
    expect(tried()).toMatchObject({ status: 429 });
    expect(tried('192.0.2.77')).toBe('ok');
  });
});

describe('all networks together', () => {
  test('have at most twenty clients that wait, and none is dropped for another', () => {
    const first = room.register({ client_name: "The owner's" }, '198.51.100.9');
    for (let network = 1; network <= 4; network++) outcomes(8, `192.0.2.${network}`);
    expect(room.clients.pending()).toBe(20);
    expect(tried('192.0.2.200')).toMatchObject({
      status: 429,
      error: 'too_many_requests',
      retryAfterSeconds: 3_600,
    });
    expect(granted(room.clients.approve({ clientId: first, by: BY })).state).toBe('approved');
    expect(tried('192.0.2.200')).toBe('ok');
  });
});

describe('what waits unused', () => {
  test('for seven days goes, with a line; then its place is free', () => {
    const clientId = room.register();
    room.clock.advance(7 * DAY_MS - 1);
    room.clients.sweep();
    expect(room.clients.find(clientId)).toBeDefined();
    room.clock.advance(1);
    room.clients.sweep();
    expect(room.clients.find(clientId)).toBeUndefined();
    expect(room.events('oauth.client_expired')).toMatchObject([
      { credential: clientId, detail: { reason: 'unused', state: 'pending' } },
    ]);
  });

  test('goes by itself while the gateway runs, and when others come', () => {
    room.registration.start();
    const clientId = room.register();
    room.clock.advance(7 * DAY_MS + HOUR_MS);
    expect(room.clients.find(clientId)).toBeUndefined();
    room.registration.close();
    for (let network = 1; network <= 3; network++) outcomes(8, `192.0.2.${network}`);
    room.clock.advance(8 * DAY_MS);
    expect(tried()).toBe('ok');
    expect(room.clients.pending()).toBe(1);
  });

  test('is what nobody tried to connect with: each try counts anew', () => {
    const clientId = room.register();
    room.clock.advance(5 * DAY_MS);
    room.clients.known.used(clientId);
    room.clock.advance(5 * DAY_MS);
    room.clients.sweep();
    expect(room.clients.find(clientId)).toMatchObject({ lastUsedAtMs: room.clock.wallMs() - 5 * DAY_MS });
    room.clock.advance(2 * DAY_MS);
    room.clients.sweep();
    expect(room.clients.find(clientId)).toBeUndefined();
  });

  test('is never an approved client, and least of all one with a live grant', () => {
    const clientId = room.register();
    granted(room.clients.approve({ clientId, by: BY }));
    const grantId = room.grant(clientId);
    room.clock.advance(MINUTE_MS);
    room.clients.sweep();
    expect(room.grants.standing(grantId).ok).toBe(true);
    room.clock.advance(30 * DAY_MS);
    room.clients.sweep();
    expect(room.clients.find(clientId)).toMatchObject({ state: 'approved', liveGrants: 0 });
  });

  test('trying to connect all the time writes once a minute', () => {
    const clientId = room.register();
    room.clients.known.used(clientId);
    const first = room.clients.find(clientId)?.lastUsedAtMs;
    room.clock.advance(MINUTE_MS - 1);
    room.clients.known.used(clientId);
    expect(room.clients.find(clientId)?.lastUsedAtMs).toBe(first);
    room.clock.advance(1);
    room.clients.known.used(clientId);
    expect(room.clients.find(clientId)?.lastUsedAtMs).toBe(room.clock.wallMs());
  });
});

/** As if decided a moment ago, one after the other. */
function many(
  count: number,
  state: 'approved' | 'revoked',
  kind: ClientKind = 'static',
  id = `client_${state}`,
): void {
  const add = room.store.db.prepare(
    `INSERT INTO oauth_clients (client_id, credential, kind, name, metadata, state, asked_scopes, address, user_agent, created_at, decided_at)
     VALUES (@id, @id, '${kind}', 'x', '{"client_name":"x","redirect_uris":[],"token_endpoint_auth_method":"none"}', '${state}', '', '', '', @at, @at)`,
  );
  const at = room.access.wall();
  room.store.transaction(() => {
    for (let n = 1; n <= count; n++) add.run({ id: `${id}_${n}`, at });
  });
}

describe('what the owner has decided', () => {
  test('of revoked clients the latest are kept, and never more', () => {
    many(CLIENTS_REVOKED_KEPT_MAX, 'revoked');
    const clientId = room.register();
    granted(room.clients.revoke(clientId, BY));
    const left = room.clients.list().filter(({ state }) => state === 'revoked');
    expect(left).toHaveLength(CLIENTS_REVOKED_KEPT_MAX);
    expect(left.map((client) => client.clientId)).toContain(clientId);
    expect(room.clients.find('client_revoked_1')).toBeUndefined();
    expect(room.events('oauth.client_expired')).toMatchObject([{ detail: { reason: 'too_many_revoked' } }]);
  });

  test('more approved clients than there may be are refused in a sentence, and nothing is made', () => {
    many(CLIENTS_APPROVED_MAX, 'approved');
    const clientId = room.register();
    expect(refused(room.clients.approve({ clientId, by: BY })).detail).toContain(
      `${CLIENTS_APPROVED_MAX} clients are approved already`,
    );
    const own = {
      name: 'x',
      redirectUris: ['http://localhost/cb'],
      agent: 'x',
      scopes: ['read:market'],
      confidential: false,
      by: BY,
    } as const;
    expect(refused(room.clients.createStatic(own)).reason).toBe('invalid_input');
    expect(room.access.agents.list()).toEqual([]);
    granted(room.clients.remove('client_approved_1', BY));
    granted(room.clients.approve({ clientId, by: BY }));
  });
});

describe('where as many are approved as there may be', () => {
  /** One that registered by itself and is approved; its id. */
  function approved(): string {
    const clientId = room.register();
    granted(room.clients.approve({ clientId, agent: 'host', by: BY }));
    room.clock.advance(1_000);
    return clientId;
  }
  const asks = () => {
    const clientId = room.register();
    return { clientId, approve: () => room.clients.approve({ clientId, by: BY }) };
  };
  const FULL = `${CLIENTS_APPROVED_MAX} clients are approved already`;
  const made = () => room.events('oauth.client_expired').map(({ detail }) => detail);
  const stateOf = (clientId: string) => room.clients.find(clientId)?.state;

  test('the one that was connected the longest time ago makes room, on the record, and no other', () => {
    const [first, second] = [approved(), approved()];
    many(CLIENTS_APPROVED_MAX - 2, 'approved', 'registered');
    room.clock.advance(DAY_MS);
    room.clients.known.used(first);
    room.clock.advance(CLIENT_UNCONNECTED_MS);
    const { clientId } = asks();
    granted(consentApproval(room.clients, () => ({ requireApproval: false })).approveByConsent(clientId));
    expect([clientId, first, second].map(stateOf)).toEqual(['approved', 'approved', undefined]);
    expect(made()).toEqual([{ client: second, name: 'Claude', state: 'approved', reason: 'made_room' }]);
    expect(room.clients.list()).toHaveLength(CLIENTS_APPROVED_MAX);
    expect(
      room.store.db.prepare('SELECT 1 FROM oauth_payloads WHERE client_id = ?').get(second),
    ).toBeUndefined();
  });

  test('none does before its time, which runs from its approval, its last use and the end of its last grant', () => {
    const clientId = approved();
    many(CLIENTS_APPROVED_MAX - 1, 'approved');
    room.clock.advance(CLIENT_UNCONNECTED_MS - HOUR_MS);
    const other = asks();
    expect(refused(other.approve()).detail).toContain(FULL);
    room.clients.known.used(clientId);
    room.clock.advance(CLIENT_UNCONNECTED_MS - 1);
    expect(refused(asks().approve()).detail).toContain(FULL);
    // It ends after an hour, which is written down within another.
    room.grant(clientId);
    room.clock.advance(CLIENT_UNCONNECTED_MS);
    expect(refused(asks().approve()).detail).toContain(FULL);
    expect(made().filter((detail) => detail?.['state'] === 'approved')).toEqual([]);
    room.clock.advance(2 * HOUR_MS);
    granted(asks().approve());
    expect(stateOf(clientId)).toBeUndefined();
  });

  test('none does for a client that is refused for something else', () => {
    const clientId = approved();
    many(CLIENTS_APPROVED_MAX - 1, 'approved', 'registered');
    room.clock.advance(CLIENT_UNCONNECTED_MS);
    const other = asks();
    const agent = 'no name for an agent!';
    expect(refused(room.clients.approve({ ...other, agent, by: BY })).reason).toBe('invalid_input');
    expect(stateOf(clientId)).toBe('approved');
    expect(made()).toEqual([]);
  });

  test('none with a live grant does, none that the owner made, no document, and none of the latest', () => {
    const living = approved();
    granted(room.clients.approve({ clientId: CLAUDE_CODE, agent: 'host', by: BY }));
    many(CLIENTS_APPROVED_MAX - CLIENTS_APPROVED_LATEST_KEPT - 2, 'approved', 'static', 'own');
    const agent = room.clients.find(living)?.agent?.id;
    if (!agent) throw new Error('it is approved');
    const expiresAtMs = room.access.wall() + 180 * DAY_MS;
    const grant = { grantId: 'living', clientId: living, agent, steppedUpAtMs: null, expiresAtMs };
    granted(room.grants.open({ ...grant, scopes: ['read:market'] }));
    room.keep('RefreshToken', grant.grantId, 180 * DAY_MS);
    room.clock.advance(1_000);
    many(CLIENTS_APPROVED_LATEST_KEPT, 'approved', 'registered');
    room.clock.advance(2 * CLIENT_UNCONNECTED_MS);
    const before = room.clients.list().length;
    expect(refused(asks().approve()).detail).toContain(FULL);
    expect(room.clients.list()).toHaveLength(before + 1);
    expect(room.grants.standing('living').ok).toBe(true);
    room.grants.end('living', 'owner', BY);
    room.clock.advance(CLIENT_UNCONNECTED_MS - 1);
    expect(refused(asks().approve()).detail, 'ended too lately').toContain(FULL);
    room.clock.advance(1);
    granted(asks().approve());
    expect(made().filter((detail) => detail?.['state'] === 'approved')).toHaveLength(1);
    expect(stateOf(living)).toBeUndefined();
  });
});

describe('the record of registrations that were refused', () => {
  test('is a few lines an hour, and the rest as a number, however many there are', () => {
    outcomes(8);
    const before = room.events().length;
    for (let second = 0; second < 60; second++) {
      outcomes(20);
      room.clock.advance(1_000);
    }
    expect(room.events('oauth.registration_refused').length).toBeLessThanOrEqual(60);
    room.clock.advance(HOUR_MS);
    const lines = room.events('oauth.registration_refused');
    const told = lines.reduce(
      (sum, { detail }) => sum + Number(detail?.['count'] ?? 1) + Number(detail?.['more'] ?? 0),
      0,
    );
    // The line that tells the number stands for the last of them.
    expect(told).toBeGreaterThanOrEqual(1_200);
    expect(told).toBeLessThanOrEqual(1_201);
    expect(room.events().length - before).toBeLessThanOrEqual(61);
    expect(lines.at(-1)).toMatchObject({
      outcome: 'refused',
      detail: { reason: 'too_many_requests', address: STRANGER },
    });
    // The next hour tells again.
    tried();
    expect(room.events('oauth.registration_refused').length).toBe(lines.length + 1);
  });

  test('tells what it has counted when the gateway stops', () => {
    outcomes(8);
    outcomes(100);
    room.registration.close();
    const lines = room.events('oauth.registration_refused');
    expect(lines.at(-1)?.detail).toMatchObject({ more: 70 });
  });
});
