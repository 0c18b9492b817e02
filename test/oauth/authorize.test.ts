/** From the request for authorization to its code: who may ask at all, what stands in between each time, and where nobody is sent. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { INTERACTION_TTL_SECONDS, INTERACTIONS_MAX, INTERACTIONS_PER_NETWORK_MAX } from '#limits.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import type { OwnerBrowser, Page } from '../support/owner-browserless.ts';
import {
  approve,
  authorization,
  CALLBACK,
  codeIn,
  exchange,
  register,
  tokensOf,
} from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';
import { coded, errorIn, makeClient } from '../support/remote-grants.ts';

let at: RemoteGateway;
let clock: HandClock;
const HOWS = ['warn', 'info', 'error', 'log'] as const;
const printed: unknown[] = [];
const printing = HOWS.map((how) => ({ how, really: console[how] }));
beforeAll(async () => {
  for (const { how, really } of printing)
    console[how] = (...words: unknown[]) => {
      printed.push(words);
      really(...words);
    };
  clock = handClock();
  at = await openRemoteGateway({ clock });
});
afterAll(async () => {
  for (const { how, really } of printing) console[how] = really;
  await at.close();
});

const later = (ms: number): void => clock.setWall(clock.wallMs() + ms);
/** RFC 6749, 4.2.2.1: who asked for a token is answered behind the `#`. */
const answered = ({ left }: Page): Record<string, string> =>
  Object.fromEntries([...(left?.searchParams ?? []), ...new URLSearchParams(left?.hash.slice(1))]);
const open = (clientId: string, over: Readonly<Record<string, string | undefined>> = {}): Promise<Page> =>
  at.browser().open(authorization(at, { clientId, over }).url);
const rows = (kind: string): number =>
  Number(at.gateway.store.db.prepare('SELECT count(*) FROM oauth_payloads WHERE kind = ?').pluck().get(kind));
const broken = async <T>(work: () => Promise<T>): Promise<T> => {
  at.gateway.store.db.pragma('query_only = ON');
  try {
    return await work();
  } finally {
    at.gateway.store.db.pragma('query_only = OFF');
  }
};
const promptsHeld = (): readonly unknown[] =>
  at.gateway.store.db
    .prepare(
      `SELECT payload ->> '$.prompt.name' FROM oauth_payloads WHERE kind = 'Interaction' ORDER BY expires_at`,
    )
    .pluck()
    .all();
let waiting: string | undefined;
/** Registered by itself, not approved. */
async function pending(): Promise<string> {
  waiting ??= String((await register(at)).body['client_id']);
  return waiting;
}

describe('a client that nobody has approved', () => {
  test.each([
    { prompt: 'none' },
    { response_type: 'token' },
    { response_type: 'code id_token' },
    { code_challenge: undefined, code_challenge_method: undefined },
    { code_challenge_method: 'plain' },
    { resource: 'https://elsewhere.example/mcp' },
    { prompt: 'none login' },
    { request: 'x' },
    { request_uri: 'https://elsewhere.example/r' },
    { registration: '{}' },
    { response_mode: 'form_post' },
    { response_mode: 'fragment' },
  ])('leads nobody to its address by %j', async (over) => {
    const page = await open(await pending(), over);
    expect(page.left).toBeUndefined();
    expect(page.status).toBe(403);
    expect(page.html).not.toContain(CALLBACK);
    expect(page.words).toContain('unauthorized_client');
  });

  test('waits on a page of ours, and ends there as hosts expect when the person wants to go back', async () => {
    const browser = at.browser();
    const asked = authorization(at, { clientId: await pending() });
    const page = await browser.open(asked.url);
    expect([page.status, new URL(page.url).pathname.startsWith('/oauth/interaction/')]).toEqual([403, true]);
    // Not the page of sign-in with something before it: nothing that is sent there signs anybody in.
    expect(promptsHeld().at(-1)).toBe('approval');
    const back = await browser.send(page, browser.form(page, '/back'));
    expect(back.left?.href.startsWith(`${CALLBACK}?`)).toBe(true);
    expect(answered(back)).toMatchObject({
      error: 'unauthorized_client',
      state: asked.state,
      iss: at.issuer,
    });
  });

  test('goes on in the same request once it is approved', async () => {
    const clientId = String((await register(at)).body['client_id']);
    const browser = at.browser();
    const asked = authorization(at, { clientId });
    const page = await browser.open(asked.url);
    approve(at, clientId);
    const resumed = await browser.send(page, browser.form(page, '/continue'));
    const left = await browser.grant(resumed, { scopes: ['read:market'] });
    expect(left.searchParams.get('state')).toBe(asked.state);
    expect((await exchange(at, asked, codeIn(left))).status).toBe(200);
  });

  test('whose approval was taken back meanwhile gets no code for what was begun', async () => {
    const { clientId } = makeClient(at);
    const browser = at.browser();
    const page = await browser.open(authorization(at, { clientId }).url);
    at.gateway.clients.revoke(clientId, OWNER_CLI);
    const before = rows('AuthorizationCode');
    const ended = await browser.walk(page, { scopes: ['read:market'] });
    expect(ended.left).toBeUndefined();
    expect(rows('AuthorizationCode')).toBe(before);
    expect(at.gateway.clients.grants({ clientId, limit: 10 })).toEqual([]);
  });
});

