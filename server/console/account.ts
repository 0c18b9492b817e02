/** One account: what it stands at, how far it may fall, and how its paper market is set. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { limitActions, limitsSection } from './account-limits.ts';
import { accountOf, accountRow, paperChoices, pathOfAccount } from './account-views.ts';
import { action, definePage, go, refused } from './define.ts';

const field = z.string().max(200);
const WORDS: Readonly<Record<string, string>> = {
  preset: 'how hard its market is',
  seed: 'its seed',
  accountType: 'its type',
};

export const account = definePage({
  path: '/accounts/:account',
  title: 'Account',
  view: 'account.html',
  live: ['accounts', 'orders', 'positions', 'state', 'quotes'],
  async load(visit) {
    const found = await accountOf(visit);
    if (!found.ok) return found;
    return ok({
      account: accountRow(found.value),
      ...limitsSection(visit, found.value),
      ...paperChoices(visit.services.accounts),
    });
  },
  actions: {
    ...limitActions,
    change: action({
      input: z.strictObject({ preset: field, seed: field, accountType: field }),
      proof: 'recent',
      async run({ services, params }, to) {
        const { account: id = '' } = params;
        const changed = await services.accounts.change(id, to);
        if (!changed.ok) return refused(changed.error);
        const what = changed.value.map((name) => WORDS[name] ?? name).join(', ');
        return go(
          pathOfAccount(id),
          what === '' ? 'Nothing was changed: it was set so already.' : `Changed, and in force now: ${what}.`,
        );
      },
    }),
  },
});
