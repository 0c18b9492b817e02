/**
 * Fills as they come. Alpaca's stream and its history name an execution by different ids, and nothing published says how one follows
 * from the other: so the history alone is posted, and the stream says when to look.
 */
import type { BrokerExecution, Clock } from '#ports.ts';
import type { AccountReads, Cursor } from './account.ts';
import { FILL_LOOKS_MS, FILLS_REMEMBERED_MAX } from './bounds.ts';

export interface FillWatchOptions {
  readonly reads: AccountReads;
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

export function openFillWatch({ reads, clock, onFills }: FillWatchOptions): FillWatch {
  let cursor: Cursor | undefined;
  let looking: Promise<void> | undefined;
  let closed = false;
  const seen = new Set<string>();
  /** Fills that the stream told of, less those that the history had, by order. */
  const owed = new Map<string, number>();

  async function look(): Promise<void> {
    if (cursor === undefined) return;
    const found = await reads.fillsSince(cursor);
    cursor = found.cursor;
    const fresh = found.executions.filter(({ executionId }) => !seen.has(executionId));
    for (const { executionId, brokerOrderId } of fresh) {
      remember(seen, executionId);
      owed.set(brokerOrderId, (owed.get(brokerOrderId) ?? 0) - 1);
    }
    if (fresh.length > 0 && !closed) onFills(fresh);
  }
  /** Who asks while a look is under way may ask for what came after it began: the next look is theirs. */
  async function lookAnew(): Promise<void> {
    while (looking !== undefined) await looking;
    looking = look()
      .catch(() => undefined)
      .finally(() => {
        looking = undefined;
      });
    await looking;
  }

  return {
    begin(venueNowMs) {
      cursor ??= { fromMs: venueNowMs, readMs: venueNowMs };
    },
    async await(orderId) {
      owed.set(orderId, (owed.get(orderId) ?? 0) + 1);
      await lookAnew();
      for (const waitMs of FILL_LOOKS_MS) {
        if (closed || (owed.get(orderId) ?? 0) <= 0) break;
        await new Promise<void>((go) => void clock.after(waitMs, go));
        await lookAnew();
      }
      owed.delete(orderId);
    },
    close() {
      closed = true;
    },
  };
}

function remember(seen: Set<string>, id: string): void {
  seen.add(id);
  for (const oldest of seen) {
    if (seen.size <= FILLS_REMEMBERED_MAX) break;
    seen.delete(oldest);
  }
}
