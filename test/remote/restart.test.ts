/** A gateway that is stopped and started in the middle of a connection: what goes on, and what must not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  approve,
  ask,
  authorization,
  callTool,
  codeIn,
  connect,
  exchange,
  refresh,
  register,
  resultOf,
  rpc,
  tokensOf,
} from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';

let at: RemoteGateway;
beforeEach(async () => {
  at = await openRemoteGateway();
});
afterEach(() => at.close());

const quotes = async (access: string): Promise<unknown> =>
  resultOf(await callTool(at, access, 'get_quotes', { symbols: ['SPX'] }));

test('goes on between registration, sign-in, consent, token, call and refresh', async () => {
  const registered = await register(at);
  const clientId = String(registered.body['client_id']);
  await at.restart();

  const asked = authorization(at, { clientId });
  const browser = at.browser();
  const waiting = await browser.open(asked.url);
  expect(waiting.status).toBe(403);
  await at.restart();

  approve(at, clientId);
  const signIn = await browser.send(waiting, browser.form(waiting, '/continue'));
  await at.restart();

  const { name, passphrase } = at.owner;
  const consent = await browser.send(signIn, browser.form(signIn, '/sign-in'), { name, passphrase });
  await at.restart();

  const { left } = await browser.send(consent, browser.form(consent, '/consent'));
  await at.restart();

  const first = tokensOf(await exchange(at, asked, codeIn(left ?? new URL('about:blank'))));
  await at.restart();

  expect(await quotes(first.access)).toMatchObject({ quotes: [{ symbol: 'SPX' }] });
  const second = tokensOf(await refresh(at, clientId, first.refresh));
  await at.restart();

  expect(await quotes(first.access)).toMatchObject({ quotes: [{ symbol: 'SPX' }] });
  expect(await quotes(second.access)).toMatchObject({ quotes: [{ symbol: 'SPX' }] });
});

test('off is off: no route, no token, and switched on again nothing of before lives', async () => {
  const held = await connect(at);
  const asked = authorization(at, { clientId: held.clientId });
  const code = codeIn(await at.browser().grant(asked.url));
  const { key } = at.test.key('on-this-machine');
  await at.restart({ MCP_HTTP_ENABLED: 'false' });

  for (const path of [
    '/oauth/authorize',
    '/oauth/jwks',
    '/authorize',
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration/mcp',
  ])
    expect((await ask(at, path)).status, path).toBe(404);
  for (const path of ['/oauth/token', '/oauth/register', '/oauth/revoke', '/token', '/register'])
    expect((await ask(at, path, { method: 'POST' })).status, path).toBe(404);
  const refused = await rpc(at, held.access, 'tools/list');
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).not.toContain('resource_metadata');
  expect(await quotes(key)).toMatchObject({ quotes: [{ symbol: 'SPX' }] });

  await at.restart();
  expect((await rpc(at, held.access, 'tools/list')).status).toBe(401);
  expect((await refresh(at, held.clientId, held.refresh)).body).toMatchObject({ error: 'invalid_grant' });
  expect((await exchange(at, asked, code)).body).toMatchObject({ error: 'invalid_grant' });
  expect(await quotes(key)).toMatchObject({ quotes: [{ symbol: 'SPX' }] });

  // The owner's decision on the client stands: connecting anew is enough.
  const anew = authorization(at, { clientId: held.clientId });
  const tokens = tokensOf(await exchange(at, anew, codeIn(await at.browser().grant(anew.url))));
  expect(await quotes(tokens.access)).toMatchObject({ quotes: [{ symbol: 'SPX' }] });
});
