/** Access tokens at the resource server: what is no token of ours opens nothing, and what is one opens it for as long as its grant stands. */
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { dirname } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CLI, OWNER_CONSOLE, type Principal, type Scope } from '#domain/principal.ts';
import { ACCESS_TOKEN_LENGTH_MAX } from '#limits.ts';
import { openStore } from '#store/open.ts';
import { accessRoom, granted, refused } from '../support/access-room.ts';
import { clientRoom } from '../support/client-room.ts';
import {
  ACCESS_TTL_SECONDS,
  claimsOf,
  FROM_AFAR,
  type TokenClaims,
  type TokenRoom,
  tokenRoom,
} from '../support/tokens.ts';

const READS: readonly Scope[] = ['read:market', 'read:account'];
const ALL: readonly Scope[] = [...READS, 'write:orders'];

let room: TokenRoom;
let clientId: string;
let grantId: string;
function closed(): void {
  room.grants.close();
  room.close();
}
function opened(scopes: readonly Scope[] = ALL): void {
  room = tokenRoom(clientRoom(accessRoom()));
  clientId = room.register();
  granted(room.clients.approve({ clientId, agent: 'claude', scopes: ALL, by: OWNER_CONSOLE }));
  grantId = room.grant(clientId, scopes);
}
const claims = (over: TokenClaims = {}): TokenClaims => {
  const grant = room.grants.find(grantId);
  if (!grant) throw new Error('no grant');
  return { ...claimsOf(grant, room.access.wall()), ...over };
};
const base64url = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const whys = (): readonly unknown[] => room.events('auth.denied').map(({ detail }) => detail?.['why']);
function kill(): void {
  room.store.transaction(() => {
    room.access.setGatewayState('HALTED', 'kill switch');
    room.access.bumpEpoch();
  });
}

describe('a token of a live grant', () => {
  afterEach(closed);

  test('lets its client in as its agent, with the scopes of both', () => {
    opened();
    const who = granted(room.present(room.token(grantId, { scope: 'read:market write:orders email' })));
    expect(who).toMatchObject({
      kind: 'agent',
      agentName: 'claude',
      credential: room.clients.find(clientId)?.credential,
      grant: grantId,
      door: 'http',
      address: FROM_AFAR.address,
    });
    expect([...who.scopes]).toEqual(['read:market', 'write:orders']);
    expect(room.access.stillLive(who).ok).toBe(true);
  });
  test('says nothing of scopes: then it has none', () => {
    opened();
    expect(granted(room.present(room.token(grantId, { scope: undefined }))).scopes.size).toBe(0);
  });
  test('is looked up again only when something has changed, and notes its first call', () => {
    opened();
    room.present(room.token(grantId));
    const token = room.token(grantId);
    const first = granted(room.present(token));
    expect(granted(room.present(token))).toBe(first);
    granted(room.clients.changeCeiling({ clientId, scopes: READS, by: OWNER_CONSOLE }));
    expect(granted(room.present(token)).scopes).toEqual(new Set(READS));
    expect(room.noted).toContain('first_call: ok');
    expect(room.clients.find(clientId)?.lastUsedAtMs).toBe(room.access.wall());
  });
  test('is another caller from another address', () => {
    opened();
    const token = room.token(grantId);
    expect(granted(room.present(token)).address).toBe(FROM_AFAR.address);
    expect(granted(room.present(token, { door: 'http', address: '203.0.113.3' })).address).toBe(
      '203.0.113.3',
    );
  });
  test('verifies after the keys were rotated, until the old key is gone', () => {
    opened();
    const token = room.token(grantId, { exp: Math.floor(room.access.wall() / 1_000) + 3_600 });
    room.signing.rotate(OWNER_CLI);
    expect(room.present(token).ok).toBe(true);
    expect(room.present(room.token(grantId)).ok).toBe(true);
    for (let n = 0; n < 10; n++) room.signing.rotate(OWNER_CLI);
    expect(refused(room.present(token)).reason).toBe('unauthenticated');
    expect(whys()).toEqual(['unknown_key']);
  });
});

