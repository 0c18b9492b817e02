/** Which lines of the record a page is asked for, from its address; what can not be read is named instead of ignored. */
import { AUDIT_OUTCOMES } from '#audit/event.ts';
import type { AuditFilter } from '#audit/query.ts';
import { nearest } from '#domain/nearest.ts';
import { type FieldError, fieldError } from '#domain/refusal.ts';
import type { ConsoleServices } from './desks.ts';
import { type Asked, given, ID_LENGTH_MAX, momentOf, TIME_RULE } from './order-filter.ts';

/** In the place of a name: what no agent did. */
export const NO_AGENT = '-';
/** `order.placed`, or `order.*` for all that begin so. */
const KIND = /^[a-z_]+(?:\.[a-z_]+)*(?:\.\*)?$/;

export function wantedLines(
  { preferences }: Pick<ConsoleServices, 'preferences'>,
  query: Readonly<Record<string, string>>,
): Asked<AuditFilter> {
  const errors: FieldError[] = [];
  const { agent, tool, outcome, kind, order, since, until } = given(query);
  const { timezone } = preferences.read();
  const wanted = AUDIT_OUTCOMES.find((word) => word === outcome);
  if (outcome !== undefined && wanted === undefined)
    errors.push(
      fieldError('outcome', outcome, `one of ${AUDIT_OUTCOMES.join(', ')}`, nearest(outcome, AUDIT_OUTCOMES)),
    );
  if (kind !== undefined && !KIND.test(kind))
    errors.push(
      fieldError('kind', kind, 'a kind as it stands in the list, or order.* for all that begin so'),
    );
  const sinceMs = since === undefined ? undefined : momentOf(since, timezone, 'begin');
  const untilMs = until === undefined ? undefined : momentOf(until, timezone, 'end');
  if (sinceMs === null) errors.push(fieldError('since', since, TIME_RULE));
  if (untilMs === null) errors.push(fieldError('until', until, TIME_RULE));
  if (order !== undefined && order.length > ID_LENGTH_MAX)
    errors.push(fieldError('order', order, `at most ${ID_LENGTH_MAX} characters`));
  return {
    errors,
    filter: {
      ...(agent === undefined ? {} : { agent: agent === NO_AGENT ? null : agent }),
      ...(tool === undefined ? {} : { tool }),
      ...(wanted === undefined ? {} : { outcome: wanted }),
      ...(kind === undefined ? {} : { kind }),
      ...(order === undefined ? {} : { orderId: order }),
      ...(typeof sinceMs === 'number' ? { sinceMs } : {}),
      ...(typeof untilMs === 'number' ? { untilMs } : {}),
    },
  };
}
