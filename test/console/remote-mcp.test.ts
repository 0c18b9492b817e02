/** The pages of remote clients: letting one in and giving it more takes a proof, everything that ends something takes none. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEvent } from '#audit/event.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import type { NotifyKind } from '#notify/kinds.ts';
import { fingerprint } from '#oauth/fingerprint.ts';
import { OWNER, signedIn } from '../support/browser.ts';
import { type ConsoleClient, consoleClient } from '../support/console-client.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { WIDE_MANDATE } from '../support/trading-room.ts';
import { type Asks, waitingClient } from '../support/waiting-client.ts';

const HERE = '/admin/remote-mcp';
const { passphrase } = OWNER;

let gate: TestGateway;
let owner: ConsoleClient;
beforeAll(async () => {
  gate = await openTestGateway({
    settings: {
      MCP_HTTP_ENABLED: 'true',
      MCP_PUBLIC_URL: 'http://127.0.0.1:7811',
    },
  });
  owner = consoleClient(gate.url, await signedIn(gate));
  // Nothing here is about prices, and the clock goes on by minutes.
  gate.gateway.feed.stop();
});
afterAll(() => gate.close());
afterEach(() => {
  for (const { clientId } of desk().list()) desk().remove(clientId, OWNER_CONSOLE);
});
/** Until the next proof, everything that takes one asks for it. */
const proofIsOld = () => gate.clock.advance(6 * 60_000);

const desk = () => gate.gateway.clients;
const asks = (given: Asks = {}): string => waitingClient(gate.gateway, given);
const pathOf = (id: string): string => `${HERE}/clients/${id}`;
const stateOf = (id: string) => desk().find(id)?.state;
function letIn(id: string): string {
  const done = desk().approve({ clientId: id, by: OWNER_CONSOLE });
  if (!done.ok) throw new Error(done.error.detail);
  return done.value.agent?.name ?? '';
}
function grantFor(clientId: string): string {
  const client = desk().find(clientId);
  if (!client?.agent) throw new Error('it is not approved');
  const { agent, ceiling: scopes } = client;
  const { grants, store, access } = gate.gateway;
  const grantId = `grant-${clientId}`;
  const expiresAtMs = access.wall() + 86_400_000;
  store.transaction(() =>
    grants.open({ grantId, clientId, agent: agent.id, scopes, steppedUpAtMs: null, expiresAtMs }),
  );
  return grantId;
}
const approval = (agent: string, newAgent: string, ...scopes: readonly string[]) => ({
  agent,
  new_agent: newAgent,
  scopes,
});

