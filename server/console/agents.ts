/** Agents: whom the owner lets act, with what is left of each mandate today; and a new one with its mandate and first key. */
import { z } from 'zod';
import { checkKeyRequest } from '#access/key-request.ts';
import { accountId, SCOPES } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { agentCard, currencies, onlyOne } from './agent-views.ts';
import { action, definePage, type OwnerVisit, refused, show } from './define.ts';
import { KEY_SPANS, keyFrom, newKeyFields } from './key-form.ts';
import { templateById, templateRows } from './mandate-templates.ts';

const addInput = z.strictObject({
  name: z.string().max(100),
  accounts: z.union([z.string(), z.array(z.string())]).optional(),
  template: z.string().max(40),
  ...newKeyFields,
});

export const agents = definePage({
  path: '/agents',
  title: 'Agents',
  view: 'agents.html',
  scripts: ['copy.js'],
  nav: { label: 'Agents', group: 'agents' },
  live: ['agents', 'orders', 'state', 'remote'],
  async load({ services }) {
    const known = await currencies(services);
    return ok({
      agents: services.access.agents
        .list()
        .map((agent) => agentCard(services, agent, known.get(agent.accounts[0] ?? '') ?? '')),
      accounts: services.trading.owner.statuses().map(({ id, mode }) => ({ id, mode })),
      scopes: SCOPES,
      spans: KEY_SPANS,
      templates: templateRows(onlyOne(known.values())),
    });
  },
  actions: {
    add: action({
      input: addInput,
      proof: 'recent',
      check(visit, values) {
        const { access } = visit.services;
        const { name, accounts, mandate, key } = requestFrom(visit, values);
        const agent = access.agents.check(name, accounts);
        if (!agent.ok) return agent;
        const limits = mandate === undefined ? agent : access.mandates.check(mandate);
        return limits.ok ? checkKeyRequest(key) : limits;
      },
      run(visit, values) {
        const made = visit.services.access.equip({ ...requestFrom(visit, values), by: visit.owner });
        return made.ok ? show({ key: made.value }) : refused(made.error);
      },
    }),
  },
});

function requestFrom({ services }: OwnerVisit, given: z.output<typeof addInput>) {
  const accounts = given.accounts === undefined ? undefined : [given.accounts].flat();
  const symbols = services.markets
    .among((accounts ?? ['paper']).map(accountId))
    .instruments()
    .map((one) => one.symbol);
  return {
    name: given.name.trim(),
    accounts,
    mandate: templateById(given.template)?.document(accounts ?? ['paper'], symbols),
    key: keyFrom(given),
  };
}
