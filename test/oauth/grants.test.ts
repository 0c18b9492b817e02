/** The ledger of grants: what each is worth now, every way in which one ends, and that none comes back. */
import { afterEach, describe, expect, test } from 'vitest';
import { type AgentId, OWNER_CLI, OWNER_CONSOLE, type Scope } from '#domain/principal.ts';
import { GRANT_KEPT_MS, GRANT_SWEEP_AFTER_KILL_MS, GRANT_TTL_MAX_MS } from '#limits.ts';
import { accessRoom, granted, refused } from '../support/access-room.ts';
import { type ClientRoom, clientRoom } from '../support/client-room.ts';
import { NAME, PASSPHRASE } from '../support/owner-room.ts';

const HOUR_MS = 3_600_000;
const READS: readonly Scope[] = ['read:market', 'read:account'];
const ALL: readonly Scope[] = [...READS, 'write:orders'];

let room: ClientRoom;
afterEach(() => {
  room.grants.close();
  room.close();
});

/** An approved client of the agent `claude`, and its grant. */
function opened(scopes: readonly Scope[] = READS): { readonly clientId: string; readonly grantId: string } {
  room = clientRoom(accessRoom());
  const clientId = approved();
  return { clientId, grantId: room.grant(clientId, scopes) };
}
function approved(agent = 'claude', scopes: readonly Scope[] = ALL): string {
  const clientId = room.register();
  granted(room.clients.approve({ clientId, agent, scopes, by: OWNER_CONSOLE }));
  return clientId;
}
const worth = (grantId: string): readonly Scope[] => granted(room.grants.standing(grantId)).scopes;
const dead = (grantId: string): string => refused(room.grants.standing(grantId)).reason;
const endings = (): readonly unknown[] =>
  room.events('oauth.grant_ended').map(({ detail }) => detail?.['reason']);
function kill(): void {
  room.store.transaction(() => {
    room.access.setGatewayState('HALTED', 'kill switch');
    room.access.bumpEpoch();
  });
}
const resume = (): void => room.store.transaction(() => room.access.setGatewayState('ACTIVE', 'resumed'));
async function asksForCodes(): Promise<void> {
  granted(await room.access.owner.create({ name: NAME, passphrase: PASSPHRASE, by: OWNER_CLI }));
  room.store.db.prepare(`UPDATE owner SET purposes = 'remote_write'`).run();
}

describe('what a grant is worth', () => {
  test('is what was granted, within what its client may hold and what is enabled, at this moment', () => {
    const { clientId, grantId } = opened(ALL);
    expect(worth(grantId)).toEqual(ALL);
    granted(
      room.clients.changeCeiling({ clientId, scopes: ['read:market', 'write:orders'], by: OWNER_CONSOLE }),
    );
    expect(worth(grantId)).toEqual(['read:market', 'write:orders']);
    granted(room.clients.changeCeiling({ clientId, scopes: ['read:market'], by: OWNER_CONSOLE }));
    expect(worth(grantId)).toEqual(['read:market']);
  });
  test('does not get back what its client lost, when the client gets it back; with nothing left it is over', () => {
    const { clientId, grantId } = opened(ALL);
    const other = room.grant(clientId, ['write:orders']);
    granted(room.clients.changeCeiling({ clientId, scopes: READS, by: OWNER_CONSOLE }));
    granted(room.clients.changeCeiling({ clientId, scopes: ALL, by: OWNER_CONSOLE }));
    expect(worth(grantId)).toEqual(READS);
    expect(dead(other)).toBe('credential_revoked');
  });
  test('never grows with what its client may hold', () => {
    const { clientId, grantId } = opened(['read:market']);
    granted(room.clients.changeCeiling({ clientId, scopes: ALL, by: OWNER_CONSOLE }));
    expect(worth(grantId)).toEqual(['read:market']);
  });
  test('names the agent and the credential that the record names', () => {
    const { clientId, grantId } = opened();
    expect(granted(room.grants.standing(grantId))).toMatchObject({
      agentName: 'claude',
      credential: room.clients.find(clientId)?.credential,
      grant: { grantId, clientId, ended: null },
    });
    expect(room.events('oauth.granted')).toMatchObject([
      {
        agent: 'claude',
        credential: 'owner',
        door: 'http',
        detail: { grant: grantId, client: room.clients.find(clientId)?.credential, scopes: READS },
      },
    ]);
  });
  test('is nothing for an id that nobody knows', () => {
    opened();
    expect(dead('0000')).toBe('credential_revoked');
    expect(room.grants.end('0000', 'owner')).toBe(false);
  });
});