describe('a client that waits', () => {
  test('is shown with all that can be checked of it, and with its name as its own word', async () => {
    const id = asks({ name: 'Cla\u202eude <b>x</b>', redirect: 'https://claude.ai/api/mcp/auth_callback' });
    for (const path of [HERE, pathOf(id)]) {
      const { html, words, status } = await owner.get(path);
      expect(status).toBe(200);
      expect(words).toContain(fingerprint(id));
      expect(words).toContain('https://claude.ai/api/mcp/auth_callback');
      expect(words).toContain('198.51.100.');
      expect(html).not.toContain('\u202e');
      expect(html).not.toContain('<b>x</b>');
    }
    const { words } = await owner.get('/admin');
    expect(words).toContain('A remote client asks to be let in');
    expect((await owner.get('/admin/agents')).words, 'on every page').toContain('waiting');
  });

  test('is one thing that waits, however many there are', async () => {
    const counted = async () => /class="count">(\d+)<\/span> waiting/.exec((await owner.get(HERE)).html)?.[1];
    const before = Number(await counted());
    for (let n = 0; n < 5; n++) asks();
    expect(Number(await counted())).toBe(before + 1);
    expect((await owner.get('/admin')).words).toContain('5 remote clients ask to be let in');
  });

  test('is approved after proof alone, as a new agent that trades nothing', async () => {
    const id = asks();
    proofIsOld();
    const form = approval('', 'hosted', 'read:market');
    const asked = await owner.post(`${pathOf(id)}/approve`, form);
    expect(asked.status).toBe(403);
    expect(asked.words).toContain('Let “Claude” in as hosted: read:market');
    expect((await owner.post(`${pathOf(id)}/approve`, form, 'not the passphrase')).status).toBe(401);
    expect(stateOf(id)).toBe('pending');
    expect(gate.gateway.access.agents.byName('hosted')).toBeUndefined();
    const { words } = await owner.follow(`${pathOf(id)}/approve`, form, passphrase);
    expect(words).toContain('Approved for the agent hosted.');
    expect(desk().find(id)).toMatchObject({ state: 'approved', ceiling: ['read:market'] });
    expect((await owner.get('/admin/agents/hosted')).words).toContain('Remote clients “Claude”');
  });

  test('says on its page why it can not trade, where it may and its agent has no mandate', async () => {
    const [reads, trades] = [asks(), asks()];
    letIn(reads);
    const done = desk().approve({
      clientId: trades,
      agent: 'bare',
      scopes: ['read:market', 'write:orders'],
      by: OWNER_CONSOLE,
    });
    if (!done.ok) throw new Error(done.error.detail);
    expect((await owner.get(pathOf(reads))).words).not.toContain('has no mandate');
    expect((await owner.get(pathOf(trades))).words).toContain('bare has no mandate, so it trades nothing');
    const { mandates } = gate.gateway.access;
    expect(mandates.set('bare', WIDE_MANDATE, OWNER_CONSOLE).ok).toBe(true);
    expect((await owner.get(pathOf(trades))).words).not.toContain('has no mandate');
    expect(mandates.revoke('bare', OWNER_CONSOLE).ok).toBe(true);
    expect((await owner.get(pathOf(trades))).words).toContain('bare has no mandate');
  });

  test('is approved for an agent there is when it is chosen, and never because the client is called so', async () => {
    const [id, other] = [asks({ name: 'local-desk' }), asks({ name: 'local-desk' })];
    expect(letIn(id)).toBe('local-desk');
    await owner.post(`${pathOf(other)}/approve`, approval('', 'local-desk', 'read:market'), passphrase);
    expect(stateOf(other), 'typed as a new one').toBe('pending');
    const { html } = await owner.get(pathOf(other));
    expect(html).toContain('value="local-desk-2"');
    await owner.follow(`${pathOf(other)}/approve`, approval('local-desk', '', 'read:market'), passphrase);
    expect(desk().find(other)?.agent?.name).toBe('local-desk');
  });

  test.each([
    ['nothing ticked', approval('', 'fresh'), 'tick at least one thing'],
    [
      'more than it asked for',
      approval('', 'fresh', 'read:market', 'write:orders'),
      'it did not ask for write:orders',
    ],
    ['an agent that is gone', approval('nobody', '', 'read:market'), 'no agent of this name any more'],
    ['a name that none may have', approval('', 'Fresh Agent', 'read:market'), 'Fresh Agent'],
  ])('is not approved with %s, before anybody types a code', async (_what, form, why) => {
    const id = asks({ scope: 'read:market' });
    proofIsOld();
    const { status, words, html } = await owner.post(`${pathOf(id)}/approve`, form);
    expect(status, 'no proof was asked for').not.toBe(403);
    expect(`${words} ${html}`).toContain(why);
    expect(stateOf(id)).toBe('pending');
    expect(gate.gateway.access.agents.byName('fresh')).toBeUndefined();
  });

  test('is rejected without proof, and let in again only with one', async () => {
    const id = asks();
    proofIsOld();
    expect((await owner.follow(`${pathOf(id)}/revoke`)).words).toContain('Rejected');
    expect(stateOf(id)).toBe('revoked');
    expect((await owner.post(`${pathOf(id)}/approve`, approval('', 'again', 'read:market'))).status).toBe(
      403,
    );
    expect(stateOf(id)).toBe('revoked');
  });
});

