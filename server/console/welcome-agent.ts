/** The first run's agent: made with its mandate and key in one commit, and given to its host by one paste. */
import { z } from 'zod';
import type { NewKey } from '#access/api-keys.ts';
import { SCOPES } from '#domain/principal.ts';
import { currencies, onlyOne } from './agent-views.ts';
import { bestSnippet, HOSTS, type Host, hostById, KEY_VARIABLE } from './connect-snippets.ts';
import { type Outcome, type OwnerVisit, type PageData, refused, show } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { templateById, templateRows } from './mandate-templates.ts';

/** Mandates under which the guided order can be placed; the others are under Agents. */
const TEMPLATES = ['practice', 'small', 'asks'] as const;

const hostInput = z.enum(HOSTS.map(({ id }) => id));
export const newAgentInput = z.strictObject({
  name: z.string().max(100),
  host: hostInput,
  template: z.enum(TEMPLATES),
});
export const newKeyInput = z.strictObject({ host: hostInput });

export interface ConnectingAgent {
  readonly name: string;
  readonly host: Host | undefined;
  readonly connected: boolean;
  readonly lastSeenMs: number | null;
}

/** The agent that the first run made, while there is one of that name. */
export function connectsAs({ access }: ConsoleServices): ConnectingAgent | undefined {
  const { agents, keys, firstRun } = access;
  const made = firstRun.agent();
  if (made === undefined || agents.byName(made.name) === undefined) return undefined;
  const seen = keys
    .list()
    .filter((key) => key.agent === made.name)
    .flatMap((key) => (key.lastUsedAtMs === null ? [] : [key.lastUsedAtMs]));
  return {
    name: made.name,
    host: hostById(made.host),
    connected: seen.length > 0,
    lastSeenMs: seen.length === 0 ? null : Math.max(...seen),
  };
}

export async function agentStep(visit: OwnerVisit): Promise<PageData> {
  const { services } = visit;
  const agent = connectsAs(services);
  const known = await currencies(services);
  const [call] = agent === undefined ? [] : services.audit.tail(1, { kind: 'tool.call', agent: agent.name });
  return {
    hosts: HOSTS.map(({ id, label }) => [id, label]),
    templates: templateRows(onlyOne(known.values())).filter(({ id }) => TEMPLATES.some((one) => one === id)),
    agent: agent === undefined ? null : { ...agent, host: agent.host?.id ?? '' },
    last_call: call === undefined ? null : { tool: call.tool, at_ms: Date.parse(call.time) },
  };
}

export function makeAgent(visit: OwnerVisit, given: z.output<typeof newAgentInput>): Outcome {
  const { access, markets, trading } = visit.services;
  const accounts = trading.owner.statuses().flatMap(({ id, mode }) => (mode === 'paper' ? [id] : []));
  const symbols = markets
    .among(accounts.slice(0, 1))
    .instruments()
    .map(({ symbol }) => symbol);
  // Who gives none means the host's.
  const name = given.name.trim() || given.host;
  const made = access.equip({
    name,
    accounts: accounts.slice(0, 1),
    mandate: templateById(given.template)?.document(accounts.slice(0, 1), symbols),
    key: { scopes: SCOPES },
    by: visit.owner,
  });
  if (!made.ok) return refused(made.error);
  access.firstRun.setAgent({ name, host: given.host });
  return showKey(visit, made.value, given.host);
}

/** For who has lost the key that was shown once, or wants another host: the one before ends. */
export function makeKey(visit: OwnerVisit, { host }: z.output<typeof newKeyInput>): Outcome {
  const { access } = visit.services;
  const agent = connectsAs(visit.services);
  if (agent === undefined) return { kind: 'go', to: '/admin/welcome?step=agent' };
  const nowMs = access.wall();
  const live = access.keys
    .list()
    .findLast((key) => key.agent === agent.name && key.revokedAtMs === null && key.expiresAtMs > nowMs);
  const made =
    live === undefined
      ? access.keys.create({ agent: agent.name, scopes: SCOPES, by: visit.owner })
      : access.keys.rotate(live.id, visit.owner);
  if (!made.ok) return refused(made.error);
  access.firstRun.setAgent({ name: agent.name, host });
  return showKey(visit, made.value, host);
}

function showKey({ services, origin }: OwnerVisit, made: NewKey, hostId: string): Outcome {
  const host = hostById(hostId);
  const facts = { origin, stdio: services.stdio, key: made.key };
  return show({
    agent: made.agent,
    expires_at_ms: made.expiresAtMs,
    variable: KEY_VARIABLE,
    host: host?.label ?? '',
    snippet: host === undefined ? null : bestSnippet(host, facts),
  });
}
