/** Accounts: what each stands at, whether its books agree with its broker, the tape they trade on, and a new one. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { accountRow, paperChoices, pathOfAccount } from './account-views.ts';
import { action, definePage, go, refused } from './define.ts';
import { typedFigures } from './typed-figures.ts';

/** Of what a person types in a field: what is longer is no setting of anything. */
const field = z.string().max(200);

export const accounts = definePage({
  path: '/accounts',
  title: 'Accounts',
  view: 'accounts.html',
  nav: { label: 'Accounts', group: 'gateway' },
  live: ['accounts', 'orders', 'positions', 'state'],
  async load({ services }) {
    const desk = services.accounts;
    return ok({
      accounts: (await desk.list()).map(accountRow),
      brokers: desk.brokers,
      tape: desk.tape(),
      defaults: desk.defaults(),
      ...paperChoices(desk),
    });
  },
  actions: {
    add: action({
      input: z.strictObject({ name: field, cash: field, preset: field, seed: field, accountType: field }),
      proof: 'recent',
      check: (_visit, { cash }) => typedFigures({ cash }),
      async run({ services }, entered) {
        const figures = typedFigures({ cash: entered.cash });
        if (!figures.ok) return refused(figures.error);
        const added = await services.accounts.add({
          ...entered,
          ...figures.value,
          name: entered.name.trim(),
        });
        if (!added.ok) return refused(added.error);
        const { id } = added.value;
        return go(
          pathOfAccount(id),
          `The account ${id} is there and takes orders. No agent sees it until you give it to one, with its keys or its mandate.`,
        );
      },
    }),
  },
});
