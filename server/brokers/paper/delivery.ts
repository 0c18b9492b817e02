/** How the venue's events reach the gateway: in order and once, or, from a hostile venue, repeated, late and out of order. */
import type { BrokerEvent, BrokerOrder } from '#ports.ts';
import { draw, drawBetween } from './draw.ts';
import type { Faults } from './settings.ts';

export interface Delivery {
  /** Delivers the events of one committed operation, after what earlier ones still owe. */
  send(events: readonly BrokerEvent[]): void;
  onEvents(listener: (events: readonly BrokerEvent[]) => void): () => void;
  close(): void;
}

/**
 * What a hostile delivery still owes is in memory only: it never holds an event longer than a few deliveries, and who was
 * away asks for the history anyway. The books, the journal and the history know nothing of it.
 */
export function openDelivery(seed: number, faults: Faults | null): Delivery {
  const listeners = new Set<(events: readonly BrokerEvent[]) => void>();
  let owed: { readonly dueAt: number; readonly event: BrokerEvent }[] = [];
  let deliveries = 0;
  let drawn = 0;

  const queue: (readonly BrokerEvent[])[] = [];
  let emitting = false;

  /** A listener may send orders: what they cause waits until the events before it have been told. */
  function emit(events: readonly BrokerEvent[]): void {
    if (events.length > 0) queue.push(events);
    if (emitting) return;
    emitting = true;
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        for (const listener of listeners) listener(next);
      }
    } finally {
      emitting = false;
    }
  }
  function sendBadly(event: BrokerEvent, how: Faults): void {
    const number = String(++drawn);
    const fate = draw(seed, 'delivery', number) * 100;
    if (event.kind === 'order') owed = owed.filter((one) => !outdated(one.event, event.order));
    if (fate < how.eventDelayedPercent) {
      const dueAt = deliveries + drawBetween(seed, 'delay', number, { min: 1, max: how.eventDelayMax });
      owed.push({ dueAt, event });
      return;
    }
    emit([event]);
    if (fate < how.eventDelayedPercent + how.eventRepeatedPercent) emit([event]);
  }

  return {
    send(events) {
      if (faults === null) {
        emit(events);
        return;
      }
      deliveries++;
      for (const event of events) sendBadly(event, faults);
      const due = owed.filter((one) => one.dueAt <= deliveries);
      owed = owed.filter((one) => one.dueAt > deliveries);
      for (const { event } of due) emit([event]);
    },
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      listeners.clear();
      owed = [];
    },
  };
}

/**
 * Whether a late word on an order would take back what a newer one says of its size. Brokers repeat old states, but their
 * updates of one order come in order where quantities change, and nothing in the message would tell the two apart.
 */
function outdated(late: BrokerEvent, now: BrokerOrder): boolean {
  if (late.kind !== 'order' || late.order.brokerOrderId !== now.brokerOrderId) return false;
  return late.order.held !== now.held || !late.order.qty.eq(now.qty);
}
