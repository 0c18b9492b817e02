/** A file with a secret in it that an option of a command names: nobody else may be able to read it. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { CommandError } from './command.ts';

export interface PrivateFile {
  readonly path: string;
  /** `--password-file`. */
  readonly option: string;
  readonly bytesMax: number;
  /** What it holds: `a passphrase`. */
  readonly what: string;
}

/** What is wrong with it, never quoting what was given: people take the option for the secret itself. */
export const unusable = ({ option }: Pick<PrivateFile, 'option'>, why: string): CommandError =>
  new CommandError(`The file of ${option} ${why}.`);

/** Checked and read through one handle, so that what was checked is what is read; a pipe is as good. Throws CommandError. */
export function readPrivately(file: PrivateFile): string {
  let handle: number;
  try {
    handle = openSync(file.path, 'r');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw unusable(file, code === 'ENOENT' ? 'is not there' : `can not be read (${code ?? 'unknown'})`);
  }
  try {
    const state = fstatSync(handle);
    if (!state.isFile() && !state.isFIFO()) throw unusable(file, 'is not a file');
    if ((state.mode & 0o077) !== 0)
      throw unusable(
        file,
        `can be read by other users (mode ${(state.mode & 0o777).toString(8)}); take that away with chmod 600`,
      );
    if (state.size > file.bytesMax) throw unusable(file, `is too large to be ${file.what}`);
    return utf8(file, readFileSync(handle));
  } finally {
    closeSync(handle);
  }
}

/** Characters that were replaced would be another secret. */
function utf8(file: PrivateFile, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unusable(file, 'is not text in UTF-8');
  }
}
