/** Where a tape stands, as a row: what a restart resumes from. */
import type { Store } from '#store/open.ts';

export interface TapePosition {
  readonly run: number;
  readonly bar: number;
  /** Last published step of the bar, of `steps`; -1: none of this bar has been published. */
  readonly step: number;
  readonly steps: number;
}

export interface TapePositions {
  /**
   * The stored position, or undefined when this tape, told by its content, has not been walked. Throws when the row
   * can not be a position of it, which is damage.
   */
  find(tape: {
    readonly id: string;
    readonly fingerprint: string;
    readonly length: number;
  }): TapePosition | undefined;
  /** A number that no run of any tape has had: records of a run are kept by it, and two tapes must never share one. */
  nextRun(): number;
  /** Inside a transaction. */
  save(tape: { readonly id: string; readonly fingerprint: string }, position: TapePosition): void;
}

export function tapePositions(store: Store): TapePositions {
  const select = store.db.prepare<[string, string], TapePosition>(
    'SELECT run, bar, step, steps FROM tapes WHERE id = ? AND fingerprint = ?',
  );
  const newest = store.db.prepare<[], { run: number | null }>('SELECT max(run) AS run FROM tapes');
  const upsert = store.db.prepare<[string, string, number, number, number, number]>(
    `INSERT INTO tapes (id, fingerprint, run, bar, step, steps) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, run = excluded.run, bar = excluded.bar,
       step = excluded.step, steps = excluded.steps`,
  );
  return {
    find(tape) {
      const found = select.get(tape.id, tape.fingerprint);
      if (!found) return undefined;
      const { bar, step, steps } = found;
      if (bar < 0 || bar >= tape.length || step < 0 || step >= steps) {
        throw new Error(
          `the stored position of the tape ${tape.id} is damaged: bar ${bar}, step ${step} of ${steps}`,
        );
      }
      return found;
    },
    nextRun: () => (newest.get()?.run ?? 0) + 1,
    save(tape, { run, bar, step, steps }) {
      upsert.run(tape.id, tape.fingerprint, run, bar, step, steps);
    },
  };
}
