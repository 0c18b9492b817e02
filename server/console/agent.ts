/** One agent: its state, what of its mandate is used, its keys, and the acts that change them. */
import { z } from 'zod';
import { checkKeyRequest } from '#access/key-request.ts';
import { SCOPES } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { agentCard, currencies, keyRow } from './agent-views.ts';
import { action, definePage, go, type Outcome, type OwnerVisit, refused, show } from './define.ts';
import { KEY_SPANS, keyFrom, newKeyFields } from './key-form.ts';

const KEYS_SHOWN_MAX = 100;
const noFields = z.strictObject({});
const keyId = z.strictObject({ id: z.string().max(80) });

export const pathOfAgent = (name: string): string => `/admin/agents/${encodeURIComponent(name)}`;

export function agentOf({ services, params }: OwnerVisit) {
  const name = params['name'] ?? '';
  const found = services.access.agents.byName(name);
  return found
    ? ok(found)
    : err(refuse('not_found', 'There is no agent of this name. The list of agents shows those there are.'));
}

/** Back to the agent with a notice, or the page again with why not. */
function after(visit: OwnerVisit, done: Result<unknown, Refusal>, notice: string): Outcome {
  return done.ok ? go(pathOfAgent(visit.params['name'] ?? ''), notice) : refused(done.error);
}

export const agent = definePage({
  path: '/agents/:name',
  title: 'Agent',
  view: 'agent.html',
  scripts: ['copy.js'],
  live: ['agents', 'orders', 'state', 'remote'],
  async load(visit) {
    const found = agentOf(visit);
    if (!found.ok) return found;
    const { access } = visit.services;
    const { id } = found.value;
    const nowMs = access.wall();
    const known = await currencies(visit.services);
    return ok({
      agent: agentCard(visit.services, found.value, known.get(found.value.accounts[0] ?? '') ?? ''),
      versions: access.mandates.history(id).map(({ mandate, createdAtMs, author }) => ({
        version: mandate.version,
        author,
        created_at_ms: createdAtMs,
        revoked_at_ms: mandate.revokedAtMs,
        json: JSON.stringify(mandate.document, null, 2),
      })),
      keys: access.keys
        .list()
        .filter((key) => key.agentId === id)
        .map((key) => keyRow(key, nowMs))
        .reverse()
        .slice(0, KEYS_SHOWN_MAX),
      scopes: SCOPES,
      spans: KEY_SPANS,
    });
  },
  actions: {
    halt: action({
      input: noFields,
      run(visit) {
        const { name = '' } = visit.params;
        const halted = visit.services.trading.owner.haltAgent(name);
        const orders = halted.ok ? halted.value.canceling.length : 0;
        return after(visit, halted, `${name} is halted; ${orders} of its orders are being canceled.`);
      },
    }),
    lift: action({
      input: noFields,
      proof: 'recent',
      run(visit) {
        const lifted = visit.services.trading.owner.liftAgent(visit.params['name'] ?? '');
        const state = lifted.ok ? lifted.value.tradingState : '';
        return after(visit, lifted, `The halt is lifted; the agent is ${state}.`);
      },
    }),
    'create-key': action({
      input: z.strictObject(newKeyFields),
      proof: 'recent',
      check(visit, values) {
        // The key request would make an agent of a name that was mistyped in the address.
        const found = agentOf(visit);
        return found.ok ? checkKeyRequest(keyFrom(values)) : found;
      },
      run(visit, values) {
        const found = agentOf(visit);
        if (!found.ok) return refused(found.error);
        const { services, owner } = visit;
        const made = services.access.keys.create({ ...keyFrom(values), agent: found.value.name, by: owner });
        return made.ok ? show({ key: made.value }) : refused(made.error);
      },
    }),
    'rotate-key': action({
      input: keyId,
      proof: 'recent',
      run({ services, owner, params }, { id }) {
        if (!ownKey(services, params['name'], id)) return refused(NO_SUCH_KEY);
        const made = services.access.keys.rotate(id, owner);
        return made.ok ? show({ key: made.value, rotated: id }) : refused(made.error);
      },
    }),
    'revoke-key': action({
      input: keyId,
      run(visit, { id }) {
        const { services, owner, params } = visit;
        if (!ownKey(services, params['name'], id)) return refused(NO_SUCH_KEY);
        return after(visit, services.access.keys.revoke(id, owner), `The key ${id} opens nothing any more.`);
      },
    }),
    'revoke-mandate': action({
      input: noFields,
      run(visit) {
        const revoked = visit.services.access.mandates.revoke(visit.params['name'] ?? '', visit.owner);
        return after(visit, revoked, 'The mandate is revoked: the agent may only close what it holds.');
      },
    }),
  },
});

const NO_SUCH_KEY = refuse('not_found', 'This agent has no such key; nothing was changed.');
const ownKey = (services: OwnerVisit['services'], agentName: string | undefined, id: string): boolean =>
  services.access.keys.list().some((key) => key.id === id && key.agent === agentName);
