/** The owner's desk of remote clients: what each act changes, what it leaves alone, and the one line it leaves on the record. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CLI, type Scope } from '#domain/principal.ts';
import { granted, MANDATE, refused } from '../support/access-room.ts';
import { BY, type ClientRoom, clientRoom } from '../support/client-room.ts';

let room: ClientRoom;
beforeEach(() => {
  room = clientRoom();
});
afterEach(() => room.close());

const approve = (clientId: string, over: { agent?: string; scopes?: readonly Scope[] } = {}) =>
  room.clients.approve({ clientId, by: BY, ...over });
/** Lines about clients and agents since `count` of them. */
const kinds = (): readonly string[] => room.events().map(({ kind }) => kind);

describe('a client that registered', () => {
  test('waits: it has no agent, may hold nothing, and is listed first', () => {
    const first = room.register();
    granted(approve(first));
    const second = room.register({ client_name: 'Cursor' });
    expect(room.clients.list().map(({ clientId, state }) => [clientId, state])).toEqual([
      [second, 'pending'],
      [first, 'approved'],
    ]);
    expect(room.clients.find(second)).toMatchObject({
      agent: null,
      ceiling: [],
      liveGrants: 0,
      lastUsedAtMs: null,
    });
    expect(room.clients.pending()).toBe(1);
    expect(room.clients.known.state(second)).toBe('pending');
  });

  test('is on the record with its name, its redirect hosts and its address', () => {
    const clientId = room.register({ redirect_uris: ['https://claude.ai/a', 'https://claude.ai/b'] });
    const [line] = room.events('oauth.registered');
    expect(line).toMatchObject({
      credential: clientId,
      outcome: 'ok',
      detail: {
        name: 'Claude',
        kind: 'registered',
        state: 'pending',
        redirects: ['claude.ai'],
        address: '203.0.113.7',
      },
    });
  });
});

