/** Looks after sessions at brokers: what needs the owner to sign in there is put on the record, once ahead and once at the end. */
import type { AccountId } from '#domain/principal.ts';
import { BROKER_SESSION_LOOK_MS, BROKER_SIGN_IN_AHEAD_MS } from '#limits.ts';
import type { BrokerHealth } from '#ports.ts';
import { StoreUnavailable } from '#store/open.ts';
import type { RunningOffice } from './office.ts';

type Need = 'none' | 'soon' | 'now';

/** Returns what ends it. */
export function watchSessions({ engine, clock, store, audit, access }: RunningOffice): () => void {
  const known = new Map<AccountId, Need>();
  let cancel: () => void = () => undefined;

  function look(): void {
    cancel = clock.after(BROKER_SESSION_LOOK_MS, look);
    for (const id of known.keys()) if (!engine.adapters.has(id)) known.delete(id);
    for (const [account, adapter] of engine.adapters) {
      if (adapter.signIn === undefined) continue;
      const health = adapter.health();
      const need = needOf(health, access.wall());
      if (need === 'none' || need === known.get(account) || noted(account, need, health))
        known.set(account, need);
    }
  }
  /** False while nothing can be written: the next look tells. */
  function noted(account: AccountId, needed: Need, { sessionEndsAtMs }: BrokerHealth): boolean {
    const endsAt = sessionEndsAtMs === null ? null : new Date(sessionEndsAtMs).toISOString();
    const detail = { needed, ends_at: endsAt };
    try {
      store.transaction(() =>
        audit.record({ kind: 'broker.sign_in_needed', account, outcome: 'ok', detail }),
      );
      return true;
    } catch (cause) {
      if (cause instanceof StoreUnavailable) return false;
      throw cause;
    }
  }
  look();
  return () => cancel();
}

function needOf({ signInNeeded, sessionEndsAtMs }: BrokerHealth, nowMs: number): Need {
  if (signInNeeded) return 'now';
  return sessionEndsAtMs !== null && sessionEndsAtMs - nowMs <= BROKER_SIGN_IN_AHEAD_MS ? 'soon' : 'none';
}
