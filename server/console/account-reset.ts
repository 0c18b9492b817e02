/** A paper account begins anew: what that cancels, settles and sets, in numbers, before it is done. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { accountRow, paperAccountOf, pathOfAccount } from './account-views.ts';
import { action, definePage, go, refused } from './define.ts';
import { shownMoney } from './figures.ts';
import { typedFigures } from './typed-figures.ts';

export const accountReset = definePage({
  path: '/accounts/:account/begin-anew',
  title: 'Begin anew',
  view: 'account-reset.html',
  async load(visit) {
    const found = await paperAccountOf(visit);
    return found.ok ? ok({ account: accountRow(found.value) }) : found;
  },
  actions: {
    now: action({
      input: z.strictObject({ cash: z.string().max(200) }),
      proof: 'recent',
      check: (_visit, { cash }) => typedFigures({ cash }),
      async run({ services, params }, { cash }) {
        const { account: id = '' } = params;
        const figures = typedFigures({ cash });
        if (!figures.ok) return refused(figures.error);
        const reset = await services.accounts.reset(id, figures.value.cash);
        if (!reset.ok) return refused(reset.error);
        const { canceled, equityBefore } = reset.value;
        const orders = canceled.length === 1 ? 'order was' : 'orders were';
        return go(
          pathOfAccount(id),
          `${id} has begun anew with ${shownMoney(reset.value.cash)}; it stood at ${shownMoney(equityBefore)} before. ${canceled.length} ${orders} canceled.`,
        );
      },
    }),
  },
});
