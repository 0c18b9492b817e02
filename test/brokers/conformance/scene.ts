/** One case's view of a bench: orders in few words, what was told so far, and time that passes only while something is waited for. */
import { expect } from 'vitest';
import { text } from '#domain/decimal.ts';
import type { ClearedOrder } from '#domain/order.ts';
import type { BrokerAdapter, BrokerEvent, BrokerExecution, BrokerOrder } from '#ports.ts';
import { cleared, type OrderWords } from '../../support/cleared.ts';
import type { ConformanceBench, ConformanceSubject, VenueControls } from './bench.ts';

/** How much passes on the hand clock with every look, while something is waited for and while nothing is; and how long at most. */
const STEP_MS = 40;
const STRIDE_MS = 250;
const PATIENCE_MS = 90_000;

/** What stands between the adapter and the wire: why nothing may leave, and what was asked about. */
export interface Gate {
  closed: string | undefined;
  readonly asked: ClearedOrder[];
}

export interface Scene {
  readonly gate: Gate;
  readonly subject: ConformanceSubject;
  readonly bench: ConformanceBench;
  readonly venue: VenueControls;
  readonly adapter: BrokerAdapter;
  /** Told since it was opened, repeats included. */
  readonly events: readonly BrokerEvent[];
  /** An id as the order line makes them. */
  id(): string;
  /** A limit that does not fill by itself, good for the day or longer, unless the words say otherwise. */
  order(words?: Partial<OrderWords>): ClearedOrder;
  /** Placed and accepted; the words as for `order`. */
  working(words?: Partial<OrderWords>): Promise<ClearedOrder>;
  /** Until it is settled, time passing. Fails when it is not in a minute and a half of it. */
  soon<T>(promise: Promise<T>): Promise<T>;
  until(check: () => unknown, what: string): Promise<void>;
  /** So much time, with turns for the network in between. */
  pass(ms: number): Promise<void>;
  executionsTold(): readonly BrokerExecution[];
  lastTold(brokerClientId: string): BrokerOrder | undefined;
  found(brokerClientId: string): Promise<BrokerOrder | undefined>;
  /** Another adapter of the account; this one is closed. */
  reopened(): Promise<Scene>;
}

export async function openScene(subject: ConformanceSubject): Promise<Scene> {
  const gate: Gate = { closed: undefined, asked: [] };
  const bench = await subject.open((order) => {
    gate.asked.push(order);
    return gate.closed;
  });
  return started({ subject, bench, gate }, bench.adapter);
}

type Opened = Pick<Scene, 'subject' | 'bench' | 'gate'>;

async function started(opened: Opened, adapter: BrokerAdapter): Promise<Scene> {
  const events: BrokerEvent[] = [];
  adapter.onEvents((told) => void events.push(...told));
  adapter.start();
  const scene = sceneOf(opened, adapter, events);
  await scene.until(() => adapter.connected(), 'the adapter connects');
  return scene;
}

function sceneOf(opened: Opened, adapter: BrokerAdapter, events: readonly BrokerEvent[]): Scene {
  const { bench } = opened;
  const { clock, venue } = bench;
  const passes = async (over: () => boolean, forMs: number, stepMs = STEP_MS): Promise<void> => {
    const untilMs = clock.monotonicMs() + forMs;
    while (!over() && clock.monotonicMs() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (!over()) await clock.advanceAsync(Math.min(stepMs, untilMs - clock.monotonicMs()));
    }
  };
  const scene: Scene = {
    ...opened,
    venue,
    adapter,
    events,
    id: () => freshId(clock.wallMs()),
    order: (words = {}) => orderOf(bench, scene.id(), words),
    async working(words) {
      const order = scene.order(words);
      const outcome = await scene.soon(adapter.place(order));
      expect(outcome, 'a usual order is accepted').toMatchObject({ kind: 'accepted' });
      return order;
    },
    async soon(promise) {
      let settled = false;
      const mark = (): void => {
        settled = true;
      };
      promise.then(mark, mark);
      await passes(() => settled, PATIENCE_MS);
      if (!settled) throw new Error('it is not settled after a minute and a half');
      return promise;
    },
    async until(check, what) {
      await passes(() => Boolean(check()), PATIENCE_MS);
      if (!check()) throw new Error(`waited in vain until ${what}`);
    },
    pass: (ms) => passes(() => false, ms, STRIDE_MS),
    executionsTold: () => events.flatMap((event) => (event.kind === 'execution' ? event.execution : [])),
    lastTold: (brokerClientId) =>
      events.findLast(
        (event): event is Extract<BrokerEvent, { kind: 'order' }> =>
          event.kind === 'order' && event.order.brokerClientId === brokerClientId,
      )?.order,
    found: (brokerClientId) => scene.soon(adapter.orderByClientId(brokerClientId)),
    async reopened() {
      await scene.soon(adapter.close());
      return started(opened, await bench.reopen());
    },
  };
  return scene;
}

let made = 0;
/** `pc_`, 48 bits of time and 48 that make it unique, as the order line does. */
function freshId(wallMs: number): string {
  made += 1;
  return `pc_${wallMs.toString(16).padStart(12, '0')}${made.toString(16).padStart(12, '0')}`;
}

function orderOf(bench: ConformanceBench, id: string, words: Partial<OrderWords>): ClearedOrder {
  const { instrument, prices, qty, product, adapter } = bench;
  const side = words.side ?? 'buy';
  const says = [words.type, words.stop, words.trailPrice, words.trailPercent];
  const limit = says.every((word) => word === undefined)
    ? { limit: side === 'buy' ? prices.buyLimit : prices.sellLimit }
    : {};
  const order = cleared({
    id,
    side,
    qty: qty.whole,
    tif: bench.timeInForce ?? defaultTif(adapter),
    ...limit,
    ...words,
    instrument: instrument.id,
    account: adapter.account,
  });
  return product === undefined ? order : { ...order, product };
}

const defaultTif = ({ capabilities }: BrokerAdapter): 'day' | 'gtc' =>
  capabilities.timesInForce.includes('gtc') ? 'gtc' : 'day';

/** `open 0/10`: what a broker says of an order, in short. */
export const shortly = (order: BrokerOrder | undefined): string =>
  order === undefined ? 'none' : `${order.status} ${text(order.filledQty)}/${text(order.qty)}`;
