/** When a local engine has nobody left to serve and nothing left to watch. */
import { LOCAL_IDLE_MS, LOCAL_IDLE_POLL_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';

export interface Busyness {
  localClients(): number;
  readonly trading: { workingOrders(): number };
}

/** Calls once, after LOCAL_IDLE_MS without a client and without a working order. */
export function whenIdle(engine: Busyness, clock: Clock, call: () => void): void {
  let busyAtMs = clock.monotonicMs();
  const look = (): void => {
    if (engine.localClients() > 0 || engine.trading.workingOrders() > 0) busyAtMs = clock.monotonicMs();
    if (clock.monotonicMs() - busyAtMs >= LOCAL_IDLE_MS) call();
    else clock.after(LOCAL_IDLE_POLL_MS, look);
  };
  look();
}
