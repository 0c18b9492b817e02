/** Taking an order back again and again without a storm: one try at a time, and a longer wait after each that changed nothing. */
import { isFinal, type OrderStatus } from '#domain/order.ts';
import { TAKE_BACK_FIRST_WAIT_MS, TAKE_BACK_WAIT_MAX_MS } from '#limits.ts';
import { cancelMany } from './cancel.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';

/** The last try at an order that still works. */
export interface LastTry {
  /** As it was left; another one, and everything begins anew. */
  readonly status: OrderStatus;
  readonly tries: number;
  /** Monotonic; while the try is under way Infinity, for an order that its broker has acknowledged. */
  readonly notBeforeMs: number;
}

/** Whether the next try may begin: an order that an earlier one did not end, and that stands as it stood, waits. */
export function isDue(line: Line, { orderId, status }: StoredOrder): boolean {
  const last = line.memory.takingBack.get(orderId);
  return last === undefined || last.status !== status || line.clock.monotonicMs() >= last.notBeforeMs;
}

/** Begins a try and does not wait for it. */
export function tryToTakeBack(line: Line, order: StoredOrder, why: string): void {
  const { orderId, status } = order;
  const { takingBack } = line.memory;
  const before = takingBack.get(orderId);
  const tries = before?.status === status ? before.tries + 1 : 1;
  // What its broker has not acknowledged yet may be there in the next moment, and is in this state for seconds only.
  const soonMs = line.clock.monotonicMs() + TAKE_BACK_FIRST_WAIT_MS;
  const notBeforeMs = status === 'submitting' ? soonMs : Number.POSITIVE_INFINITY;
  const underWay: LastTry = { status, tries, notBeforeMs };
  takingBack.set(orderId, underWay);
  const over = (): void => {
    // A later one has begun, because the order stood differently meanwhile.
    if (takingBack.get(orderId) !== underWay) return;
    const now = statusNow(line, order);
    // A cancel that is refused late leaves it as it was.
    const left = now === 'pending_cancel' ? status : now;
    const againMs = line.clock.monotonicMs() + waitAfter(tries);
    if (isFinal(now)) takingBack.delete(orderId);
    else if (now !== 'submitting') takingBack.set(orderId, { status: left, tries, notBeforeMs: againMs });
  };
  void cancelMany(line, [order], why).then(over, over);
}

const waitAfter = (tries: number): number =>
  Math.min(TAKE_BACK_FIRST_WAIT_MS * 2 ** (tries - 1), TAKE_BACK_WAIT_MAX_MS);

/** A store that can not be read says nothing new. */
function statusNow(line: Line, { orderId, status }: StoredOrder): OrderStatus {
  try {
    return line.orders.byId(orderId)?.status ?? status;
  } catch {
    return status;
  }
}