describe('what is no token of ours', () => {
  beforeAll(() => opened(READS));
  afterAll(closed);

  const other = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const kid = (): string => room.signing.jwks()[0]?.kid ?? '';
  const compact = (header: object, key: (content: string) => string): string => {
    const content = `${base64url(header)}.${base64url(claims())}`;
    return `${content}.${key(content)}`;
  };
  const publicPem = (): string =>
    createPublicKey({ key: { ...room.signing.jwks()[0] }, format: 'jwk' })
      .export({ type: 'spki', format: 'pem' })
      .toString();
  const FORGED: readonly (readonly [string, () => string, string])[] = [
    ['with no algorithm', () => compact({ alg: 'none', typ: 'at+jwt', kid: kid() }, () => ''), 'malformed'],
    [
      'with no algorithm, and something for a signature',
      () => compact({ alg: 'none', typ: 'at+jwt', kid: kid() }, () => 'AA'),
      'algorithm',
    ],
    [
      'signed with HMAC under our public key',
      () =>
        compact({ alg: 'HS256', typ: 'at+jwt', kid: kid() }, (content) =>
          createHmac('sha256', publicPem()).update(content).digest('base64url'),
        ),
      'algorithm',
    ],
    [
      'signed by somebody else under our kid',
      () =>
        compact({ alg: 'RS256', typ: 'at+jwt', kid: kid() }, (content) =>
          sign('sha256', Buffer.from(content), other.privateKey).toString('base64url'),
        ),
      'signature',
    ],
    [
      'with a key of its own in the header',
      () =>
        compact(
          { alg: 'RS256', typ: 'at+jwt', kid: 'mine', jwk: other.publicKey.export({ format: 'jwk' }) },
          (content) => sign('sha256', Buffer.from(content), other.privateKey).toString('base64url'),
        ),
      'unknown_key',
    ],
    ['that is an ID token', () => room.token(grantId, {}, { typ: 'JWT' }), 'type'],
    ['without a type', () => room.token(grantId, {}, { typ: undefined }), 'malformed'],
    [
      'with an extension to be understood',
      () => room.token(grantId, {}, { crit: ['b64'], b64: false }),
      'malformed',
    ],
    ['for somebody else', () => room.token(grantId, { aud: 'https://other.example/mcp' }), 'audience'],
    [
      'for us and somebody else',
      () => room.token(grantId, { aud: ['https://gate.example.com/mcp', 'https://other.example'] }),
      'claims',
    ],
    ['for our origin', () => room.token(grantId, { aud: 'https://gate.example.com' }), 'audience'],
    ['of another issuer', () => room.token(grantId, { iss: 'https://other.example' }), 'issuer'],
    ['of our issuer with a slash', () => room.token(grantId, { iss: 'https://gate.example.com/' }), 'issuer'],
    [
      'that lives longer than any of ours',
      () => room.token(grantId, { exp: Number(claims()['iat']) + 3_601 }),
      'lifetime',
    ],
    [
      'that ends before it begins',
      () => room.token(grantId, { iat: Number(claims()['exp']) + 1 }),
      'lifetime',
    ],
    ['without an end', () => room.token(grantId, { exp: undefined }), 'claims'],
    ['with an end in words', () => room.token(grantId, { exp: 'never' }), 'claims'],
    ['without a grant', () => room.token(grantId, { gid: undefined }), 'claims'],
    ['without an epoch', () => room.token(grantId, { ep: undefined }), 'claims'],
    ['of another client', () => room.token(grantId, { client_id: 'somebody' }), 'claims'],
    ['of another epoch than its grant', () => room.token(grantId, { ep: 2 }), 'claims'],
    ['cut short', () => room.token(grantId).slice(0, -8), 'signature'],
    ['in two parts', () => room.token(grantId).split('.').slice(0, 2).join('.'), 'malformed'],
    ['in five parts', () => `${room.token(grantId)}.AA.AA`, 'malformed'],
    [
      'that is longer than any',
      () => room.token(grantId, { more: 'x'.repeat(ACCESS_TOKEN_LENGTH_MAX) }),
      'malformed',
    ],
    ['that is not even one', () => 'hello', 'malformed'],
    ['with a header that is no JSON', () => `${base64url('{')}.${base64url(claims())}.AA`, 'malformed'],
  ];
  test.each(FORGED)('one %s', (_what, forge, why) => {
    // Apart in time, or the record would count them together.
    room.clock.advance(2_000);
    const refusal = refused(room.present(forge()));
    expect(refusal.reason).toBe('unauthenticated');
    expect(refusal.detail).toBe('This access token is not valid here, or no longer; connect again.');
    expect(whys().at(-1)).toBe(why);
  });
  test('with its claims written anew', () => {
    const [head, , signature] = room.token(grantId).split('.');
    const wider = base64url(claims({ scope: ALL.join(' ') }));
    expect(refused(room.present(`${head}.${wider}.${signature}`)).reason).toBe('unauthenticated');
  });
  test('is on the record without a word of it', () => {
    room.clock.advance(2_000);
    const token = room.token(grantId, { aud: 'https://other.example/mcp', jti: 'canary-of-a-token' });
    room.present(token);
    for (const part of token.split('.')) expect(room.everythingWritten()).not.toContain(part);
    expect(room.events('auth.denied').at(-1)).toMatchObject({
      credential: null,
      outcome: 'refused',
      detail: { reason: 'unauthenticated', why: 'audience', address: FROM_AFAR.address },
    });
  });
});

