/** The file that a passphrase is read from: one line that nobody else can read. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { PASSPHRASE_FILE_BYTES_MAX } from '#limits.ts';
import { CommandError } from './command.ts';

/**
 * A pipe is as good, such as `--password-file <(pass show gate)`. Throws CommandError, which never quotes what was given: people
 * take the option for the passphrase itself.
 */
export function readPasswordFile(path: string): string {
  const line = utf8(read(path)).replace(/\r?\n$/, '');
  if (line === '') throw unusable('is empty');
  if (/[\r\n\0]/.test(line)) throw unusable('holds more than one line');
  return line;
}

const unusable = (why: string): CommandError => new CommandError(`The file of --password-file ${why}.`);

/** Checked and read through one handle, so that what was checked is what is read. */
function read(path: string): Buffer {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw unusable(code === 'ENOENT' ? 'is not there' : `can not be read (${code ?? 'unknown'})`);
  }
  try {
    const state = fstatSync(handle);
    if (!state.isFile() && !state.isFIFO()) throw unusable('is not a file');
    if ((state.mode & 0o077) !== 0)
      throw unusable(
        `can be read by other users (mode ${(state.mode & 0o777).toString(8)}); take that away with chmod 600`,
      );
    if (state.size > PASSPHRASE_FILE_BYTES_MAX) throw unusable('is too large to be a passphrase');
    return readFileSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Characters that were replaced would be another passphrase. */
function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unusable('is not text in UTF-8');
  }
}
