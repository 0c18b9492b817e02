/** Whether the order line is open for an account. */
import type { AccountId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Line } from './line.ts';

/** Its books have been compared with its broker since the start, and are not being begun anew. */
export function booksAreReady(line: Line, account: AccountId): Result<void, Refusal> {
  const { reconciled, restarting } = line.memory;
  if (reconciled.has(account) && !restarting.has(account)) return ok(undefined);
  const what = restarting.has(account) ? 'begun anew' : 'compared with its broker';
  return err(
    refuse('reconciling', `The books of ${account} are being ${what}; try again in a moment.`, {
      retry_after: 1,
    }),
  );
}
