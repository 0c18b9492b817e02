/** The table of the record: appends a row to the chain inside a transaction, and reads its head. */
import { AUDIT_ARGUMENTS_LENGTH_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { Chain, Lines } from './chain.ts';
import type { PreparedEvent } from './event.ts';
import { GENESIS_HASH, lineBody, lineWithHash } from './line.ts';
import { openOrderIndexer } from './order-index.ts';

export interface Head {
  /** 0 while nothing is recorded. */
  readonly seq: number;
  readonly hash: string;
}

export interface AuditRows {
  /** Appends to the chain and returns the new seq. Throws outside a transaction: an event commits with what it tells of. */
  append(event: PreparedEvent): number;
  /** The same for many, in their order; their arguments are sealed together, which costs little more than to seal one's. */
  appendAll(events: readonly PreparedEvent[]): void;
  head(): Head;
}

export function auditRows(store: Store, chain: Chain): AuditRows {
  const selectHead = store.db.prepare<[], Head>('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
  const insert = store.db.prepare(
    'INSERT INTO audit (seq, time, kind, agent, tool, outcome, line, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertArguments = store.db.prepare(
    'INSERT INTO audit_arguments (seq, last_seq, sealed) VALUES (?, ?, ?)',
  );
  const orders = openOrderIndexer(store);
  /** What this transaction appended last; undefined before its first line. */
  let appended: Head | undefined;
  store.onBegin(() => {
    appended = undefined;
  });
  const head = (): Head =>
    (store.inTransaction() ? appended : undefined) ?? selectHead.get() ?? { seq: 0, hash: GENESIS_HASH };

  function appendLine(event: PreparedEvent): number {
    if (!store.inTransaction()) throw new Error(`audit event ${event.kind} outside a transaction`);
    const last = head();
    const seq = last.seq + 1;
    const body = lineBody({
      seq,
      time: new Date(event.timeMs).toISOString(),
      kind: event.kind,
      agent: event.agent,
      credential: event.credential,
      door: event.door,
      tool: event.tool,
      scope: event.scope,
      account: event.account,
      outcome: event.outcome,
      latency_ms: event.latencyMs,
      args_hmac: event.args === null ? null : chain.argumentsHmac(event.args),
      detail: event.detail,
      prev: last.hash,
    });
    const hash = chain.hashOf(body);
    const line = lineWithHash(body, hash);
    insert.run(seq, event.timeMs, event.kind, event.agent, event.tool, event.outcome, line, hash);
    appended = { seq, hash };
    orders.appended(seq);
    return seq;
  }
  function seal(lines: Lines, args: readonly (string | null)[]): void {
    const alone = lines.first === lines.last;
    insertArguments.run(lines.first, alone ? null : lines.last, chain.seal(lines, args));
  }

  return {
    head,
    append(event) {
      const seq = appendLine(event);
      if (event.args !== null) seal({ first: seq, last: seq }, [event.args]);
      return seq;
    },
    appendAll(events) {
      let args: (string | null)[] = [];
      let length = 0;
      for (const event of events) {
        const seq = appendLine(event);
        args.push(event.args);
        length += event.args?.length ?? 0;
        const full = length >= AUDIT_ARGUMENTS_LENGTH_MAX || event === events.at(-1);
        if (!full) continue;
        if (length > 0) seal({ first: seq - args.length + 1, last: seq }, args);
        args = [];
        length = 0;
      }
    },
  };
}
