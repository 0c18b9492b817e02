// The file of a passphrase: one line, for its owner alone; and no complaint repeats what was given.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPasswordFile } from '#cli/password-file.ts';

const PASSPHRASE = 'canary phrase, é';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pcl-password-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string | Buffer, mode = 0o600): string {
  const path = join(folder, 'canary-name');
  rmSync(path, { force: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}
function complaint(path: string): string {
  try {
    return `read as ${readPasswordFile(path)}`;
  } catch (cause) {
    return (cause as Error).message;
  }
}

it.each([
  [PASSPHRASE, PASSPHRASE],
  [`${PASSPHRASE}\n`, PASSPHRASE],
  [`${PASSPHRASE}\r\n`, PASSPHRASE],
  [`  ${PASSPHRASE}  \n`, `  ${PASSPHRASE}  `],
])('reads %j, its last line end apart as it stands', (content, expected) => {
  expect(readPasswordFile(file(content))).toBe(expected);
  expect(readPasswordFile(file(content, 0o400))).toBe(expected);
});

it('reads a link to such a file, and a pipe', () => {
  const link = join(folder, 'link');
  symlinkSync(file(PASSPHRASE), link);
  expect(readPasswordFile(link)).toBe(PASSPHRASE);
  const program =
    "import { readPasswordFile } from '#cli/password-file.ts'; console.log(readPasswordFile('/dev/stdin'));";
  // A shell's pipe: those that Node makes are sockets.
  const words = ['-c', 'printf "%s\\n" "$1" | "$2" --input-type=module --eval "$3"', 'sh'];
  const told = execFileSync('sh', [...words, PASSPHRASE, process.execPath, program], {
    encoding: 'utf8',
    cwd: join(import.meta.dirname, '../..'),
  });
  expect(told).toBe(`${PASSPHRASE}\n`);
});

it.each([
  ['is empty', ''],
  ['is empty', '\n'],
  ['holds more than one line', `${PASSPHRASE}\nmore\n`],
  ['holds more than one line', `${PASSPHRASE}\0`],
  ['is too large to be a passphrase', 'x'.repeat(4_097)],
  ['is not text in UTF-8', Buffer.from([0x63, 0xe9, 0x61])],
])('refuses a file that %s', (why, content) => {
  expect(complaint(file(content))).toBe(`The file of --password-file ${why}.`);
});

it.each(['640', '604', '620', '601', '644'])('refuses the mode %s, which lets others at it', (mode) => {
  expect(complaint(file(PASSPHRASE, Number.parseInt(mode, 8)))).toMatch(
    /^The file of --password-file can be read by other users \(mode 6[0-4]{2}\); take that away with chmod 600\.$/,
  );
});

it('refuses what is no file, and never says what it was called', () => {
  expect(complaint(folder)).toBe('The file of --password-file is not a file.');
  expect(complaint('/dev/zero')).toBe('The file of --password-file is not a file.');
  expect(complaint('correct horse battery canary')).toBe('The file of --password-file is not there.');
});
