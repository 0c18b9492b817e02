/** The kill switch and remote clients: nothing of before it lives from the next call on, however it was thrown, and the resume revives nothing. */
import { dirname } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { openStore } from '#store/open.ts';
import {
  type Answer,
  type Asked,
  ask,
  authorization,
  type Connected,
  callTool,
  codeIn,
  connect,
  exchange,
  refresh,
  register,
  rpc,
} from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';
import { openStream } from '../support/streams.ts';

let at: RemoteGateway;
afterEach(() => at.close());

/** One of everything that a connection is made of, each at work. */
interface Before {
  readonly connected: Connected;
  /** A code that nobody has exchanged. */
  readonly asked: Asked;
  readonly code: string;
  /** A browser that stands before the consent. */
  readonly browser: ReturnType<RemoteGateway['browser']>;
  readonly page: Awaited<ReturnType<ReturnType<RemoteGateway['browser']>['open']>>;
  readonly key: string;
}

async function everything(): Promise<Before> {
  at = await openRemoteGateway();
  const connected = await connect(at, { agent: 'claude' });
  const { clientId } = connected;
  const asked = authorization(at, { clientId, scope: 'read:market' });
  const code = codeIn(await at.browser().grant(asked.url));
  const browser = at.browser();
  const page = await browser.open(authorization(at, { clientId, scope: 'read:market' }).url);
  const { key } = at.test.key('claude', ['read:market']);
  expect((await callTool(at, connected.access, 'get_gateway_status')).status).toBe(200);
  return { connected, asked, code, browser, page, key };
}

const resume = (): void => {
  expect(at.gateway.trading.resume('owner').ok).toBe(true);
};
const status = (bearer: string): Promise<Answer> => callTool(at, bearer, 'get_gateway_status');

async function nothingLives(before: Before): Promise<void> {
  const { connected, asked, code, browser, page } = before;
  expect((await status(connected.access)).status).toBe(401);
  expect((await rpc(at, connected.access, 'tools/list')).status).toBe(401);
  const refreshed = await refresh(at, connected.clientId, connected.refresh);
  expect(refreshed.status).toBe(400);
  expect(refreshed.body['error']).toBe('invalid_grant');
  const exchanged = await exchange(at, asked, code);
  expect(exchanged.status).toBe(400);
  expect(exchanged.body['error']).toBe('invalid_grant');
  const again = await browser.open(page.url);
  expect(again.status).toBeGreaterThanOrEqual(400);
  expect(again.forms.filter(({ action }) => /sign-in|consent/.test(action))).toEqual([]);
}

const WAYS: readonly (readonly [string, () => unknown])[] = [
  ['by the owner', () => at.gateway.trading.kill({ cancel: 'adding', flatten: false, by: 'owner' })],
  ['in memory alone, where nothing can be written', () => at.gateway.access.haltInMemory('the disk is full')],
  [
    'through a row that another process wrote',
    () => {
      const other = openStore(dirname(at.gateway.store.path));
      other.transaction(() => {
        other.db.exec(`UPDATE settings SET value = 'HALTED' WHERE name = 'trading_state'`);
        other.db.exec(`UPDATE settings SET value = value + 1 WHERE name = 'authority_epoch'`);
      });
      other.close();
    },
  ],
];

describe('the kill switch', () => {
  test.each(WAYS)(
    '%s ends tokens, codes and pages at once, and the resume brings none of them back',
    async (_how, kill) => {
      const before = await everything();
      await Promise.resolve(kill());
      await nothingLives(before);
      const refused = await status(before.key);
      expect(refused.status).toBe(401);
      expect((await register(at)).status).toBe(503);
      const document = await ask(at, '/.well-known/oauth-authorization-server');
      expect(document.status).toBe(200);

      // What fell in memory alone is written down by a kill that can be.
      if (at.gateway.access.gatewayState() === 'HALTED') resume();
      await nothingLives(before);
      expect((await status(before.key)).status).toBe(200);
      expect((await at.test.call('get_gateway_status'))?.ok).toBe(true);

      // The client is approved as before: a new consent is all that it takes.
      const { clientId } = before.connected;
      const asked = authorization(at, { clientId, scope: 'read:market' });
      const code = codeIn(await at.browser().grant(asked.url));
      const tokens = await exchange(at, asked, code);
      expect(tokens.status).toBe(200);
      expect((await status(String(tokens.body['access_token']))).status).toBe(200);
    },
    60_000,
  );

  test('ends streams that stand open, by itself', async () => {
    at = await openRemoteGateway();
    const { access } = await connect(at, { agent: 'claude' });
    const stream = await openStream({
      port: Number(new URL(at.issuer).port),
      key: access,
      method: 'POST',
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: {
          notifications: { toolsListChanged: true },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      },
    });
    expect(stream.status).toBe(200);
    void at.gateway.trading.kill({ cancel: 'none', flatten: false, by: 'owner' });
    await stream.ended;
    expect((await status(access)).status).toBe(401);
  });

  test('survives a restart: nothing of before it is there after it', async () => {
    const before = await everything();
    await at.gateway.trading.kill({ cancel: 'none', flatten: false, by: 'owner' });
    await at.restart();
    await nothingLives(before);
    resume();
    await nothingLives(before);
    expect(at.gateway.access.keys.list().length).toBeGreaterThan(0);
    expect(at.gateway.access.agents.lift('claude', OWNER_CLI).ok).toBe(true);
  }, 60_000);
});
