// The demo: what it tells happens, and it says so when it does not.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOfTheClone, type Portcullis } from '../support/portcullis.ts';

let clone: Portcullis;
let folder = '';
beforeAll(() => {
  clone = copyOfTheClone();
  folder = mkdtempSync(join(tmpdir(), 'pcl-tapes-'));
});
afterAll(async () => {
  await clone.close();
  rmSync(folder, { recursive: true });
});

const leftBehind = (): readonly string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('portcullis-demo-'));

describe('npm run demo', () => {
  it('tells the whole story, step by step, with exit code 0, and leaves nothing behind', async () => {
    const before = leftBehind();
    const ran = await clone.run(['demo']);
    expect(ran.stderr).toBe('');
    expect(ran.code).toBe(0);
    for (const said of [
      /A gateway of your own/,
      /portcullis stdio`: protocol 20\d\d-/,
      // Four bars in a row of the tape: which, is a matter of how fast the machine starts programs.
      /2000-01-03 {2}open 1469\.25|2000-01-07 {2}open 1403\.45/,
      /Preview: buy 2 SPX at about [\d.]+, worth/,
      /Filled: 2 at [\d.]+/,
      /\/mcp: protocol 20\d\d-.* as "scalper"/,
      /target [\d.]+, stop [\d.]+/,
      /Refused \(max_order_value\)/,
      /the trailing stop sold at [\d.]+/,
      /of the bracket sold at [\d.]+/,
      /HALTED in \d+ ms/,
      /MCP over stdio: trading_halted/,
      /MCP over HTTP: +401/,
      /REST, even with a new key: 401/,
      /\d+ lines, each chained/,
      /That took \d+\.\d s/,
    ])
      expect(ran.stdout).toMatch(said);
    expect(leftBehind()).toEqual(before);
  }, 40_000);

  it('ends with 1 and the step that failed when a tape is too short for the story', async () => {
    const tape = join(folder, 'short.csv');
    writeFileSync(
      tape,
      'date,open,high,low,close,volume\n2020-01-02,10,11,9,10,500\n2020-01-03,10,12,10,11,500\n',
    );
    const ran = await clone.run(['demo', '--tape', tape, '--symbol', 'SPY']);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/3\. It looks at the market\n$/);
    expect(ran.stderr).toBe('4 complete bars of the tape did not happen within 8 s.\n');
  }, 40_000);

  it('refuses a tape that it can not read, before it says a word', async () => {
    const ran = await clone.run(['demo', '--tape', join(folder, 'gone.csv'), '--symbol', 'SPY']);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^The tape gone\.csv can not be read/);
  });
});
