/** The counts behind the limits of addresses: windows by monotonic time, which no operator sets, for a bounded number of them. */
import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit';
import { ADDRESSES_COUNTED_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';

interface Window {
  readonly openedMs: number;
  count: number;
}
type Counted = Parameters<FastifyRateLimitStore['incr']>[1];

/** In the form that the library asks for: a class, and a store of its own for each limiter. */
export function addressWindows(clock: Pick<Clock, 'monotonicMs'>): FastifyRateLimitStoreCtor {
  return class AddressWindows implements FastifyRateLimitStore {
    /** In order of use: the first is the one unused for longest, and the first to be forgotten. */
    readonly #windows = new Map<string, Window>();

    incr(key: string, counted: Counted, windowMs: number): void {
      const nowMs = clock.monotonicMs();
      const known = this.#windows.get(key);
      const window = known && nowMs - known.openedMs < windowMs ? known : { openedMs: nowMs, count: 0 };
      window.count += 1;
      this.#windows.delete(key);
      this.#windows.set(key, window);
      const [oldest] = this.#windows.keys();
      if (this.#windows.size > ADDRESSES_COUNTED_MAX && oldest !== undefined) this.#windows.delete(oldest);
      counted(null, { current: window.count, ttl: window.openedMs + windowMs - nowMs });
    }

    child(): AddressWindows {
      return new AddressWindows();
    }
  };
}
