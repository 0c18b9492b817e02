/** What is wrong with a tape, in one sentence that names file, line, column, value and rule. */
import { basename } from 'node:path';
import { printable } from '#domain/refusal.ts';

export class TapeError extends Error {
  override readonly name = 'TapeError';
}

export interface TapePlace {
  readonly file: string;
  /** From 1, the header being line 1. */
  readonly line: number;
  readonly column: string;
  readonly value: string;
}

/** `The tape spy.csv, line 3, column high: "1,5" must be a plain decimal number.` */
export function tapeError(at: TapePlace, rule: string): TapeError {
  const shown = printable(at.value).slice(0, 40);
  const column = printable(at.column).slice(0, 40);
  return new TapeError(
    `The tape ${basename(at.file)}, line ${at.line}, column ${column}: ${JSON.stringify(shown)} ${rule}.`,
  );
}
