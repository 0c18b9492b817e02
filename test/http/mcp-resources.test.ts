/** Resources as clients of both SDK lines see them: projections of tools, the caller's own, and nobody else's. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditQuery } from '#audit/query.ts';
import { OWNER_CLI, type Scope } from '#domain/principal.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { currentClient, olderClient } from '../support/mcp-clients.ts';
import { bearer, send } from '../support/raw-http.ts';

let gate: TestGateway;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  gate = await openTestGateway();
  await gate.clock.advanceAsync(5_000);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => gate.close());

async function connected<C extends { close(): Promise<unknown> }>(connecting: Promise<C>): Promise<C> {
  const client = await connecting;
  closers.push(() => client.close());
  return client;
}
/** The same agent through a modern, a legacy and an older client. */
async function everyClient(agent?: string, scopes?: readonly Scope[]) {
  const { key } = gate.key(agent, scopes);
  return [
    await connected(currentClient(gate.url, key)),
    await connected(currentClient(gate.url, key, 'legacy')),
    await connected(olderClient(gate.url, key)),
  ] as const;
}
type AnyClient = Awaited<ReturnType<typeof everyClient>>[number];

interface Failure extends Error {
  readonly code: number;
  readonly data: object;
}

const urisOf = async (client: AnyClient): Promise<readonly string[]> =>
  (await client.listResources()).resources.map(({ uri }) => uri);
const failureOf = async (client: AnyClient, uri: string): Promise<Failure> => {
  const failure: unknown = await client.readResource({ uri }).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return failure as Failure;
};
async function readJson(client: AnyClient, uri: string): Promise<unknown> {
  const { contents } = await client.readResource({ uri });
  expect(contents).toHaveLength(1);
  const [content] = contents;
  expect(content).toMatchObject({ uri, mimeType: 'application/json' });
  return JSON.parse(String(content && 'text' in content ? content.text : ''));
}

describe('a list of resources', () => {
  test('names what the caller may read, its accounts and the quoted symbols among it', async () => {
    for (const client of await everyClient()) {
      expect(await urisOf(client)).toEqual([
        'portcullis://mandate',
        'portcullis://accounts',
        'portcullis://positions',
        'portcullis://orders',
        'portcullis://orders/open',
        'portcullis://market-clock',
        'portcullis://status',
        'portcullis://accounts/paper',
        'portcullis://accounts/paper/positions',
        'portcullis://quotes/SPX',
        'portcullis://market-clock/SPX',
      ]);
      const { resourceTemplates } = await client.listResourceTemplates();
      expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
        'portcullis://accounts/{account}',
        'portcullis://accounts/{account}/positions',
        'portcullis://orders/{order_id}',
        'portcullis://quotes/{symbol}',
        'portcullis://market-clock/{symbol}',
      ]);
    }
  });
  test('is cut to the scopes held', async () => {
    for (const client of await everyClient('watcher', ['read:market'])) {
      expect(await urisOf(client)).toEqual([
        'portcullis://market-clock',
        'portcullis://status',
        'portcullis://quotes/SPX',
        'portcullis://market-clock/SPX',
      ]);
      const { resourceTemplates } = await client.listResourceTemplates();
      expect(resourceTemplates.map(({ name }) => name)).toEqual(['quote', 'market-clock-of-symbol']);
    }
  });
});

describe('reading a resource', () => {
  test('gives what its tool gives', async () => {
    for (const client of await everyClient()) {
      expect(await readJson(client, 'portcullis://mandate')).toMatchObject({ agent: 'claude' });
      expect(await readJson(client, 'portcullis://accounts/paper')).toMatchObject({
        account: { id: 'paper', cash: '100000' },
      });
      expect(await readJson(client, 'portcullis://quotes/SPX')).toMatchObject({
        quotes: [{ symbol: 'SPX' }],
      });
    }
  });
  test('of another scope is refused with the scope named, and runs no tool', async () => {
    for (const client of await everyClient('watcher', ['read:market'])) {
      expect((await failureOf(client, 'portcullis://mandate')).message).toContain('read:account');
    }
  });
  test('of another scope is told by the status, in sessions and without, and is on the record', async () => {
    const { key } = gate.key('watcher', ['read:market']);
    const params = { uri: 'portcullis://mandate' };
    for (const method of ['resources/read', 'resources/subscribe']) {
      const answer = await send({
        port: Number(new URL(gate.url).port),
        method: 'POST',
        path: '/mcp',
        headers: bearer(key),
        body: { jsonrpc: '2.0', id: 7, method, params },
      });
      expect(answer.status).toBe(403);
      expect(answer.headers['www-authenticate']).toContain('scope="read:account"');
      expect(answer.json()).toMatchObject({ id: 7, error: { data: { reason: 'insufficient_scope' } } });
    }
    gate.gateway.audit.flush();
    const lines = auditQuery(gate.gateway.store, gate.gateway.keyring).tail(50, { kind: 'tool.call' });
    expect(lines).toContainEqual(
      expect.objectContaining({ tool: 'get_mandate', agent: 'watcher', outcome: 'refused' }),
    );
  });
  test('that does not exist is -32602 with the address, in every era', async () => {
    for (const client of await everyClient()) {
      for (const uri of [
        'portcullis://nothing',
        'portcullis://orders/ord_nobodys',
        'file:///etc/passwd',
        'x',
      ])
        expect(await failureOf(client, uri)).toMatchObject({
          code: -32602,
          data: { uri, reason: 'not_found' },
        });
    }
  });
  test('that is longer than any address is not said back', async () => {
    for (const client of await everyClient()) {
      const failure = await failureOf(client, `portcullis://orders/${'a'.repeat(3_000)}`);
      expect(failure).toMatchObject({ code: -32602, data: { reason: 'not_found' } });
      expect(JSON.stringify(failure.data).length).toBeLessThan(1_000);
    }
  });
  test('of an account that the owner gave to somebody else is refused as one that is not there', async () => {
    const added = gate.gateway.access.agents.create('second', ['paper'], OWNER_CLI);
    expect(added.ok).toBe(true);
    for (const client of await everyClient()) {
      const failure = await failureOf(client, 'portcullis://accounts/other');
      expect(failure).toMatchObject({ code: -32602, data: { reason: 'account_not_allowed' } });
    }
  });
});
