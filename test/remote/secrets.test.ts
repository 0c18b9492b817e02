/** Nothing that opens anything is in a log line, on the record, in the database or in an error: canaries through whole connections. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import {
  type Answer,
  approve,
  ask,
  authorization,
  CALLBACK,
  callTool,
  codeIn,
  deskOf,
  exchange,
  type Parameters,
  postForm,
  refresh,
  register,
  rpc,
  tokensOf,
} from '../support/remote-flow.ts';
import { later, openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';

const ALL = ['read:market', 'read:account', 'write:orders'] as const;

const TOTP_STEP_MS = 30_000;

let at: RemoteGateway;
afterEach(() => at.close());

interface Told {
  /** What nobody may find, and what it is. */
  readonly secrets: Map<string, string>;
  /** What was answered to mistakes. */
  readonly errors: string[];
  /** Of the authenticator: six digits, so looked for where they stand alone: hashes have such digits too. */
  readonly codes: string[];
}

/** A host's whole connection, with every mistake that it or its person could make on the way. */
async function session(clientId: string, secret: string | undefined, told: Told): Promise<void> {
  const { secrets, errors } = told;
  const proof: Parameters = { client_secret: secret };
  const keep = (what: string, ...more: readonly (string | undefined)[]): void => {
    for (const one of more) if (one !== undefined && one !== '') secrets.set(one, what);
  };
  const wrong = async (answering: Promise<Answer>): Promise<void> => {
    const answer = await answering;
    expect(answer.status).toBeGreaterThanOrEqual(400);
    errors.push(answer.text, JSON.stringify([...answer.headers]));
  };
  const asked = authorization(at, { clientId, scope: ALL.join(' ') });
  keep('verifier', asked.verifier);
  keep('state', asked.state);
  keep('client secret', secret);

  const browser = at.browser();
  const cookies = (): void => {
    for (const cookie of browser.cookies(`${at.issuer}/oauth/interaction/x`).split('; '))
      keep('cookie', cookie.slice(cookie.indexOf('=') + 1));
  };
  const { name, passphrase } = at.owner;
  const signIn = await browser.open(asked.url);
  const mistyped = 'canary passphrase in the wrong field';
  keep('passphrase', passphrase, mistyped);
  const again = await browser.send(signIn, browser.form(signIn, '/sign-in'), { name: mistyped, passphrase });
  // The name is shown again to whoever typed it; the passphrase is not.
  errors.push(again.html.replaceAll(mistyped, ''));
  cookies();
  const consent = await browser.send(again, browser.form(again, '/sign-in'), { name, passphrase });
  const without = await browser.send(consent, browser.form(consent, '/consent'), {
    scopes: ALL,
    code: '000000',
  });
  expect(without.status).toBeGreaterThanOrEqual(400);
  const typed = at.owner.code();
  told.codes.push(typed);
  cookies();
  for (const { value, type } of browser.form(without, '/consent').fields)
    if (type === 'hidden' && value.length >= 16) keep('form token', value);
  const code = codeIn(await browser.grant(without, { scopes: ALL, code: typed }));
  cookies();
  keep('code', code);

  await wrong(exchange(at, asked, code, { ...proof, code_verifier: `${asked.verifier}x` }));
  const fresh = authorization(at, { clientId });
  keep('verifier', fresh.verifier);
  keep('state', fresh.state);
  const second = codeIn(await at.browser().grant(fresh.url));
  keep('code', second);
  const tokens = tokensOf(await exchange(at, fresh, second, proof));
  keep('access token', tokens.access, tokens.access.split('.')[2]);
  keep('refresh token', tokens.refresh);
  expect((await callTool(at, tokens.access, 'get_quotes', { symbols: ['SPX'] })).status).toBe(200);
  await wrong(ask(at, `/mcp?access_token=${tokens.access}`, { method: 'POST', body: '{}' }));
  await wrong(ask(at, '/api/v1/accounts', { headers: { authorization: `Bearer ${tokens.access}` } }));
  await wrong(rpc(at, `${tokens.access}x`, 'tools/list'));
  await wrong(rpc(at, tokens.refresh, 'tools/list'));
  await wrong(refresh(at, clientId, `${tokens.refresh}x`, proof));
  await wrong(refresh(at, tokens.refresh, clientId, proof));
  await wrong(
    postForm(at, `/oauth/token?refresh_token=${tokens.refresh}`, { client_id: clientId, ...proof }),
  );
  await wrong(exchange(at, fresh, tokens.refresh, { ...proof, redirect_uri: `${CALLBACK}?${second}` }));
  const renewed = tokensOf(await refresh(at, clientId, tokens.refresh, proof));
  keep('access token', renewed.access);
  keep('refresh token', renewed.refresh);
  await wrong(exchange(at, fresh, second, proof));
  await postForm(at, '/oauth/revoke', { token: renewed.refresh, client_id: clientId, ...proof });
  if (secret !== undefined) await wrong(refresh(at, clientId, renewed.refresh, { client_secret: 'guessed' }));
}

