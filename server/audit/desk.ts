/** The record as the owner's console has it: searched, exported, proved, counted; opening what is sealed is itself recorded. */
import { err, type Result } from '#domain/result.ts';
import { AUDIT_ORDER_LINES_MAX, TRAFFIC_KEPT_MS } from '#limits.ts';
import { StoreError } from '#store/open.ts';
import type { JsonValue } from './event.ts';
import { type ChunkedReading, type ExportFormat, exportAudit } from './export.ts';
import { type AuditFilter, type AuditLine, type AuditPage, type AuditQuery, auditQuery } from './query.ts';
import type { Head } from './rows.ts';
import { readTraffic, type Traffic } from './traffic.ts';
import { openVerifier, type Verification, type Verified, type VerifierOptions } from './verifier.ts';

export interface AuditDesk extends Pick<AuditQuery, 'tail' | 'line' | 'subjects'> {
  /** Newest first; `next` is the `beforeSeq` of the page before. */
  search(filter: AuditFilter, limit: number): AuditPage;
  /** What was done with an order, oldest first, at most AUDIT_ORDER_LINES_MAX. */
  linesOfOrder(orderId: string): readonly AuditLine[];
  /** The sealed arguments of a line for the owner's eyes, after putting on the record that they were opened. */
  openArguments(seq: number): Result<JsonValue, string>;
  /** What fits the filter as text, oldest first, in chunks; that it was asked for is on the record. */
  export(filter: AuditFilter, format: ExportFormat): AsyncIterable<string>;
  traffic(options: { readonly windowMs: number }): Promise<Traffic>;
  verification(): Verification;
  /** Begins one unless one is running. */
  verify(): Promise<Verified>;
  head(): Head;
  /** Why the file does not follow, in one sentence; undefined while it does. */
  trouble(): string | undefined;
  close(): void;
}

export type AuditDeskOptions = VerifierOptions & Pick<ChunkedReading, 'turn'>;

/** How the owner's acts in the console stand in the record. */
const BY_OWNER = { credential: 'owner', door: 'console', outcome: 'ok' } as const;

export function openAuditDesk(options: AuditDeskOptions): AuditDesk {
  const { store, keyring, audit, clock } = options;
  const query = auditQuery(store, keyring);
  const reading: ChunkedReading = { query, turn: options.turn };
  const verifier = openVerifier(options);
  const traffic = new Map<number, { readonly untilMs: number; readonly read: Promise<Traffic> }>();
  const record = (kind: string, detail: Readonly<Record<string, JsonValue>>): void => {
    store.transaction(() => audit.record({ kind, ...BY_OWNER, detail }));
  };
  return {
    search: (filter, limit) => query.page(filter, { newestFirst: true, from: filter.beforeSeq, limit }),
    tail: (count, filter) => query.tail(count, filter),
    line: (seq) => query.line(seq),
    linesOfOrder: (orderId) =>
      query.page({ orderId }, { newestFirst: false, limit: AUDIT_ORDER_LINES_MAX }).lines,
    subjects: () => query.subjects(),
    openArguments(seq) {
      const opened = opening(query, seq);
      if (opened.ok) record('audit.arguments_opened', { line: seq });
      return opened;
    },
    export(filter, format) {
      record('audit.exported', { format, filter: { ...filter } });
      return exportAudit(reading, filter, format);
    },
    traffic({ windowMs }) {
      const nowMs = clock.wallMs();
      const known = traffic.get(windowMs);
      if (known && Math.abs(nowMs - known.untilMs) < TRAFFIC_KEPT_MS) return known.read;
      const read = readTraffic(reading, { windowMs, untilMs: nowMs });
      traffic.set(windowMs, { untilMs: nowMs, read });
      return read;
    },
    verification: () => verifier.state(),
    verify: () => verifier.verify(),
    head: () => audit.head(),
    trouble: () => audit.trouble(),
    close: () => verifier.close(),
  };
}

/** A copy that was altered does not open: the owner is told so like of everything else that is not there to be shown. */
function opening(query: AuditQuery, seq: number): Result<JsonValue, string> {
  try {
    return query.argumentsOf(seq);
  } catch (cause) {
    if (cause instanceof StoreError) return err(cause.message);
    throw cause;
  }
}
