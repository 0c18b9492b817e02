/** Metadata documents of known vendors: pinned, matched letter by letter, approved by the owner like everybody else; nothing is fetched. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CLIENT_DOCUMENTS } from '#oauth/client-documents.ts';
import { checkRedirectUri } from '#oauth/redirect-uri.ts';
import { granted, refused } from '../support/access-room.ts';
import { asked, BY, type ClientRoom, clientRoom } from '../support/client-room.ts';

const CLAUDE = 'https://claude.ai/oauth/mcp-oauth-client-metadata';
const HOST = { address: '160.79.104.10', userAgent: 'Claude-User' };

let room: ClientRoom;
beforeEach(() => {
  room = clientRoom();
});
afterEach(() => room.close());

describe('the pinned documents', () => {
  test.each(CLIENT_DOCUMENTS.map(({ url, metadata }) => [url, metadata] as const))(
    '%s keeps the rules of every client: its addresses, no secret, no other id',
    (url, metadata) => {
      for (const uri of metadata.redirect_uris) expect(checkRedirectUri(uri).ok).toBe(true);
      expect(metadata.token_endpoint_auth_method).toBe('none');
      expect(new URL(url)).toMatchObject({ protocol: 'https:', hash: '', username: '', search: '' });
      expect(room.clients.known.payload(url)).toMatchObject({
        client_id: url,
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      });
    },
  );

  test('are those of the vendors, each with an address of its own', () => {
    expect(CLIENT_DOCUMENTS.map(({ url, metadata }) => [url, metadata.client_name])).toEqual([
      [CLAUDE, 'Claude'],
      ['https://claude.ai/oauth/claude-code-client-metadata', 'Claude Code'],
      ['https://chatgpt.com/oauth/client.json', 'ChatGPT'],
    ]);
    const credentials = CLIENT_DOCUMENTS.map(({ url }) => room.clients.known.credential(url));
    expect(new Set(credentials).size).toBe(3);
    for (const credential of credentials) expect(credential).toMatch(/^client_[0-9a-f]{32}$/);
  });

  test.each([
    `${CLAUDE}/`,
    `${CLAUDE}?x=1`,
    `${CLAUDE}#x`,
    CLAUDE.toUpperCase(),
    CLAUDE.replace('https', 'http'),
    CLAUDE.replace('claude.ai', 'CLAUDE.AI'),
    CLAUDE.replace('claude.ai', 'claude.ai:443'),
    CLAUDE.replace('claude.ai', 'claude.ai@evil.example'),
    CLAUDE.replace('oauth/', 'oauth/./'),
    'https://evil.example/oauth/mcp-oauth-client-metadata',
    'https://169.254.169.254/latest/meta-data',
    'http://127.0.0.1:7800/admin',
  ])('another address is nobody: %s', (url) => {
    const { known } = room.clients;
    expect(known.payload(url)).toBeUndefined();
    expect(known.state(url)).toBeUndefined();
    expect(known.ceiling(url)).toEqual([]);
    let begun = 0;
    room.store.onBegin(() => begun++);
    known.used(url, HOST);
    expect(room.clients.list()).toEqual([]);
    // Nor does asking for it cost the disk anything.
    expect(begun).toBe(0);
  });
});

describe("a vendor's client", () => {
  test('waits for the owner from its first use on, once, and is on the record', () => {
    const { known } = room.clients;
    expect(known.state(CLAUDE)).toBe('pending');
    expect(room.clients.list()).toEqual([]);
    known.used(CLAUDE, HOST);
    known.used(CLAUDE, HOST);
    expect(room.clients.list()).toMatchObject([
      {
        clientId: CLAUDE,
        kind: 'document',
        state: 'pending',
        agent: null,
        address: HOST.address,
        metadata: { client_name: 'Claude' },
      },
    ]);
    expect(room.events('oauth.registered')).toMatchObject([
      {
        credential: known.credential(CLAUDE),
        detail: { kind: 'document', state: 'pending', redirects: ['claude.ai', 'claude.com'] },
      },
    ]);
  });

  test("still needs the owner's approval, once; then it is attached to a new agent like everybody else", () => {
    room.clients.known.used(CLAUDE, HOST);
    const client = granted(room.clients.approve({ clientId: CLAUDE, by: BY }));
    expect(client).toMatchObject({
      state: 'approved',
      agent: { name: 'claude' },
      ceiling: ['read:market', 'read:account'],
    });
    room.clients.known.used(CLAUDE, HOST);
    expect(room.clients.known.state(CLAUDE)).toBe('approved');
    expect(granted(room.clients.resolve(client.credential)).clientId).toBe(CLAUDE);
  });

  test('is named on the record by its credential, what was granted to it and how that ended included', () => {
    const { credential } = granted(room.clients.approve({ clientId: CLAUDE, by: BY }));
    room.grants.end(room.grant(CLAUDE), 'owner', BY);
    const lines = ['oauth.client_approved', 'oauth.granted', 'oauth.grant_ended'].flatMap((kind) =>
      room.events(kind),
    );
    expect(lines.map(({ detail }) => detail?.['client'])).toEqual([credential, credential, credential]);
  });

  test('may be approved before it first comes, and is not when it is revoked', () => {
    granted(room.clients.approve({ clientId: CLAUDE, by: BY }));
    granted(room.clients.revoke(CLAUDE, BY));
    room.clients.known.used(CLAUDE, HOST);
    expect(room.clients.known.state(CLAUDE)).toBe('revoked');
    expect(
      refused(room.clients.changeCeiling({ clientId: CLAUDE, scopes: ['read:market'], by: BY })).reason,
    ).toBe('invalid_input');
  });

  test('is as this version of the gateway pins it, whatever was stored when it was met', () => {
    room.clients.known.used(CLAUDE, HOST);
    const old = JSON.stringify({
      client_name: 'Claude',
      redirect_uris: ['https://old.example/cb'],
      token_endpoint_auth_method: 'none',
    });
    room.store.transaction(() => room.store.db.prepare('UPDATE oauth_clients SET metadata = ?').run(old));
    const now = ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'];
    expect(room.clients.known.payload(CLAUDE)?.redirect_uris).toEqual(now);
    // What the owner compares is what is answered.
    expect(room.clients.find(CLAUDE)?.metadata.redirect_uris).toEqual(now);
  });

  test('waits beside those that registered, and is never crowded out by them', () => {
    for (let network = 1; network <= 3; network++)
      for (let count = 0; count < 8; count++)
        room.registration.register(asked(), { address: `192.0.2.${network}`, userAgent: '' });
    expect(room.clients.pending()).toBe(20);
    for (const { url } of CLIENT_DOCUMENTS) room.clients.known.used(url, HOST);
    expect(room.clients.pending()).toBe(23);
  });

  test("its registration by name alone is another client: a name is nobody's", () => {
    const clientId = room.register({ client_name: 'Claude', client_id: CLAUDE });
    expect(clientId).toMatch(/^client_[0-9a-f]{32}$/);
    granted(room.clients.approve({ clientId, by: BY }));
    expect(room.clients.known.state(CLAUDE)).toBe('pending');
  });
});
