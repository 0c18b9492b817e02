/** close_all_positions: closes everything that the caller holds. */
import { z } from 'zod';
import { accountId } from '#domain/principal.ts';
import { err, ok } from '#domain/result.ts';
import { nothingThere } from './choose-account.ts';
import { reduceCommit, reduceFields } from './commit.ts';
import { defineTool } from './define.ts';
import { accountFilter } from './fields.ts';
import { closeWire } from './project.ts';
import { CloseAllShape } from './shapes.ts';

export const closeAllPositions = defineTool({
  name: 'close_all_positions',
  title: 'Close all positions',
  description:
    'Closes all your own positions at market, at once, each as close_position does, optionally in one account only. closes has one entry a symbol; failed says which were refused and why.',
  scope: 'write:orders',
  effect: 'reduce',
  rest: { method: 'POST', path: '/positions/close-all' },
  example: {
    prompt: 'What would closing everything look like? Do not do it yet.',
    arguments: { dry_run: true },
  },
  refusals: ['account_not_allowed', 'reconciling', 'idempotency_conflict'],
  input: z.strictObject({ account: accountFilter, ...reduceFields }),
  output: CloseAllShape,
  async run(services, principal, given) {
    const filter = given.account === undefined ? {} : { account: accountId(given.account) };
    const commit = reduceCommit('close_all_positions', given);
    const result = await services.desk.closeAllPositions(principal, filter, commit);
    if (!result.ok) return result;
    const nothing = nothingThere(services, principal, given.account);
    if (nothing !== undefined && result.value.closes.length + result.value.failed.length === 0)
      return err(nothing);
    const { dryRun, closes, failed } = result.value;
    return ok({
      dry_run: dryRun,
      closes: closes.map((close) => ({ symbol: close.symbol, ...closeWire(close) })),
      failed: failed.map(({ symbol, refusal }) => ({ symbol, refusal: { ...refusal } })),
    });
  },
});
