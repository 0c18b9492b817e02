/** close_position: closes what the caller holds of one symbol, or a part of it. */
import { z } from 'zod';
import { quantity } from '#domain/decimal.ts';
import { ok } from '#domain/result.ts';
import { chooseAccount } from './choose-account.ts';
import { reduceCommit, reduceFields } from './commit.ts';
import { defineTool } from './define.ts';
import { account, product, symbol, units } from './fields.ts';
import { closeWire } from './project.ts';
import { OF_REDUCTION, OF_SYMBOL } from './refusals.ts';
import { CloseShape } from './shapes.ts';

export const closePosition = defineTool({
  name: 'close_position',
  title: 'Close a position',
  description:
    'Closes your own position in a symbol at market, at once: first cancels your working reducing orders there, then sends one opposite order. Never flips a position; repeating it while a close is working answers that order.',
  scope: 'write:orders',
  effect: 'reduce',
  rest: { method: 'POST', path: '/positions/close' },
  example: {
    prompt: 'Close my SPX position.',
    arguments: { symbol: 'SPX' },
  },
  refusals: [...OF_SYMBOL, 'account_not_allowed', ...OF_REDUCTION],
  input: z.strictObject({
    account: account.optional(),
    symbol,
    qty: units('Units; default all of own_qty', { whenAbsent: 'all of it' }).optional(),
    product: product.optional(),
    ...reduceFields,
  }),
  output: CloseShape,
  async run(services, principal, given) {
    const chosen = chooseAccount(services, principal, given.account);
    if (!chosen.ok) return chosen;
    const closed = await services.desk.closePosition(
      principal,
      {
        account: chosen.value,
        symbol: given.symbol,
        ...(given.qty === undefined ? {} : { qty: quantity(given.qty) }),
        ...(given.product === undefined ? {} : { product: given.product }),
      },
      reduceCommit('close_position', { ...given, account: chosen.value }),
    );
    return closed.ok ? ok(closeWire(closed.value)) : closed;
  },
});
