/** get_pnl_history: profit and equity of an account, a market day a row. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { chooseAccount } from './choose-account.ts';
import { defineTool } from './define.ts';
import { account } from './fields.ts';
import { PnlShape, pnlDayWire, pnlTotalsWire } from './pnl-wire.ts';
import { OF_BROKER } from './refusals.ts';

export const getPnlHistory = defineTool({
  name: 'get_pnl_history',
  title: 'Get profit and loss history',
  description:
    'Daily profit of an account over the last 7, 30, 90 or 365 market days: realised (fees included), unrealised, equity and drawdown in its currency, with totals. Percentages and counts are JSON numbers.',
  scope: 'read:account',
  effect: 'read',
  rest: { method: 'GET', path: '/pnl-history' },
  example: {
    prompt: 'How did I do over the last week?',
    arguments: { days: 7 },
  },
  refusals: ['account_not_allowed', ...OF_BROKER],
  input: z.strictObject({
    account: account.optional(),
    days: z.literal([7, 30, 90, 365]).default(30),
  }),
  output: PnlShape,
  async run(services, principal, given) {
    const chosen = chooseAccount(services, principal, given.account);
    if (!chosen.ok) return chosen;
    const history = await services.desk.pnlHistory(principal, { account: chosen.value, days: given.days });
    if (!history.ok) return history;
    const { days, totals } = history.value;
    return ok({ account: chosen.value, days: days.map(pnlDayWire), totals: pnlTotalsWire(totals) });
  },
});
