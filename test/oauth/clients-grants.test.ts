/** Which client the owner means, and the owner's acts on what clients were granted. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fingerprint } from '#oauth/fingerprint.ts';
import { granted, refused } from '../support/access-room.ts';
import { BY, type ClientRoom, clientRoom } from '../support/client-room.ts';

let room: ClientRoom;
beforeEach(() => {
  room = clientRoom();
});
afterEach(() => room.close());

/** Begun in a browser, and waiting there. */
const request = (clientId: string): void =>
  room.store.transaction(
    () =>
      void room.store.db
        .prepare(
          "INSERT INTO oauth_payloads (kind, id, payload, client_id, epoch, expires_at) VALUES ('Interaction', @clientId, '{}', @clientId, 1, 9e15)",
        )
        .run({ clientId }),
  );
const requests = (): readonly unknown[] =>
  room.store.db.prepare('SELECT client_id FROM oauth_payloads').pluck().all();

test.each(['disconnect', 'remove'] as const)(
  'requests that wait in a browser end with %s, and those of others do not',
  (act) => {
    const [one, other] = [room.register(), room.register()];
    request(one);
    request(other);
    granted<unknown>(room.clients[act](one, BY));
    expect(requests()).toEqual([other]);
  },
);

describe('grants', () => {
  test("are listed, and one of them ends by the owner's hand; twice is once", () => {
    const clientId = room.register();
    granted(room.clients.approve({ clientId, by: BY }));
    const [one, two] = [room.grant(clientId), room.grant(clientId)];
    granted(room.clients.endGrant(one, BY));
    granted(room.clients.endGrant(one, BY));
    expect(room.clients.grants({ live: true, limit: 10 }).map(({ grantId }) => grantId)).toEqual([two]);
    expect(room.events('oauth.grant_ended')).toHaveLength(1);
    expect(refused(room.clients.endGrant('nothing', BY)).reason).toBe('not_found');
  });

  test('that live are listed however many have ended since', () => {
    const clientId = room.register();
    granted(room.clients.approve({ clientId, by: BY }));
    const lives = room.grant(clientId);
    const over = ['', '', ''].map(() => {
      room.clock.advance(1_000);
      const grantId = room.grant(clientId);
      granted(room.clients.endGrant(grantId, BY));
      return grantId;
    });
    const listed = (which: { readonly clientId?: string; readonly live?: boolean }) =>
      room.clients.grants({ ...which, limit: 2 }).map(({ grantId }) => grantId);
    expect([listed({ live: true }), listed({ clientId, live: true })]).toEqual([[lives], [lives]]);
    expect(listed({ clientId, live: false })).toEqual(over.toReversed().slice(0, 2));
    expect(listed({})).toEqual(over.toReversed().slice(0, 2));
  });

  test('of one client all end in one commit when it is disconnected, with what it has begun; it stays approved', () => {
    const [one, other] = [room.register(), room.register()];
    for (const clientId of [one, other]) {
      granted(room.clients.approve({ clientId, by: BY }));
      room.grant(clientId);
      request(clientId);
    }
    room.grant(one);
    let commits = 0;
    room.store.onBegin(() => commits++);
    expect(granted(room.clients.disconnect(one, BY))).toEqual({ grants: 2 });
    expect(commits).toBe(1);
    expect(room.clients.find(one)).toMatchObject({ state: 'approved', liveGrants: 0 });
    expect(room.clients.find(other)).toMatchObject({ liveGrants: 1 });
    expect(requests()).toEqual([other]);
    expect(room.events('oauth.grant_ended').map(({ detail }) => detail?.['reason'])).toEqual([
      'disconnected',
      'disconnected',
    ]);
    expect(refused(room.clients.disconnect('nobody', BY)).reason).toBe('not_found');
  });

  test('all end with disconnect all, with everything that waits; clients stay approved', () => {
    const clients = [room.register(), room.register()];
    for (const clientId of clients) {
      granted(room.clients.approve({ clientId, by: BY }));
      room.grant(clientId);
    }
    request(room.register());
    expect(room.clients.disconnectAll(BY)).toEqual({ grants: 2 });
    expect(room.clients.list().map(({ state, liveGrants }) => [state, liveGrants])).toEqual([
      ['pending', 0],
      ['approved', 0],
      ['approved', 0],
    ]);
    expect(requests()).toEqual([]);
    expect(room.events('oauth.disconnected')).toHaveLength(1);
    expect(room.clients.disconnectAll(BY)).toEqual({ grants: 0 });
  });
});

test('an approval during a kill opens nothing, and brings nothing back after it', () => {
  const clientId = room.register();
  granted(room.clients.approve({ clientId, by: BY }));
  const grantId = room.grant(clientId);
  const { store, access } = room;
  store.transaction(() => {
    access.setGatewayState('HALTED', 'kill switch');
    access.bumpEpoch();
  });
  granted(room.clients.revoke(clientId, BY));
  granted(room.clients.approve({ clientId, by: BY }));
  expect(() => room.grant(clientId)).toThrow('refused');
  store.transaction(() => access.setGatewayState('ACTIVE', 'resumed'));
  expect(room.grants.standing(grantId).ok).toBe(false);
  expect(room.clients.find(clientId)).toMatchObject({ state: 'approved', liveGrants: 0 });
});

describe('which client is meant', () => {
  test('is said by its id, the beginning of it, or its fingerprint; never by the name it gave itself', () => {
    const clientId = room.register({ client_name: 'mine' });
    for (const given of [
      clientId,
      clientId.slice(0, 14),
      clientId.slice(7, 12),
      fingerprint(clientId),
      fingerprint(clientId).toUpperCase(),
    ])
      expect(granted(room.clients.resolve(given)).clientId).toBe(clientId);
    for (const given of ['mine', '', 'client_', clientId.slice(0, 9), 'zzzzzz'])
      expect(refused(room.clients.resolve(given)).reason).toBe('not_found');
  });

  test('must be one alone', () => {
    const ids = ['client_abcd1111', 'client_abcd2222'];
    for (const id of ids) {
      const clientId = room.register();
      room.store.transaction(() =>
        room.store.db
          .prepare('UPDATE oauth_clients SET client_id = ?, credential = ? WHERE client_id = ?')
          .run(id, id, clientId),
      );
    }
    expect(refused(room.clients.resolve('client_abcd'))).toMatchObject({
      reason: 'invalid_input',
      did_you_mean: expect.arrayContaining(ids),
    });
    expect(granted(room.clients.resolve('client_abcd1')).clientId).toBe(ids[0]);
  });
});
