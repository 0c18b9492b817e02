/** What a registration takes, what it drops and what it refuses: RFC 7591 as far as it serves, and nothing of a client's own choosing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RegistrationAnswer } from '#oauth/registration.ts';
import { asked, type ClientRoom, clientRoom, STRANGER } from '../support/client-room.ts';

let room: ClientRoom;
beforeEach(() => {
  room = clientRoom();
});
afterEach(() => room.close());

const from = { address: STRANGER, userAgent: 'python-httpx/0.27' };
const send = (body: unknown) => room.registration.register(body, from);
function answer(over: Readonly<Record<string, unknown>> = {}): RegistrationAnswer {
  const result = send(asked(over));
  if (!result.ok) throw new Error(result.error.description);
  return result.value;
}
function refusal(body: unknown): readonly [string, string] {
  const result = send(body);
  if (result.ok) throw new Error('it was registered');
  expect(result.error.status).toBe(400);
  // RFC 6749, section 5.2: printable ASCII without quotes and backslashes.
  expect(result.error.description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  expect(room.clients.list()).toEqual([]);
  return [result.error.error, result.error.description];
}

describe('a registration is answered', () => {
  test('with what was registered, without a null and without what was dropped', () => {
    const given = answer({
      logo_uri: 'https://evil.example/x.svg',
      tos_uri: null,
      contacts: ['a@b.example'],
      jwks: { keys: [] },
    });
    expect(given).toEqual({
      client_id: expect.stringMatching(/^client_[0-9a-f]{32}$/),
      client_id_issued_at: Math.floor(room.clock.wallMs() / 1_000),
      client_name: 'Claude',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    });
    expect(JSON.stringify(given)).not.toContain('null');
  });

  test('with a secret that never expires where the client can keep one, basic being meant when it says nothing', () => {
    for (const method of ['client_secret_post', 'client_secret_basic', undefined, null]) {
      const given = answer({ token_endpoint_auth_method: method });
      expect(given.token_endpoint_auth_method).toBe(method ?? 'client_secret_basic');
      expect(given).toMatchObject({
        client_secret: expect.stringMatching(/^[\w-]{43}$/),
        client_secret_expires_at: 0,
      });
    }
  });

  test('with the grant types that there are, whatever else was named', () => {
    const given = answer({
      grant_types: [
        'authorization_code',
        'implicit',
        'urn:ietf:params:oauth:grant-type:device_code',
        'password',
      ],
      response_types: ['code', 'token', 'id_token'],
    });
    expect(given.grant_types).toEqual(['authorization_code', 'refresh_token']);
    expect(given.response_types).toEqual(['code']);
  });

  test('with scopes that are known and enabled; one that names only others named none', () => {
    expect(answer({ scope: 'read:market claudeai offline_access' }).scope).toBe('read:market');
    expect(answer({ scope: 'openid' })).not.toHaveProperty('scope');
    room.grants.enable(['read:market', 'read:account']);
    const readOnly = answer({ scope: 'write:orders read:account' });
    expect(readOnly.scope).toBe('read:account');
    // Switching it on later gives nothing to who asked before.
    room.grants.enable(['read:market', 'read:account', 'write:orders']);
    expect(room.clients.known.ceiling(readOnly.client_id)).toEqual(['read:account']);
  });

  test('twice for two clients: registering the same again is another client', () => {
    expect(answer().client_id).not.toBe(answer().client_id);
  });
});

describe("nothing of a client's own choosing is taken", () => {
  test('a forged id, secret or time in the body is dropped', () => {
    const forged = {
      client_id: 'client_00000000000000000000000000000000',
      client_secret: 'chosen-by-the-client',
      client_secret_expires_at: 1,
      client_id_issued_at: 1,
      registration_access_token: 'x',
      state: 'approved',
      ceiling: 'write:orders',
      agent_id: 'agt_0',
    };
    const given = answer(forged);
    expect(given.client_id).not.toBe(forged.client_id);
    expect(given).not.toHaveProperty('client_secret');
    expect(room.clients.find(given.client_id)).toMatchObject({ state: 'pending', agent: null, ceiling: [] });
    expect(room.everythingWritten()).not.toContain('chosen-by-the-client');
    expect(answer({ ...forged, token_endpoint_auth_method: 'client_secret_post' }).client_secret).not.toBe(
      forged.client_secret,
    );
  });

  test('nor what would make it another kind of client', () => {
    const given = answer({
      application_type: 'web',
      require_pushed_authorization_requests: true,
      jwks_uri: 'http://169.254.169.254/',
      sector_identifier_uri: 'http://127.0.0.1:7800/',
      request_uris: ['http://127.0.0.1/'],
      software_statement: 'eyJhbGciOiJub25lIn0.e30.',
      __proto__: { polluted: true },
      constructor: { prototype: {} },
    });
    expect(room.clients.known.payload(given.client_id)).toEqual({
      client_id: given.client_id,
      client_name: 'Claude',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    });
  });
});

describe('the name of a client', () => {
  test.each([
    ['is stripped of what steers or hides', 'Cl\u202eau\u200bde\u0007 \u001b[31mred\ufeff', 'Claude red'],
    ['is one line', 'Claude\r\n\t  approved by owner', 'Claude approved by owner'],
    ['is bounded', 'x'.repeat(5_000), 'x'.repeat(80)],
    ['stays in its own script', 'Клод 🤖', 'Клод 🤖'],
    ['is the host where none is given', '', 'claude.ai'],
    ['is the host where nothing of it can be shown', '\u200b\u2060\u00ad', 'claude.ai'],
    ['is the host where it is only blanks and signs', '\u2800 \u3164 --', 'claude.ai'],
    ['is not half a character at its end', `${'x'.repeat(79)}😀`, 'x'.repeat(79)],
  ])('%s', (_what, given, shown) => {
    const { client_id: id, client_name: name } = answer({ client_name: given });
    expect(name).toBe(shown);
    expect(room.clients.find(id)?.metadata.client_name).toBe(shown);
    expect(JSON.stringify(room.events('oauth.registered'))).not.toMatch(/[\u202e\u200b]/);
  });

  test('gives a new agent a name that a terminal can show', () => {
    const names = [
      'Claude Code (work)',
      'Клод',
      'Ünïcödé Bot',
      '--rm -rf /',
      '../../etc',
      'x'.repeat(80),
    ].map((client_name) => {
      const { client_id: clientId } = answer({ client_name });
      const approved = room.clients.approve({
        clientId,
        by: { kind: 'owner', credential: 'owner', door: 'cli' },
      });
      return approved.ok ? approved.value.agent?.name : approved.error.detail;
    });
    expect(names).toEqual([
      'claude-code-work',
      'remote-client',
      'unicode-bot',
      'rm--rf',
      'etc',
      'x'.repeat(40),
    ]);
  });
});

describe('a registration is refused', () => {
  test.each([
    ['no object', []],
    ['null', null],
    ['a text', 'redirect_uris'],
    ['nothing', undefined],
  ])('when it is %s', (_what, body) => {
    expect(refusal(body)[0]).toBe('invalid_client_metadata');
  });

  test.each([
    ['absent', undefined],
    ['null', null],
    ['empty', []],
    ['a text', 'https://client.example/cb'],
    ['eleven', Array.from({ length: 11 }, (_, n) => `https://client.example/${n}`)],
    ['no texts', [1, {}]],
    ['nested', [['https://client.example/cb']]],
  ])('when its redirect URIs are %s', (_what, redirect_uris) => {
    expect(refusal(asked({ redirect_uris }))).toEqual([
      'invalid_redirect_uri',
      'redirect_uris must be a list of 1 to 10 addresses.',
    ]);
  });

  test('when one of its redirect URIs is not one, in a sentence that repeats nothing of it', () => {
    const [error, description] = refusal(
      asked({ redirect_uris: ['https://client.example/cb', 'javascript:alert("x")'] }),
    );
    expect(error).toBe('invalid_redirect_uri');
    expect(description).not.toContain('alert');
  });

  test.each(['private_key_jwt', 'client_secret_jwt', 'tls_client_auth', 'NONE', '', 7, ['none']])(
    'when it would prove itself by %j',
    (method) => {
      expect(refusal(asked({ token_endpoint_auth_method: method }))).toEqual([
        'invalid_client_metadata',
        'token_endpoint_auth_method must be one of none, client_secret_basic, client_secret_post.',
      ]);
    },
  );

  test.each([
    ['grant_types', ['client_credentials']],
    ['grant_types', ['refresh_token']],
    ['grant_types', []],
    ['grant_types', 'authorization_code'],
    ['response_types', ['token']],
    ['response_types', ['code id_token']],
    ['scope', ['read:market']],
    ['client_name', { toString: 'x' }],
  ])('when %s is %j', (field, value) => {
    const [error, description] = refusal(asked({ [field]: value }));
    expect(error).toBe('invalid_client_metadata');
    expect(description).toContain(field);
  });

  test('while the gateway is halted, and is on the record as everything that is refused', () => {
    room.store.transaction(() => room.access.setGatewayState('HALTED', 'kill'));
    const result = send(asked());
    expect(result).toMatchObject({ ok: false, error: { status: 503, error: 'temporarily_unavailable' } });
    expect(room.clients.list()).toEqual([]);
    expect(room.events('oauth.registration_refused')).toMatchObject([
      { outcome: 'refused', detail: { reason: 'temporarily_unavailable', address: STRANGER } },
    ]);
  });
});
