/** Codes and tokens at the endpoint that deals in them: each good once, for whom it was made, for as long as its grant stands. */
import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { ask, CALLBACK, callTool, exchange, postForm, refresh, tokensOf } from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';
import { coded, errorIn, granted, grantOf, jwtIn, makeClient } from '../support/remote-grants.ts';

let at: RemoteGateway;
let clock: HandClock;
beforeAll(async () => {
  clock = handClock();
  at = await openRemoteGateway({ clock, settings: { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' } });
});
afterAll(() => at.close());

/** The time of day alone: nothing that a day's worth of timers would do is needed here. */
const later = (ms: number): void => clock.setWall(clock.wallMs() + ms);
const calls = async (access: string): Promise<number> =>
  (await callTool(at, access, 'get_quotes', { symbols: ['SPX'] })).status;
const recorded = (kind: string): readonly Record<string, unknown>[] =>
  at.gateway.store.db
    .prepare('SELECT line FROM audit WHERE kind = ? ORDER BY seq')
    .pluck()
    .all(kind)
    .map((line) => (JSON.parse(String(line)) as { detail: Record<string, unknown> }).detail);
const refreshRows = (clientId: string): number =>
  Number(
    at.gateway.store.db
      .prepare("SELECT count(*) FROM oauth_payloads WHERE kind = 'RefreshToken' AND client_id = ?")
      .pluck()
      .get(clientId),
  );

describe('an access token', () => {
  test('is a JWT of ours for this resource alone, that names its grant and its epoch', async () => {
    const { access, clientId, scope, expiresInSeconds } = await granted(at, ['read:market']);
    const { header, claims } = jwtIn(access);
    expect(header).toMatchObject({ alg: 'RS256', typ: 'at+jwt' });
    expect(claims).toEqual({
      iss: at.issuer,
      aud: at.resource,
      sub: 'owner',
      client_id: clientId,
      scope: 'read:market',
      gid: grantOf(at, clientId).grantId,
      ep: at.gateway.access.epoch(),
      jti: expect.any(String) as string,
      iat: Math.floor(clock.wallMs() / 1_000),
      exp: Math.floor(clock.wallMs() / 1_000) + 900,
    });
    expect([scope, expiresInSeconds]).toEqual(['read:market', 900]);
    const { keys } = (await ask(at, '/oauth/jwks')).body as { keys: readonly Record<string, string>[] };
    const key = keys.find(({ kid }) => kid === header['kid']);
    const [head, body, signature] = access.split('.') as [string, string, string];
    const publicKey = createPublicKey({ key: key ?? {}, format: 'jwk' });
    expect(
      verify('sha256', Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, 'base64url')),
    ).toBe(true);
    expect(await calls(access)).toBe(200);
  });

  test('lives no longer than what the owner consented to', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId, ['read:market'], { expiryDays: '1' });
    const first = tokensOf(await exchange(at, asked, code));
    later(86_400_000 - 600_000);
    const second = tokensOf(await refresh(at, clientId, first.refresh));
    expect(second.expiresInSeconds).toBeLessThanOrEqual(600);
    expect(second.expiresInSeconds).toBeGreaterThan(0);
    later(600_000);
    expect(errorIn(await refresh(at, clientId, second.refresh))).toBe('400 invalid_grant');
    expect(await calls(second.access)).toBe(401);
  });
});

test('another signing key signs from its first moment on, and what the one before signed is as good as it was', async () => {
  const { access, clientId, refresh: token } = await granted(at);
  const rotated = at.gateway.console.remote.signing?.rotate(OWNER_CLI);
  const next = tokensOf(await refresh(at, clientId, token));
  expect(jwtIn(next.access).header['kid']).toBe(rotated?.kid);
  expect(jwtIn(access).header['kid']).not.toBe(rotated?.kid);
  expect([await calls(access), await calls(next.access)]).toEqual([200, 200]);
  const { keys } = (await ask(at, '/oauth/jwks')).body as { keys: readonly { kid: string }[] };
  expect(keys.map(({ kid }) => kid)).toContain(jwtIn(access).header['kid']);
});

