/** Lines of the record as templates take them. */
import type { JsonValue } from '#audit/event.ts';
import type { AuditLine } from '#audit/query.ts';
import { AUDIT_SUMMARY_LENGTH_MAX } from '#limits.ts';
import { reasonInWords } from './order-rows.ts';

export function auditRow(line: AuditLine) {
  // A digest and an id of an approval tell a person nothing; they stand on the line's own page.
  const { order_id, reason, digest: _digest, approval_id: _approvalId, ...rest } = line.detail ?? {};
  return {
    seq: line.seq,
    time_ms: Date.parse(line.time),
    kind: line.kind,
    agent: line.agent,
    credential: line.credential,
    door: line.door,
    tool: line.tool,
    account: line.account,
    outcome: line.outcome,
    latency_ms: line.latency_ms,
    order_id: typeof order_id === 'string' ? order_id : null,
    reason: isCallOfNoTool(line) ? NO_SUCH_TOOL : typeof reason === 'string' ? reasonInWords(reason) : null,
    summary: summaryOf(rest),
    has_arguments: line.args_hmac !== null,
  };
}

const NO_SUCH_TOOL = {
  word: 'not found',
  meaning: 'There is no such tool.',
  remedy: 'The reference at /docs names those there are.',
};
/** Every tool that there is asks for a scope, which is on the line. */
const isCallOfNoTool = ({ kind, scope, detail }: AuditLine): boolean =>
  kind === 'tool.call' && scope === null && detail?.['reason'] === 'not_found';

/** `from open to filled, qty 1`. */
function summaryOf(detail: Readonly<Record<string, JsonValue>>): string {
  const { from, to, ...others } = detail;
  const way = typeof from === 'string' && typeof to === 'string' ? [`from ${from} to ${to}`] : [];
  const named = Object.entries(way.length > 0 ? others : detail).flatMap(([name, value]) =>
    said(name, value),
  );
  const summary = [...way, ...named].join(', ');
  return summary.length <= AUDIT_SUMMARY_LENGTH_MAX
    ? summary
    : `${summary.slice(0, AUDIT_SUMMARY_LENGTH_MAX)}…`;
}

/** What is nested is left to the line's own page. */
function said(name: string, value: JsonValue): readonly string[] {
  const words = name.replaceAll('_', ' ');
  if (value === null || value === false) return [];
  if (value === true) return [words];
  if (typeof value === 'object') return [`${words} …`];
  return [name === 'text' ? String(value) : `${words} ${value}`];
}

export const textOf = (value: JsonValue): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
