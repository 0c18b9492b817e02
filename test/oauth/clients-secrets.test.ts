/** Clients that can keep a secret: the owner's own, and those that registered as such; it is shown once and kept as its hash. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { granted, refused } from '../support/access-room.ts';
import { asked, BY, type ClientRoom, clientRoom } from '../support/client-room.ts';

let room: ClientRoom;
beforeEach(() => {
  room = clientRoom();
});
afterEach(() => room.close());

describe("a client of the owner's own", () => {
  const own = {
    name: 'My script',
    redirectUris: ['http://127.0.0.1/callback'],
    agent: 'script',
    scopes: ['read:market', 'write:orders'],
    confidential: true,
    by: BY,
  } as const;

  test('is approved from the start, and its secret is shown once and kept nowhere', () => {
    const { client, secret } = granted(room.clients.createStatic(own));
    expect(client).toMatchObject({
      kind: 'static',
      state: 'approved',
      agent: { name: 'script' },
      ceiling: ['read:market', 'write:orders'],
      metadata: { token_endpoint_auth_method: 'client_secret_basic' },
    });
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(room.everythingWritten()).not.toContain(secret);
    const { known } = room.clients;
    expect(known.secretMatches(client.clientId, secret ?? '')).toBe(true);
    for (const wrong of ['', `${secret ?? ''} `, (secret ?? '').toUpperCase()])
      expect(known.secretMatches(client.clientId, wrong)).toBe(false);
    expect(known.secretMatches('client_nobody', secret ?? '')).toBe(false);
  });

  test('without a secret proves itself by PKCE alone, and no secret is right', () => {
    const { client, secret } = granted(room.clients.createStatic({ ...own, confidential: false }));
    expect(secret).toBeNull();
    expect(client.metadata.token_endpoint_auth_method).toBe('none');
    expect(room.clients.known.secretMatches(client.clientId, '')).toBe(false);
  });

  test.each([
    ['an address that no client may have', { redirectUris: ['http://elsewhere.example/cb'] }],
    ['no address', { redirectUris: [] }],
    ['no scope', { scopes: [] }],
    ['no name', { name: '\u200b' }],
    ['an agent that may not be', { agent: 'external' }],
  ])('with %s is not made, and nothing is left of it', (_what, over) => {
    expect(refused(room.clients.createStatic({ ...own, ...over })).reason).toBe('invalid_input');
    expect(room.clients.list()).toEqual([]);
    expect(room.access.agents.list()).toEqual([]);
  });
});

test('a secret that a client was given when it registered is kept as its hash alone', () => {
  const answer = answered(
    room.registration.register(asked({ token_endpoint_auth_method: 'client_secret_post' }), {
      address: '192.0.2.1',
      userAgent: '',
    }),
  );
  const secret = answer.client_secret ?? '';
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(room.everythingWritten()).not.toContain(secret);
  expect(room.clients.known.secretMatches(answer.client_id, secret)).toBe(true);
  // What is stored is no secret that fits.
  const kept = room.store.db.prepare('SELECT hex(secret_hash) FROM oauth_clients').pluck().get() as string;
  for (const given of [kept, kept.toLowerCase(), Buffer.from(kept, 'hex').toString('base64url')])
    expect(room.clients.known.secretMatches(answer.client_id, given)).toBe(false);
});

function answered<T, E>(result: { ok: true; value: T } | { ok: false; error: E }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