describe('a code', () => {
  test('that comes twice kills what it had bought', async () => {
    const { asked, code, access, refresh: token, clientId } = await granted(at);
    expect(await calls(access)).toBe(200);
    expect(errorIn(await exchange(at, asked, code))).toBe('400 invalid_grant');
    expect(await calls(access)).toBe(401);
    expect(errorIn(await refresh(at, clientId, token))).toBe('400 invalid_grant');
    expect(grantOf(at, clientId).ended?.reason).toBe('code_replayed');
    expect(recorded('oauth.token_reuse').at(-1)).toMatchObject({ reason: 'code_replayed' });
  });

  test('that comes many times at once buys at most one pair of tokens, and that is dead', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    const answers = await Promise.all(Array.from({ length: 6 }, () => exchange(at, asked, code)));
    const bought = answers.filter(({ status }) => status === 200);
    expect(bought.length).toBeLessThanOrEqual(1);
    for (const answer of answers)
      if (answer.status !== 200) expect(errorIn(answer)).toBe('400 invalid_grant');
    for (const answer of bought) expect(await calls(tokensOf(answer).access)).toBe(401);
    expect(grantOf(at, clientId).ended?.reason).toBe('code_replayed');
    expect(refreshRows(clientId)).toBe(0);
  });

  test('is for its client, its address and its verifier; a wrong guess uses nothing up', async () => {
    const { clientId } = makeClient(at);
    const other = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    const wrong = [
      { client_id: other.clientId },
      { redirect_uri: `${CALLBACK}/` },
      { redirect_uri: undefined },
      { code_verifier: 'x'.repeat(43) },
      { code_verifier: undefined },
      { code: `${code}x` },
      { code: undefined },
      { resource: 'https://elsewhere.example/mcp' },
    ];
    const errors: string[] = [];
    for (const over of wrong) errors.push(errorIn(await exchange(at, asked, code, over)));
    expect(errors).toEqual([
      '400 invalid_grant',
      '400 invalid_grant',
      '400 invalid_request',
      '400 invalid_grant',
      '400 invalid_grant',
      '400 invalid_grant',
      '400 invalid_request',
      '400 invalid_target',
    ]);
    expect((await exchange(at, asked, code)).status).toBe(200);
  });

  test('dies after its time', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    later(60_000);
    expect(errorIn(await exchange(at, asked, code))).toBe('400 invalid_grant');
  });

  test('of before a kill opens nothing, after the gateway has resumed neither', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    const { access, refresh: token, clientId: another } = await granted(at);
    await at.gateway.trading.owner.kill({ cancel: 'none', flatten: false });
    const halted = await exchange(at, asked, code);
    expect(errorIn(halted)).toBe('400 invalid_grant');
    expect(halted.body['error_description']).toContain('stopped');
    expect(await calls(access)).toBe(401);
    at.gateway.trading.owner.resume();
    expect(errorIn(await exchange(at, asked, code))).toBe('400 invalid_grant');
    expect(errorIn(await refresh(at, another, token))).toBe('400 invalid_grant');
    expect(await calls(access)).toBe(401);
  });
});

