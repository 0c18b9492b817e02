/** The editor of a mandate: from what is in force, a template, or nothing; saved as a new version, or refused field by field. */
import { z } from 'zod';
import type { MandateDocument } from '#domain/mandate.ts';
import { err, ok } from '#domain/result.ts';
import { agentOf, pathOfAgent } from './agent.ts';
import { currencies } from './agent-views.ts';
import { action, definePage, type FormValues, go, type OwnerVisit, refused } from './define.ts';
import { documentFrom, FIELD_LABELS, FORM_CHOICES, LIMIT_FIELDS, valuesOf } from './mandate-form.ts';
import { inFormWords } from './mandate-refusal.ts';
import { MANDATE_TEMPLATES, templateById } from './mandate-templates.ts';

export const mandate = definePage({
  path: '/agents/:name/mandate',
  title: 'Mandate',
  view: 'mandate.html',
  async load(visit) {
    const found = agentOf(visit);
    if (!found.ok) return found;
    const { services, query } = visit;
    const { access, markets } = services;
    const current = access.mandates.current(found.value.id);
    const chosen = templateById(query['template'] ?? '');
    const accounts = access.agents.accountsOf(found.value.id);
    const symbols = markets
      .among(accounts)
      .instruments()
      .map((one) => one.symbol);
    const known = await currencies(services);
    const standard: MandateDocument | undefined =
      chosen?.document(accounts, symbols) ??
      current?.document ??
      MANDATE_TEMPLATES[1]?.document(accounts, symbols);
    // A template says how much; what must hold of any mandate of this agent stays.
    const tests = current?.document.tests;
    return ok({
      agent: { name: found.value.name, accounts },
      version: current?.version ?? null,
      template: chosen?.id ?? '',
      templates: MANDATE_TEMPLATES.map(({ id, label, words }) => ({ id, label, words })),
      values:
        standard === undefined
          ? {}
          : valuesOf(
              tests === undefined ? standard : { ...standard, tests },
              services.preferences.read().timezone,
            ),
      limits: LIMIT_FIELDS,
      labels: FIELD_LABELS,
      choices: FORM_CHOICES,
      all_accounts: services.trading.owner.statuses().map(({ id }) => id),
      symbols,
      currency: known.get(accounts[0] ?? '') ?? '',
    });
  },
  actions: {
    save: action({
      input: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
      proof: 'recent',
      check(visit, values) {
        const found = agentOf(visit);
        if (!found.ok) return found;
        const checked = visit.services.access.mandates.check(documentOf(visit, values));
        return checked.ok ? checked : err(inFormWords(checked.error));
      },
      run(visit, values) {
        const { services, owner, params } = visit;
        const { name = '' } = params;
        const saved = services.access.mandates.set(name, documentOf(visit, values), owner);
        if (!saved.ok) return refused(inFormWords(saved.error));
        const warnings = services.trading.owner.mandateWarnings(saved.value);
        const words = `Version ${saved.value.version} of the mandate is in force.`;
        return go(pathOfAgent(name), [words, ...warnings].join(' '));
      },
    }),
  },
});

const documentOf = ({ services }: OwnerVisit, values: FormValues) =>
  documentFrom(values, services.preferences.read().timezone);