describe('a token that was good a moment ago is refused on the next call', () => {
  afterEach(closed);

  /** The token has just been let in, so that what is remembered of it is asked too. */
  function letIn(): { readonly token: string; readonly who: Principal } {
    opened();
    const token = room.token(grantId);
    room.present(token);
    return { token, who: granted(room.present(token)) };
  }
  const ENDS: readonly (readonly [string, () => void, string])[] = [
    ['its grant was ended', () => room.grants.end(grantId, 'owner', OWNER_CONSOLE), 'credential_revoked'],
    ['its client was revoked', () => room.clients.revoke(clientId, OWNER_CONSOLE), 'credential_revoked'],
    ['its client was deleted', () => room.clients.remove(clientId, OWNER_CONSOLE), 'credential_revoked'],
    ['everybody was disconnected', () => room.clients.disconnectAll(OWNER_CONSOLE), 'credential_revoked'],
    ['a token of it was used twice', () => room.grants.end(grantId, 'token_reused'), 'credential_revoked'],
    ['writing was switched off', () => room.grants.enable(READS), 'credential_revoked'],
    ['remote MCP was switched off', () => room.grants.enable([]), 'credential_revoked'],
    ['its agent was removed', removeAgent, 'credential_revoked'],
    ['its time was over', () => room.clock.advance(ACCESS_TTL_SECONDS * 1_000), 'unauthenticated'],
    ["its grant's time was over", () => room.clock.advance(3_600_000), 'unauthenticated'],
    ['the kill switch was thrown', kill, 'trading_halted'],
    [
      'the kill switch fell in memory alone',
      () => room.access.haltInMemory('the disk is full'),
      'trading_halted',
    ],
    ['another process threw the kill switch', killFromOutside, 'trading_halted'],
  ];
  function removeAgent(): void {
    room.store.db.pragma('foreign_keys = OFF');
    room.store.transaction(() => room.store.db.prepare(`DELETE FROM agents WHERE name = 'claude'`).run());
  }
  function killFromOutside(): void {
    const other = openStore(dirname(room.store.path));
    other.transaction(() => {
      other.db.exec(`UPDATE settings SET value = 'HALTED' WHERE name = 'trading_state'`);
      other.db.exec(`UPDATE settings SET value = value + 1 WHERE name = 'authority_epoch'`);
    });
    other.close();
    room.clock.advance(2);
  }
  test.each(ENDS)('after %s', (_what, end, reason) => {
    const { token, who } = letIn();
    end();
    expect(refused(room.present(token)).reason).toBe(reason);
    if (reason !== 'unauthenticated') expect(room.access.stillLive(who).ok).toBe(false);
    expect(room.noted.at(-1)).toBe(`first_call: ${reason}`);
  });
  test.each(ENDS.filter(([what]) => /kill|writing|remote MCP/.test(what)))(
    'after %s, and once it is undone as well',
    (_what, end) => {
      const { token } = letIn();
      end();
      room.store.transaction(() => room.access.setGatewayState('ACTIVE', 'resumed'));
      room.grants.enable(ALL);
      expect(refused(room.present(token)).reason).toBe('credential_revoked');
    },
  );
  test('while keys and the stdio door work again after the resume', () => {
    const { token } = letIn();
    const { key } = granted(room.access.keys.create({ agent: 'claude', scopes: READS, by: OWNER_CLI }));
    kill();
    expect(refused(room.access.keys.authenticate(key, FROM_AFAR)).reason).toBe('trading_halted');
    room.store.transaction(() => room.access.setGatewayState('ACTIVE', 'resumed'));
    expect(room.access.keys.authenticate(key, FROM_AFAR).ok).toBe(true);
    expect(room.access.localPrincipal().ok).toBe(true);
    expect(refused(room.present(token)).reason).toBe('credential_revoked');
  });
  test('and a clock that is set back brings no expired one back', () => {
    const { token } = letIn();
    room.clock.advance(ACCESS_TTL_SECONDS * 1_000);
    expect(room.present(token).ok).toBe(false);
    room.clock.setWall(room.clock.wallMs() - 86_400_000);
    expect(room.present(token).ok).toBe(false);
    expect(whys().at(-1)).toBe('expired');
  });
});

