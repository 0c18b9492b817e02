/** Looks after sessions at brokers: what needs the owner to sign in there is put on the record, once ahead and once at the end. */
import type { AccountId } from '#domain/principal.ts';
import { BROKER_SESSION_LOOK_MS, BROKER_SIGN_IN_AHEAD_MS } from '#limits.ts';
import type { BrokerHealth } from '#ports.ts';
import type { RunningOffice } from './office.ts';

type Need = 'none' | 'soon' | 'now';

/** Returns what ends it. */
export function watchSessions({ engine, clock, audit, access }: RunningOffice): () => void {
  const known = new Map<AccountId, Need>();
  let cancel: () => void = () => undefined;

  function look(): void {
    for (const id of known.keys()) if (!engine.adapters.has(id)) known.delete(id);
    for (const [account, adapter] of engine.adapters) {
      if (adapter.signIn === undefined) continue;
      const health = adapter.health();
      const need = needOf(health, access.wall());
      const before = known.get(account) ?? 'none';
      known.set(account, need);
      if (need === 'none' || need === before) continue;
      audit.record({
        kind: 'broker.sign_in_needed',
        account,
        outcome: 'ok',
        detail: {
          needed: need,
          ends_at: health.sessionEndsAtMs === null ? null : new Date(health.sessionEndsAtMs).toISOString(),
        },
      });
    }
    cancel = clock.after(BROKER_SESSION_LOOK_MS, look);
  }
  look();
  return () => cancel();
}

function needOf({ signInNeeded, sessionEndsAtMs }: BrokerHealth, nowMs: number): Need {
  if (signInNeeded) return 'now';
  return sessionEndsAtMs !== null && sessionEndsAtMs - nowMs <= BROKER_SIGN_IN_AHEAD_MS ? 'soon' : 'none';
}
