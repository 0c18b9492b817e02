/** cancel_all_orders: takes every working order of the caller back. */
import { z } from 'zod';
import { accountId } from '#domain/principal.ts';
import { printable } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { nothingThere } from './choose-account.ts';
import { reduceCommit, reduceFields } from './commit.ts';
import { defineTool } from './define.ts';
import { accountFilter, symbol } from './fields.ts';
import { filterSymbol } from './filter-symbol.ts';
import { OF_SYMBOL } from './refusals.ts';
import { CancelAllShape } from './shapes.ts';

export const cancelAllOrders = defineTool({
  name: 'cancel_all_orders',
  title: 'Cancel all orders',
  description:
    'Cancels all your working orders at once, protective ones included, optionally of one account or symbol. Answers order ids: canceled, pending (not yet confirmed) and failed with the reason. Never closes a position.',
  scope: 'write:orders',
  effect: 'reduce',
  rest: { method: 'POST', path: '/orders/cancel-all' },
  example: {
    prompt: 'Take all my open SPX orders back.',
    arguments: { symbol: 'SPX' },
  },
  refusals: [...OF_SYMBOL, 'account_not_allowed', 'reconciling', 'idempotency_conflict'],
  input: z.strictObject({ account: accountFilter, symbol: symbol.optional(), ...reduceFields }),
  output: CancelAllShape,
  async run(services, principal, given) {
    const only = filterSymbol(services, principal, given.symbol);
    if (!only.ok) return only;
    const filter = {
      ...(given.account === undefined ? {} : { account: accountId(given.account) }),
      ...only.value,
    };
    const commit = reduceCommit('cancel_all_orders', given);
    const result = await services.desk.cancelAllOrders(principal, filter, commit);
    if (!result.ok) return result;
    const nothing = nothingThere(services, principal, given.account);
    if (
      nothing !== undefined &&
      result.value.canceled.length + result.value.pending.length + result.value.failed.length === 0
    )
      return err(nothing);
    const { dryRun, canceled, pending, failed } = result.value;
    return ok({
      dry_run: dryRun,
      canceled: [...canceled],
      pending: [...pending],
      failed: failed.map(({ orderId, reason }) => ({ order_id: orderId, reason: printable(reason) })),
    });
  },
});
