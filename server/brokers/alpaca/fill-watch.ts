/**
 * Fills as they come. Alpaca's stream and its history name an execution by different ids, and nothing published says how one follows
 * from the other: so the history alone is posted, and the stream says when to look.
 */
import type { BrokerExecution, Clock } from '#ports.ts';

import { FILL_LOOK_EVERY_MS, FILL_LOOKS_MS } from './bounds.ts';
import { type Cursor, cursorAt, type Fills } from './fills.ts';

export interface FillWatchOptions {
  readonly fills: Fills;
  readonly clock: Clock;
  readonly onFills: (executions: readonly BrokerExecution[]) => void;
}

export interface FillWatch {
  /** From here on; later calls change nothing. */
  begin(venueNowMs: number): void;
  /** The stream told of a fill of an order: settled once the history has as many of it, or does not get them in time. */
  await(orderId: string): Promise<void>;
  close(): void;
}

export function openFillWatch({ fills, clock, onFills }: FillWatchOptions): FillWatch {
  let cursor: Cursor | undefined;
  let looking: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let closed = false;
  /** Fills that the stream told of, less those that the history had, by order. */
  const owed = new Map<string, number>();

  async function look(): Promise<void> {
    if (cursor === undefined) return;
    const found = await fills.since(cursor);
    cursor = found.cursor;
    for (const { brokerOrderId } of found.executions) {
      const left = owed.get(brokerOrderId);
      if (left !== undefined) owed.set(brokerOrderId, left - 1);
    }
    if (found.executions.length > 0 && !closed) onFills(found.executions);
  }
  const pause = (ms: number): Promise<void> => new Promise((go) => void clock.after(ms, go));
  /**
   * Who asks while a look is under way may ask for what came after it began: the next look is theirs. A burst of fills is looked at
   * together, so that it leaves the account's requests to its orders.
   */
  function lookAnew(): Promise<void> {
    next ??= (async () => {
      await looking;
      await pause(Math.max(0, lookedAtMs + FILL_LOOK_EVERY_MS - clock.monotonicMs()));
      next = undefined;
      lookedAtMs = clock.monotonicMs();
      looking = look().catch(() => undefined);
      await looking;
    })();
    return next;
  }

  return {
    begin(venueNowMs) {
      cursor ??= cursorAt(venueNowMs);
    },
    async await(orderId) {
      owed.set(orderId, (owed.get(orderId) ?? 0) + 1);
      await lookAnew();
      for (const waitMs of FILL_LOOKS_MS) {
        if (closed || (owed.get(orderId) ?? 0) <= 0) break;
        await pause(waitMs);
        await lookAnew();
      }
      owed.delete(orderId);
    },
    close() {
      closed = true;
    },
  };
}
