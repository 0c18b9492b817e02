/** Remote clients from the command line: letting one in asks for the owner, ending one for nobody; with an engine and without. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { ensureFirstAccount } from '#cli/account-book.ts';
import { ACTS } from '#cli/acts.ts';
import { type Office, openOffice } from '#cli/office.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { fingerprint } from '#oauth/fingerprint.ts';
import { freePort } from '../support/free-port.ts';
import { configIn, openTestGateway, type TestGateway } from '../support/gateway.ts';
import { handClock } from '../support/hand-clock.ts';
import { copyOfTheClone } from '../support/portcullis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitingClient } from '../support/waiting-client.ts';

const PASSPHRASE = 'four words nobody said';
const proof = { passphrase: PASSPHRASE };
const UNPROVEN = { ok: false, error: { reason: 'unauthenticated' } };
const REMOTE = {
  MCP_HTTP_ENABLED: 'true',
  MCP_PUBLIC_URL: 'http://127.0.0.1:7811',
  MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true',
};

function act(office: Office, name: string, input: object = {}, given?: object) {
  const found = ACTS.find((one) => one.name === `clients.${name}`);
  if (found === undefined) throw new Error(`there is no act clients.${name}`);
  return carryOut(found, office, { input, proof: given });
}
type Listed = Readonly<Record<string, unknown>>;
async function listed(office: Office): Promise<readonly Listed[]> {
  const answer = await act(office, 'list');
  if (!answer.ok) throw new Error(answer.error.detail);
  return (answer.value as { clients: readonly Listed[] }).clients;
}

async function withOwner<T extends Office>(office: T): Promise<T> {
  const made = await office.access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI });
  if (!made.ok) throw new Error(made.error.detail);
  return office;
}
function grantFor(office: Office, clientId: string): string {
  const client = office.clients.find(clientId);
  if (!client?.agent) throw new Error('it is not approved');
  const grantId = `grant-${clientId}`;
  const { agent, ceiling: scopes } = client;
  const expiresAtMs = office.access.wall() + 86_400_000;
  office.store.transaction(() =>
    office.grants.open({ grantId, clientId, agent: agent.id, scopes, steppedUpAtMs: null, expiresAtMs }),
  );
  return grantId;
}

const opened: TestGateway[] = [];
afterEach(async () => {
  for (const gate of opened.splice(0)) await gate.close();
});
async function engine(): Promise<Office> {
  const gate = await openTestGateway({ settings: REMOTE });
  opened.push(gate);
  return gate.gateway;
}
function alone(): Office {
  const office = openOffice(configIn(temporaryFolder(), REMOTE), handClock(), { memoryKib: 64, passes: 1 });
  onTestFinished(() => office.close());
  ensureFirstAccount(office);
  return office;
}

describe.each([
  ['through a running engine', engine],
  ['without an engine', async () => alone()],
])('%s', (_where, open) => {
  it('lists who waits, and lets in on the owner’s proof alone: as a new agent, to read', async () => {
    const office = await withOwner(await open());
    const id = waitingClient(office);
    expect(await listed(office)).toEqual([
      expect.objectContaining({
        id,
        client_id: id,
        fingerprint: fingerprint(id),
        name: 'Claude',
        state: 'pending',
        kind: 'registered',
        agent: null,
        scopes: [],
        redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
        live_grants: 0,
        decided_at: null,
      }),
    ]);
    expect(await act(office, 'approve', { id })).toMatchObject(UNPROVEN);
    expect(await act(office, 'approve', { id }, { passphrase: 'another one' })).toMatchObject(UNPROVEN);
    expect((await listed(office))[0]).toMatchObject({ state: 'pending' });
    expect(await act(office, 'approve', { id }, proof)).toMatchObject({
      ok: true,
      value: { id, state: 'approved', agent: 'claude', scopes: ['read:market', 'read:account'] },
    });
    const agent = office.clients.find(id)?.agent;
    if (!agent) throw new Error('it has no agent');
    expect(office.access.mandates.current(agent.id)).toBeUndefined();
  });

  it('lets in as the agent that is named, with the scopes that are named, by the beginning of an id', async () => {
    const office = await withOwner(await open());
    const id = waitingClient(office);
    const given = { id: id.slice(0, 20), agent: 'trader', scopes: ['read:market', 'write:orders'] };
    expect(await act(office, 'approve', given, proof)).toMatchObject({
      ok: true,
      value: { id, agent: 'trader', scopes: ['read:market', 'write:orders'] },
    });
    expect(await act(office, 'approve', { id: 'Claude' }, proof)).toMatchObject({
      ok: false,
      error: { reason: 'not_found' },
    });
    const narrow = waitingClient(office, { name: 'Narrow', scope: 'read:market' });
    expect(
      await act(office, 'approve', { id: narrow, scopes: ['read:market', 'write:orders'] }, proof),
    ).toMatchObject({ ok: false, error: { reason: 'invalid_input', errors: [{ field: 'scopes' }] } });
    expect(office.clients.find(narrow)).toMatchObject({ state: 'pending', ceiling: [] });
    expect(office.access.agents.byName('narrow'), 'nothing was made').toBeUndefined();
  });

  it('revokes, removes and disconnects without a proof, and what was granted ends with it', async () => {
    const office = await withOwner(await open());
    const [one, two, three] = ['One', 'Two', 'Three'].map((name) => waitingClient(office, { name }));
    for (const id of [one, two, three])
      expect(await act(office, 'approve', { id }, proof)).toMatchObject({ ok: true });
    for (const id of [one, two, three]) grantFor(office, id ?? '');
    expect(await act(office, 'revoke', { id: one })).toMatchObject({
      ok: true,
      value: { state: 'revoked', live_grants: 0, scopes: [] },
    });
    expect(await act(office, 'revoke', { id: one }), 'twice is once').toMatchObject({ ok: true });
    expect(await act(office, 'disconnect-all')).toEqual({ ok: true, value: { grants_ended: 2 } });
    expect((await listed(office)).map(({ state }) => state)).toEqual(['approved', 'approved', 'revoked']);
    expect(await act(office, 'remove', { id: two })).toMatchObject({
      ok: true,
      value: { id: two, removed: true },
    });
    expect((await listed(office)).map(({ id }) => id)).toEqual([three, one]);
    expect(await act(office, 'revoke', { id: 'client_nobody' })).toMatchObject({
      ok: false,
      error: { reason: 'not_found' },
    });
    expect(await act(office, 'approve', { id: one }), 'to come back takes the proof').toMatchObject(UNPROVEN);
  });

  it('makes a client whose secret is told once and is nowhere after', async () => {
    const office = await withOwner(await open());
    const input = {
      name: 'My host',
      redirect_uris: ['https://host.example/cb'],
      agent: 'host',
      scopes: ['read:market'],
      secret: true,
    };
    expect(await act(office, 'create', input)).toMatchObject(UNPROVEN);
    const made = await act(office, 'create', input, proof);
    if (!made.ok) throw new Error(made.error.detail);
    const { secret, client_id: id } = made.value as { secret: string; client_id: string };
    expect(secret.length).toBeGreaterThan(30);
    expect(office.clients.known.secretMatches(id, secret)).toBe(true);
    office.audit.flush();
    office.store.db.pragma('wal_checkpoint(TRUNCATE)');
    const kept = JSON.stringify(await listed(office)) + readFileSync(office.store.path, 'latin1');
    expect(kept).not.toContain(secret);
    expect(
      await act(office, 'create', { ...input, redirect_uris: ['http://host.example/cb'] }, proof),
    ).toMatchObject({ ok: false, error: { errors: [{ field: 'redirect_uris' }] } });
  });

  it('signs with a new key on the owner’s proof alone', async () => {
    const office = await withOwner(await open());
    expect(await act(office, 'rotate-keys')).toMatchObject(UNPROVEN);
    const first = await act(office, 'rotate-keys', {}, proof);
    const second = await act(office, 'rotate-keys', {}, proof);
    const kids = [first, second].map((one) => one.ok && (one.value as { kid: string }).kid);
    const rows = office.store.db
      .prepare('SELECT kid FROM oauth_signing_keys WHERE retired_at IS NULL')
      .pluck()
      .all();
    expect(rows).toEqual([kids[1]]);
    const signing = office.engine?.signing();
    if (signing) expect(signing.list()[0]?.kid, 'the running one signs with it').toBe(kids[1]);
  });

  it('says how far each connection came, and what to do', async () => {
    const office = await withOwner(await open());
    office.connections.note('challenge', { address: '203.0.113.5' }, 'ok');
    const id = waitingClient(office, { address: '203.0.113.9' });
    await act(office, 'approve', { id }, proof);
    for (const step of ['authorize', 'sign_in', 'consent'] as const)
      office.connections.note(step, { clientId: id }, 'ok');
    const answer = await act(office, 'connections');
    if (!answer.ok) throw new Error(answer.error.detail);
    const { connections } = answer.value as { connections: readonly Listed[] };
    expect(connections).toHaveLength(2);
    expect(connections.find(({ subject }) => subject === id)).toMatchObject({
      name: 'Claude',
      verdict: 'under_way',
      says: expect.stringContaining('never came back for the token'),
      todo: expect.stringContaining('http://127.0.0.1:7811/oauth/token'),
    });
    expect(connections.find(({ subject }) => subject === 'address:203.0.113.5')).toMatchObject({
      name: null,
      says: expect.stringContaining('has not looked there'),
    });
  });
});

describe('as its users run it', () => {
  it('lets in, lists and disconnects through the engine and beside it, and strips what a client calls itself', async () => {
    const product = copyOfTheClone();
    onTestFinished(() => product.close());
    const passphrase = join(product.folder, 'passphrase');
    writeFileSync(passphrase, `${PASSPHRASE}\n`, { mode: 0o600 });
    const owner = ['--password-file', passphrase];
    const setup = await product.run(['setup', '--owner', 'mia', ...owner]);
    expect(setup.code, setup.stderr).toBe(0);
    const port = String(await freePort());
    const remote = { ...REMOTE, PORT: port, MCP_PUBLIC_URL: `http://127.0.0.1:${port}` };
    const serving = await product.serve(remote);
    const registered = await fetch(`${serving.url}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'Cla\u202eude\u001b[31m',
        redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
        token_endpoint_auth_method: 'none',
      }),
    });
    expect(registered.status).toBe(201);
    const { client_id: id } = (await registered.json()) as { client_id: string };

    const list = await product.run(['clients', 'list']);
    expect(list.stdout).toContain(id);
    expect(list.stdout).toContain(fingerprint(id));
    expect(list.stdout).not.toMatch(/[\u202e\u001b]/u);
    const unproven = await product.run(['clients', 'approve', id]);
    expect(unproven.code).toBe(1);
    expect(unproven.stderr).toContain('--password-file');
    const badlyNamed = await product.run(['clients', 'approve', id, '--agent', 'Bad Name', ...owner]);
    expect([badlyNamed.code, badlyNamed.stderr]).toEqual([
      2,
      expect.stringContaining('--agent takes 1 to 40'),
    ]);
    const mistyped = await product.run(['clients', 'approve', '0000-000x']);
    expect(mistyped.code).toBe(1);
    expect(mistyped.stderr, 'and asks for nothing').toMatch(/^There is no remote client with this id/);
    const written = fingerprint(id).toUpperCase();
    for (const named of [id, id.slice(0, 15), id.slice(7, 15), written])
      expect((await product.run(['clients', 'approve', named])).stderr, named).toContain(fingerprint(id));
    const approved = await product.run(['clients', 'approve', id, '--agent', 'hosted', ...owner]);
    expect(approved.code, approved.stderr).toBe(0);
    expect(approved.stderr).toContain('https://claude.ai/api/mcp/auth_callback');
    expect(approved.stdout).toContain('acts as hosted');
    expect((await product.run(['clients', 'connections'])).stdout).toContain('has not been opened');
    await serving.stop();

    expect(await product.json(['clients', 'list'])).toMatchObject({
      clients: [{ id, state: 'approved', agent: 'hosted', scopes: ['read:market', 'read:account'] }],
    });
    expect(await product.json(['clients', 'disconnect-all'])).toEqual({ grants_ended: 0 });
    expect((await product.run(['clients', 'connections'])).stdout).toContain('Remote MCP is off');
    expect(await product.json(['clients', 'revoke', fingerprint(id)])).toMatchObject({
      id,
      state: 'revoked',
    });
  }, 120_000);
});
