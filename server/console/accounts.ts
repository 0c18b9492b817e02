/** Accounts: what each stands at, whether its books agree with its broker, the tape they trade on, and a new one. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import type { AccountEntry } from './account-desk-views.ts';
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
    const listed = await desk.list();
    return ok({
      accounts: listed.map(accountRow),
      brokers: desk.brokers,
      markets: marketsOf(listed),
      tape: desk.tape(),
      defaults: desk.defaults(),
      ...paperChoices(desk),
    });
  },
  actions: {
    add: action({
      input: z.strictObject({
        name: field,
        cash: field,
        preset: field,
        seed: field,
        accountType: field,
        market: field.default('tape'),
        currency: field.default(''),
      }),
      proof: 'recent',
      check: (_visit, { cash }) => typedFigures({ cash }),
      async run({ services }, entered) {
        const figures = typedFigures({ cash: entered.cash });
        if (!figures.ok) return refused(figures.error);
        const added = await services.accounts.add({
          ...entered,
          ...figures.value,
          name: entered.name.trim(),
          market: entered.market.trim(),
          currency: entered.currency.trim().toUpperCase(),
        });
        if (!added.ok) return refused(added.error);
        const { id } = added.value;
        const problem = services.accounts.standings().find((one) => one.id === id)?.problem ?? null;
        if (problem !== null) return go(pathOfAccount(id), { warning: problem });
        return go(
          pathOfAccount(id),
          `The account ${id} is there and takes orders. No agent sees it until you give it to one, with its keys or its mandate.`,
        );
      },
    }),
  },
});

/** What a paper account can trade on, as the field suggests it. */
const marketsOf = (accounts: readonly AccountEntry[]): readonly string[] => [
  'tape',
  ...accounts.filter(({ real }) => real !== null && real.directory !== null).map(({ id }) => `live:${id}`),
  'public:binance',
  'public:kraken',
];
