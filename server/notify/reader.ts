/** Reads the record for what to tell: from where it was last, in one transaction with the messages that come of it. */
import { type AuditLine, parseLine } from '#audit/query.ts';
import { NOTIFY_CURSOR_LAG_MAX, NOTIFY_LINES_PER_LOOK_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { settings } from '#store/settings.ts';

export interface Reader {
  /** Takes up what is new; true when there is more. Throws StoreUnavailable. */
  look(): boolean;
  /** From the end of the record on: what was before is nobody's news. Inside a transaction. */
  skip(): void;
}

export interface ReaderOptions {
  readonly store: Store;
  readonly head: () => number;
  /** Kinds of lines that may be worth a message. */
  readonly kinds: readonly string[];
  /** Inside the transaction that moves the cursor. */
  readonly take: (line: AuditLine) => void;
}

const CURSOR = 'notify:read_until';

export function openReader({ store, head, kinds, take }: ReaderOptions): Reader {
  const rows = settings(store);
  // By the order of the record: an index by kind would sort all that there ever was.
  const select = store.db.prepare<[number, number, number], { readonly seq: number; readonly line: string }>(
    `SELECT seq, line FROM audit WHERE seq > ? AND seq <= ? AND (
       +kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')})
       OR (+kind = 'tool.call' AND outcome = 'refused')
       OR (+kind = 'order.transition' AND (outcome = 'unknown' OR instr(line, '"from":"unknown"') > 0)))
     ORDER BY seq LIMIT ?`,
  );
  const stored = (): number => Number(rows.get(CURSOR) ?? head());
  let saved = stored();
  let reached = saved;

  function moveTo(seq: number): void {
    rows.set(CURSOR, String(seq));
    store.afterCommit(() => {
      saved = seq;
      reached = seq;
    });
  }
  return {
    look() {
      const until = head();
      if (until <= reached) return false;
      const found = select.all(reached, until, NOTIFY_LINES_PER_LOOK_MAX);
      const more = found.length === NOTIFY_LINES_PER_LOOK_MAX;
      const last = more ? (found.at(-1)?.seq ?? until) : until;
      if (found.length > 0 || last - saved >= NOTIFY_CURSOR_LAG_MAX)
        store.transaction(() => {
          for (const { line } of found) take(parseLine(line));
          moveTo(last);
        });
      else reached = last;
      return more;
    },
    skip: () => moveTo(head()),
  };
}
