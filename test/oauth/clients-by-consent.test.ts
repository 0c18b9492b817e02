/** Where the owner asks for no approval of clients: the consent is one, for what reads, and never for a client that was revoked. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { consentApproval } from '#oauth/consent-approval.ts';
import { granted, refused } from '../support/access-room.ts';
import { BY, type ClientRoom, clientRoom } from '../support/client-room.ts';

let room: ClientRoom;
let requireApproval = false;
beforeEach(() => {
  room = clientRoom();
  requireApproval = false;
});
afterEach(() => room.close());

const consent = (clientId: string) =>
  consentApproval(room.clients, () => ({ requireApproval })).approveByConsent(clientId);

test('a client that waits is approved by the consent, for a new agent and scopes that read, by the owner', () => {
  const clientId = room.register({ scope: 'read:market write:orders' });
  expect(granted(consent(clientId))).toMatchObject({
    state: 'approved',
    agent: { name: 'claude' },
    ceiling: ['read:market'],
  });
  expect(room.events('oauth.client_approved')).toMatchObject([
    { credential: 'owner', door: 'http', agent: 'claude' },
  ]);
});

test('where approval is required a consent is none', () => {
  requireApproval = true;
  const clientId = room.register();
  expect(refused(consent(clientId)).reason).toBe('insufficient_scope');
  expect(room.clients.find(clientId)).toMatchObject({ state: 'pending', agent: null });
  expect(room.access.agents.list()).toEqual([]);
});

test('a client that was revoked, one that there is not, and one that only writes are not approved by it', () => {
  const clientId = room.register();
  granted(room.clients.revoke(clientId, BY));
  expect(refused(consent(clientId)).reason).toBe('insufficient_scope');
  expect(refused(consent('client_nobody')).reason).toBe('insufficient_scope');
  const writer = room.register({ scope: 'write:orders' });
  expect(refused(consent(writer)).reason).toBe('invalid_input');
  expect(room.clients.find(writer)?.state).toBe('pending');
});
