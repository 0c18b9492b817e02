/** A broker behind a queue, as a rate budget makes one: an order waits for its turn, is asked about, and only then leaves. */
import { onTestFinished } from 'vitest';
import type { ClearedOrder } from '#domain/order.ts';
import type { BrokerAdapter, PlaceOutcome } from '#ports.ts';
import { type ScriptedBroker, scriptedBroker } from './scripted-broker.ts';

export interface QueuedBroker {
  readonly adapter: BrokerAdapter;
  /** What is behind the queue. */
  readonly venue: ScriptedBroker;
  /** Set once the order line is open. */
  gate: (order: ClearedOrder) => string | undefined;
  /** How many wait for their turn. */
  waiting(): number;
  /** Lets all that wait have their turn now. */
  turn(): Promise<void>;
}

export function queuedBroker(account = 'paper'): QueuedBroker {
  const venue = scriptedBroker(account);
  const queue: (() => void)[] = [];
  const queued: QueuedBroker = {
    venue,
    gate: () => 'nobody has opened the gate',
    waiting: () => queue.length,
    async turn() {
      for (const go of queue.splice(0)) go();
      await new Promise((resolve) => setImmediate(resolve));
    },
    adapter: {
      ...venue,
      place: (order) => inTurn(order, () => venue.place(order)),
      replace: (order) => inTurn(order, () => venue.replace(order)),
    },
  };
  function inTurn(order: ClearedOrder, send: () => Promise<PlaceOutcome>): Promise<PlaceOutcome> {
    return new Promise((resolve) => {
      queue.push(() => {
        const reason = queued.gate(order);
        resolve(reason === undefined ? send() : { kind: 'not_sent', reason });
      });
    });
  }
  onTestFinished(() => void queue.splice(0));
  return queued;
}
