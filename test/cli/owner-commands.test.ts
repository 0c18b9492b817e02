// Becoming the owner and proving it, as typed words: with an engine running and without one.

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSync } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openOffice } from '#cli/office.ts';
import { wallClock } from '#clock.ts';
import { configIn } from '../support/gateway.ts';
import { copyOfTheClone, MANDATE, type Portcullis, type Running } from '../support/portcullis.ts';

const PASSPHRASE = 'canary-phrase of the owner, é';

let clone: Portcullis;
beforeAll(() => {
  clone = copyOfTheClone();
});
afterAll(() => clone.close());

function file(gate: Portcullis, name: string, content: string, mode = 0o600): string {
  const path = join(gate.folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}
const everythingIn = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
const oneSentence = (stderr: string): boolean => stderr.trim().split('\n').length === 1;

const followed = (url: string): Promise<Response> => fetch(url, { redirect: 'manual' });

describe.each([
  ['without an engine', false],
  ['through a running engine', true],
])('%s', (_where, withEngine) => {
  let gate: Portcullis;
  let engine: (Running & { url: string }) | undefined;
  let proof: string[];
  beforeAll(async () => {
    gate = clone.fresh();
    engine = withEngine ? await gate.serve() : undefined;
    proof = ['--password-file', file(gate, 'pass', `${PASSPHRASE}\n`)];
  });
  afterAll(async () => {
    await engine?.stop();
  });

  it('gives the link under which a stranger becomes the owner, where a console runs to open it', async () => {
    const ran = await gate.run(['setup-link']);
    if (engine === undefined) {
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(/^No gateway with a console runs here: start one/);
      expect(oneSentence(ran.stderr)).toBe(true);
      return;
    }
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/admin\/setup\?code=[\w-]{22,}\n$/);
    expect(new URL(ran.stdout).origin).toBe(engine.url);
    expect(ran.stderr).toMatch(/^Good once, until 20/);
    const again = (await gate.json(['setup-link'])) as { url: string; expires_at: string };
    expect(again.url).toMatch(/\/admin\/setup\?code=/);
    expect(again.url).not.toBe(ran.stdout.trim());
    // The one printed before opens nothing; this one opens once, and its code leaves the address.
    expect((await followed(ran.stdout.trim())).status).toBe(404);
    const opened = await followed(again.url);
    expect([opened.status, opened.headers.get('location')]).toEqual([
      303,
      expect.not.stringContaining('code'),
    ]);
    expect((await followed(again.url)).status).toBe(404);
    const left = Date.parse(again.expires_at) - Date.now();
    expect(left).toBeGreaterThan(14 * 60_000);
    expect(left).toBeLessThanOrEqual(15 * 60_000);
  });

  it('asks for nothing before there is an owner, and makes one', async () => {
    expect((await gate.run(['agents', 'create', 'claude'])).code).toBe(0);
    expect(await gate.json(['setup', '--owner', 'mia', ...proof])).toEqual({
      owner: 'mia',
      created_at: expect.stringMatching(/^20/),
      console: engine === undefined ? null : `${engine.url}/admin`,
    });
    for (const again of [['setup', '--owner', 'eve', ...proof], ['setup-link']]) {
      const ran = await gate.run(again);
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(/has an owner already/);
    }
  });

  it('does what widens with the passphrase, and without it says how', async () => {
    const mandate = file(gate, 'mandate.json', JSON.stringify(MANDATE));
    const create = ['keys', 'create', '--agent', 'claude', '--scopes', 'read:market'];
    const { id } = (await gate.json([...create, ...proof])) as { id: string };
    // Each of them once, in one of the two ways: which acts widen is tested at the books.
    const widening = withEngine
      ? [['keys', 'rotate', id], ['agents', 'lift', 'claude'], ['resume']]
      : [
          ['mandates', 'set', 'claude', '--file', mandate],
          ['accounts', 'add', 'paper', 'second'],
          ['resume'],
        ];
    expect((await gate.run(['kill'])).code).toBe(0);
    for (const words of [create, ['resume']]) {
      const ran = await gate.run(words, {}, `${PASSPHRASE}\n`);
      expect(ran, words.join(' ')).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(
        /asks for the owner: run it in a terminal, or give it --password-file FILE\.$/m,
      );
      expect(oneSentence(ran.stderr)).toBe(true);
    }
    const wrong = file(gate, 'wrong', 'not the passphrase\n');
    const refused = await gate.run(['resume', '--password-file', wrong]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect((await gate.json(['agents', 'list'])) as object).toMatchObject({
      agents: [{ name: 'claude', mandate: null }],
    });
    for (const words of widening)
      expect(await gate.run([...words, ...proof]), words.join(' ')).toMatchObject({ code: 0 });
    const kinds = (await gate.run(['audit', 'tail', '--lines', '500'])).stdout;
    expect(kinds).toMatch(/owner\.created/);
    if (!withEngine) expect(kinds).toMatch(/account\.added {2}second {2}ok/);
    expect(kinds).toMatch(/owner\.act_refused {2}refused \(unauthenticated\)/);
  });

  it('tightens without asking', async () => {
    for (const words of [['agents', 'halt', 'claude'], ['kill']])
      expect(await gate.run(words), words.join(' ')).toMatchObject({ code: 0 });
  });

  it('gives a link to a new passphrase, where a console runs to open it, and changes nothing by it', async () => {
    const ran = await gate.run(['password', 'reset']);
    if (engine === undefined) {
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(/^No gateway with a console runs here/);
    } else {
      expect(ran.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/admin\/reset\?code=[\w-]{22,}\n$/);
      expect((await followed(ran.stdout.trim())).status).toBe(303);
    }
    expect((await gate.run(['resume', ...proof])).code).toBe(0);
  });

  it('leaves the passphrase nowhere', async () => {
    for (const folder of ['data', 'log', 'keys'])
      expect(everythingIn(join(gate.folder, folder))).not.toContain('canary');
    expect((engine?.stdout() ?? '') + (engine?.stderr() ?? '')).not.toContain('canary');
  });
});

describe('becoming the owner', () => {
  it('names nobody with a passphrase that can not be had, is too short, or could be read by others', async () => {
    const gate = clone.fresh();
    const setup = (path: string) => gate.run(['setup', '--owner', 'mia', '--password-file', path]);
    const open = await setup(file(gate, 'open', PASSPHRASE, 0o640));
    expect(open.stderr).toMatch(/can be read by other users \(mode 640\).*chmod 600/);
    const short = await setup(file(gate, 'short', 'canary'));
    // Who takes the option for the passphrase itself does not read it again.
    const misread = await setup(PASSPHRASE);
    expect(misread.stderr).toBe('The file of --password-file is not there.\n');
    const nobody = await gate.run(['setup', '--owner', 'mia'], {}, `${PASSPHRASE}\n`);
    expect(nobody.stderr).toMatch(/--password-file FILE/);
    for (const ran of [open, short, misread, nobody]) {
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).not.toContain('canary');
    }
    expect((await gate.run(['setup', '--password-file', 'x'])).code).toBe(2);
    expect((await gate.run(['password', 'reset'])).stderr).toMatch(/no owner yet/);
  });
});

