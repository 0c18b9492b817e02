/** get_account: cash, equity and buying power of one account. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { chooseAccount } from './choose-account.ts';
import { defineTool } from './define.ts';
import { account } from './fields.ts';
import { accountWire } from './project.ts';
import { OF_BROKER } from './refusals.ts';
import { AccountShape } from './shapes.ts';

export const getAccount = defineTool({
  name: 'get_account',
  title: 'Get an account',
  description:
    'Cash, equity, buying power and profit of the market day of one account, in its currency, as decimal strings, with its trading state.',
  scope: 'read:account',
  effect: 'read',
  openWorld: true,
  rest: { method: 'GET', path: '/account' },
  example: {
    prompt: 'How much cash is left in my paper account?',
    arguments: { account: 'paper' },
  },
  refusals: ['account_not_allowed', ...OF_BROKER],
  input: z.strictObject({ account: account.optional() }),
  output: z.object({ account: AccountShape }),
  async run(services, principal, given) {
    const chosen = chooseAccount(services, principal, given.account);
    if (!chosen.ok) return chosen;
    const found = await services.desk.account(principal, chosen.value);
    return found.ok ? ok({ account: accountWire(found.value) }) : found;
  },
});
