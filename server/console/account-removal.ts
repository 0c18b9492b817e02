/** Removing an account: what stands in the way, what stays, and the act itself. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { accountOf, accountRow } from './account-views.ts';
import { action, definePage, go, refused } from './define.ts';

export const accountRemoval = definePage({
  path: '/accounts/:account/remove',
  title: 'Remove an account',
  view: 'account-removal.html',
  async load(visit) {
    const found = await accountOf(visit);
    if (!found.ok) return found;
    const { id } = found.value;
    const seenBy = visit.services.access.agents
      .list()
      .filter((agent) => agent.accounts.includes(id))
      .map(({ name }) => name);
    return ok({ account: accountRow(found.value), agents: seenBy });
  },
  actions: {
    now: action({
      input: z.strictObject({}),
      async run({ services, params }) {
        const { account: id = '' } = params;
        const removed = await services.accounts.remove(id);
        return removed.ok
          ? go('/admin/accounts', `The account ${id} is removed; its orders, fills and records stay.`)
          : refused(removed.error);
      },
    }),
  },
});
