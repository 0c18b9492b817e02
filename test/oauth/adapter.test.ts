/** What is kept for the library: found in its own epoch alone, by hash, used up once, and gone when it is dead. */
import type { Adapter } from 'oidc-provider';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agentId } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import {
  OAUTH_PURGE_INTERVAL_MS,
  OAUTH_PURGE_ROWS_MAX,
  REFRESH_TOKENS_FORGOTTEN_EVERY,
  REFRESH_TOKENS_KEPT_MAX,
} from '#limits.ts';
import { storeAdapter } from '#oauth/adapter.ts';
import { type Exchange, UsedMeanwhile } from '#oauth/exchange.ts';
import { payloadTable } from '#oauth/payload-table.ts';
import type { GrantEnding, RemoteGrant } from '#oauth/records.ts';
import { openStore, type Store } from '#store/open.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let store: Store;
let nowMs: number;
let exchange: Exchange;
let scopes: RemoteGrant['scopes'];
let isIssuable: boolean;
let ended: (readonly [string, GrantEnding])[];
let faults: unknown[];
let endFails: boolean;
const GRANT = 'grt_1';

beforeEach(() => {
  store = openStore(temporaryFolder());
  nowMs = Date.UTC(2026, 10, 21);
  exchange = begun('authorize', 1);
  scopes = ['read:market'];
  isIssuable = true;
  ended = [];
  faults = [];
  endFails = false;
});
afterEach(() => store.close());

function begun(endpoint: Exchange['endpoint'], epoch: number, grantType?: string): Exchange {
  const sender = { address: '203.0.113.7', userAgent: '' };
  return { endpoint, grantType, epoch, sender, network: '203.0.113.7', browser: 'b', writes: [] };
}
const grant = (): RemoteGrant => ({
  grantId: GRANT,
  clientId: 'c',
  agent: agentId('agt_1'),
  scopes,
  epoch: 1,
  steppedUpAtMs: null,
  createdAtMs: 0,
  expiresAtMs: nowMs + 86_400_000,
  lastUsedAtMs: null,
  ended: null,
});
function keeper(kind: string): Adapter {
  return storeAdapter({
    store,
    table: payloadTable(store),
    wallMs: () => nowMs,
    clients: { payload: () => undefined },
    crowd: { makeRoom: () => undefined },
    grants: {
      find: () => grant(),
      issuable: () => (isIssuable ? ok(grant()) : err(refuse('credential_revoked', 'over'))),
    },
    current: () => exchange,
    resumeUrl: (uid) => `https://gate.example/oauth/authorize/${uid}`,
    end(grantId, reason) {
      if (endFails) throw new Error('nothing can be written');
      ended.push([grantId, reason]);
    },
    onFault: (cause) => void faults.push(cause),
  })(kind);
}
const everything = (): string => JSON.stringify(store.db.prepare('SELECT * FROM oauth_payloads').all());
/** As the token endpoint does when all went well. */
const commit = (): void => store.transaction(() => exchange.writes.splice(0).forEach((write) => write()));