describe('approving', () => {
  test('makes a new agent named after the client, for what it asked without what writes', () => {
    const clientId = room.register({ scope: 'read:market write:orders' });
    const client = granted(approve(clientId));
    expect(client).toMatchObject({ state: 'approved', agent: { name: 'claude' }, ceiling: ['read:market'] });
    const agent = room.access.agents.byName('claude');
    expect(agent?.accounts).toEqual(['paper']);
    expect(agent && room.access.mandates.current(agent.id)).toBeUndefined();
    expect(room.events('oauth.client_approved')).toHaveLength(1);
    expect(room.events('oauth.client_approved')[0]).toMatchObject({
      agent: 'claude',
      credential: 'owner',
      detail: {
        client: clientId,
        before: { state: 'pending', agent: null },
        after: { state: 'approved', agent: 'claude' },
      },
    });
  });

  test('never attaches a client to an agent by a name that it gave itself', () => {
    granted(room.access.agents.create('claude', undefined, OWNER_CLI));
    granted(room.access.mandates.set('claude', MANDATE, OWNER_CLI));
    const client = granted(approve(room.register()));
    expect(client.agent?.name).toBe('claude-2');
    expect(granted(approve(room.register())).agent?.name).toBe('claude-3');
    expect(granted(approve(room.register({ client_name: 'local' }))).agent?.name).toBe('local-2');
    expect(granted(approve(room.register({ client_name: 'owner' }))).agent?.name).toBe('owner-2');
  });

  test('for an agent that the owner names uses that one, and its mandate is untouched', () => {
    const agent = granted(room.access.agents.create('scalper', undefined, OWNER_CLI));
    granted(room.access.mandates.set('scalper', MANDATE, OWNER_CLI));
    const before = room.access.mandates.current(agent.id);
    const client = granted(approve(room.register(), { agent: 'scalper' }));
    expect(client.agent).toEqual({ id: agent.id, name: 'scalper' });
    expect(room.access.mandates.current(agent.id)).toEqual(before);
    expect(room.events('agent.created')).toHaveLength(1);
  });

  test('for a name that nobody has makes that agent; for a name that may not be, nothing', () => {
    expect(granted(approve(room.register(), { agent: 'news-reader' })).agent?.name).toBe('news-reader');
    const waiting = room.register();
    for (const agent of ['external', 'Has Spaces', ''])
      expect(refused(approve(waiting, { agent })).reason).toBe('invalid_input');
    expect(room.clients.find(waiting)).toMatchObject({ state: 'pending', agent: null });
    expect(room.access.agents.list()).toHaveLength(1);
  });

  test('gives no more than the client registered for, whatever the owner ticks', () => {
    const clientId = room.register({ scope: 'read:market' });
    const refusal = refused(approve(clientId, { scopes: ['read:market', 'write:orders'] }));
    expect(refusal).toMatchObject({ reason: 'invalid_input', errors: [{ field: 'scopes' }] });
    expect(room.clients.find(clientId)?.state).toBe('pending');
    expect(room.access.agents.list()).toEqual([]);
    granted(approve(clientId, { scopes: ['read:market'] }));
    expect(refused(room.clients.changeCeiling({ clientId, scopes: ['read:account'], by: BY })).reason).toBe(
      'invalid_input',
    );
    expect(room.clients.known.ceiling(clientId)).toEqual(['read:market']);
  });

  test("one that asked only to write takes the owner's word for it", () => {
    const clientId = room.register({ scope: 'write:orders' });
    expect(refused(approve(clientId)).detail).toContain('name the scopes');
    expect(granted(approve(clientId, { scopes: ['write:orders'] })).ceiling).toEqual(['write:orders']);
  });

  test.each([
    ['none', []],
    ['one that there is not', ['read:market', 'admin'] as unknown as readonly Scope[]],
  ])('with scopes that are %s is refused', (_what, scopes) => {
    const clientId = room.register();
    expect(refused(approve(clientId, { scopes })).reason).toBe('invalid_input');
    expect(room.clients.find(clientId)?.state).toBe('pending');
  });

  test('twice at once is once: one agent, one line, the same answer', () => {
    const clientId = room.register();
    const first = granted(approve(clientId));
    expect(granted(approve(clientId))).toEqual(first);
    expect(granted(approve(clientId, { agent: 'claude' }))).toEqual(first);
    expect(room.access.agents.list()).toHaveLength(1);
    expect(room.events('oauth.client_approved')).toHaveLength(1);
  });

  test('twice at once for two agents is the first alone', () => {
    const clientId = room.register();
    granted(approve(clientId, { agent: 'mine' }));
    const refusal = refused(approve(clientId, { agent: 'other' }));
    expect(refusal.detail).toContain('for the agent mine');
    expect(room.clients.find(clientId)?.agent?.name).toBe('mine');
    expect(room.access.agents.byName('other')).toBeUndefined();
  });

  test('again with other scopes changes what it may hold', () => {
    const clientId = room.register();
    granted(approve(clientId));
    expect(granted(approve(clientId, { scopes: ['read:account'] })).ceiling).toEqual(['read:account']);
    expect(room.events('oauth.client_changed')).toHaveLength(1);
  });

  test('does not lift what holds its agent: a halted agent stays halted', () => {
    const agent = granted(room.access.agents.create('scalper', undefined, OWNER_CLI));
    granted(room.access.agents.halt('scalper', OWNER_CLI, 'enough'));
    granted(approve(room.register(), { agent: 'scalper' }));
    expect(room.access.agents.stateOf(agent.id).state).toBe('HALTED');
  });

  test('an unknown client is not found, and no agent is made for it', () => {
    expect(refused(approve('client_nobody')).reason).toBe('not_found');
    expect(refused(approve('https://evil.example/client.json')).reason).toBe('not_found');
    expect(room.access.agents.list()).toEqual([]);
  });
});

