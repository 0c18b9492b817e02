/** Each act on clients is one commit with its line: when the line can not be written, nothing of the act has happened. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { granted } from '../support/access-room.ts';
import { asked, BY, type ClientRoom, clientRoom } from '../support/client-room.ts';

let room: ClientRoom;
let approved: string;
let waiting: string;
let revoked: string;
let grantId: string;

beforeEach(() => {
  room = clientRoom();
  [approved, waiting, revoked] = [room.register(), room.register(), room.register()];
  granted(room.clients.approve({ clientId: approved, by: BY }));
  grantId = room.grant(approved);
  granted(room.clients.revoke(revoked, BY));
  room.audit.flush();
});
afterEach(() => room.close());

/** Everything that an act on clients could change. */
const held = (): unknown =>
  ['oauth_clients', 'oauth_grants', 'oauth_payloads', 'agents', 'agent_accounts'].map((table) =>
    room.store.db.prepare(`SELECT * FROM ${table}`).all(),
  );

const ACTS: readonly (readonly [string, () => unknown])[] = [
  ['registering', () => room.registration.register(asked(), { address: '192.0.2.9', userAgent: '' })],
  ['approving for a new agent', () => room.clients.approve({ clientId: waiting, by: BY })],
  ['approving again', () => room.clients.approve({ clientId: revoked, agent: 'another', by: BY })],
  [
    'changing what it may hold',
    () => room.clients.changeCeiling({ clientId: approved, scopes: ['read:market'], by: BY }),
  ],
  ['revoking', () => room.clients.revoke(approved, BY)],
  ['deleting', () => room.clients.remove(approved, BY)],
  [
    'making one',
    () =>
      room.clients.createStatic({
        name: 'Script',
        redirectUris: ['http://localhost/cb'],
        agent: 'script',
        scopes: ['read:market'],
        confidential: true,
        by: BY,
      }),
  ],
  ['ending a grant', () => room.clients.endGrant(grantId, BY)],
  ['disconnecting all', () => room.clients.disconnectAll(BY)],
  [
    'expiry',
    () => {
      room.clock.advance(8 * 86_400_000);
      room.clients.sweep();
    },
  ],
];

test.each(ACTS)('%s: the line that can not be written takes the act back with it', (_what, act) => {
  const before = held();
  room.store.db.exec(`CREATE TRIGGER fault BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk'); END`);
  expect(act).toThrow('disk');
  expect(held()).toEqual(before);
  room.store.db.exec('DROP TRIGGER fault');
  // And the store goes on: the same act is done when it is tried again.
  act();
  expect(held()).not.toEqual(before);
});

test('a crash right after an act finds it done, with its line', () => {
  granted(room.clients.approve({ clientId: waiting, by: BY }));
  granted(room.clients.revoke(approved, BY));
  room = clientRoom(room.restart());
  expect(room.clients.find(waiting)).toMatchObject({ state: 'approved', agent: { name: 'claude-2' } });
  expect(room.clients.find(approved)).toMatchObject({ state: 'revoked', liveGrants: 0 });
  expect(room.events('oauth.client_approved')).toHaveLength(2);
  expect(room.grants.standing(grantId).ok).toBe(false);
});
