/** The file that a passphrase is read from: one line that nobody else can read. */
import { PASSPHRASE_FILE_BYTES_MAX } from '#limits.ts';
import { type PrivateFile, readPrivately, unusable } from './private-file.ts';

/** A pipe is as good, such as `--password-file <(pass show gate)`. Throws CommandError. */
export function readPasswordFile(path: string): string {
  const file: PrivateFile = {
    path,
    option: '--password-file',
    bytesMax: PASSPHRASE_FILE_BYTES_MAX,
    what: 'a passphrase',
  };
  const line = readPrivately(file).replace(/\r?\n$/, '');
  if (line === '') throw unusable(file, 'is empty');
  if (/[\r\n\0]/.test(line)) throw unusable(file, 'holds more than one line');
  return line;
}