describe('changing what a client may hold', () => {
  test('acts on grants that live: what is narrower counts from then on', () => {
    const clientId = room.register();
    granted(approve(clientId, { scopes: ['read:market', 'read:account', 'write:orders'] }));
    const grantId = room.grant(clientId, ['read:market', 'write:orders']);
    expect(granted(room.grants.standing(grantId)).scopes).toEqual(['read:market', 'write:orders']);
    const client = granted(room.clients.changeCeiling({ clientId, scopes: ['read:market'], by: BY }));
    expect(client).toMatchObject({ ceiling: ['read:market'], liveGrants: 1 });
    expect(granted(room.grants.standing(grantId)).scopes).toEqual(['read:market']);
    expect(room.events('oauth.client_changed')[0]).toMatchObject({
      detail: {
        before: { ceiling: 'read:market read:account write:orders' },
        after: { ceiling: 'read:market' },
      },
    });
  });

  test('to what it is already leaves no line', () => {
    const clientId = room.register();
    granted(approve(clientId));
    granted(room.clients.changeCeiling({ clientId, scopes: ['read:account', 'read:market'], by: BY }));
    expect(room.events('oauth.client_changed')).toEqual([]);
  });

  test('of one that waits or is revoked is refused', () => {
    const clientId = room.register();
    const change = () =>
      refused(room.clients.changeCeiling({ clientId, scopes: ['read:market'], by: BY })).detail;
    expect(change()).toContain('waits for your approval');
    granted(room.clients.revoke(clientId, BY));
    expect(change()).toContain('revoked');
  });
});

describe('revoking', () => {
  test("ends its grants in the same commit, and another client's grants live on", () => {
    const [one, other] = [room.register(), room.register()];
    granted(approve(one));
    granted(approve(other));
    const [gone, kept] = [room.grant(one), room.grant(other)];
    const revoked = granted(room.clients.revoke(one, BY));
    expect(revoked).toMatchObject({ state: 'revoked', liveGrants: 0, ceiling: [] });
    expect(refused(room.grants.standing(gone)).reason).toBe('credential_revoked');
    expect(room.grants.standing(kept).ok).toBe(true);
    expect(room.events('oauth.client_revoked')[0]).toMatchObject({ detail: { client: one, grants: 1 } });
    expect(room.clients.grants({ clientId: one, limit: 10 })[0]?.ended?.reason).toBe('client_revoked');
  });

  test('is idempotent, and turns away one that waits', () => {
    const clientId = room.register();
    granted(room.clients.revoke(clientId, BY));
    granted(room.clients.revoke(clientId, BY));
    expect(room.events('oauth.client_revoked')).toHaveLength(1);
    expect(room.clients.pending()).toBe(0);
  });

  test('is undone by approving again: for the agent of before, without the scopes of before, and old grants stay over', () => {
    const clientId = room.register();
    granted(approve(clientId, { scopes: ['read:market', 'write:orders'] }));
    const grantId = room.grant(clientId);
    granted(room.clients.revoke(clientId, BY));
    const again = granted(approve(clientId));
    expect(again).toMatchObject({
      state: 'approved',
      agent: { name: 'claude' },
      ceiling: ['read:market', 'read:account'],
    });
    expect(refused(room.grants.standing(grantId)).reason).toBe('credential_revoked');
    expect(again.liveGrants).toBe(0);
    expect(room.access.agents.list()).toHaveLength(1);
  });

  test('and approving again for another agent attaches it there', () => {
    const clientId = room.register();
    granted(approve(clientId));
    granted(room.clients.revoke(clientId, BY));
    expect(granted(approve(clientId, { agent: 'fresh' })).agent?.name).toBe('fresh');
  });
});

describe('deleting', () => {
  test('takes the client and its grants, and leaves the record', () => {
    const clientId = room.register();
    granted(approve(clientId));
    const grantId = room.grant(clientId);
    granted(room.clients.remove(clientId, BY));
    expect(room.clients.find(clientId)).toBeUndefined();
    expect(room.clients.known.payload(clientId)).toBeUndefined();
    expect(room.clients.known.ceiling(clientId)).toEqual([]);
    expect(room.grants.standing(grantId).ok).toBe(false);
    expect(kinds()).toEqual(
      expect.arrayContaining([
        'oauth.registered',
        'oauth.client_approved',
        'oauth.grant_ended',
        'oauth.client_deleted',
      ]),
    );
    expect(refused(room.clients.remove(clientId, BY)).reason).toBe('not_found');
    expect(refused(room.clients.revoke(clientId, BY)).reason).toBe('not_found');
    // Its agent is the owner's, with its mandate and history.
    expect(room.access.agents.byName('claude')).toBeDefined();
  });
});
