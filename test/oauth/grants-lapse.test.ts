/** A consent that nobody can use any more does not go on looking like a connection, and none that can be used ends early. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import {
  ACCESS_TOKEN_TTL_MAX_MS,
  GRANT_LAPSES_AFTER_MS,
  GRANT_SWEEP_INTERVAL_MS,
  GRANT_TTL_MAX_MS,
  OAUTH_PURGE_ROWS_MAX,
} from '#limits.ts';
import { payloadTable } from '#oauth/payload-table.ts';
import { granted, refused } from '../support/access-room.ts';
import { type ClientRoom, clientRoom } from '../support/client-room.ts';
import { handClock } from '../support/hand-clock.ts';
import { rpc } from '../support/remote-flow.ts';
import { openRemoteGateway } from '../support/remote-gateway.ts';
import { coded, grantOf, makeClient, granted as tokensGranted } from '../support/remote-grants.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let room: ClientRoom;
beforeEach(() => {
  room = clientRoom();
});
afterEach(() => {
  room.grants.close();
  room.close();
});

/** A consent; its grant. */
function consented(livesMs = GRANT_TTL_MAX_MS): string {
  const clientId = room.register();
  const { agent } = granted(room.clients.approve({ clientId, by: OWNER_CONSOLE }));
  if (!agent) throw new Error('no agent');
  const grantId = `grant of ${clientId}`;
  const expiresAtMs = room.access.wall() + livesMs;
  granted(
    room.grants.open({
      grantId,
      clientId,
      agent: agent.id,
      scopes: ['read:market'],
      steppedUpAtMs: null,
      expiresAtMs,
    }),
  );
  return grantId;
}
const consume = (kind: string, id: string): void =>
  room.store.transaction(() => void payloadTable(room.store).consume(kind, id, room.access.wall()));
/** As the schedules do, in whichever order. */
function purge(): void {
  const living = { epoch: room.access.epoch(), nowMs: room.access.wall() };
  room.store.transaction(() => payloadTable(room.store).purge(living, OAUTH_PURGE_ROWS_MAX));
}
function sweptAfter(ms: number): string | undefined {
  room.clock.advance(ms);
  purge();
  room.grants.sweep();
  const [grant] = room.grants.list({ limit: 1 });
  return grant?.ended?.reason;
}

describe('a grant that nothing could use any more', () => {
  test('for which no code was ever made ends with the next look, once no browser can come back with it', () => {
    const grantId = consented();
    expect(sweptAfter(GRANT_LAPSES_AFTER_MS - 1)).toBeUndefined();
    expect(sweptAfter(1)).toBe('lapsed');
    expect(room.events('oauth.grant_ended')).toMatchObject([{ detail: { reason: 'lapsed' } }]);
    expect(refused(room.grants.standing(grantId))).toMatchObject({
      reason: 'credential_revoked',
      detail: expect.stringContaining('connect again'),
    });
    expect(room.grants.live(room.clients.list()[0]?.clientId ?? '')).toEqual([]);
  });

  test('is looked for every hour without anybody asking', () => {
    consented();
    room.clock.advance(GRANT_LAPSES_AFTER_MS + GRANT_SWEEP_INTERVAL_MS);
    expect(room.events('oauth.grant_ended')).toMatchObject([{ detail: { reason: 'lapsed' } }]);
  });

  test('whose code was not fetched ends, and whose code can be does not', () => {
    const grantId = consented();
    room.keep('AuthorizationCode', grantId, GRANT_LAPSES_AFTER_MS + MINUTE_MS);
    expect(sweptAfter(GRANT_LAPSES_AFTER_MS + MINUTE_MS - 1)).toBeUndefined();
    expect(sweptAfter(1)).toBe('lapsed');
  });

  test('whose refresh token ran out ends when no access token of it can live, and not before', () => {
    const grantId = consented();
    consume('AuthorizationCode', room.keep('AuthorizationCode', grantId, MINUTE_MS));
    const used = room.keep('RefreshToken', grantId, DAY_MS);
    room.clock.advance(DAY_MS / 2);
    consume('RefreshToken', used);
    room.keep('RefreshToken', grantId, DAY_MS);
    expect(sweptAfter(DAY_MS)).toBeUndefined();
    expect(sweptAfter(ACCESS_TOKEN_TTL_MAX_MS - 1)).toBeUndefined();
    expect(sweptAfter(1)).toBe('lapsed');
  });

  test('has not lapsed while a refresh token of it lives, however long nobody comes', () => {
    const grantId = consented();
    room.keep('RefreshToken', grantId, 30 * DAY_MS);
    for (let day = 0; day < 30; day++) expect(sweptAfter(DAY_MS)).toBeUndefined();
    expect(sweptAfter(DAY_MS)).toBe('lapsed');
  });

  test('is over for another reason where there is one', () => {
    room.keep('RefreshToken', consented(DAY_MS), DAY_MS);
    expect(sweptAfter(DAY_MS - 1)).toBeUndefined();
    expect(sweptAfter(1)).toBe('expired');
  });
});

test('a code that its host never fetched leaves no connection behind; one that was fetched stays', async () => {
  const clock = handClock(Date.now());
  const at = await openRemoteGateway({ clock });
  try {
    const { clientId } = makeClient(at);
    await coded(at, clientId, ['read:market'], { expiryDays: '180' });
    const { clientId: connected, access } = await tokensGranted(at);
    expect(grantOf(at, clientId).ended).toBeNull();
    clock.advance(10 * MINUTE_MS);
    expect((await rpc(at, access, 'tools/list')).status).toBe(200);
    clock.advance(GRANT_LAPSES_AFTER_MS + GRANT_SWEEP_INTERVAL_MS);
    expect(grantOf(at, clientId).ended?.reason).toBe('lapsed');
    expect(grantOf(at, connected).ended).toBeNull();
  } finally {
    await at.close();
  }
});
