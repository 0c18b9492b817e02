/** How a run is told: a table for people, JSON for programs. */
import { availableParallelism } from 'node:os';
import { type Figure, type JsonValue, type Measured, meets, type Target } from './figure.ts';

/** One line of the result; the names are stable. */
export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: Target | null;
  /** null: told without a target. */
  readonly ok: boolean | null;
  readonly details: Readonly<Record<string, JsonValue>>;
}

export interface Report {
  readonly format: 1;
  readonly node: string;
  readonly cores: number;
  readonly quick: boolean;
  readonly figures: readonly Result[];
  /** Figures that could not be measured, and why. */
  readonly failed: readonly { readonly name: string; readonly why: string }[];
}

export function resultOf(figure: Figure, measured: Measured): Result {
  const { value, unit, target, details = {} } = measured;
  const name = `${figure.name}.${measured.name}`;
  return { name, value, unit, target: target ?? null, ok: target ? meets(value, target) : null, details };
}

export const reportOf = (run: Pick<Report, 'quick' | 'figures' | 'failed'>): Report => ({
  format: 1,
  node: process.version,
  cores: availableParallelism(),
  ...run,
});

const shown = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);

function targetText(target: Target | null): string {
  if (target === null) return '';
  return 'atLeast' in target ? `>= ${target.atLeast}` : `<= ${target.atMost}`;
}

const VERDICTS = new Map<boolean | null, string>([
  [true, 'ok'],
  [false, 'MISSED'],
  [null, ''],
]);

export function table(results: readonly Result[]): string {
  const rows = [
    ['figure', 'value', 'unit', 'target', ''],
    ...results.map(({ name, value, unit, target, ok }) => [
      name,
      shown(value),
      unit,
      targetText(target),
      VERDICTS.get(ok) ?? '',
    ]),
  ];
  const width = (column: number): number => Math.max(...rows.map((row) => (row[column] ?? '').length));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 1 ? cell.padStart(width(1)) : cell.padEnd(width(column))))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