describe('opening one is refused', () => {
  function claude(): AgentId {
    const agent = room.access.agents.byName('claude');
    if (!agent) throw new Error('no agent claude');
    return agent.id;
  }
  const asked = (clientId: string, over: object = {}) => ({
    grantId: 'g1',
    clientId,
    agent: claude(),
    scopes: READS,
    steppedUpAtMs: null,
    expiresAtMs: room.access.wall() + HOUR_MS,
    ...over,
  });
  test('for a client that waits, one that was revoked, and one of another agent', () => {
    const { clientId } = opened();
    const waiting = room.register();
    expect(refused(room.grants.open(asked(waiting))).reason).toBe('credential_revoked');
    const other = granted(room.access.agents.create('other', undefined, OWNER_CLI));
    expect(refused(room.grants.open(asked(clientId, { agent: other.id }))).reason).toBe('credential_revoked');
    granted(room.clients.revoke(clientId, OWNER_CONSOLE));
    expect(refused(room.grants.open(asked(clientId))).reason).toBe('credential_revoked');
    expect(room.events('oauth.granted')).toHaveLength(1);
  });
  test('for more than the client may hold, for what is not enabled, and for nothing at all', () => {
    opened();
    const narrow = approved('claude', ['read:market']);
    for (const scopes of [READS, ['write:orders'], []])
      expect(refused(room.grants.open(asked(narrow, { scopes }))).reason).toBe('insufficient_scope');
    const wide = approved();
    room.grants.enable(READS);
    expect(refused(room.grants.open(asked(wide, { scopes: ALL }))).reason).toBe('insufficient_scope');
  });
  test('while the gateway is halted, so that nothing comes to life with the resume', () => {
    const { clientId } = opened();
    kill();
    expect(refused(room.grants.open(asked(clientId))).reason).toBe('trading_halted');
    resume();
    expect(room.grants.find('g1')).toBeUndefined();
  });
  test('for writing without a code where the owner asks for one', async () => {
    const { clientId } = opened();
    await asksForCodes();
    expect(refused(room.grants.open(asked(clientId, { scopes: ALL }))).reason).toBe('credential_revoked');
    granted(room.grants.open(asked(clientId, { scopes: ALL, steppedUpAtMs: room.access.wall() })));
    granted(room.grants.open(asked(clientId, { grantId: 'g2' })));
  });
  test('as a bug, for longer than 180 days', () => {
    const { clientId } = opened();
    const expiresAtMs = room.access.wall() + GRANT_TTL_MAX_MS + 1;
    expect(() => room.grants.open(asked(clientId, { expiresAtMs }))).toThrow(/180 days/);
    expect(room.grants.find('g1')).toBeUndefined();
  });
});

