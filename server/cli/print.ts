/** How results come out: JSON with the public field names, or a table for a person. */
import type { Invocation } from './command.ts';

export const iso = (timeMs: number): string => new Date(timeMs).toISOString();
export const isoOrNull = (timeMs: number | null): string | null => (timeMs === null ? null : iso(timeMs));

/** One object, which is its own best table. */
export function printObject({ terminal, flag }: Pick<Invocation, 'terminal' | 'flag'>, value: object): void {
  // Escaped by JSON already; what is left are characters that only look odd.
  terminal.say(JSON.stringify(value, null, flag('json') ? undefined : 2));
}

/** The link alone on standard output, so that it can be opened from a script. */
export function printLink(
  invocation: Pick<Invocation, 'terminal' | 'flag'>,
  link: { readonly url: string; readonly expires_at: string },
): void {
  if (invocation.flag('json')) return printObject(invocation, link);
  invocation.terminal.say(link.url);
  invocation.terminal.warn(`Good once, until ${link.expires_at}, in a browser on this machine.`);
}

/** Rows under their headings; `none` is said when there are no rows. */
export function printTable(
  invocation: Pick<Invocation, 'terminal'>,
  rows: readonly Readonly<Record<string, string | number | null>>[],
  none: string,
): void {
  const [first] = rows;
  if (first === undefined) {
    invocation.terminal.say(none);
    return;
  }
  const columns = Object.keys(first);
  const cell = (row: (typeof rows)[number], column: string): string => String(row[column] ?? '-');
  const widths = columns.map((column) =>
    Math.max(column.length, ...rows.map((row) => cell(row, column).length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  invocation.terminal.say(line(columns));
  for (const row of rows) invocation.terminal.say(line(columns.map((column) => cell(row, column))));
}
