// In a terminal of its own: what is asked for is not shown, the terminal is given back, and the first start offers its link.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  copyOfTheClone,
  hasTerminals,
  type Portcullis,
  type Ran,
  type Running,
} from '../support/portcullis.ts';

const PASSPHRASE = 'canary-phrase of the owner, é';
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
/** As `stty -a` tells of a terminal that shows what is typed, a line at a time, and passes Ctrl-C on. */
const MODES = [/\sicanon\b/, /\secho\b/, /\sisig\b/, /\sicrnl\b/];
const BACKSPACE = '\u007f';

let clone: Portcullis;
beforeAll(() => {
  clone = copyOfTheClone();
});
afterAll(() => clone.close());

const type = (running: Running, keys: string): void => void running.child.stdin?.write(keys);

async function interrupted(running: Running): Promise<Ran> {
  const [, pid] = await running.says(/^pid (\d+)/);
  process.kill(Number(pid), 'SIGINT');
  return running.ended();
}

describe.runIf(hasTerminals)('in a terminal', () => {
  it('the first start offers the link once, the owner signs in, and the second start offers none', async () => {
    const gate = clone.fresh();
    const first = gate.inTerminal(['serve']);
    const [, url = ''] = await first.says(/(http:\S+\/admin\/setup\?code=[\w-]{22,})\r?\n[\s\S]*Ctrl-C/);
    expect(first.stdout()).toMatch(
      /Set it up in a browser on this machine; the link is good once, for 15 minutes/,
    );
    const { url: next } = (await gate.json(['setup-link'])) as { url: string };
    expect(new URL(next).origin).toBe(new URL(url).origin);
    expect(next).not.toBe(url);
    expect((await interrupted(first)).code).toBe(0);

    const path = join(gate.folder, 'pass');
    writeFileSync(path, PASSPHRASE, { mode: 0o600 });
    await gate.json(['setup', '--owner', 'mia', '--password-file', path]);
    const second = gate.inTerminal(['serve']);
    await second.says(/Ctrl-C/);
    expect(second.stdout()).not.toMatch(/code=|setup/);
    const launch = `--env DATA_DIR=${gate.dataFolder} --env LOG_DIR=\\S+ --env MCP_OAUTH_KEYS_DIR=\\S+ --`;
    expect(second.stdout()).toMatch(
      new RegExp(
        `/admin/connect,[^]*claude mcp add portcullis ${launch} ${process.execPath} ${gate.launcher} stdio\r`,
      ),
    );
    expect((await interrupted(second)).code).toBe(0);
  });

  it('a passphrase is asked for and not shown, corrected as it is typed, and what is printed can be piped on', async () => {
    const gate = clone.fresh();
    const setup = gate.inTerminal(['setup', '--owner', 'mia']);
    await setup.says(/Passphrase: /);
    type(setup, `${PASSPHRASE}\r`);
    await setup.says(/Once more: /);
    type(setup, `${PASSPHRASE}xy${BACKSPACE}${BACKSPACE}\r`);
    const done = await setup.ended();
    expect(done.stdout).toMatch(/mia is the owner of this gateway/);
    expect(done.stdout).not.toMatch(/canary/);
    expect(done.code).toBe(0);

    const key = gate.inTerminal(['keys', 'create', '--agent', 'claude', '--scopes', 'read:market']);
    await key.says(/Passphrase of the owner: /);
    type(key, `${PASSPHRASE}\r`);
    const made = await key.ended();
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(/"key": "pcl_/);
    expect(made.stdout).not.toMatch(/canary/);

    const wrong = gate.inTerminal(['agents', 'create', 'other']);
    await wrong.says(/Passphrase of the owner: /);
    type(wrong, `${PASSPHRASE}!\r`);
    expect((await wrong.ended()).code).toBe(1);
    expect(wrong.stdout()).not.toMatch(/canary/);
    expect((await gate.run(['agents', 'list', '--json'])).stdout).not.toMatch(/other/);
  });

  it('an engine that ends or begins while a person types changes nothing: the books are asked where they are then', async () => {
    const gate = clone.fresh();
    const path = join(gate.folder, 'pass');
    writeFileSync(path, PASSPHRASE, { mode: 0o600 });
    await gate.json(['setup', '--owner', 'mia', '--password-file', path]);
    const create = async (name: string, meanwhile: () => Promise<unknown>, typed: string): Promise<Ran> => {
      const running = gate.inTerminal(['agents', 'create', name]);
      await running.says(/Passphrase of the owner: /);
      await meanwhile();
      type(running, `${typed}\r`);
      return running.ended();
    };
    const begun = gate.serve();
    const killed = async (): Promise<void> => {
      const engine = await begun;
      engine.signal('SIGKILL');
      await engine.ended();
    };
    await begun;
    expect((await create('one', killed, PASSPHRASE)).stdout).toMatch(/Agent one may read/);
    // Nobody types with the lock in hand: an engine starts at once.
    let later: Awaited<ReturnType<Portcullis['serve']>> | undefined;
    const starts = async (): Promise<void> => {
      later = await gate.serve();
    };
    expect((await create('two', starts, PASSPHRASE)).stdout).toMatch(/Agent two may read/);
    expect((await create('three', async () => undefined, 'wrong passphrase')).code).toBe(1);
    const { agents } = (await gate.json(['agents', 'list'])) as { agents: { name: string }[] };
    expect(agents.map(({ name }) => name)).toEqual(['one', 'two']);
    await later?.stop();
  });

  it.each([
    ['Ctrl-C', CTRL_C],
    ['Ctrl-D', CTRL_D],
  ])('%s at the question leaves everything as it was, the terminal too', async (_name, keys) => {
    const gate = clone.fresh();
    const setup = gate.inTerminal(['setup', '--owner', 'mia'], 'echo "ended with $?"; stty -a');
    await setup.says(/Passphrase: /);
    type(setup, `${keys === CTRL_C ? PASSPHRASE : ''}${keys}`);
    const { stdout } = await setup.ended();
    expect(stdout).toMatch(/Interrupted; nothing was done\.\s+ended with 1/);
    for (const mode of MODES) expect(stdout).toMatch(mode);
    expect(stdout).not.toMatch(/canary/);
    expect((await gate.run(['password', 'reset'])).stderr).toMatch(/no owner yet/);
  });

  it('a signal at the question gives the terminal back too', async () => {
    const gate = clone.fresh();
    const setup = gate.inTerminal(['setup', '--owner', 'mia'], 'echo "ended with $?"; stty -a');
    const [, pid] = await setup.says(/^pid (\d+)[\s\S]*Passphrase: /);
    process.kill(Number(pid), 'SIGTERM');
    const { stdout } = await setup.ended();
    expect(stdout).toMatch(/ended with 143/);
    for (const mode of MODES) expect(stdout).toMatch(mode);
  });

  it('two that differ name nobody', async () => {
    const gate = clone.fresh();
    const setup = gate.inTerminal(['setup', '--owner', 'mia']);
    await setup.says(/Passphrase: /);
    type(setup, `${PASSPHRASE}\r`);
    await setup.says(/Once more: /);
    type(setup, `${PASSPHRASE}.\r`);
    expect((await setup.ended()).code).toBe(1);
    expect(setup.stdout()).toMatch(/The two were not the same; nothing was done\./);
    expect((await gate.run(['password', 'reset'])).stderr).toMatch(/no owner yet/);
  });
});
