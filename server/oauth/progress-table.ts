/** The table `oauth_progress`: a row for each step that somebody reached, and the bounds on how many there are. */
import type { Store } from '#store/open.ts';
import type { ConnectionStep } from './records.ts';

export interface ProgressRow {
  readonly subject: string;
  readonly step: ConnectionStep;
  readonly first_at: number;
  readonly last_at: number;
  readonly times: number;
  readonly last_outcome: string;
}

export interface ProgressTable {
  isClient(clientId: string): boolean;
  knows(subject: string): boolean;
  of(subject: string): readonly ProgressRow[];
  /** Who did something last, first. */
  subjects(): readonly string[];
  /** Adds to what the row has counted. */
  add(row: ProgressRow): void;
  /** What an address did since then before it had an id, a client did: idempotent. */
  join(o: { readonly address: string; readonly clientId: string; readonly sinceMs: number }): void;
  /** Leaves the latest addresses, none older than this, and of clients those that there are. */
  trim(o: { readonly addressesMax: number; readonly sinceMs: number }): void;
}

/** Subjects that are addresses, as a range of the primary key: `;` follows `:`. */
const ADDRESSES = "subject >= 'address:' AND subject < 'address;'";

export function progressTable({ db }: Store): ProgressTable {
  const isClient = db.prepare('SELECT 1 FROM oauth_clients WHERE client_id = ?').pluck();
  const knows = db.prepare('SELECT 1 FROM oauth_progress WHERE subject = ? LIMIT 1').pluck();
  const of = db.prepare('SELECT * FROM oauth_progress WHERE subject = ?');
  const subjects = db
    .prepare('SELECT subject FROM oauth_progress GROUP BY subject ORDER BY max(last_at) DESC, subject')
    .pluck();
  const add = db.prepare(
    `INSERT INTO oauth_progress (subject, step, first_at, last_at, times, last_outcome)
     VALUES (@subject, @step, @first_at, @last_at, @times, @last_outcome)
     ON CONFLICT (subject, step) DO UPDATE SET last_at = excluded.last_at, times = times + excluded.times,
       last_outcome = excluded.last_outcome`,
  );
  const join = db.prepare(
    `INSERT INTO oauth_progress (subject, step, first_at, last_at, times, last_outcome)
     SELECT @clientId, step, first_at, last_at, times, last_outcome FROM oauth_progress
      WHERE subject = @address AND last_at >= @sinceMs
        AND step IN ('challenge', 'resource_metadata', 'server_metadata')
     ON CONFLICT (subject, step) DO UPDATE SET last_at = max(last_at, excluded.last_at),
       times = max(times, excluded.times), last_outcome = excluded.last_outcome`,
  );
  const dropOld = db.prepare(
    `DELETE FROM oauth_progress WHERE subject IN (
       SELECT subject FROM oauth_progress WHERE ${ADDRESSES} GROUP BY subject HAVING max(last_at) < ?)`,
  );
  const dropMany = db.prepare(
    `DELETE FROM oauth_progress WHERE subject IN (
       SELECT subject FROM oauth_progress WHERE ${ADDRESSES}
        GROUP BY subject ORDER BY max(last_at) DESC, subject LIMIT -1 OFFSET ?)`,
  );
  const dropGone = db.prepare(
    `DELETE FROM oauth_progress WHERE NOT (${ADDRESSES})
        AND NOT EXISTS (SELECT 1 FROM oauth_clients c WHERE c.client_id = subject)`,
  );
  return {
    isClient: (clientId) => isClient.get(clientId) !== undefined,
    knows: (subject) => knows.get(subject) !== undefined,
    of: (subject) => of.all(subject) as readonly ProgressRow[],
    subjects: () => subjects.all() as readonly string[],
    add: (row) => void add.run(row),
    join: (o) => void join.run(o),
    trim({ addressesMax, sinceMs }) {
      dropOld.run(sinceMs);
      dropMany.run(addressesMax);
      dropGone.run();
    },
  };
}
