/** What remote clients called: the lines of the record, by tool, client and outcome. */
import { AUDIT_OUTCOMES } from '#audit/event.ts';
import type { AuditFilter } from '#audit/query.ts';
import { nearest } from '#domain/nearest.ts';
import { type FieldError, fieldError } from '#domain/refusal.ts';
import { ok } from '#domain/result.ts';
import { CONSOLE_ROWS_MAX, GRANT_KEPT_MS, GRANTS_LISTED_MAX } from '#limits.ts';
import type { RemoteClient } from '#oauth/records.ts';
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

type Services = Pick<ConsoleServices, 'access' | 'remote'>;

/**
 * What a client called, under every agent that it has been approved for. Where that is one, as its grants tell, only that agent's
 * lines are looked through.
 */
export function callsOf(services: Services, client: RemoteClient): AuditFilter {
  const { agent, credential } = client;
  const calls = { kind: 'tool.call', credential };
  return agent !== null && hasHadNoOther(services, client) ? { ...calls, agent: agent.name } : calls;
}

function hasHadNoOther(
  { access, remote }: Services,
  { clientId, agent, createdAtMs }: RemoteClient,
): boolean {
  const grants = remote.clients.grants({ clientId, limit: GRANTS_LISTED_MAX });
  const allAreListed = grants.length < GRANTS_LISTED_MAX && createdAtMs > access.wall() - GRANT_KEPT_MS;
  return allAreListed && grants.every((grant) => grant.agent === agent?.id);
}

function wantedCalls(services: Services, query: Readonly<Record<string, string>>): Asked<AuditFilter> {
  const { client, tool, outcome } = given(query);
  const errors: FieldError[] = [];
  const known = services.remote.clients.list().find(({ credential }) => credential === client);
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
      ...(known ? callsOf(services, known) : { kind: 'tool.call', credential: ANY_CLIENT }),
      ...(tool === undefined ? {} : { tool }),
      ...(wanted === undefined ? {} : { outcome: wanted }),
    },
  };
}
