/** Whether the order line is open for an account. */
import type { AccountId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Line } from './line.ts';

/** What an order is told while its broker is away: an agent can only wait then, and is told for whom. */
export const notConnected = (
  adapter: { health(): { readonly signInNeeded: boolean } },
  account: AccountId,
): Refusal =>
  refuse(
    'broker_unavailable',
    adapter.health().signInNeeded
      ? `The owner has to sign in at the broker of ${account}; try again after that.`
      : `The broker of ${account} is not connected; try again when it is.`,
  );

/** It is there, its books have been compared with its broker since the start and since it was away, and are not being begun anew. */
export function booksAreReady(
  { adapters, memory: { reconciled, restarting, behind } }: Pick<Line, 'adapters' | 'memory'>,
  account: AccountId,
): Result<void, Refusal> {
  const adapter = adapters.get(account);
  if (adapter === undefined)
    return err(refuse('not_found', `There is no account ${account}; it may have been removed.`));
  if (reconciled.has(account) && !behind.has(account) && !restarting.has(account)) return ok(undefined);
  // Nothing is compared with a broker that is away: "in a moment" would have an agent ask every second.
  if (!restarting.has(account) && !adapter.connected()) return err(notConnected(adapter, account));
  const what = restarting.has(account) ? 'begun anew' : 'compared with its broker';
  return err(
    refuse('reconciling', `The books of ${account} are being ${what}; try again in a moment.`, {
      retry_after: 1,
    }),
  );
}