/** All rows of all tables as text. */
const rowsOf = (db: RemoteGateway['gateway']['store']['db']): string =>
  db
    .prepare<[], { name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'`)
    .all()
    .map(({ name }) => JSON.stringify(db.prepare(`SELECT * FROM "${name}"`).all()))
    .join('\n');

test('whole connections of clients with and without a secret leave none of it anywhere', async () => {
  at = await openRemoteGateway({
    settings: { LOG_LEVEL: 'trace', MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' },
    totp: ['remote_write'],
  });
  const told: Told = { secrets: new Map(), errors: [], codes: [] };

  const plain = await register(at);
  const withSecret = await register(at, { token_endpoint_auth_method: 'client_secret_post' });
  const made = deskOf(at).createStatic({
    name: 'Static',
    redirectUris: [CALLBACK],
    agent: 'static',
    scopes: ALL,
    confidential: true,
    by: OWNER_CLI,
  });
  if (!made.ok) throw new Error(made.error.detail);
  const clients: readonly (readonly [string, string | undefined])[] = [
    [String(plain.body['client_id']), undefined],
    [String(withSecret.body['client_id']), String(withSecret.body['client_secret'])],
    [made.value.client.clientId, made.value.secret ?? undefined],
  ];
  for (const [clientId, secret] of clients) {
    if (deskOf(at).find(clientId)?.state === 'pending') approve(at, clientId, { scopes: ALL });
    await session(clientId, secret, told);
    // So that there is another code to type.
    later(TOTP_STEP_MS);
  }
  await at.restart();

  const { store, config } = at.gateway;
  at.gateway.audit.flush();
  store.db.pragma('wal_checkpoint(TRUNCATE)');
  const places: Readonly<Record<string, string>> = {
    'a log line': at.logged().join('\n'),
    'the record': readFileSync(join(config.LOG_DIR, 'audit.jsonl'), 'utf8'),
    'an error': told.errors.join('\n'),
    'the database': rowsOf(store.db),
    'the file of the database': readFileSync(store.path, 'latin1'),
  };
  expect(told.secrets.size).toBeGreaterThan(30);
  expect(at.logged().length).toBeGreaterThan(50);
  const found = Object.entries(places).flatMap(([place, text]) =>
    [...told.secrets].flatMap(([secret, what]) => {
      const forms = [secret, Buffer.from(secret).toString('base64url'), encodeURIComponent(secret)];
      return forms.some((form) => text.includes(form)) ? [`${place} holds a ${what}`] : [];
    }),
  );
  for (const [place, text] of Object.entries(places).slice(0, 4))
    for (const code of told.codes)
      expect(text, place).not.toMatch(new RegExp(`(?<![\\w-])${code}(?![\\w-])`));
  // A host's state stands in the row of a request while that is open: its pages may not have been written over yet.
  expect([...new Set(found)].filter((leak) => leak !== 'the file of the database holds a state')).toEqual([]);
});
