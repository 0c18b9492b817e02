/** One remote client: who it says it is, how far it came, what it may hold, what it was granted, and the acts that change that. */
import { ok } from '#domain/result.ts';
import { REMOTE_CALLS_SHOWN_MAX, REMOTE_GRANTS_SHOWN_MAX } from '#limits.ts';
import type { RemoteClient } from '#oauth/records.ts';
import { auditRow } from './audit-rows.ts';
import { definePage } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { approve, changeCeiling, clientOf, disconnect, endGrant, remove, revoke } from './remote-mcp-acts.ts';
import { callsOf } from './remote-mcp-calls.ts';
import { approvalOf, clientRow, grantRow, REMOTE, scopesFor } from './remote-mcp-rows.ts';

/** A mandate that has expired says so where the agent is. */
function agentHasMandate({ access }: ConsoleServices, { agent }: RemoteClient): boolean {
  const mandate = agent === null ? undefined : access.mandates.current(agent.id);
  return mandate !== undefined && mandate.revokedAtMs === null;
}

export const remoteMcpClient = definePage({
  path: '/remote-mcp/clients/:credential',
  title: 'Remote client',
  view: 'remote-mcp-client.html',
  scripts: ['remote.css'],
  live: ['remote', 'agents', 'state'],
  load(visit) {
    const found = clientOf(visit);
    if (!found.ok) return found;
    const { services } = visit;
    const { remote } = services;
    const client = found.value;
    const grants = (live: boolean) =>
      remote.clients
        .grants({ clientId: client.clientId, live, limit: REMOTE_GRANTS_SHOWN_MAX })
        .map((grant) => grantRow(services, grant));
    const calls = services.audit.search(callsOf(services, client), REMOTE_CALLS_SHOWN_MAX);
    return ok({
      client: clientRow(services, client),
      remote: remote.state(),
      approval: approvalOf(services, client),
      scopes: scopesFor(remote.state(), client),
      live: grants(true),
      ended: grants(false),
      has_mandate: agentHasMandate(services, client),
      calls: client.state === 'pending' ? [] : calls.lines.map(auditRow),
      calls_cut: calls.cut,
      calls_href: `${REMOTE}/calls?client=${encodeURIComponent(client.credential)}`,
      labels: { scopes: 'What it may do', agent: 'Agent', new_agent: 'Name of the new agent' },
    });
  },
  actions: { approve, ceiling: changeCeiling, revoke, remove, disconnect, 'end-grant': endGrant },
});