test('the page says so where no destination is told of a client that asks, and nothing where one is or there is none', async () => {
  const { notify } = gate.gateway.console;
  const warned = async () => (await owner.get(HERE)).words.includes('None of your destinations is told');
  const to = { channel: 'webhook', fields: { secret_url: 'http://127.0.0.1:9/' } } as const;
  const added = (label: string, kinds: readonly NotifyKind[]): string => {
    const done = notify.add({ ...to, label, kinds }, OWNER_CONSOLE);
    if (!done.ok) throw new Error(done.error.detail);
    return done.value.id;
  };
  expect(await warned()).toBe(false);
  const ids = [added('orders', ['approval', 'fill'])];
  expect(await warned()).toBe(true);
  ids.push(added('clients', ['client']));
  expect(await warned()).toBe(false);
  for (const id of ids) notify.remove(id, OWNER_CONSOLE);
});

describe('a client that is in', () => {
  test('is narrowed without proof, and widened with one alone', async () => {
    const id = asks();
    letIn(id);
    proofIsOld();
    await owner.follow(`${pathOf(id)}/ceiling`, { scopes: 'read:market' });
    expect(desk().find(id)?.ceiling).toEqual(['read:market']);
    const wider = { scopes: ['read:market', 'read:account'] };
    expect((await owner.post(`${pathOf(id)}/ceiling`, wider)).status).toBe(403);
    expect(desk().find(id)?.ceiling).toEqual(['read:market']);
    await owner.follow(`${pathOf(id)}/ceiling`, wider, passphrase);
    expect(desk().find(id)?.ceiling).toEqual(['read:market', 'read:account']);
    expect((await owner.post(`${pathOf(id)}/ceiling`, {})).status, 'nothing is no ceiling').toBe(400);
  });

  test('shows its grants, and each of them, or all, end without proof', async () => {
    const [one, two] = [asks({ name: 'One' }), asks({ name: 'Two' })];
    for (const id of [one, two]) letIn(id);
    const [first, second] = [one, two].map(grantFor);
    proofIsOld();
    expect((await owner.get(HERE)).words).toContain('Disconnect everybody');
    await owner.follow(`${pathOf(one)}/end-grant`, { grant: first ?? '' });
    expect(desk().find(one)).toMatchObject({ liveGrants: 0, state: 'approved' });
    expect((await owner.get(pathOf(one))).words).toContain('you ended it');
    const other = await owner.post(`${pathOf(one)}/end-grant`, { grant: second ?? '' });
    expect(other.status, 'a grant of another client').toBe(404);
    expect(desk().find(two)?.liveGrants).toBe(1);
    expect((await owner.follow(`${HERE}/disconnect-all`)).words).toContain('1 grant has ended');
    expect(desk().find(two)).toMatchObject({ liveGrants: 0, state: 'approved' });
  });

  test('is disconnected, revoked and deleted without proof; each ends what it was granted', async () => {
    const id = asks();
    letIn(id);
    grantFor(id);
    proofIsOld();
    expect((await owner.follow(`${pathOf(id)}/disconnect`)).words).toContain('It stays approved');
    expect(desk().find(id)).toMatchObject({ liveGrants: 0, state: 'approved' });
    await owner.follow(`${pathOf(id)}/revoke`);
    expect(stateOf(id)).toBe('revoked');
    expect((await owner.follow(`${pathOf(id)}/remove`)).words).toContain('Deleted.');
    expect(stateOf(id)).toBeUndefined();
    expect((await owner.get(pathOf(id))).status).toBe(404);
  });

  test('says how far it came: never came back for the token is not the same as authorised, then nothing', async () => {
    const [never, silent] = [asks({ name: 'Never' }), asks({ name: 'Silent' })];
    const { connections } = gate.gateway;
    for (const id of [never, silent]) {
      letIn(id);
      grantFor(id);
      for (const step of ['authorize', 'sign_in', 'consent'] as const)
        connections.note(step, { clientId: id }, 'ok');
    }
    connections.note('token', { clientId: silent }, 'ok');
    gate.clock.advance(120_000);
    const [one, two] = [await owner.get(pathOf(never)), await owner.get(pathOf(silent))];
    expect(one.words).toContain('never came back for the token');
    expect(one.words).toContain('http://127.0.0.1:7811/oauth/token');
    expect(two.words).toContain('authorised, then nothing');
    expect(two.words).not.toContain('never came back');
  });
});

