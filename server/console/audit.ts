/** The record: everything that was done and refused, filtered by the address; whether it is whole; files of it. */
import { z } from 'zod';
import { AUDIT_OUTCOMES } from '#audit/event.ts';
import type { ExportFormat } from '#audit/export.ts';
import type { Verification, Verified } from '#audit/verifier.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { CONSOLE_ROWS_MAX, VERIFY_WAIT_MS } from '#limits.ts';
import { NO_AGENT, wantedLines } from './audit-filter.ts';
import { auditRow } from './audit-rows.ts';
import { action, definePage, go, type OwnerVisit, type PageFile } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { address, pagesBack } from './order-filter.ts';

const PATH = '/admin/audit';

export const audit = definePage({
  path: '/audit',
  title: 'Audit',
  view: 'audit.html',
  nav: { label: 'Audit', group: 'record' },
  live: ['state', 'audit'],
  scripts: ['verify.js'],
  load: (visit) => ok(listing(visit)),
  files: {
    'record.jsonl': (visit) => fileOf(visit, 'jsonl', 'application/x-ndjson; charset=utf-8'),
    'record.csv': (visit) => fileOf(visit, 'csv', 'text/csv; charset=utf-8'),
  },
  actions: {
    verify: action({
      input: z.strictObject({}),
      async run({ services, query }) {
        await Promise.race([services.audit.verify(), moment(services)]);
        return go(address(PATH, query));
      },
    }),
  },
});

/** Most records are proved in less; of a longer one the page says that it is still being proved. */
const moment = ({ clock }: Pick<ConsoleServices, 'clock'>): Promise<void> =>
  new Promise((resolve) => void clock.after(VERIFY_WAIT_MS, resolve));

function listing({ services, query }: OwnerVisit) {
  const { filter, errors } = wantedLines(services, query);
  const back = pagesBack(query);
  const beforeSeq = back.at(-1);
  const found =
    errors.length > 0
      ? { lines: [], next: undefined, cut: false }
      : services.audit.search(
          { ...filter, ...(beforeSeq === undefined ? {} : { beforeSeq }) },
          CONSOLE_ROWS_MAX,
        );
  const pageAt = (pages: readonly number[]): string => address(PATH, query, { before: pages.join(',') });
  const { next } = found;
  return {
    errors,
    rows: found.lines.map(auditRow),
    filtered: Object.keys(filter).length > 0,
    first_page: beforeSeq === undefined,
    older: next === undefined ? null : pageAt([...back, next]),
    newer: back.length === 0 ? null : pageAt(back.slice(0, -1)),
    looked_back_to_ms: found.cut && next !== undefined ? timeOf(services, next) : null,
    options: optionsOf(services),
    badge: badgeOf(services),
    verify_form: address(`${PATH}/verify`, query),
    jsonl: address(`${PATH}/record.jsonl`, query, { before: '' }),
    csv: address(`${PATH}/record.csv`, query, { before: '' }),
  };
}

function timeOf({ audit: desk }: ConsoleServices, seq: number): number | null {
  const line = desk.line(seq);
  return line === undefined ? null : Date.parse(line.time);
}

/** What the record speaks of, and agents that it does not speak of yet. */
function optionsOf({ audit: desk, access }: ConsoleServices) {
  const { agents, kinds, tools } = desk.subjects();
  const names = new Set([...agents, ...access.agents.list().map(({ name }) => name)]);
  const groups = new Set(
    kinds.filter((kind) => kind.includes('.')).map((kind) => `${kind.split('.')[0] ?? ''}.*`),
  );
  return {
    agents: [...names].sort(),
    no_agent: NO_AGENT,
    kinds: [...groups].sort(),
    exact_kinds: kinds,
    tools,
    outcomes: AUDIT_OUTCOMES,
  };
}

/** What is known of the record being whole, and what is not. */
function badgeOf({ audit: desk }: ConsoleServices) {
  const verification = desk.verification();
  const last = lastOf(verification);
  const head = desk.head().seq;
  return {
    head,
    running_since_ms: verification.state === 'running' ? verification.startedAtMs : null,
    last: last === undefined ? null : verifiedWire(last, head),
    trouble: desk.trouble() ?? null,
  };
}

function lastOf(verification: Verification): Verified | undefined {
  switch (verification.state) {
    case 'never':
      return undefined;
    case 'running':
      return verification.last;
    case 'ok':
    case 'broken':
    case 'failed':
      return verification;
  }
}

function verifiedWire(verified: Verified, head: number) {
  if (verified.state === 'failed') return { state: verified.state, at_ms: verified.atMs, why: verified.why };
  const { report } = verified;
  return {
    state: verified.state,
    at_ms: verified.atMs,
    took_ms: verified.tookMs,
    last_seq: report.last_seq,
    hash: report.head,
    since: Math.max(0, head - report.last_seq),
    first_bad: report.first_bad ?? null,
  };
}

/** Everything that the filter finds, not a page of it. */
function fileOf(
  { services, query }: OwnerVisit,
  format: ExportFormat,
  type: string,
): Result<PageFile, ReturnType<typeof refuse>> {
  const { filter, errors } = wantedLines(services, query);
  const [first] = errors;
  if (first !== undefined)
    return err(refuse('invalid_input', `Nothing was exported. ${first.field}: ${first.rule}.`, { errors }));
  return ok({ type, chunks: services.audit.export(filter, format) });
}
