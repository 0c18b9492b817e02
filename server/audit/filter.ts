/** What may be asked of the record, and what a row must say to fit. */
import type { AuditOutcome } from './event.ts';

export interface AuditFilter {
  /** An exact kind, or all that begin with it: `order.*`, `kill*`. */
  readonly kind?: string;
  /** null: what no agent did. */
  readonly agent?: string | null;
  readonly tool?: string;
  readonly outcome?: AuditOutcome;
  /** An exact credential, or all that begin with it: `client_*`. */
  readonly credential?: string;
  /** What was done with this order; looks at it are left out. */
  readonly orderId?: string;
  /** From then on, epoch ms. */
  readonly sinceMs?: number;
  /** Before then, epoch ms. */
  readonly untilMs?: number;
  /** Only what comes after this line in a list of the newest first: the page before. */
  readonly beforeSeq?: number;
}

export interface Walk {
  readonly newestFirst: boolean;
  /** Goes on after this line, the last one of the piece before. */
  readonly from?: number | undefined;
  readonly limit: number;
  /** Of the piece before (`Found.about`), so that it is not looked for again; what was first spoken of since is left out. */
  readonly about?: readonly Subject[] | undefined;
}

/** What a line is about: its columns of SUBJECT; one stretch of the index, in which lines stand in the order of their time. */
export type Subject = readonly (string | null)[];

/** The columns of the index that tell what a line is about, in its order. */
export const SUBJECT = ['agent', 'kind', 'tool', 'outcome'] as const;

/** By anything but its order or its place in the record. */
export const isNarrowed = ({ agent, kind, tool, outcome, sinceMs, untilMs }: AuditFilter): boolean =>
  [agent, kind, tool, outcome, sinceMs, untilMs].some((given) => given !== undefined);

/** One value, all from a text on and before another, or any. */
export interface Wanted {
  readonly only?: string | null;
  readonly from?: string;
  readonly before?: string;
}

export function wanted(filter: AuditFilter, column: (typeof SUBJECT)[number]): Wanted {
  const given = filter[column];
  if (given === undefined) return {};
  if (column !== 'kind' || given === null || !/.\*$/.test(given)) return { only: given };
  const stem = given.slice(0, -1);
  // Up to the first text that does not begin so: `/` is the character after `.`.
  const last = stem.length - 1;
  return { from: stem, before: stem.slice(0, last) + String.fromCharCode(stem.charCodeAt(last) + 1) };
}

export type SqlValue = string | number | null;

/** For rows that no index leads to: ` AND agent IS ? AND time >= ?`. */
export function conditions(filter: AuditFilter): {
  readonly where: string;
  readonly values: readonly SqlValue[];
} {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const add = (part: string, given: SqlValue): void => {
    parts.push(` AND ${part}`);
    values.push(given);
  };
  for (const column of SUBJECT) {
    const { only, from, before } = wanted(filter, column);
    if (only !== undefined) add(`${column} IS ?`, only);
    if (from !== undefined) add(`${column} >= ?`, from);
    if (before !== undefined) add(`${column} < ?`, before);
  }
  if (filter.sinceMs !== undefined) add('time >= ?', filter.sinceMs);
  if (filter.untilMs !== undefined) add('time < ?', filter.untilMs);
  return { where: parts.join(''), values };
}
