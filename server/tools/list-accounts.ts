/** list_accounts: the accounts that the caller was given. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { defineTool } from './define.ts';
import { listedAccountWire } from './project.ts';
import { OF_BROKER } from './refusals.ts';
import { ListedAccountShape } from './shapes.ts';

export const listAccounts = defineTool({
  name: 'list_accounts',
  title: 'List accounts',
  description:
    'The accounts you were given, with broker, mode (paper or live), cash, equity, buying power and trading state, and whether it is connected, with the reason where it is not; money in the currency of each account, null where its broker has never said anything.',
  scope: 'read:account',
  effect: 'read',
  openWorld: true,
  rest: { method: 'GET', path: '/accounts' },
  example: {
    prompt: 'Which accounts do I have?',
    arguments: {},
  },
  refusals: OF_BROKER,
  input: z.strictObject({}),
  output: z.object({ accounts: z.array(ListedAccountShape) }),
  async run(services, principal) {
    const accounts = await services.desk.listAccounts(principal);
    return accounts.ok ? ok({ accounts: accounts.value.map(listedAccountWire) }) : accounts;
  },
});
