/** When accounts are compared with their brokers again: soon while something is unclear, and now and then all the same. */
import type { AccountId } from '#domain/principal.ts';
import { RECONCILE_ALL_INTERVAL_MS, RECONCILE_INTERVAL_MS, RECONCILE_UNCLEAR_SOON_MS } from '#limits.ts';
import type { Line } from './line.ts';
import { inFlight, inStateMs } from './reconcile-orders.ts';

/** Asks again for accounts that something is unclear about, and for every account now and then. */
export function watchSuspects(line: Line, compare: (account: AccountId) => Promise<void>): () => void {
  let stop: () => void = () => undefined;
  function round(): void {
    try {
      for (const account of line.adapters.keys()) {
        // Side by side: a broker that does not answer must not keep the others waiting.
        if (line.memory.reconciling.has(account) || !isDue(line, account)) continue;
        void compare(account).catch(() => line.memory.suspect.add(account));
      }
    } catch {
      // A store that can not be read now is read again in the next round.
    } finally {
      stop = line.clock.after(RECONCILE_INTERVAL_MS, round);
    }
  }
  stop = line.clock.after(RECONCILE_INTERVAL_MS, round);
  return () => stop();
}

/** Something is unclear, or it is long ago: a gap in a broker's stream need not show itself. */
function isDue(line: Line, account: AccountId): boolean {
  const last = line.memory.reconciled.get(account);
  const old = last === undefined || line.wallMs() - last >= RECONCILE_ALL_INTERVAL_MS;
  return old || line.memory.suspect.has(account) || hasUnclear(line, account);
}

/** What stays unclear for long only its broker's next word or the owner settles: asking every few seconds would use up what may be asked. */
const hasUnclear = (line: Line, account: AccountId): boolean =>
  line.orders
    .unsettled(account)
    .some((order) => !inFlight(line, order) && inStateMs(line, order) < RECONCILE_UNCLEAR_SOON_MS) ||
  line.orders.isAwaiting(account);