describe('who was let in', () => {
  afterEach(closed);

  test('is no longer live with a scope that was taken away since, and comes back with what is left', () => {
    opened();
    const token = room.token(grantId);
    const who = granted(room.present(token));
    granted(room.clients.changeCeiling({ clientId, scopes: READS, by: OWNER_CONSOLE }));
    expect(refused(room.access.stillLive(who))).toMatchObject({ reason: 'insufficient_scope' });
    const again = granted(room.present(token));
    expect(again.scopes).toEqual(new Set(READS));
    expect(room.access.stillLive(again).ok).toBe(true);
  });
  test('outlives the token that let it in, and not its grant: what waits for the owner waits longer', () => {
    opened();
    const who = granted(room.present(room.token(grantId)));
    room.clock.advance(ACCESS_TTL_SECONDS * 1_000 + 1);
    expect(room.access.stillLive(who).ok).toBe(true);
    room.clock.advance(3_600_000);
    expect(refused(room.access.stillLive(who)).reason).toBe('credential_revoked');
  });
  test('is nobody where no token is checked: another process, remote MCP off', () => {
    opened();
    const who = granted(room.present(room.token(grantId)));
    const elsewhere = room.restart();
    expect(refused(elsewhere.access.stillLive(who)).reason).toBe('credential_revoked');
    expect(refused(elsewhere.access.remote.authenticate('e30.e30.AA', FROM_AFAR)).reason).toBe(
      'unauthenticated',
    );
    elsewhere.close();
    room = tokenRoom(clientRoom(accessRoom()));
  });
  test('is not whoever says so: the grant is of one client and one agent', () => {
    opened();
    const who = granted(room.present(room.token(grantId)));
    for (const other of [{ credential: 'client_0' }, { agent: 'agt_0' as typeof who.agent }, { grant: 'x' }])
      expect(room.access.stillLive({ ...who, ...other }).ok).toBe(false);
    const { grant: _, ...without } = who;
    expect(refused(room.access.stillLive(without)).reason).toBe('credential_revoked');
  });
});
