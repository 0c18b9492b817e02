/** Agents: whom the owner lets act, with what is left of each mandate today; and a new one with its mandate and first key. */
import { z } from 'zod';
import { SCOPES } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { agentCard, currencies } from './agent-views.ts';
import { action, definePage, refused, show } from './define.ts';
import { KEY_SPANS, keySpan, newKeyFields, wordsOf } from './key-form.ts';
import { MANDATE_TEMPLATES, templateById } from './mandate-templates.ts';

export const agents = definePage({
  path: '/agents',
  title: 'Agents',
  view: 'agents.html',
  nav: { label: 'Agents', group: 'agents' },
  live: ['agents', 'orders', 'state'],
  async load({ services }) {
    const known = await currencies(services);
    return ok({
      agents: services.access.agents
        .list()
        .map((agent) => agentCard(services, agent, known.get(agent.accounts[0] ?? '') ?? '')),
      accounts: services.trading.owner.statuses().map(({ id, mode }) => ({ id, mode })),
      scopes: SCOPES,
      spans: KEY_SPANS,
      templates: MANDATE_TEMPLATES.map(({ id, label, words }) => ({ id, label, words })),
    });
  },
  actions: {
    add: action({
      input: z.strictObject({
        name: z.string().max(100),
        accounts: z.union([z.string(), z.array(z.string())]).optional(),
        template: z.string().max(40),
        ...newKeyFields,
      }),
      proof: 'recent',
      run({ services, owner }, { name, accounts, template, scopes, span, ip_allow }) {
        const { access, feed } = services;
        const given = accounts === undefined ? undefined : [accounts].flat();
        const symbols = feed.instruments().map((one) => one.symbol);
        const made = access.equip({
          name: name.trim(),
          accounts: given,
          mandate: templateById(template)?.document(given ?? ['paper'], symbols),
          key: { scopes: wordsOf(scopes), expiresInMs: keySpan(span), ipAllow: wordsOf(ip_allow) },
          by: owner,
        });
        return made.ok ? show({ key: made.value }) : refused(made.error);
      },
    }),
  },
});