describe('a refresh token', () => {
  test('is good once: each brings another', async () => {
    const { clientId, refresh: first } = await granted(at, ['read:market', 'write:orders']);
    const second = tokensOf(await refresh(at, clientId, first));
    expect(second.refresh).not.toBe(first);
    const third = tokensOf(await refresh(at, clientId, second.refresh));
    expect(await calls(third.access)).toBe(200);
  });

  test('of a grant that can write: used a second time, at once or later, it ends the grant', async () => {
    const { clientId, refresh: first } = await granted(at, ['read:market', 'write:orders']);
    const second = tokensOf(await refresh(at, clientId, first));
    expect(errorIn(await refresh(at, clientId, first))).toBe('400 invalid_grant');
    expect(await calls(second.access)).toBe(401);
    expect(errorIn(await refresh(at, clientId, second.refresh))).toBe('400 invalid_grant');
    expect(grantOf(at, clientId).ended?.reason).toBe('token_reused');
    expect(recorded('oauth.token_reuse').at(-1)).toMatchObject({ reason: 'token_reused' });
  });

  test('of a grant that can write, twice at the same moment: at most one wins, and the grant ends', async () => {
    const { clientId, refresh: first } = await granted(at, ['read:market', 'write:orders']);
    const answers = await Promise.all(Array.from({ length: 4 }, () => refresh(at, clientId, first)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    expect(grantOf(at, clientId).ended?.reason).toBe('token_reused');
  });

  test('of a grant that only reads is shared by processes of one client for a minute', async () => {
    const { clientId, refresh: first } = await granted(at);
    const answers = await Promise.all(Array.from({ length: 3 }, () => refresh(at, clientId, first)));
    const siblings = answers.map(tokensOf);
    expect(new Set(siblings.map(({ refresh: token }) => token)).size).toBe(3);
    later(60_000);
    const late = tokensOf(await refresh(at, clientId, first));
    for (const { access } of [...siblings, late]) expect(await calls(access)).toBe(200);
  });

  test('of a grant that only reads, a moment after that minute, ends the grant', async () => {
    const { clientId, refresh: first } = await granted(at);
    const second = tokensOf(await refresh(at, clientId, first));
    later(60_001);
    expect(errorIn(await refresh(at, clientId, first))).toBe('400 invalid_grant');
    expect(await calls(second.access)).toBe(401);
    expect(grantOf(at, clientId).ended?.reason).toBe('token_reused');
  });

  test('whose child was used already has no minute: only the immediate parent does', async () => {
    const { clientId, refresh: first } = await granted(at);
    const second = tokensOf(await refresh(at, clientId, first));
    const third = tokensOf(await refresh(at, clientId, second.refresh));
    tokensOf(await refresh(at, clientId, second.refresh));
    expect(errorIn(await refresh(at, clientId, first))).toBe('400 invalid_grant');
    expect(await calls(third.access)).toBe(401);
    expect(grantOf(at, clientId).ended?.reason).toBe('token_reused');
  });

  test('is not used up by a request that is refused', async () => {
    const { clientId, refresh: token } = await granted(at);
    const other = makeClient(at);
    const wrong = [
      { scope: 'read:market write:orders' },
      { scope: 'read:market admin' },
      { scope: 'read:market"' },
      { resource: 'https://elsewhere.example/mcp' },
      { resource: `${at.issuer}/` },
      { client_id: other.clientId },
      { grant_type: 'password' },
      { grant_type: undefined },
    ];
    const errors: string[] = [];
    for (const over of wrong) errors.push(errorIn(await refresh(at, clientId, token, over)));
    expect(errors).toEqual([
      '400 invalid_scope',
      '400 invalid_scope',
      '400 invalid_scope',
      '400 invalid_target',
      '400 invalid_target',
      '400 invalid_grant',
      '400 unsupported_grant_type',
      '400 invalid_request',
    ]);
    later(120_000);
    const { scope } = tokensOf(await refresh(at, clientId, token));
    expect(scope).toBe('read:market');
  });

  test('may ask for less, and the next one still brings all', async () => {
    const { clientId, refresh: first } = await granted(at, ['read:market', 'read:account']);
    const less = tokensOf(await refresh(at, clientId, first, { scope: 'read:account' }));
    expect(less.scope).toBe('read:account');
    expect(jwtIn(less.access).claims['scope']).toBe('read:account');
    expect(tokensOf(await refresh(at, clientId, less.refresh)).scope).toBe('read:market read:account');
  });

  test('takes the resource with a slash at the end, and without naming it', async () => {
    const { clientId, refresh: first } = await granted(at);
    const second = tokensOf(await refresh(at, clientId, first, { resource: `${at.resource}/` }));
    const third = tokensOf(await refresh(at, clientId, second.refresh, { resource: undefined }));
    expect(jwtIn(third.access).claims['aud']).toBe(at.resource);
  });

  test('that nobody made is refused, and told from no other', async () => {
    const { clientId } = makeClient(at);
    const bogus = await refresh(at, clientId, 'x'.repeat(43));
    const { clientId: ended, refresh: token } = await granted(at);
    at.gateway.clients.revoke(ended, OWNER_CLI);
    const dead = await refresh(at, ended, token);
    expect([errorIn(bogus), bogus.text]).toEqual([errorIn(dead), dead.text]);
    expect(errorIn(bogus)).toBe('400 invalid_grant');
  });
});

describe('a client with a secret', () => {
  test('shows it in the header or in the form, and is nobody without it', async () => {
    const { clientId, secret = '' } = makeClient(at, { confidential: true });
    const { asked, code } = await coded(at, clientId);
    const basic = (shown: string) => ({
      authorization: `Basic ${Buffer.from(`${clientId}:${shown}`).toString('base64')}`,
    });
    const refused = [
      await exchange(at, asked, code),
      await exchange(at, asked, code, { client_secret: `${secret}x` }),
      await exchange(at, asked, code, {}, basic('wrong')),
    ];
    expect(refused.map(errorIn)).toEqual(['401 invalid_client', '401 invalid_client', '401 invalid_client']);
    expect(refused[2]?.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    const { refresh: token } = tokensOf(
      await exchange(at, asked, code, { client_id: undefined }, basic(secret)),
    );
    expect((await refresh(at, clientId, token, { client_secret: secret })).status).toBe(200);
  });

  test('can not be taken for one by a public client, nor by a client that nobody knows', async () => {
    const open = makeClient(at);
    const { asked, code } = await coded(at, open.clientId);
    expect(errorIn(await exchange(at, asked, code, { client_secret: 'x' }))).toBe('401 invalid_client');
    expect(errorIn(await exchange(at, asked, code, { client_id: 'nobody' }))).toBe('401 invalid_client');
  });
});

describe('revoking', () => {
  const revoke = (clientId: string, token: string) =>
    postForm(at, '/oauth/revoke', { client_id: clientId, token });

  test('a refresh token ends its grant, access tokens with it', async () => {
    const { clientId, refresh: token, access } = await granted(at);
    expect((await revoke(clientId, token)).status).toBe(200);
    expect(await calls(access)).toBe(401);
    expect(errorIn(await refresh(at, clientId, token))).toBe('400 invalid_grant');
    expect(grantOf(at, clientId).ended?.reason).toBe('token_revoked');
  });

  test('is for the client of the token alone; others are told nothing', async () => {
    const { clientId, refresh: token, access } = await granted(at);
    const other = makeClient(at);
    expect((await revoke(other.clientId, token)).status).toBe(200);
    expect((await revoke(clientId, 'bogus')).status).toBe(200);
    expect(await calls(access)).toBe(200);
    expect(errorIn(await revoke(clientId, access))).toBe('400 unsupported_token_type');
  });
});

describe('when the store can not write', () => {
  const broken = async <T>(work: () => Promise<T>): Promise<T> => {
    at.gateway.store.db.pragma('query_only = ON');
    try {
      return await work();
    } finally {
      at.gateway.store.db.pragma('query_only = OFF');
    }
  };

  test('no token is issued, and what was presented is as good as before', async () => {
    const { clientId } = makeClient(at);
    const { asked, code } = await coded(at, clientId);
    const failed = await broken(() => exchange(at, asked, code));
    expect(errorIn(failed)).toBe('503 temporarily_unavailable');
    expect(failed.text).not.toMatch(/access_token|SQLITE|oops/i);
    const { refresh: token } = tokensOf(await exchange(at, asked, code));
    expect(errorIn(await broken(() => refresh(at, clientId, token)))).toBe('503 temporarily_unavailable');
    later(120_000);
    expect((await refresh(at, clientId, token)).status).toBe(200);
    expect(at.logged().join('')).toContain('The database can not be written now');
  });
});

test('what is granted now follows the switches: a scope that is off is in no new token', async () => {
  const { clientId, refresh: token } = await granted(at, ['read:market', 'read:account']);
  at.gateway.clients.changeCeiling({ clientId, scopes: ['read:market'], by: OWNER_CLI });
  const narrowed = tokensOf(await refresh(at, clientId, token));
  expect(narrowed.scope).toBe('read:market');
  // Given back to the client, it is the next consent's to give.
  at.gateway.clients.changeCeiling({ clientId, scopes: ['read:market', 'read:account'], by: OWNER_CLI });
  expect(tokensOf(await refresh(at, clientId, narrowed.refresh)).scope).toBe('read:market');
});

test('neither the log nor the record nor the database holds a code, a token or a verifier', async () => {
  const { asked, code, access, refresh: token, clientId } = await granted(at);
  const next = tokensOf(await refresh(at, clientId, token));
  await exchange(at, asked, code);
  await refresh(at, clientId, next.refresh);
  const db = at.gateway.store.db;
  const kept = ['oauth_payloads', 'audit', 'oauth_grants', 'oauth_progress', 'oauth_clients']
    .map((table) => JSON.stringify(db.prepare(`SELECT * FROM ${table}`).all()))
    .join('');
  const everything = kept + at.logged().join('');
  for (const secret of [code, access, token, next.access, next.refresh, asked.verifier])
    expect(everything).not.toContain(secret);
  expect(everything).toContain(clientId);
});