describe('what is wrong with a request of an approved client', () => {
  test.each([
    [{ prompt: 'none' }, 'login_required'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ resource: 'https://elsewhere.example/mcp' }, 'invalid_target'],
    [{ request: 'x' }, 'request_not_supported'],
    [{ request_uri: 'https://elsewhere.example/r' }, 'request_uri_not_supported'],
    [{ registration: '{}' }, 'registration_not_supported'],
    [{ response_mode: 'form_post' }, 'unsupported_response_mode'],
    [{ response_mode: 'fragment' }, 'unsupported_response_mode'],
  ])('by %j is told to it, with its state and our name', async (over, error) => {
    const asked = authorization(at, { clientId: makeClient(at).clientId, over });
    const page = await at.browser().open(asked.url);
    expect(answered(page)).toMatchObject({ error, state: asked.state, iss: at.issuer });
  });

  test.each([
    [{ redirect_uri: 'https://evil.example/cb' }, 400],
    [{ redirect_uri: `${CALLBACK}/` }, 400],
    [{ redirect_uri: `${CALLBACK}?x=1` }, 400],
    [{ redirect_uri: `${CALLBACK}%2f..%2fevil` }, 400],
    [{ redirect_uri: undefined }, 400],
    [{ client_id: undefined }, 400],
    [{ client_id: 'nobody' }, 400],
    [{ client_id: 'https://evil.example/metadata.json' }, 400],
  ])('by %j is told to the person alone', async (over, status) => {
    const page = await open(makeClient(at).clientId, over);
    expect([page.left, page.status]).toEqual([undefined, status]);
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  test('is told to nobody else when an address stands there twice', async () => {
    const { url } = authorization(at, { clientId: makeClient(at).clientId });
    const page = await at.browser().open(`${url}&redirect_uri=https%3A%2F%2Fevil.example%2Fcb`);
    expect([page.left, page.status]).toEqual([undefined, 400]);
  });
});

describe('each request', () => {
  test('asks for sign-in and consent anew, and makes a grant of its own', async () => {
    const { clientId } = makeClient(at);
    const browser: OwnerBrowser = at.browser();
    for (const round of [1, 2]) {
      const asked = authorization(at, { clientId });
      const page = await browser.open(asked.url);
      expect(
        page.forms.some(({ action }) => action.endsWith('/sign-in')),
        `round ${round}`,
      ).toBe(true);
      const left = await browser.grant(page, { scopes: ['read:market'] });
      tokensOf(await exchange(at, asked, codeIn(left)));
    }
    expect(at.gateway.clients.grants({ clientId, live: true, limit: 10 }).length).toBe(2);
  });

  test('belongs to the browser that began it', async () => {
    const { clientId } = makeClient(at);
    const browser = at.browser();
    const page = await browser.open(authorization(at, { clientId }).url);
    const uid = new URL(page.url).pathname.split('/').at(-1) ?? '';
    const another = at.browser();
    expect((await another.open(page.url)).status).toBe(404);
    const stolen = await another.open(`${at.issuer}/oauth/authorize/${uid}`);
    expect([stolen.left, stolen.status]).toEqual([undefined, 400]);
    // Two of one browser: the cookie of one is not taken at the other's page.
    const second = await browser.open(authorization(at, { clientId }).url);
    const mine = browser.cookies(second.url);
    const crossed = await at.fetch(page.url, { headers: { cookie: mine } });
    expect(crossed.status).toBe(404);
    expect((await browser.open(page.url)).status).toBe(200);
  });

  test('can not be finished past its pages', async () => {
    const browser = at.browser();
    const page = await browser.open(authorization(at, { clientId: makeClient(at).clientId }).url);
    const uid = new URL(page.url).pathname.split('/').at(-1) ?? '';
    const past = await browser.open(`${at.issuer}/oauth/authorize/${uid}`);
    expect(past.left).toBeUndefined();
    expect(past.forms.some(({ action }) => action.endsWith('/sign-in'))).toBe(true);
  });

  test('waits for an hour', async () => {
    const browser = at.browser();
    const page = await browser.open(authorization(at, { clientId: makeClient(at).clientId }).url);
    later(INTERACTION_TTL_SECONDS * 1_000);
    expect((await browser.open(page.url)).status).toBe(404);
  });

  test('that is denied ends with access_denied', async () => {
    const asked = authorization(at, { clientId: makeClient(at).clientId });
    const page = await at.browser().walk(asked.url, { deny: true });
    expect(answered(page)).toMatchObject({ error: 'access_denied', state: asked.state, iss: at.issuer });
  });
});

describe('while the gate is down', () => {
  test('nobody begins and nobody goes on, and what was begun is over afterwards', async () => {
    const { clientId } = makeClient(at);
    const browser = at.browser();
    const page = await browser.open(authorization(at, { clientId }).url);
    const uid = new URL(page.url).pathname.split('/').at(-1) ?? '';
    await at.gateway.trading.owner.kill({ cancel: 'none', flatten: false });
    const begun = await open(clientId);
    const resumed = await browser.open(`${at.issuer}/oauth/authorize/${uid}`);
    for (const refused of [begun, resumed, await browser.open(page.url)]) {
      expect(refused.left).toBeUndefined();
      expect([404, 503]).toContain(refused.status);
    }
    expect(begun.status).toBe(503);
    at.gateway.trading.owner.resume();
    expect((await browser.open(page.url)).status).toBe(404);
    expect((await open(clientId)).status).toBe(200);
  });
});

describe('many that begin and never come back', () => {
  const fill = (count: number, clientId: string, payload: object): void =>
    at.gateway.store.transaction(() => {
      const insert = at.gateway.store.db.prepare(
        `INSERT INTO oauth_payloads (kind, id, payload, client_id, address, epoch, expires_at)
         VALUES ('Interaction', ?, ?, ?, 'elsewhere', ?, ?)`,
      );
      const until = clock.wallMs() + 1_000;
      for (let n = 0; n < count; n++)
        insert.run(`${clientId}-${n}`, JSON.stringify(payload), clientId, at.gateway.access.epoch(), until);
    });

  test('from one network fill that network’s part, and their time ends it', async () => {
    later(INTERACTION_TTL_SECONDS * 1_000);
    const { clientId } = makeClient(at);
    const opened: number[] = [];
    for (let n = 0; n <= INTERACTIONS_PER_NETWORK_MAX; n++) opened.push((await open(clientId)).status);
    expect(opened.filter((status) => status === 200).length).toBe(INTERACTIONS_PER_NETWORK_MAX);
    expect(opened.at(-1)).toBe(503);
    later(INTERACTION_TTL_SECONDS * 1_000);
    expect((await open(clientId)).status).toBe(200);
  });

  test('from everywhere fill all there is, and no more rows than that', async () => {
    later(INTERACTION_TTL_SECONDS * 1_000);
    const { clientId } = makeClient(at);
    fill(INTERACTIONS_MAX, clientId, {});
    const before = rows('Interaction');
    expect((await open(clientId)).status).toBe(200);
    expect(rows('Interaction')).toBe(before);
  });

  test('and are all signed in leave no room, until their time ends', async () => {
    later(INTERACTION_TTL_SECONDS * 1_000);
    const { clientId } = makeClient(at);
    fill(INTERACTIONS_MAX, clientId, { lastSubmission: { login: { accountId: 'owner' } } });
    const before = rows('Interaction');
    const page = await open(clientId);
    expect([page.status, page.left]).toEqual([503, undefined]);
    expect(rows('Interaction')).toBe(before);
    later(1_000);
    expect((await open(clientId)).status).toBe(200);
  });
});

test('a store that takes nothing ends a request without a code, in the protocol’s words and nobody else’s', async () => {
  const { clientId } = makeClient(at);
  const asked = authorization(at, { clientId });
  const page = await broken(() => at.browser().open(asked.url));
  expect(answered(page)).toMatchObject({
    error: 'temporarily_unavailable',
    state: asked.state,
    iss: at.issuer,
  });
  const unapproved = await broken(async () => open(waiting ?? ''));
  expect(unapproved.left).toBeUndefined();
  for (const { html, left } of [page, unapproved])
    expect(html + (left?.href ?? '')).not.toMatch(/SQLITE|oops/i);
});

test('the library prints nothing', async () => {
  const { asked, code } = await coded(at, makeClient(at).clientId);
  expect(errorIn(await exchange(at, asked, code))).toBe('200 undefined');
  expect(printed).toEqual([]);
});