describe('calls', () => {
  test('are those of remote clients, by tool, client and outcome', async () => {
    const [one, two] = [asks({ name: 'One' }), asks({ name: 'Two' })];
    const agents = [one, two].map(letIn);
    const call = (n: number, tool: string, outcome: AuditEvent['outcome']): AuditEvent => ({
      kind: 'tool.call',
      agent: agents[n] ?? '',
      credential: [one, two][n] ?? '',
      door: 'http',
      tool,
      scope: 'read:market',
      outcome,
    });
    const { store, audit } = gate.gateway;
    store.transaction(() => {
      audit.record(call(0, 'get_quotes', 'ok'));
      audit.record(call(0, 'place_order', 'refused'));
      audit.record(call(1, 'get_quotes', 'ok'));
      audit.record({ ...call(0, 'get_bars', 'ok'), credential: 'key_of_somebody' });
    });
    const tools = async (query: string): Promise<string[]> =>
      [...(await owner.get(`${HERE}/calls${query}`)).html.matchAll(/data-label="Tool"><strong>(\w+)/g)].map(
        ([, tool = '']) => tool,
      );
    expect(await tools('')).toEqual(['get_quotes', 'place_order', 'get_quotes']);
    expect(await tools(`?client=${one}`)).toEqual(['place_order', 'get_quotes']);
    expect(await tools(`?client=${one}&outcome=refused`)).toEqual(['place_order']);
    expect(await tools('?tool=get_quotes')).toEqual(['get_quotes', 'get_quotes']);
    expect(await tools('?client=nobody')).toEqual([]);
    expect((await owner.get(`${HERE}/calls?client=nobody&outcome=fine`)).words).toContain('can not be read');
    expect((await owner.get(pathOf(two))).words).not.toContain('place_order');
  });
});

describe('a client that had another agent before', () => {
  test('is found with what it called under each', async () => {
    const id = asks();
    const first = letIn(id);
    grantFor(id);
    desk().revoke(id, OWNER_CONSOLE);
    const again = desk().approve({ clientId: id, agent: 'second-one', by: OWNER_CONSOLE });
    expect(again.ok).toBe(true);
    const { store, audit } = gate.gateway;
    store.transaction(() => {
      for (const [agent, tool] of [
        [first, 'get_quotes'],
        ['second-one', 'get_bars'],
      ] as const)
        audit.record({ kind: 'tool.call', agent, credential: id, door: 'http', tool, outcome: 'ok' });
    });
    for (const path of [pathOf(id), `${HERE}/calls?client=${id}`]) {
      const { words } = await owner.get(path);
      expect(words).toContain('get_quotes');
      expect(words).toContain('get_bars');
    }
  });
});

describe('where no approval is asked for', () => {
  test('nothing waits for one: the page says what lets a client in, and one can still be kept out', async () => {
    const id = asks();
    const waiting = async () => /class="count">(\d+)<\/span> waiting/.exec((await owner.get(HERE)).html)?.[1];
    const before = Number(await waiting());
    expect((await owner.get(HERE)).words).toContain('Waiting for you (1)');
    const { settings } = gate.gateway.console;
    expect((await settings.save({ MCP_OAUTH_REQUIRE_APPROVAL: 'false' })).ok).toBe(true);
    try {
      const { words } = await owner.get(HERE);
      expect(words).toContain('Not let in yet (1)');
      expect(words).toContain('Nothing here waits for an approval.');
      for (const untrue of ['Waiting for you', 'Waits for you', 'waits here for you', 'asks to be let in'])
        expect(words).not.toContain(untrue);
      expect(Number((await waiting()) ?? 0)).toBe(before - 1);
      expect((await owner.get('/admin')).words).not.toContain('A remote client asks');
      const one = (await owner.get(pathOf(id))).words;
      expect(one).toContain('It needs no approval');
      expect(one).not.toContain('Waits for you');
      await owner.follow(`${pathOf(id)}/revoke`);
      expect(stateOf(id)).toBe('revoked');
      expect((await owner.get(pathOf(id))).words).not.toContain('It needs no approval');
    } finally {
      expect((await settings.save({ MCP_OAUTH_REQUIRE_APPROVAL: 'true' })).ok).toBe(true);
    }
  });
});