describe('a grant ends', () => {
  test('by the owner, with everything that was kept of it, once, on the record', () => {
    const { clientId, grantId } = opened();
    const other = room.grant(clientId);
    const keep = room.store.db.prepare(
      `INSERT INTO oauth_payloads (kind, id, payload, grant_id, epoch, expires_at) VALUES ('RefreshToken', ?, '{}', ?, 1, 9e15)`,
    );
    keep.run('of-it', grantId);
    keep.run('of-another', other);
    expect(room.grants.end(grantId, 'owner', OWNER_CONSOLE)).toBe(true);
    expect(room.grants.end(grantId, 'owner', OWNER_CONSOLE)).toBe(false);
    expect(dead(grantId)).toBe('credential_revoked');
    expect(worth(other)).toEqual(['read:market']);
    expect(room.store.db.prepare('SELECT id FROM oauth_payloads').pluck().all()).toEqual(['of-another']);
    expect(room.events('oauth.grant_ended')).toMatchObject([
      { agent: 'claude', credential: 'owner', outcome: 'ok', detail: { grant: grantId, reason: 'owner' } },
    ]);
    expect(room.grants.find(grantId)?.ended).toEqual({ atMs: room.access.wall(), reason: 'owner' });
  });
  test('with its client, and does not come back when the client is approved again', () => {
    const { clientId, grantId } = opened();
    granted(room.clients.revoke(clientId, OWNER_CONSOLE));
    expect(dead(grantId)).toBe('credential_revoked');
    granted(room.clients.approve({ clientId, agent: 'claude', scopes: ALL, by: OWNER_CONSOLE }));
    expect(dead(grantId)).toBe('credential_revoked');
  });
  test('with its agent', () => {
    const { grantId } = opened();
    room.store.db.pragma('foreign_keys = OFF');
    room.store.transaction(() => room.store.db.prepare(`DELETE FROM agents WHERE name = 'claude'`).run());
    expect(dead(grantId)).toBe('credential_revoked');
  });
  test('when its client is given to another agent', () => {
    const { clientId, grantId } = opened();
    const other = granted(room.access.agents.create('other', undefined, OWNER_CLI));
    room.store.transaction(() =>
      room.store.db
        .prepare('UPDATE oauth_clients SET agent_id = ? WHERE client_id = ?')
        .run(other.id, clientId),
    );
    expect(dead(grantId)).toBe('credential_revoked');
  });
  test('at its time, and a clock that is set back does not bring it back', () => {
    const { grantId } = opened();
    room.clock.advance(HOUR_MS - 1);
    expect(worth(grantId)).toEqual(READS);
    room.clock.advance(1);
    expect(dead(grantId)).toBe('credential_revoked');
    room.clock.setWall(room.clock.wallMs() - 30 * HOUR_MS);
    expect(dead(grantId)).toBe('credential_revoked');
    expect(room.grants.find(grantId)?.ended?.reason).toBe('expired');
  });
  test('with all others', () => {
    const { clientId, grantId } = opened();
    const others = [room.grant(clientId), room.grant(approved('scalper'))];
    expect(room.grants.endAll('disconnected', OWNER_CONSOLE)).toBe(3);
    for (const one of [grantId, ...others]) expect(dead(one)).toBe('credential_revoked');
    expect(room.clients.find(clientId)?.state).toBe('approved');
    expect(room.grants.endAll('disconnected', OWNER_CONSOLE)).toBe(0);
  });
});

describe('switching writing off', () => {
  test('ends what could write and nothing else, and switching it on brings nothing back', () => {
    const { clientId, grantId: reads } = opened();
    const writes = room.grant(clientId, ALL);
    room.grants.enable(READS);
    expect(worth(reads)).toEqual(READS);
    expect(dead(writes)).toBe('credential_revoked');
    room.grants.enable(ALL);
    expect(dead(writes)).toBe('credential_revoked');
    expect(worth(reads)).toEqual(READS);
    expect(endings()).toEqual(['write_off']);
  });
  test('while nothing ran, acts with the start', () => {
    const { clientId, grantId: reads } = opened();
    const writes = room.grant(clientId, ALL);
    const later = clientRoom(room, READS);
    later.grants.enable(READS);
    expect(refused(later.grants.standing(writes)).reason).toBe('credential_revoked');
    expect(later.grants.live(clientId).map(({ grantId }) => grantId)).toEqual([reads]);
    later.grants.close();
  });
  test('holds from memory where it can not be written, and nothing is enabled until it is', () => {
    const { grantId } = opened(ALL);
    room.store.db.pragma('query_only = ON');
    expect(() => room.grants.enable(READS)).toThrow();
    expect(worth(grantId)).toEqual(READS);
    expect(() => room.grants.enable(ALL)).toThrow();
    expect(worth(grantId)).toEqual(READS);
    room.store.db.pragma('query_only = OFF');
    room.grants.enable(ALL);
    expect(dead(grantId)).toBe('credential_revoked');
  });
});

describe('switching remote MCP off', () => {
  test('ends every grant, and switching it on brings none back', () => {
    const { grantId } = opened();
    room.grants.enable([]);
    expect(dead(grantId)).toBe('credential_revoked');
    room.grants.enable(ALL);
    expect(dead(grantId)).toBe('credential_revoked');
    expect(endings()).toEqual(['remote_off']);
  });
});

