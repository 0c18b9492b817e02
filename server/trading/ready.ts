/** Whether the order line is open for an account. */
import type { AccountId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Line } from './line.ts';

/** It is there, its books have been compared with its broker since the start and since it was away, and are not being begun anew. */
export function booksAreReady(
  { adapters, memory: { reconciled, restarting, behind } }: Pick<Line, 'adapters' | 'memory'>,
  account: AccountId,
): Result<void, Refusal> {
  if (!adapters.has(account))
    return err(refuse('not_found', `There is no account ${account}; it may have been removed.`));
  if (reconciled.has(account) && !behind.has(account) && !restarting.has(account)) return ok(undefined);
  const what = restarting.has(account) ? 'begun anew' : 'compared with its broker';
  return err(
    refuse('reconciling', `The books of ${account} are being ${what}; try again in a moment.`, {
      retry_after: 1,
    }),
  );
}
