// The owner's commands, as the owner runs them: the same words with an engine running and without one.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOfTheClone, MANDATE, type Portcullis, type Running } from '../support/portcullis.ts';

let clone: Portcullis;
beforeAll(() => {
  clone = copyOfTheClone();
});
afterAll(() => clone.close());

describe.each([
  ['without an engine', false],
  ['through a running engine', true],
])('%s', (_where, withEngine) => {
  let gate: Portcullis;
  let engine: Running | undefined;
  const file = (name: string, content: unknown): string => {
    const path = join(gate.folder, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  beforeAll(async () => {
    gate = clone.fresh();
    engine = withEngine ? await gate.serve() : undefined;
  });
  afterAll(async () => {
    const ended = await engine?.stop();
    if (ended && ended.code !== 0) throw new Error(`the engine ended with ${ended.code}: ${ended.stderr}`);
  });

  it('makes a key, and the agent when it is new; shows the key once, as JSON that a program can read', async () => {
    const made = await gate.run([
      'keys',
      'create',
      '--agent',
      'claude',
      '--scopes',
      'read:market,write:orders',
      '--expires',
      '12h',
      '--ip-allow',
      '127.0.0.0/8',
    ]);
    expect(made.code).toBe(0);
    const key = JSON.parse(made.stdout) as Record<string, unknown>;
    expect(key).toMatchObject({
      id: expect.stringMatching(/^key_/),
      agent: 'claude',
      scopes: ['read:market', 'write:orders'],
      key: expect.stringMatching(/^pcl_[\w-]{43}$/),
    });
    expect(made.stderr).toMatch(/not shown again/);
    expect(made.stderr).toMatch(/no mandate.*mandates set claude/);

    const listed = await gate.run(['keys', 'list', '--json']);
    expect(listed.stdout).toContain(String(key['id']));
    expect(listed.stdout).not.toContain('pcl_');
    expect((await gate.run(['keys', 'list'])).stdout).toMatch(/^ID +AGENT +SCOPES[\s\S]*claude/);

    const rotated = (await gate.json(['keys', 'rotate', String(key['id'])])) as Record<string, unknown>;
    expect(rotated['key']).toMatch(/^pcl_/);
    expect(rotated['key']).not.toBe(key['key']);
    expect(await gate.json(['keys', 'revoke', String(rotated['id'])])).toMatchObject({
      id: rotated['id'],
      revoked_at: expect.any(String),
    });
  });

  it('refuses a key request with what is wrong and what would be right', async () => {
    const wrong = await gate.run(['keys', 'create', '--agent', 'Claude!', '--scopes', 'write:orders']);
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(/malformed[\s\S]*name: "Claude!"[\s\S]*\(claude-\?\)/);
    expect((await gate.run(['keys', 'create', '--agent', 'x', '--scopes', 'write:order'])).stderr).toMatch(
      /scopes: "write:order" - one or more of .* \(write:orders\?\)/,
    );
    expect((await gate.run(['keys', 'create', '--agent', 'x'])).code).toBe(2);
    expect(
      (await gate.run(['keys', 'create', '--agent', 'x', '--scopes', 'read:market', '--expires', 'soon']))
        .code,
    ).toBe(2);
    expect((await gate.run(['keys', 'revoke', 'key_0'])).stderr).toMatch(/no key with this id/);
  });

  it('creates, lists, halts and lifts agents, and says what comes next', async () => {
    const made = await gate.run(['agents', 'create', 'maker', '--accounts', 'paper']);
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(
      /may read paper and trade nothing yet[\s\S]*keys create --agent maker[\s\S]*mandates set maker/,
    );
    expect(await gate.json(['agents', 'halt', 'maker'])).toMatchObject({
      name: 'maker',
      trading_state: 'HALTED',
    });
    expect((await gate.run(['agents', 'list'])).stdout).toMatch(/maker +HALTED/);
    expect(await gate.json(['agents', 'lift', 'maker'])).toMatchObject({ trading_state: 'ACTIVE' });
    expect(await gate.run(['agents', 'create', 'maker'])).toMatchObject({ code: 1, stdout: '' });
    expect((await gate.run(['agents', 'halt', 'makr'])).stderr).toMatch(/Did you mean maker\?/);
    const listed = (await gate.json(['agents', 'list'])) as { agents: { name: string }[] };
    expect(listed.agents.map((agent) => agent.name)).toContain('maker');
  });

  it('sets, shows and revokes mandates; names every wrong field of a file', async () => {
    await gate.run(['agents', 'create', 'trader']);
    const good = file('good.json', MANDATE);
    expect(await gate.json(['mandates', 'set', 'trader', '--file', good])).toMatchObject({
      agent: 'trader',
      version: 1,
    });
    const shown = (await gate.json(['mandates', 'show', 'trader'])) as Record<string, unknown>;
    expect(shown).toMatchObject({ version: 1, mandate: { ...MANDATE, may_reduce: 'own' }, revoked_at: null });

    const wrong = await gate.run([
      'mandates',
      'set',
      'trader',
      '--file',
      file('bad.json', { ...MANDATE, symbols: ['SPXX'], max_order_value: -1 }),
    ]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/The mandate was not saved/);
    expect(wrong.stderr).toMatch(/max_order_value/);
    const unknown = await gate.run([
      'mandates',
      'set',
      'trader',
      '--file',
      file('odd.json', { ...MANDATE, max_order_valu: '1' }),
    ]);
    expect(unknown.stderr).toMatch(/max_order_valu/);
    expect(
      (await gate.run(['mandates', 'set', 'trader', '--file', file('torn.json', '{"accounts": ')])).stderr,
    ).toMatch(/is not JSON/);
    expect((await gate.run(['mandates', 'set', 'trader', '--file', '/nowhere.json'])).stderr).toMatch(
      /can not be read/,
    );
    expect((await gate.run(['mandates', 'set', 'trader'])).code).toBe(2);
    expect((await gate.run(['mandates', 'show', 'tradr'])).stderr).toMatch(/no agent named "tradr"/);
    expect(await gate.json(['mandates', 'show', 'trader'])).toEqual(shown);
    expect(await gate.json(['mandates', 'revoke', 'trader'])).toMatchObject({
      revoked_at: expect.any(String),
    });
  });

  it('prints an example mandate that it takes', async () => {
    const example = await gate.run(['mandates', 'example']);
    await gate.run(['agents', 'create', 'reader']);
    expect(
      await gate.json(['mandates', 'set', 'reader', '--file', file('example.json', example.stdout)]),
    ).toMatchObject({
      version: 1,
    });
  });

  it('adds and removes accounts; a name is given once', async () => {
    expect(await gate.json(['accounts', 'add', 'paper', 'second', '--cash', '2500.50'])).toMatchObject({
      id: 'second',
      broker: 'paper',
      mode: 'paper',
      currency: 'USD',
      connected: withEngine,
    });
    const listed = (await gate.json(['accounts', 'list'])) as { accounts: { id: string }[] };
    expect(listed.accounts.map((account) => account.id)).toEqual(['paper', 'second']);
    expect((await gate.run(['accounts', 'add', 'papper', 'third'])).stderr).toMatch(
      /no such broker[\s\S]*\(paper\?\)/,
    );
    expect((await gate.run(['accounts', 'add', 'paper', 'third', '--cash=-1'])).stderr).toMatch(
      /cash: "-1" - must be an amount/,
    );
    expect((await gate.run(['accounts', 'add', 'paper', 'Not A Name'])).code).toBe(1);
    expect((await gate.run(['accounts', 'remove', 'second'])).code).toBe(0);
    expect((await gate.run(['accounts', 'remove', 'second'])).stderr).toMatch(/no account named "second"/);
    expect((await gate.run(['accounts', 'add', 'paper', 'second'])).stderr).toMatch(/was given before/);
  });

  it('verifies the record, shows its end, signs where it stands and checks the signature', async () => {
    expect(await gate.json(['audit', 'verify'])).toMatchObject({
      ok: true,
      last_seq: expect.any(Number),
      head: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const checkpoint = await gate.run(['audit', 'checkpoint']);
    expect(JSON.parse(checkpoint.stdout)).toMatchObject({
      seq: expect.any(Number),
      signature: expect.any(String),
    });
    const kept = file('checkpoints', checkpoint.stdout);
    expect(await gate.json(['audit', 'verify', '--checkpoints', kept])).toMatchObject({ ok: true });
    const forged = file('forged', checkpoint.stdout.replace(/"seq":\d+/, '"seq":1'));
    const refused = await gate.run(['audit', 'verify', '--checkpoints', forged, '--json']);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false, first_bad: { file: 'checkpoint' } });

    const lines = (await gate.run(['audit', 'tail', '--lines', '3', '--json'])).stdout.trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ seq: expect.any(Number), hash: expect.any(String) });
    const kinds = (await gate.run(['audit', 'tail', '--kind', 'key.created', '--json'])).stdout;
    expect(kinds).not.toMatch(/pcl_/);
    expect(
      kinds
        .trim()
        .split('\n')
        .every((line) => line.includes('"kind":"key.created"')),
    ).toBe(true);
    expect((await gate.run(['audit', 'tail', '--lines', '0'])).code).toBe(2);
  });
});

