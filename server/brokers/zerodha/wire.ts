/** What every request that moves money has in common: who it is sent by, what it is asked right before it leaves, what its answer proves. */
import type { BrokerDirectory, WireGate } from '#brokers/broker.ts';
import type { ClearedOrder } from '#domain/order.ts';
import { WIRE_QUEUE_WAIT_MS } from '#limits.ts';
import type { BrokerListing, CancelOutcome, Clock, PlaceOutcome } from '#ports.ts';
import type { KiteAnswer, KiteClient } from './client.ts';
import type { KiteMemory } from './memory.ts';
import type { KiteOrders } from './order-book.ts';
import type { KitePortfolio } from './portfolio.ts';
import type { ZerodhaSettings } from './settings.ts';

export interface KiteWire {
  readonly client: KiteClient;
  readonly memory: KiteMemory;
  readonly orders: KiteOrders;
  readonly portfolio: KitePortfolio;
  readonly directory: BrokerDirectory;
  readonly clock: Clock;
  readonly settings: ZerodhaSettings;
  readonly gate: WireGate;
  /** Why nothing can be sent at all; undefined: it can. */
  readonly whyNot: () => string | undefined;
  /** The last price, from the stream or asked for. */
  readonly lastPrice: (listing: BrokerListing) => Promise<string>;
  /** An order changed in a way that Kite sends no word of. */
  readonly changed: (brokerOrderId: string) => void;
}

export const notSent = (reason: string) => ({ kind: 'not_sent', reason }) as const;

/** From when an order was handed over. Read when the connection stands: the gate, the session, and that somebody still waits. */
export function gateFor(wire: KiteWire, order: ClearedOrder, sinceMs: number): () => string | undefined {
  return () => {
    const late = wire.clock.monotonicMs() - sinceMs > WIRE_QUEUE_WAIT_MS;
    return late ? 'It waited too long for its turn at Kite.' : (wire.whyNot() ?? wire.gate(order));
  };
}

export function outcomeOf(answer: KiteAnswer, read: (data: unknown) => string | undefined): PlaceOutcome {
  if (answer.kind === 'data') {
    const brokerOrderId = read(answer.data);
    return brokerOrderId === undefined
      ? { kind: 'unknown', reason: 'Kite’s answer was not understood.' }
      : { kind: 'accepted', brokerOrderId };
  }
  const { reason } = answer;
  switch (answer.kind) {
    case 'refused':
      return { kind: 'rejected', reason };
    case 'unclear':
      return { kind: 'unknown', reason };
    case 'not_sent':
      return { kind: 'not_sent', reason };
  }
}

/** After an answer nothing may make it unsaid: an id that can not be written down is found again by its tag, or what was intended. */
export function remember(work: () => void): void {
  try {
    work();
  } catch {
    // The store is at fault and says so itself; the order is where it is.
  }
}

export function notCanceled(answer: Exclude<KiteAnswer, { kind: 'data' }>): CancelOutcome {
  return { kind: answer.kind === 'unclear' ? 'unknown' : 'rejected', reason: answer.reason };
}
