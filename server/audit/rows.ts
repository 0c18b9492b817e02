/** The table of the record: appends a row to the chain inside a transaction, and reads its head. */
import type { Store } from '#store/open.ts';
import type { Chain } from './chain.ts';
import type { PreparedEvent } from './event.ts';
import { GENESIS_HASH, lineBody, lineWithHash } from './line.ts';

export interface Head {
  /** 0 while nothing is recorded. */
  readonly seq: number;
  readonly hash: string;
}

export interface AuditRows {
  /** Appends to the chain and returns the new seq. Throws outside a transaction: an event commits with what it tells of. */
  append(event: PreparedEvent): number;
  head(): Head;
}

export function auditRows(store: Store, chain: Chain): AuditRows {
  const selectHead = store.db.prepare<[], Head>('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
  const insert = store.db.prepare(
    'INSERT INTO audit (seq, time, kind, agent, tool, outcome, line, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertArguments = store.db.prepare('INSERT INTO audit_arguments (seq, sealed) VALUES (?, ?)');
  const head = (): Head => selectHead.get() ?? { seq: 0, hash: GENESIS_HASH };

  return {
    head,
    append(event) {
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
      if (event.args !== null) insertArguments.run(seq, chain.seal(seq, event.args));
      return seq;
    },
  };
}
