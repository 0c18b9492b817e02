/** What remote clients called: the lines of the record, by tool, client and outcome. */
import { AUDIT_OUTCOMES } from '#audit/event.ts';
import type { AuditFilter } from '#audit/query.ts';
import { nearest } from '#domain/nearest.ts';
import { type FieldError, fieldError } from '#domain/refusal.ts';
import { ok } from '#domain/result.ts';
import { CONSOLE_ROWS_MAX } from '#limits.ts';
import { auditRow } from './audit-rows.ts';
import { definePage, type OwnerVisit } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { type Asked, address, given, pagesBack } from './order-filter.ts';
import { clientPath, REMOTE } from './remote-mcp-rows.ts';

const HERE = `${REMOTE}/calls`;
/** Every credential of a remote client. */
const ANY_CLIENT = 'client_*';

export const remoteMcpCalls = definePage({
  path: '/remote-mcp/calls',
  title: 'Calls of remote clients',
  view: 'remote-mcp-calls.html',
  live: ['audit', 'remote'],
  load: (visit) => ok(listing(visit)),
});

function listing({ services, query }: OwnerVisit) {
  const { filter, errors } = wantedCalls(services, query);
  const back = pagesBack(query);
  const beforeSeq = back.at(-1);
  const found =
    errors.length > 0
      ? { lines: [], next: undefined, cut: false }
      : services.audit.search(
          { ...filter, ...(beforeSeq === undefined ? {} : { beforeSeq }) },
          CONSOLE_ROWS_MAX,
        );
  const clients = new Map(
    services.remote.clients.list().map(({ credential, metadata }) => [credential, metadata.client_name]),
  );
  const pageAt = (pages: readonly number[]): string => address(HERE, query, { before: pages.join(',') });
  const { next } = found;
  const reached = found.cut && next !== undefined ? services.audit.line(next) : undefined;
  return {
    errors,
    rows: found.lines.map((line) => ({
      ...auditRow(line),
      client: clients.get(line.credential ?? '') ?? null,
      client_path: clients.has(line.credential ?? '') ? clientPath(line.credential ?? '') : null,
    })),
    filtered: Object.keys(given(query)).some((name) => name !== 'before'),
    older: next === undefined ? null : pageAt([...back, next]),
    newer: back.length === 0 ? null : pageAt(back.slice(0, -1)),
    looked_back_to_ms: reached === undefined ? null : Date.parse(reached.time),
    options: {
      clients: [...clients].map(([credential, name]) => [credential, `${name} (${credential.slice(7, 13)})`]),
      tools: services.audit.subjects().tools,
      outcomes: AUDIT_OUTCOMES,
    },
  };
}

function wantedCalls(
  { remote }: Pick<ConsoleServices, 'remote'>,
  query: Readonly<Record<string, string>>,
): Asked<AuditFilter> {
  const { client, tool, outcome } = given(query);
  const errors: FieldError[] = [];
  const known = remote.clients.list().find(({ credential }) => credential === client);
  if (client !== undefined && known === undefined)
    errors.push(fieldError('client', client, 'a client of the list; a deleted one is found in the record'));
  const wanted = AUDIT_OUTCOMES.find((word) => word === outcome);
  if (outcome !== undefined && wanted === undefined)
    errors.push(
      fieldError('outcome', outcome, `one of ${AUDIT_OUTCOMES.join(', ')}`, nearest(outcome, AUDIT_OUTCOMES)),
    );
  return {
    errors,
    filter: {
      kind: 'tool.call',
      credential: known?.credential ?? ANY_CLIENT,
      // Narrows what has to be looked through.
      ...(known?.agent ? { agent: known.agent.name } : {}),
      ...(tool === undefined ? {} : { tool }),
      ...(wanted === undefined ? {} : { outcome: wanted }),
    },
  };
}
