/** What a figure is: something measured, what it should be, and everything needed to measure it. */

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One line of the table. Without a target it is told, not judged. */
export interface Measured {
  /** Below the figure's own name: `modern` of `doors` is shown as `doors.modern`. */
  readonly name: string;
  readonly value: number;
  /** `ratio`, `ms`, `s`, `MB`, `calls/s`, `lines/s`. */
  readonly unit: string;
  readonly target?: Target;
  /** Whatever says how the value came about. */
  readonly details?: Readonly<Record<string, JsonValue>>;
}

/** What a figure is given to work with. */
export interface Bench {
  /** A shorter run that proves that the figure works; its numbers mean little. */
  readonly quick: boolean;
  /** A new folder, removed when the figure is done. */
  folder(): string;
  /** Runs when the figure is done, the last one first, whether or not it failed. */
  onEnd(close: () => void | Promise<void>): void;
  /** A line for whoever is watching. */
  say(text: string): void;
}

export interface Figure {
  /** As given on the command line. */
  readonly name: string;
  readonly about: string;
  /** Throws when what it measures did not do its work: a fast wrong answer is no figure. */
  run(bench: Bench): Promise<readonly Measured[]>;
}

export const defineFigure = (figure: Figure): Figure => figure;

export const meets = (value: number, target: Target): boolean =>
  'atLeast' in target ? value >= target.atLeast : value <= target.atMost;

/** The value below which the given part of all lies; NaN when there is none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper;
}