describe('the kill switch', () => {
  test('ends every grant from the next look, and the resume revives none', () => {
    const { grantId } = opened();
    kill();
    expect(dead(grantId)).toBe('credential_revoked');
    resume();
    expect(dead(grantId)).toBe('credential_revoked');
    room.clock.advance(GRANT_SWEEP_AFTER_KILL_MS);
    expect(endings()).toEqual(['killed']);
    expect(room.grants.find(grantId)?.ended?.reason).toBe('killed');
  });
  test('does so from memory when the store takes nothing, and after it has healed', () => {
    const { grantId } = opened();
    room.store.db.pragma('query_only = ON');
    room.access.haltInMemory('kill switch');
    expect(dead(grantId)).toBe('credential_revoked');
    room.clock.advance(GRANT_SWEEP_AFTER_KILL_MS);
    expect(dead(grantId)).toBe('credential_revoked');
    room.store.db.pragma('query_only = OFF');
    room.store.transaction(() => room.access.setGatewayState('HALTED', 'written down'));
    resume();
    expect(dead(grantId)).toBe('credential_revoked');
  });
  test('does so through a row that another process wrote', () => {
    const { grantId } = opened();
    room.store.db.exec(
      `UPDATE settings SET value = CAST(value AS INTEGER) + 1 WHERE name = 'authority_epoch'`,
    );
    room.clock.advance(2);
    expect(dead(grantId)).toBe('credential_revoked');
  });
});

describe('a code of the authenticator', () => {
  test('that was never shown takes writing away once the owner asks for one, and no new token is made', async () => {
    const { clientId, grantId } = opened(['read:market']);
    const writes = room.grant(clientId, ALL);
    room.store.db.prepare('UPDATE oauth_grants SET stepup_at = NULL').run();
    expect(worth(writes)).toEqual(ALL);
    expect(room.grants.issuable(writes).ok).toBe(true);
    await asksForCodes();
    expect(worth(writes)).toEqual(READS);
    expect(refused(room.grants.issuable(writes)).reason).toBe('credential_revoked');
    expect(worth(grantId)).toEqual(['read:market']);
    expect(room.grants.issuable(grantId).ok).toBe(true);
  });
});

describe('what is kept', () => {
  test('grants are listed the latest first, the living apart from the others', () => {
    const { clientId, grantId: first } = opened();
    room.clock.advance(1_000);
    const second = room.grant(clientId);
    room.grants.end(first, 'owner');
    const ids = (live?: boolean) =>
      room.grants
        .list({ clientId, limit: 10, ...(live === undefined ? {} : { live }) })
        .map(({ grantId }) => grantId);
    expect(ids()).toEqual([second, first]);
    expect(ids(true)).toEqual([second]);
    expect(ids(false)).toEqual([first]);
  });
  test('what is over is forgotten half a year later, with the hourly sweep', () => {
    const { grantId } = opened();
    room.grants.end(grantId, 'owner');
    room.clock.advance(GRANT_KEPT_MS - HOUR_MS);
    expect(room.grants.find(grantId)).toBeDefined();
    room.clock.advance(2 * HOUR_MS);
    expect(room.grants.find(grantId)).toBeUndefined();
  });
  test('its last use is written at most once a minute', () => {
    const { clientId, grantId } = opened();
    room.grants.used(grantId);
    const atMs = room.access.wall();
    room.clock.advance(59_000);
    room.grants.used(grantId);
    expect(room.grants.find(grantId)?.lastUsedAtMs).toBe(atMs);
    expect(room.clients.find(clientId)?.lastUsedAtMs).toBe(atMs);
    room.clock.advance(1_000);
    room.grants.used(grantId);
    expect(room.grants.find(grantId)?.lastUsedAtMs).toBe(atMs + 60_000);
  });
  test('nothing is swept after it was closed, not even by a kill that comes then', () => {
    const { grantId } = opened();
    room.grants.close();
    kill();
    room.clock.advance(2 * HOUR_MS);
    expect(room.store.db.prepare('SELECT revoked_at FROM oauth_grants').pluck().get()).toBeNull();
    expect(dead(grantId)).toBe('credential_revoked');
  });
  test('an ending and what it belongs to are one commit', () => {
    const { grantId } = opened();
    expect(() =>
      room.store.transaction(() => {
        room.grants.end(grantId, 'owner');
        throw new Error('the rest of it failed');
      }),
    ).toThrow(/the rest/);
    expect(worth(grantId)).toEqual(READS);
    expect(endings()).toEqual([]);
  });
});
