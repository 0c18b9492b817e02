/** Remote MCP: what hosts are given, who asks to be let in, who is in, how far each came, and ending all of it. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { REMOTE_CALLS_SHOWN_MAX, REMOTE_CONNECTIONS_SHOWN_MAX, REMOTE_GRANTS_SHOWN_MAX } from '#limits.ts';
import { isAddress } from '#oauth/noted-steps.ts';
import { auditRow } from './audit-rows.ts';
import { action, definePage, go, type OwnerVisit, refused, show } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { scopeBoxes } from './remote-mcp-acts.ts';
import { approvalOf, clientRow, grantRow, REMOTE, scopesFor, strangerRow } from './remote-mcp-rows.ts';
import { savedWords, settingRow } from './settings.ts';

/** Those of them that the owner looks at in one place with the clients that they act on. */
const REMOTE_SETTING = /^MCP_(?!OAUTH_KEYS_DIR|LOOPBACK)/;

export const remoteMcp = definePage({
  path: '/remote-mcp',
  title: 'Remote MCP',
  view: 'remote-mcp.html',
  nav: { label: 'Remote MCP', group: 'agents' },
  scripts: ['copy.js', 'remote.css'],
  live: ['remote', 'agents', 'state'],
  load: ({ services }) => ok(pageOf(services)),
  actions: {
    'disconnect-all': action({
      input: z.strictObject({}),
      run({ services, owner }) {
        const { grants } = services.remote.clients.disconnectAll(owner);
        const ended = grants === 1 ? '1 grant has ended' : `${grants} grants have ended`;
        return go(
          REMOTE,
          `Everybody is disconnected: ${ended}. Clients stay approved, and need your consent again.`,
        );
      },
    }),
    'create-client': action({
      input: z.strictObject({
        name: z.string().max(200),
        redirect_uris: z.string().max(6_000),
        agent: z.string().max(80),
        scopes: scopeBoxes,
        secret: z.literal('yes').optional(),
      }),
      proof: 'recent',
      proves: (_visit, { name, agent }) => `Make the client “${name}” for the agent ${agent}`,
      run(visit, given) {
        const made = visit.services.remote.clients.createStatic({
          name: given.name,
          redirectUris: given.redirect_uris.split(/\s+/).filter((uri) => uri !== ''),
          agent: given.agent.trim(),
          scopes: given.scopes,
          confidential: given.secret === 'yes',
          by: visit.owner,
        });
        if (!made.ok) return refused(made.error);
        const { client, secret } = made.value;
        return show({ client: clientRow(visit.services, client), secret, url: mcpUrl(visit) });
      },
    }),
    'rotate-keys': action({
      input: z.strictObject({}),
      proof: 'recent',
      proves: () => 'Sign tokens with a new key from now on',
      run({ services, owner }) {
        const { signing } = services.remote;
        if (signing === undefined)
          return go(REMOTE, { warning: 'Remote MCP is off: no token is signed at all.' });
        const { kid } = signing.rotate(owner);
        return go(
          REMOTE,
          `The key ${kid} signs from now on. The one before is good until its last token has ended.`,
        );
      },
    }),
    settings: action({
      input: z.object({}).catchall(z.string().max(4_000)),
      proof: 'recent',
      async run({ services }, texts) {
        const trimmed = Object.entries(texts).map(([name, value]) => [name, value.trim()]);
        const saved = await services.settings.save(Object.fromEntries(trimmed) as Record<string, string>);
        return saved.ok
          ? go(`${REMOTE}#settings`, savedWords(saved.value.changed, saved.value.waiting))
          : refused(saved.error);
      },
    }),
  },
});

const mcpUrl = ({ services }: OwnerVisit): string | null => {
  const { publicUrl } = services.remote.state();
  return publicUrl === null ? null : `${publicUrl}/mcp`;
};

function pageOf(services: ConsoleServices) {
  const { remote, settings } = services;
  const state = remote.state();
  const clients = remote.clients.list();
  const destinations = services.notify.destinations();
  const of = (wanted: (typeof clients)[number]['state']) =>
    clients.filter((one) => one.state === wanted).map((one) => clientRow(services, one));
  return {
    remote: state,
    url: state.publicUrl === null ? null : `${state.publicUrl}/mcp`,
    pending: clients
      .filter((one) => one.state === 'pending')
      .map((one) => ({
        client: clientRow(services, one),
        approval: approvalOf(services, one),
      })),
    untold:
      state.on && destinations.length > 0 && !destinations.some(({ kinds }) => kinds.includes('client')),
    approved: of('approved'),
    revoked: of('revoked'),
    strangers: remote.connections
      .list(REMOTE_CONNECTIONS_SHOWN_MAX)
      .filter(({ subject }) => isAddress(subject))
      .map((one) => strangerRow(services, one)),
    grants: remote.clients
      .grants({ live: true, limit: REMOTE_GRANTS_SHOWN_MAX })
      .map((grant) => grantRow(services, grant)),
    calls: services.audit
      .search({ kind: 'tool.call', credential: 'client_*' }, REMOTE_CALLS_SHOWN_MAX)
      .lines.map(auditRow),
    scopes: scopesFor(state, { askedScopes: [], ceiling: [] }),
    agent_names: services.access.agents.list().map(({ name }) => name),
    keys: remote.signing?.list().map((key) => ({
      kid: key.kid,
      created_at_ms: key.createdAtMs,
      retired_at_ms: key.retiredAtMs,
    })),
    settings: settings
      .list()
      .filter(({ name }) => REMOTE_SETTING.test(name))
      .map(settingRow),
    labels: { redirect_uris: 'Redirect addresses', scopes: 'What it may do', name: 'Name', agent: 'Agent' },
  };
}
