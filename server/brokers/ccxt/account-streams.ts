/** The streams of one account: what they say is told where it was proved to be exact, and is a reason to ask everywhere. */
import type { BrokerEvent } from '#domain/broker.ts';
import { isFinal } from '#domain/order.ts';
import { CCXT_RETRY_FIRST_MS, CCXT_RETRY_MAX_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Account } from './account.ts';
import type { CcxtOrder, CcxtTrade } from './types.ts';

export interface AccountStreams {
  open(): void;
  /** Whether anything has come since they were opened, and they did not break. */
  heard(): boolean;
  close(): void;
}

interface Told {
  readonly emit: (events: readonly BrokerEvent[]) => void;
  readonly ring: () => void;
  readonly ended: (brokerOrderId: string) => void;
}

export function openAccountStreams(
  account: Account,
  clock: Clock,
  { emit, ring, ended }: Told,
): AccountStreams {
  const { exchange, ask } = account;
  const { ccxt, facts, streams } = exchange;
  let round = 0;
  let heard = false;

  /** One promise of ccxt after the other; a stream that ended is opened again, and what was missed is asked for. */
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
      } catch {
        if (mine !== round) return;
        heard = false;
        await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
        waitMs = Math.min(waitMs * 2, CCXT_RETRY_MAX_MS);
      }
      ring();
    }
  }
  function tellOrders(told: readonly CcxtOrder[]): void {
    const orders = told.flatMap((one) => account.orderIn(one) ?? []);
    for (const { brokerOrderId, status } of orders) if (isFinal(status)) ended(brokerOrderId);
    emit(orders.map((order) => ({ kind: 'order', order }) as const));
  }
  function tellTrades(told: readonly CcxtTrade[]): void {
    emit(account.executionsIn(told).map((execution) => ({ kind: 'execution', execution }) as const));
  }

  return {
    open() {
      round += 1;
      heard = false;
      if (!streams) return;
      if (ccxt.has['watchOrders'] === true) void listen(() => ccxt.watchOrders(), tellOrders);
      if (ccxt.has['watchMyTrades'] === true) void listen(() => ccxt.watchMyTrades(), tellTrades);
    },
    heard: () => heard,
    close() {
      round += 1;
      heard = false;
    },
  };
}