describe('a second factor', () => {
  it('is asked for too; a code opens once', async () => {
    const gate = clone.fresh();
    const proof = ['--password-file', file(gate, 'pass', PASSPHRASE)];
    await gate.json(['setup', '--owner', 'mia', ...proof]);
    const [first = '', second = ''] = enrolled(gate);
    const words = ['agents', 'create'];
    const alone = await gate.run([...words, 'one', ...proof]);
    expect(alone).toMatchObject({ code: 1, stdout: '' });
    expect(alone.stderr).toMatch(/only the code is missing: give it --totp CODE/);
    expect((await gate.run([...words, 'one'])).stderr).toMatch(/--password-file FILE and --totp CODE\.$/m);
    expect((await gate.run([...words, 'one', ...proof, '--totp', '000000x'])).code).toBe(1);
    expect((await gate.run([...words, 'one', ...proof, '--totp', first])).code).toBe(0);
    expect((await gate.run([...words, 'two', ...proof, '--totp', first])).code).toBe(1);
    const serving = await gate.serve();
    expect((await gate.run([...words, 'two', ...proof, '--totp', second])).code).toBe(0);
    await serving.stop();
  });
});

/** Recovery codes: as good as those of the app, and no half minute has to pass between two. */
function enrolled(gate: Portcullis): readonly string[] {
  const office = openOffice(configIn(gate.folder), wallClock);
  try {
    const { owner, wall } = office.access;
    const { secret } = owner.beginTotp();
    const confirmed = owner.confirmTotp(generateSync({ secret, epoch: Math.floor(wall() / 1_000) }));
    if (!confirmed.ok) throw new Error(confirmed.error.detail);
    return confirmed.value.recoveryCodes;
  } finally {
    office.close();
  }
}

describe('words that are not understood', () => {
  it.each([
    [['keys', 'create', '--password', PASSPHRASE], /no option "--password"/],
    [['agents', 'halt', 'claude', '--totp', '1'], /no option "--totp"/],
    [['setup', '--owner', 'mia', '--totp', '1'], /no option "--totp"/],
  ])('%j: exit 2, nothing touched, nothing repeated', async (args, said) => {
    const gate = clone.fresh();
    const ran = await gate.run(args);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(said);
    expect(ran.stderr).not.toContain('canary');
  });

  it('names the options of the proof in the help of what widens, and there alone', async () => {
    const gate = clone.fresh();
    for (const words of [['keys', 'create'], ['resume']])
      expect((await gate.run([...words, '--help'])).stdout).toMatch(/--password-file FILE[\s\S]*--totp CODE/);
    for (const words of [['keys', 'revoke'], ['kill']])
      expect((await gate.run([...words, '--help'])).stdout).not.toMatch(/--password-file|--totp/);
  });
});

describe('the first start', () => {
  it('prints no setup code where no terminal is, and says how to get one', async () => {
    const gate = clone.fresh();
    mkdirSync(gate.dataFolder, { mode: 0o700 });
    const serving = await gate.serve({ LOG_LEVEL: 'trace' });
    expect(serving.stdout()).toMatch(/Nobody owns this gateway yet: `npx portcullis setup-link`/);
    expect(serving.stdout()).toMatch(/Console +http:\/\/127\.0\.0\.1:\d+\/admin\n/);
    const { url } = (await gate.json(['setup-link'])) as { url: string };
    const code = new URL(url).searchParams.get('code') ?? '';
    expect((await followed(url)).status).toBe(303);
    expect((await followed(url)).status).toBe(404);
    await serving.stop();
    for (const text of [serving.stdout(), serving.stderr()]) {
      expect(text).not.toContain('code=');
      expect(text).not.toContain(code);
    }
    for (const folder of ['data', 'log', 'keys'])
      expect(everythingIn(join(gate.folder, folder))).not.toContain(code);
  });
});