describe('everything else', () => {
  test('a client made by hand shows its secret once, after proof', async () => {
    proofIsOld();
    const form = {
      name: 'My host',
      redirect_uris: 'https://host.example/cb\nhttp://localhost:8080/cb',
      agent: 'by-hand',
      scopes: 'read:market',
      secret: 'yes',
    };
    expect((await owner.post(`${HERE}/create-client`, form)).status).toBe(403);
    expect(desk().list()).toEqual([]);
    const made = await owner.post(`${HERE}/create-client`, form, passphrase);
    const [client] = desk().list();
    if (client === undefined) throw new Error('it was not made');
    const secret = /aria-label="Client secret"[^>]*><code>([^<]+)/.exec(made.html)?.[1] ?? '';
    expect(desk().known.secretMatches(client.clientId, secret)).toBe(true);
    expect(made.words).toContain(client.clientId);
    for (const path of [HERE, pathOf(client.credential)])
      expect((await owner.get(path)).html).not.toContain(secret);
    const wrong = await owner.post(
      `${HERE}/create-client`,
      { ...form, redirect_uris: 'http://host.example/cb' },
      passphrase,
    );
    expect(wrong.words).toContain('be https');
    expect(desk().list()).toHaveLength(1);
  });

  test('signs with another key after proof alone', async () => {
    const { signing } = gate.gateway.console.remote;
    if (signing === undefined) throw new Error('it is off');
    signing.jwks();
    const kid = signing.list()[0]?.kid;
    proofIsOld();
    expect((await owner.post(`${HERE}/rotate-keys`)).status).toBe(403);
    expect(signing.list()[0]?.kid).toBe(kid);
    await owner.follow(`${HERE}/rotate-keys`, {}, passphrase);
    expect(signing.list()[0]?.kid).not.toBe(kid);
  });

  test('settings are changed here at once, after proof, and a wrong one is named', async () => {
    proofIsOld();
    const form = { MCP_OAUTH_CODE_TTL: '90', MCP_RATE_LIMIT_READ: '30 per minute' };
    expect((await owner.post(`${HERE}/settings`, form)).status).toBe(403);
    const saved = await owner.follow(`${HERE}/settings`, form, passphrase);
    expect(saved.words).toContain('in force now: MCP_OAUTH_CODE_TTL, MCP_RATE_LIMIT_READ');
    expect(gate.gateway.console.remote.state().codeTtlSeconds).toBe(90);
    const wrong = await owner.post(`${HERE}/settings`, { MCP_OAUTH_CODE_TTL: '9000' }, passphrase);
    expect(wrong.words).toContain('a whole number from 1 to 300');
    expect(gate.gateway.console.remote.state().codeTtlSeconds).toBe(90);
  });

  test('hosts elsewhere are told the one address that they need', async () => {
    expect((await owner.get('/admin/connect')).words).toContain('http://127.0.0.1:7811/mcp');
    expect((await owner.get(HERE)).words).toContain('http://127.0.0.1:7811/mcp');
  });
});

test('while remote MCP is off, clients are still seen and ended', async () => {
  const off = await openTestGateway();
  try {
    const id = waitingClient(off.gateway);
    const client = consoleClient(off.url, await signedIn(off));
    const page = await client.get(HERE);
    expect(page.words).toContain('No remote client is served');
    expect(page.words).toContain(fingerprint(id));
    expect(page.html, 'it can be let in for later, to read').toContain('value="read:market" checked');
    expect(page.html).not.toContain('value="write:orders"');
    await client.follow(`${pathOf(id)}/revoke`);
    expect(off.gateway.clients.find(id)?.state).toBe('revoked');
    expect((await client.get('/admin/connect')).words).toContain('Remote MCP is off');
  } finally {
    await off.close();
  }
});
