/** The streams of one account: what they say is told where it was proved to be exact, and is a reason to ask everywhere. */
import type { BrokerEvent } from '#domain/broker.ts';
import { isFinal } from '#domain/order.ts';
import {
  CCXT_LOOK_INTERVAL_MS,
  CCXT_LOOK_WITHOUT_STREAM_MS,
  CCXT_ORDERS_AFTER_TRADES_MS,
  CCXT_RETRY_FIRST_MS,
  CCXT_RETRY_MAX_MS,
  CCXT_STREAM_OPEN_WAIT_MS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Account } from './account.ts';
import type { CcxtOrder, CcxtTrade } from './types.ts';
import { OutOfTurns, retryAfterMs } from './wire.ts';

export interface AccountStreams {
  open(): void;
  /** Whether anything has come since they were opened, and they did not break. */
  heard(): boolean;
  /** How long after a look the next is due. */
  lookAfterMs(): number;
  /** Until something has come, or for as long as it is worth waiting for. Rejects where they found no turn to be opened in. */
  ready(): Promise<void>;
  close(): void;
}

interface Told {
  readonly emit: (events: readonly BrokerEvent[]) => void;
  readonly ring: () => void;
  /** One that was open is no more; false: nobody begins anew for it. */
  readonly lost: (why: string) => boolean;
  readonly ended: (brokerOrderId: string) => void;
}

interface Batch {
  readonly round: number;
  readonly trades: CcxtTrade[];
  readonly orders: BrokerEvent[];
}

export function openAccountStreams(
  account: Account,
  clock: Clock,
  { emit, ring, lost, ended }: Told,
): AccountStreams {
  const { exchange, ask } = account;
  const { ccxt, facts, streams } = exchange;
  let round = 0;
  let heard = false;
  let wake: () => void = () => undefined;
  let refuse: (fault: OutOfTurns) => void = () => undefined;
  exchange.onHeard(() => {
    heard = true;
    wake();
  });

  /** One promise of ccxt after the other. One that never opened is tried again now and then, while the exchange is asked instead. */
  async function listen<T>(next: () => Promise<T>, tell: (told: T) => void): Promise<void> {
    const mine = round;
    let waitMs = CCXT_RETRY_FIRST_MS;
    while (mine === round) {
      try {
        const told = await ask(next);
        if (mine !== round) return;
        heard = true;
        waitMs = CCXT_RETRY_FIRST_MS;
        if (facts.streamsAreExact) tell(told);
        else ring();
      } catch (fault) {
        if (mine !== round) return;
        if (heard && lost('The stream of orders ended; it is opened anew.')) return;
        heard = false;
        if (fault instanceof OutOfTurns) refuse(fault);
        await new Promise<void>((resolve) => void clock.after(retryAfterMs(fault, waitMs), resolve));
        waitMs = Math.min(waitMs * 2, CCXT_RETRY_MAX_MS);
      }
    }
  }
  const gathered = gathering(
    clock,
    () => round,
    async ({ round: mine, trades, orders }) => {
      if (mine !== round) return;
      // Whose a trade is can not be said now: the look after this asks again.
      const executions = await account.executionsIn(trades).catch(() => undefined);
      if (mine !== round) return;
      emit([
        ...(executions ?? []).map((execution) => ({ kind: 'execution', execution }) as const),
        ...orders,
      ]);
      if (executions === undefined) ring();
    },
  );
  function tellOrders(told: readonly CcxtOrder[]): void {
    const orders = told.flatMap((one) => account.orderIn(one) ?? []);
    for (const { brokerOrderId, status } of orders) if (isFinal(status)) ended(brokerOrderId);
    gathered().orders.push(...orders.map((order) => ({ kind: 'order', order }) as const));
  }
  const tellTrades = (told: readonly CcxtTrade[]): void => void gathered().trades.push(...told);

  return {
    open() {
      round += 1;
      heard = false;
      if (!streams) return;
      if (ccxt.has['watchOrders'] === true) void listen(() => ccxt.watchOrders(), tellOrders);
      if (ccxt.has['watchMyTrades'] === true) void listen(() => ccxt.watchMyTrades(), tellTrades);
    },
    heard: () => heard,
    lookAfterMs: () => (heard ? CCXT_LOOK_INTERVAL_MS : CCXT_LOOK_WITHOUT_STREAM_MS),
    ready: () =>
      new Promise((resolve, reject) => {
        if (heard || !streams || ccxt.has['watchOrders'] !== true) return resolve();
        const stop = clock.after(CCXT_STREAM_OPEN_WAIT_MS, resolve);
        wake = () => {
          stop();
          resolve();
        };
        refuse = (fault) => {
          stop();
          reject(fault);
        };
      }),
    close() {
      round += 1;
      heard = false;
      exchange.dropSockets();
    },
  };
}

/** The two streams of one event come in any order: they are told together, what was filled before the order that it filled. */
function gathering(clock: Clock, round: () => number, tell: (batch: Batch) => Promise<void>): () => Batch {
  let waiting: Batch | undefined;
  return () => {
    if (waiting !== undefined) return waiting;
    const batch: Batch = { round: round(), trades: [], orders: [] };
    waiting = batch;
    clock.after(CCXT_ORDERS_AFTER_TRADES_MS, () => {
      waiting = undefined;
      void tell(batch);
    });
    return batch;
  };
}
