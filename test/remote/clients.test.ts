/** Four hosts that share no line of code, from the first 401 to the last. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { CONNECTION_STEPS } from '#oauth/records.ts';
import { mcpRemoteHost } from '../support/mcp-remote-host.ts';
import { currentSdkHost, olderSdkHost, type RemoteHost, scriptHost } from '../support/remote-clients.ts';
import { approve, callTool, deskOf, type Reach, refresh, rpc } from '../support/remote-flow.ts';
import {
  later,
  openRemoteGateway,
  type RemoteGateway,
  type RemoteGatewayOptions,
} from '../support/remote-gateway.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { VISITOR } from '../support/tls-front.ts';

const ACCESS_TTL_MS = 900_000;

const onLoopback: RemoteGatewayOptions = {};
const outside: RemoteGatewayOptions = { host: 'mcp.example.test' };
const HOSTS: readonly (readonly [string, RemoteGatewayOptions, (at: Reach) => RemoteHost])[] = [
  ['the current SDK', onLoopback, currentSdkHost],
  ['the current SDK on the public host', outside, currentSdkHost],
  ['the older SDK', onLoopback, olderSdkHost],
  ['the older SDK on the public host', outside, olderSdkHost],
  ['mcp-remote', onLoopback, (at) => mcpRemoteHost(at, temporaryFolder())],
  ['a script on oauth4webapi on the public host', outside, scriptHost],
];

/** What the owner is shown of a connection that is complete, in its order. */
const WENT_WELL = CONNECTION_STEPS.map((step) => [step, step === 'challenge' ? 'unauthenticated' : 'ok']);

let at: RemoteGateway;
afterEach(() => at.close());

describe.each(HOSTS)('%s', (_name, where, host) => {
  test('waits for the owner, is approved, calls, refreshes, and is out once it is revoked', async () => {
    at = await openRemoteGateway(where);
    const it = host(at);
    onTestFinished(() => it.close());

    // Nobody has approved it: the page stays open, and the host is told as hosts expect.
    const person = at.browser();
    const waiting = await person.open(await it.begin());
    expect(waiting.status).toBe(403);
    expect(waiting.html).toContain('/admin/remote-mcp');
    expect((await at.browser().open(waiting.url)).words).not.toContain('Test Host');
    const [client, ...others] = deskOf(at).list();
    expect(others).toEqual([]);
    const address = where.host === undefined ? '127.0.0.1' : VISITOR;
    expect(client).toMatchObject({ kind: 'registered', state: 'pending', agent: null, address });
    const clientId = client?.clientId ?? '';
    const { left = new URL('about:blank') } = await person.send(waiting, person.form(waiting, '/back'));
    expect(left.searchParams.get('iss')).toBe(at.issuer);
    await expect(it.comesBack(left)).rejects.toThrow(/unauthorized_client/);

    approve(at, clientId);
    await it.comesBack(await person.grant(await it.begin()));
    const tools = await it.tools();
    expect(tools).toContain('get_quotes');
    expect(tools).not.toContain('place_order');
    expect(await it.call('get_quotes', { symbols: ['SPX'] })).toMatchObject({ quotes: [{ symbol: 'SPX' }] });

    const early = it.tokens();
    later(ACCESS_TTL_MS + 1_000);
    expect((await rpc(at, early.access, 'tools/list')).status).toBe(401);
    expect(await it.call('list_accounts', {})).toMatchObject({ accounts: [{ id: 'paper' }] });
    const late = it.tokens();
    expect(late.access).not.toBe(early.access);
    expect(late.refresh).not.toBe(early.refresh);
    const came = at.gateway.connections.of(clientId);
    expect(came?.steps.map(({ step, lastOutcome }) => [step, lastOutcome])).toEqual(WENT_WELL);

    expect(deskOf(at).revoke(clientId, OWNER_CLI).ok).toBe(true);
    await expect(it.call('get_quotes', { symbols: ['SPX'] })).rejects.toThrow();
    const refused = await callTool(at, late.access, 'get_quotes', { symbols: ['SPX'] });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await refresh(at, clientId, late.refresh)).body).toMatchObject({ error: 'invalid_grant' });
    expect(
      deskOf(at)
        .list()
        .filter(({ state }) => state === 'pending'),
    ).toEqual([]);
  });
});

// The script keeps what it registered, whatever becomes of it.
describe.each(HOSTS.slice(0, -1))('%s', (_name, where, host) => {
  test('begins anew by itself once the owner has deleted it', async () => {
    at = await openRemoteGateway(where);
    const it = host(at);
    onTestFinished(() => it.close());
    const first = (await it.begin()).searchParams.get('client_id') ?? '';
    approve(at, first);
    await it.comesBack(await at.browser().grant(await it.begin()));
    expect(await it.call('get_quotes', { symbols: ['SPX'] })).toMatchObject({ quotes: [{ symbol: 'SPX' }] });
    expect(deskOf(at).remove(first, OWNER_CLI).ok).toBe(true);
    await waitsAgain(it, first);
  });
});

test('mcp-remote looks first whether it is still known; deleted while it waited, it is another client at its next start', async () => {
  at = await openRemoteGateway();
  const home = temporaryFolder();
  const it = mcpRemoteHost(at, home);
  onTestFinished(() => it.close());
  const first = (await it.begin()).searchParams.get('client_id') ?? '';
  expect(deskOf(at).remove(first, OWNER_CLI).ok).toBe(true);
  // It registers anew at once, and then believes that its sign-in is under way.
  const stuck = it.begin().catch((cause: unknown) => cause);
  await expect.poll(() => deskOf(at).pending()).toBe(1);
  await expect.poll(() => everythingIn(home)).toContain(deskOf(at).list()[0]?.clientId ?? first);
  await waitsAgain(it, first);
  expect(String(await stuck)).toMatch(/closed/i);
});

const everythingIn = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');

/** As another client, which waits for the owner. */
async function waitsAgain(it: RemoteHost, first: string): Promise<void> {
  expect((await at.browser().open(await it.begin())).status).toBe(403);
  const [client, ...others] = deskOf(at).list();
  expect(others).toEqual([]);
  expect(client?.state).toBe('pending');
  expect(client?.clientId).not.toBe(first);
}