describe('what is kept', () => {
  test.each(['AuthorizationCode', 'RefreshToken', 'Session', 'Interaction'])(
    'of a %s is found by its secret, which is not kept',
    async (kind) => {
      await keeper(kind).upsert('the-secret', { jti: 'the-secret', kind, clientId: 'c' }, 60);
      expect(await keeper(kind).find('the-secret')).toMatchObject({ jti: 'the-secret', clientId: 'c' });
      expect(await keeper(kind).find('another')).toBeUndefined();
      expect(everything()).not.toContain('the-secret');
    },
  );

  test('of an interaction leaves out where it goes on and whose session it is, and tells the first when it is found', async () => {
    const payload = {
      returnTo: 'https://gate.example/oauth/authorize/the-secret',
      session: { accountId: 'owner', uid: 'u', cookie: 'the-cookie' },
    };
    await keeper('Interaction').upsert('the-secret', payload, 60);
    expect(everything()).not.toMatch(/the-secret|the-cookie/);
    const found = await keeper('Interaction').find('the-secret');
    expect(found?.returnTo).toBe(payload.returnTo);
    expect(found?.session).toEqual({ accountId: 'owner', uid: 'u' });
  });

  test('of a session is found by what is no secret, without the secret', async () => {
    await keeper('Session').upsert('the-secret', { jti: 'the-secret', uid: 'u', accountId: 'owner' }, 60);
    const found = await keeper('Session').findByUid('u');
    expect([found?.accountId, found?.jti]).toEqual(['owner', undefined]);
    expect(await keeper('Interaction').findByUid('u')).toBeUndefined();
  });

  test('is gone at its end, to the millisecond', async () => {
    await keeper('Session').upsert('s', { uid: 'u' }, 60);
    nowMs += 59_999;
    expect(await keeper('Session').find('s')).toBeDefined();
    nowMs += 1;
    expect([await keeper('Session').find('s'), await keeper('Session').findByUid('u')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('does not live longer by being written again', async () => {
    await keeper('Interaction').upsert('i', {}, 60);
    nowMs += 30_000;
    await keeper('Interaction').upsert('i', { result: { consent: { grantId: GRANT } } }, 60);
    nowMs += 29_999;
    expect((await keeper('Interaction').find('i'))?.result).toEqual({ consent: { grantId: GRANT } });
    nowMs += 1;
    expect(await keeper('Interaction').find('i')).toBeUndefined();
  });
});

describe('a kill', () => {
  test('leaves nothing of before to be found', async () => {
    const kinds = ['AuthorizationCode', 'RefreshToken', 'Session', 'Interaction', 'Grant'];
    for (const kind of kinds) await keeper(kind).upsert('x', { uid: kind }, 60);
    exchange = begun('authorize', 2);
    for (const kind of kinds) expect(await keeper(kind).find('x'), kind).toBeUndefined();
    expect(await keeper('Session').findByUid('Session')).toBeUndefined();
  });

  test('in the middle of a request leaves what that request still writes dead', async () => {
    const early = begun('token', 1);
    exchange = early;
    await keeper('RefreshToken').upsert('token', { grantId: GRANT }, 60);
    await keeper('Interaction').upsert('begun', {}, 60);
    commit();
    exchange = begun('authorize', 2);
    expect(await keeper('RefreshToken').find('token')).toBeUndefined();
    exchange = early;
    await keeper('Interaction').upsert('begun', { result: {} }, 60);
    commit();
    exchange = begun('authorize', 2);
    expect(await keeper('Interaction').find('begun')).toBeUndefined();
  });
});

describe('at the token endpoint', () => {
  test('nothing is written before all of it is', async () => {
    await keeper('RefreshToken').upsert('old', { grantId: GRANT }, 60);
    exchange = begun('token', 1, 'refresh_token');
    await keeper('RefreshToken').consume('old');
    await keeper('RefreshToken').upsert('new', { grantId: GRANT }, 60);
    expect((await keeper('RefreshToken').find('old'))?.consumed).toBeUndefined();
    expect(await keeper('RefreshToken').find('new')).toBeUndefined();
    nowMs += 1;
    commit();
    expect(await keeper('RefreshToken').find('new')).toBeDefined();
  });

  test('of two that use up the same code one succeeds, and the other leaves nothing', async () => {
    await keeper('AuthorizationCode').upsert('code', { grantId: GRANT }, 60);
    const two = [begun('token', 1, 'authorization_code'), begun('token', 1, 'authorization_code')];
    for (const [n, one] of two.entries()) {
      exchange = one;
      await keeper('AuthorizationCode').consume('code');
      await keeper('RefreshToken').upsert(`token-${n}`, { grantId: GRANT }, 60);
    }
    exchange = two[0] ?? exchange;
    commit();
    exchange = two[1] ?? exchange;
    expect(commit).toThrow(UsedMeanwhile);
    expect([
      await keeper('RefreshToken').find('token-0'),
      await keeper('RefreshToken').find('token-1'),
    ]).toEqual([expect.anything(), undefined]);
  });

  test('a used code has no minute of grace, whatever its grant may do', async () => {
    await keeper('AuthorizationCode').upsert('code', { grantId: GRANT }, 60);
    await keeper('AuthorizationCode').consume('code');
    expect((await keeper('AuthorizationCode').find('code'))?.consumed).toBe(true);
  });

  test.each([
    [['read:market'], 60_000, undefined],
    [['read:market'], 60_001, true],
    [['read:market', 'read:account'], 0, undefined],
    [['write:orders'], 0, true],
    [['read:market', 'write:orders'], 1, true],
  ] as const)(
    'a used refresh token of a grant for %j is, %i ms later, used: %j',
    async (granted, laterMs, used) => {
      scopes = granted;
      await keeper('RefreshToken').upsert('token', { grantId: GRANT, rotations: 0 }, 3_600);
      await keeper('RefreshToken').consume('token');
      nowMs += laterMs;
      expect((await keeper('RefreshToken').find('token'))?.consumed).toBe(used);
    },
  );

  test('what the library gives up is a grant, and why is told by where it gave it up', async () => {
    await keeper('RefreshToken').revokeByGrantId(GRANT);
    exchange = begun('token', 1, 'refresh_token');
    await keeper('RefreshToken').revokeByGrantId(GRANT);
    exchange = begun('token', 1, 'authorization_code');
    await keeper('AuthorizationCode').revokeByGrantId(GRANT);
    expect(ended).toEqual([
      [GRANT, 'token_revoked'],
      [GRANT, 'token_reused'],
      [GRANT, 'code_replayed'],
    ]);
  });
});

test.each([
  ['revoke', undefined, 'token_revoked'],
  ['token', 'refresh_token', 'token_reused'],
] as const)(
  'a token that is destroyed at the endpoint %s takes its grant with it, in one commit',
  async (...at) => {
    const [endpoint, grantType, reason] = at;
    await keeper('RefreshToken').upsert('token', { grantId: GRANT, rotations: 0 }, 3_600);
    exchange = begun(endpoint, 1, grantType);
    endFails = true;
    await expect(keeper('RefreshToken').destroy('token')).rejects.toThrow();
    expect(await keeper('RefreshToken').find('token'), 'neither of the two').toBeDefined();
    endFails = false;
    await keeper('RefreshToken').destroy('token');
    expect(ended).toEqual([[GRANT, reason]]);
    expect(await keeper('RefreshToken').find('token')).toBeUndefined();
  },
);

test('a client that renews without end fills no disk, and the tokens of its last thousands of renewals are known', async () => {
  const last = REFRESH_TOKENS_KEPT_MAX + 2 * REFRESH_TOKENS_FORGOTTEN_EVERY;
  exchange = begun('token', 1, 'refresh_token');
  await keeper('RefreshToken').upsert('of another', { grantId: 'grt_2' }, 3_600);
  for (let rotations = 0; rotations <= last; rotations++)
    await keeper('RefreshToken').upsert(`t${rotations}`, { grantId: GRANT, rotations }, 3_600);
  commit();
  const count = store.db.prepare('SELECT count(*) FROM oauth_payloads WHERE grant_id = ?').pluck();
  expect(count.get(GRANT)).toBe(REFRESH_TOKENS_KEPT_MAX + 1);
  expect(count.get('grt_2')).toBe(1);
  expect(await keeper('RefreshToken').find(`t${last - REFRESH_TOKENS_KEPT_MAX}`)).toBeDefined();
  expect(await keeper('RefreshToken').find(`t${last - REFRESH_TOKENS_KEPT_MAX - 1}`)).toBeUndefined();
});

test('a page that is over ends no grant', async () => {
  await keeper('Session').upsert('s', { grantId: GRANT }, 3_600);
  exchange = begun('resume', 1);
  await keeper('Session').destroy('s');
  expect(ended).toEqual([]);
});

test('a grant is there only while tokens may be made for it', async () => {
  await keeper('Grant').upsert(GRANT, { clientId: 'c', accountId: 'owner' }, 60);
  expect(await keeper('Grant').find(GRANT)).toMatchObject({ accountId: 'owner', jti: GRANT });
  isIssuable = false;
  expect(await keeper('Grant').find(GRANT)).toBeUndefined();
});

test('a store that takes nothing is told in the protocol’s own word, with nothing of the store', async () => {
  store.db.pragma('query_only = ON');
  const failed = await keeper('Interaction')
    .upsert('i', {}, 60)
    .catch((thrown: unknown) => thrown);
  store.db.pragma('query_only = OFF');
  expect(failed).toMatchObject({ error: 'temporarily_unavailable', statusCode: 503, expose: true });
  expect(JSON.stringify(failed)).not.toContain('SQLITE');
  expect(faults.length).toBe(1);
  expect(await keeper('Interaction').find('i')).toBeUndefined();
});

test('what is dead goes: expired, or of an earlier epoch; so many at once, and nothing that lives', async () => {
  await keeper('Session').upsert('expired', {}, 60);
  nowMs += 60_000;
  await keeper('Session').upsert('of-before', {}, 3_600);
  exchange = begun('authorize', 2);
  await keeper('Session').upsert('lives', {}, 3_600);
  const purge = (rowsMax: number): number =>
    store.transaction(() => payloadTable(store).purge({ epoch: 2, nowMs }, rowsMax));
  expect([purge(1), purge(OAUTH_PURGE_ROWS_MAX), purge(OAUTH_PURGE_ROWS_MAX)]).toEqual([1, 1, 0]);
  expect(await keeper('Session').find('lives')).toBeDefined();
  expect(OAUTH_PURGE_INTERVAL_MS).toBe(3_600_000);
});
