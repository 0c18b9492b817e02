/** Strangers in crowds, and strangers' words: what they cost in rows and lines, and where what they wrote may stand. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CONNECTION_ADDRESSES_MAX, OAUTH_REFUSALS_TOLD_PER_HOUR } from '#limits.ts';
import { comeFromElsewhere, forgetAll, openAttacked, raw, rows } from '../support/authorize-attack.ts';
import { recorded } from '../support/consent-scene.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import {
  ask,
  authorization,
  CALLBACK,
  deskOf,
  exchange,
  form,
  pkce,
  postForm,
  refresh,
  register,
} from '../support/remote-flow.ts';
import type { RemoteGateway } from '../support/remote-gateway.ts';
import { makeClient } from '../support/remote-grants.ts';

const FORM = 'application/x-www-form-urlencoded';

let at: RemoteGateway;
let clock: HandClock;
beforeAll(async () => {
  clock = handClock(Date.now());
  at = await openAttacked({ LOG_LEVEL: 'trace' }, clock);
});
afterAll(() => at.close());
beforeEach(() => comeFromElsewhere(at));

const count = (table: string): number => {
  at.gateway.audit.flush();
  return Number(at.gateway.store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
};
const recordText = (): string => {
  at.gateway.audit.flush();
  return at.gateway.store.db.prepare('SELECT line FROM audit').pluck().all().join('\n');
};

test('row flooding: requests that get nothing leave no row and, however long it goes on, few lines', async () => {
  const { clientId } = makeClient(at);
  const tables = ['oauth_payloads', 'oauth_clients', 'oauth_grants', 'agents'];
  const before = tables.map(count);
  const lines = count('audit');
  const CROWD = 120;
  for (let n = 0; n < CROWD; n++) {
    const from = { 'x-forwarded-for': `203.0.113.${n}` };
    const nobody = form({ client_id: `client_${String(n).padStart(32, '0')}`, response_type: 'code' });
    expect((await raw(at, `/oauth/authorize?${nobody.toString()}`, from)).status).toBe(400);
    const evil = form({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: `https://evil.example/${n}`,
    });
    expect((await raw(at, `/oauth/authorize?${evil.toString()}`, from)).status).toBe(400);
    for (const path of ['/oauth/token', '/oauth/revoke'])
      expect((await raw(at, path, { ...from, 'content-type': FORM }, 'POST')).status).toBe(400);
    clock.advance(1_500);
  }
  expect(tables.map(count)).toEqual(before);
  // For nobody and for the client that was named: each may fill its part of an hour, and no more.
  expect(count('audit') - lines).toBeLessThanOrEqual(2 * OAUTH_REFUSALS_TOLD_PER_HOUR);
  clock.advance(3_600_000);
  const told = recorded(at, 'oauth.refused').map(({ detail }) => detail as { count?: number; more?: number });
  const sum = told.reduce((all, { count: same = 1, more = 0 }) => all + Math.max(same, more), 0);
  expect(sum).toBeGreaterThanOrEqual(4 * CROWD - 10);
  const strangers = "SELECT count(DISTINCT subject) FROM oauth_progress WHERE subject LIKE 'address:%'";
  expect(Number(at.gateway.store.db.prepare(strangers).pluck().get())).toBeLessThanOrEqual(
    CONNECTION_ADDRESSES_MAX,
  );
});

test('row flooding: requests that wait count against who began them, whichever client they name; those of approved ones apart', async () => {
  forgetAll(at);
  const { body } = await register(at);
  const clients = [
    String(body['client_id']),
    makeClient(at).clientId,
    'https://chatgpt.com/oauth/client.json',
  ];
  const redirects = [CALLBACK, CALLBACK, 'https://chatgpt.com/connector_platform_oauth_redirect'];
  const statuses = new Map<number, number>();
  for (let n = 0; n < 60; n++) {
    const [clientId = '', redirectUri = ''] = [clients[n % 3], redirects[n % 3]];
    const { status, headers } = await ask(at, authorization(at, { clientId, redirectUri }).url);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 503) expect(headers.get('location')).toBeNull();
  }
  expect(statuses).toEqual(
    new Map([
      [303, 30 + 20],
      [503, 10],
    ]),
  );
  expect(rows(at)).toBe(50);
  for (let n = 20; n < 40; n++) {
    const { status } = await ask(at, authorization(at, { clientId: clients[1] ?? '' }).url);
    expect(status).toBe(n < 30 ? 303 : 503);
  }
  expect(rows(at)).toBe(60);
  // Somebody else is not held up.
  comeFromElsewhere(at);
  expect((await ask(at, authorization(at, { clientId: clients[1] ?? '' }).url)).status).toBe(303);
  forgetAll(at);
});

test('who begins with the id of a client and never signs in has not used it', async () => {
  const { clientId } = makeClient(at);
  const used = () => deskOf(at).find(clientId)?.lastUsedAtMs;
  const before = used();
  expect((await ask(at, authorization(at, { clientId }).url)).status).toBe(303);
  clock.advance(120_000);
  expect((await ask(at, authorization(at, { clientId }).url)).status).toBe(303);
  expect(used()).toBe(before);
  forgetAll(at);
});

describe('log injection', () => {
  const INJECTED = 'iNJeCTeD\r\n{"level":60,"msg":"iNJeCTeD"}\u001b[2J\u202e<img src=x onerror=alert(1)>';

  test('what a stranger writes in any field stands in no log line, no record and no page as it was written', async () => {
    const { clientId } = makeClient(at);
    const names = [
      'client_id',
      'redirect_uri',
      'response_type',
      'response_mode',
      'scope',
      'state',
      'code_challenge',
      'code_challenge_method',
      'prompt',
      'resource',
      'request',
      'request_uri',
      'registration',
      INJECTED,
    ];
    for (const name of names) {
      const answer = await ask(at, authorization(at, { clientId, over: { [name]: INJECTED } }).url);
      expect(answer.text).not.toContain('iNJeCTeD');
      const location = answer.headers.get('location') ?? '';
      if (name === 'state') expect(location).toMatch(/^\/oauth\/interaction\//);
      else expect(location).not.toContain('iNJeCTeD');
    }
    const fields = [
      'grant_type',
      'code',
      'redirect_uri',
      'client_id',
      'client_secret',
      'code_verifier',
      'resource',
      'scope',
      'token',
      'token_type_hint',
      INJECTED,
    ];
    for (const name of fields) {
      const { verifier } = pkce();
      const answers = [
        await exchange(at, { clientId, redirectUri: CALLBACK, verifier }, 'x', { [name]: INJECTED }),
        await refresh(at, clientId, 'x', { [name]: INJECTED }),
        await postForm(at, '/oauth/revoke', { client_id: clientId, token: 'x', [name]: INJECTED }),
      ];
      for (const { text } of answers) expect(text).not.toContain('iNJeCTeD');
    }
    for (const { text } of [
      await register(at, { client_name: 7, redirect_uris: [INJECTED] }),
      await register(at, { grant_types: [INJECTED], [INJECTED]: INJECTED }),
    ])
      expect(text).not.toContain('iNJeCTeD');
    for (const path of ['/oauth/authorize/', '/oauth/interaction/', '/.well-known/', '/oauth/static/'])
      expect((await raw(at, path + encodeURIComponent(INJECTED))).text).not.toContain('iNJeCTeD');
    expect(recordText()).not.toContain('iNJeCTeD');
    for (const line of at.logged()) {
      expect(() => JSON.parse(line)).not.toThrow();
      expect(line.trimEnd()).not.toContain('\n');
      expect(line).not.toContain('\u001b');
      if (!line.includes('/oauth/') && !line.includes('/.well-known/'))
        expect(line).not.toContain('iNJeCTeD');
    }
  });

  test('the name and the program of a client stand there as one plain line', async () => {
    const userAgent = 'Agent\u00a0/1 \u009b2J';
    const { body } = await register(
      at,
      { client_name: 'Nice\r\n\u001b[31mred\u202e <b>bold</b> "quoted"' },
      { 'user-agent': userAgent },
    );
    const client = deskOf(at).find(String(body['client_id']));
    expect(client?.metadata.client_name).toMatch(/^[\x20-\x7e]+$/);
    expect(client?.userAgent).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const page = await at.browser().open(authorization(at, { clientId: client?.clientId ?? '' }).url);
    expect(page.html).not.toContain('<b>bold');
    expect(page.html).toContain('&lt;b&gt;bold');
  });
});

test('the keys that anybody may read hold no private part, and no answer says what runs here', async () => {
  const { body, headers } = await ask(at, '/oauth/jwks');
  const keys = body['keys'] as readonly Record<string, unknown>[];
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) expect(Object.keys(key).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  for (const name of ['server', 'x-powered-by', 'via']) expect(headers.get(name)).toBeNull();
});
