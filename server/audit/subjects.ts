/** What the record speaks of: each combination of agent, kind, tool and outcome, found by steps through the index. */
import { AUDIT_SUBJECTS_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { type AuditFilter, SUBJECT, type Subject, type Wanted, wanted } from './filter.ts';

export interface SubjectNames {
  readonly agents: readonly string[];
  readonly kinds: readonly string[];
  readonly tools: readonly string[];
}

export interface Subjects {
  /** Those that the record has of what the filter leaves open; undefined when they are too many to look at each. */
  of(filter: AuditFilter): readonly Subject[] | undefined;
  /** For choosing a filter: without what no agent or tool did, sorted. */
  names(): SubjectNames;
}

export function openSubjects({ db }: Pick<Store, 'db'>): Subjects {
  const values = SUBJECT.map((column, level) => distinctValues(db, column, SUBJECT.slice(0, level)));
  const all = (level: number, prefixes: readonly Subject[]) =>
    prefixes.map((prefix) => values[level]?.(prefix, {}, AUDIT_SUBJECTS_MAX) ?? []);
  return {
    of(filter) {
      let found: readonly Subject[] = [[]];
      for (const [level, column] of SUBJECT.entries()) {
        const longer: Subject[] = [];
        for (const prefix of found) {
          const room = AUDIT_SUBJECTS_MAX - longer.length;
          const next = values[level]?.(prefix, wanted(filter, column), room) ?? [];
          if (next.length > room) return undefined;
          for (const value of next) longer.push([...prefix, value]);
        }
        found = longer;
      }
      return found;
    },
    names() {
      const agents = all(0, [[]]).flat();
      const kinds = all(
        1,
        agents.map((agent) => [agent]),
      );
      const ofKinds = kinds.flatMap((list, index) => list.map((kind) => [agents[index] ?? null, kind]));
      const tools = all(2, ofKinds.slice(0, AUDIT_SUBJECTS_MAX));
      return { agents: named(agents), kinds: named(kinds.flat()), tools: named(tools.flat()) };
    },
  };
}

const named = (values: readonly (string | null)[]): readonly string[] =>
  [...new Set(values)].filter((value) => value !== null).sort();

/** Steps from one value to the next through the index, so that it costs as much as there are values, not rows. */
function distinctValues(db: Store['db'], column: string, before: readonly string[]) {
  const fixed = before.map((one) => `${one} IS ? AND `).join('');
  const isNull = db.prepare<(string | null)[], number>(
    `SELECT 1 FROM audit WHERE ${fixed} ${column} IS NULL LIMIT 1`,
  );
  const mayBeNull = column === 'agent' || column === 'tool';
  const first = db
    .prepare<(string | null)[], string | null>(
      `SELECT min(${column}) FROM audit WHERE ${fixed} ${column} >= ?`,
    )
    .pluck();
  const after = db
    .prepare<(string | null)[], string | null>(
      `SELECT min(${column}) FROM audit WHERE ${fixed} ${column} > ?`,
    )
    .pluck();
  return (prefix: Subject, { only, from, before: end }: Wanted, room: number): readonly (string | null)[] => {
    if (only !== undefined) return [only];
    const found: (string | null)[] = [];
    if (mayBeNull && isNull.get(...prefix) !== undefined) found.push(null);
    let value = first.get(...prefix, from ?? '') ?? null;
    while (value !== null && found.length <= room && (end === undefined || value < end)) {
      found.push(value);
      value = after.get(...prefix, value) ?? null;
    }
    return found;
  };
}