describe('the words themselves', () => {
  it('explains itself, everywhere, and changes nothing by it', async () => {
    const gate = clone.fresh();
    const overview = await gate.run(['--help']);
    expect(overview.code).toBe(0);
    expect(overview.stdout).toMatch(
      /serve[\s\S]*stdio[\s\S]*demo[\s\S]*agents[\s\S]*keys[\s\S]*kill[\s\S]*audit/,
    );
    expect((await gate.run(['keys', '--help'])).stdout).toMatch(
      /keys create[\s\S]*keys list[\s\S]*keys rotate/,
    );
    expect((await gate.run(['keys', 'create', '--help'])).stdout).toMatch(/--scopes[\s\S]*--expires/);
    expect((await gate.run(['kill', '--help'])).stdout).toMatch(/--flatten/);
    expect((await gate.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(existsSync(gate.dataFolder)).toBe(false);
  });

  it.each([
    [[], /Commands/],
    [['kil'], /no command "kil"; did you mean kill\?/],
    [['keys'], /needs one of create, list/],
    [['keys', 'creat'], /did you mean create\?/],
    [['keys', 'create', '--agnt', 'x'], /did you mean --agent\?/],
    [['agents', 'create'], /takes NAME/],
    [['agents', 'create', 'one', 'two'], /takes NAME/],
    [['agents', 'list', '--json=yes'], /json/],
    [['kill', '--cancel', 'some'], /adding, all or none/],
    [['serve', 'now'], /takes no words/],
  ])('does not understand %j: exit 2, nothing touched', async (args, said) => {
    const gate = clone.fresh();
    const ran = await gate.run(args);
    expect(ran.code).toBe(2);
    expect(ran.stdout + ran.stderr).toMatch(said);
    expect(existsSync(gate.dataFolder)).toBe(false);
  });

  it('takes what could steer a terminal out of what it prints', async () => {
    const gate = clone.fresh();
    const ran = await gate.run(['agents', 'halt', 'x\u001b[31mred\u202e']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).not.toMatch(/[\u001b\u202e]/);
  });

  it('says who is in the way when the data folder is not its own to use', async () => {
    const gate = clone.fresh();
    mkdirSync(join(gate.folder, 'data'));
    writeFileSync(
      join(gate.dataFolder, 'portcullis.db'),
      'not a database, but long enough to look like a file of one',
    );
    const ran = await gate.run(['agents', 'list']);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr.trim().split('\n')).toHaveLength(1);
  });
});
