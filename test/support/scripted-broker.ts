/** A broker that does what a test tells it to: it answers, lies, stays silent, forgets or repeats itself, and counts what it was sent. */
import {
  money,
  type Price,
  price,
  type Quantity,
  quantity,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import { type ClearedOrder, ORDER_TYPES, type OrderTerms, TIMES_IN_FORCE } from '#domain/order.ts';
import { accountId } from '#domain/principal.ts';
import type {
  BrokerAdapter,
  BrokerCapabilities,
  BrokerEvent,
  BrokerExecution,
  BrokerOrder,
  BrokerOrderStatus,
  CancelOutcome,
  PlaceOutcome,
} from '#ports.ts';

/** How the venue treats a request: whether it takes effect, and what the caller is told. */
export interface Treatment {
  readonly effect: 'accept' | 'reject' | 'lose';
  readonly answer: 'truth' | 'unknown' | 'throw' | 'never';
}

export const HONEST: Treatment = { effect: 'accept', answer: 'truth' };

interface VenueOrder extends OrderTerms {
  readonly brokerOrderId: string;
  readonly brokerClientId: string;
  readonly instrument: InstrumentId;
  filledQty: Quantity;
  status: BrokerOrderStatus;
  held: boolean;
}

export interface ScriptedBroker extends BrokerAdapter {
  /** Treatments of the next requests, first in first out; honest when none is left. */
  readonly next: { readonly place: Treatment[]; readonly replace: Treatment[]; readonly cancel: Treatment[] };
  /** Client ids in the order they were sent, repeats included. */
  readonly sent: { readonly place: string[]; readonly replace: string[]; readonly cancel: string[] };
  /** While true, questions about orders, history and positions throw; the balance is still told. */
  deaf: boolean;
  /** While true, events are kept back until `release`. */
  silent: boolean;
  cash: string;
  fill(brokerClientId: string, qty: string, at: string, fee?: string): BrokerExecution;
  /** The venue itself ends an order, a lost one included. */
  end(brokerClientId: string, status: 'canceled' | 'expired' | 'rejected'): void;
  /** Sends an event as it is, as often as asked. */
  emit(event: BrokerEvent): void;
  release(shuffle?: (events: BrokerEvent[]) => BrokerEvent[]): void;
  order(brokerClientId: string): BrokerOrder | undefined;
  everyOrder(): readonly BrokerOrder[];
  /** An order placed at the broker's own screen. */
  placeElsewhere(order: {
    readonly instrument: InstrumentId;
    readonly side: 'buy' | 'sell';
    readonly qty: string;
    readonly product?: OrderTerms['product'];
  }): string;
  stay(connected: boolean): void;
  readonly executions: readonly BrokerExecution[];
  /** Answers a request that was left without one. */
  answerLate(brokerClientId: string, outcome: PlaceOutcome): void;
}

export interface ScriptedOptions {
  readonly absentIsFinalAfterMs?: number;
  /** false: it can not be asked for an order by our id. */
  readonly queryByClientId?: boolean;
  /** false: what it tells of orders and executions does not name our ids. */
  readonly tellsClientIds?: boolean;
  readonly capabilities?: Partial<BrokerCapabilities>;
  readonly currency?: string;
  readonly mode?: BrokerAdapter['mode'];
}

export function scriptedBroker(account = 'paper', options: ScriptedOptions = {}): ScriptedBroker {
  const orders = new Map<string, VenueOrder>();
  const executions: BrokerExecution[] = [];
  const held: BrokerEvent[] = [];
  const listeners = new Set<(event: BrokerEvent) => void>();
  const waiting = new Map<string, (outcome: PlaceOutcome) => void>();
  let number = 0;
  let connected = true;

  const namesOurs = options.tellsClientIds !== false;
  const seen = (order: VenueOrder): BrokerOrder => ({
    ...order,
    ...(namesOurs ? {} : { brokerClientId: null }),
    timeMs: number,
  });
  function emit(event: BrokerEvent): void {
    if (broker.silent) {
      held.push(event);
      return;
    }
    for (const listener of listeners) listener(event);
  }
  function add(
    order: ClearedOrder | (OrderTerms & { brokerClientId: string; instrument: InstrumentId }),
    isHeld: boolean,
  ) {
    const {
      side,
      qty,
      type,
      timeInForce,
      limitPrice,
      stopPrice,
      trail,
      postOnly,
      reduceOnly,
      extendedHours,
      product,
    } = order;
    const made: VenueOrder = {
      side,
      qty,
      type,
      timeInForce,
      ...(limitPrice ? { limitPrice } : {}),
      ...(stopPrice ? { stopPrice } : {}),
      ...(trail ? { trail } : {}),
      postOnly,
      reduceOnly,
      extendedHours,
      ...(product ? { product } : {}),
      instrument: order.instrument,
      brokerClientId: order.brokerClientId,
      brokerOrderId: `b${++number}`,
      filledQty: ZERO_QUANTITY,
      status: 'open',
      held: isHeld,
    };
    orders.set(made.brokerClientId, made);
    return made;
  }
  function accept(order: ClearedOrder): string {
    const made = add(order, false);
    const base = {
      ...order,
      type: 'limit' as const,
      side: order.side === 'buy' ? ('sell' as const) : ('buy' as const),
    };
    if (order.takeProfit) add({ ...base, ...order.takeProfit }, true);
    if (order.stopLoss) add({ ...base, ...order.stopLoss, type: 'stop' }, true);
    emit({ kind: 'order', order: seen(made) });
    return made.brokerOrderId;
  }
  function answer<T>(
    treatment: Treatment,
    truth: () => T,
    keep: (resolve: (late: T) => void) => void,
  ): Promise<T | { kind: 'unknown'; reason: string }> {
    const told = truth();
    switch (treatment.answer) {
      case 'truth':
        return Promise.resolve(told);
      case 'unknown':
        return Promise.resolve({ kind: 'unknown', reason: 'the connection was reset' });
      case 'throw':
        return Promise.reject(new Error('502 Bad Gateway'));
      case 'never':
        return new Promise((resolve) => keep(resolve));
      default:
        return treatment.answer satisfies never;
    }
  }
  function query<T>(say: () => T): Promise<T> {
    return broker.deaf ? Promise.reject(new Error('the venue did not answer')) : Promise.resolve(say());
  }
  const working = (order: VenueOrder): boolean =>
    order.status === 'open' || order.status === 'partially_filled';

  const broker: ScriptedBroker = {
    account: accountId(account),
    broker: 'scripted',
    mode: options.mode ?? 'paper',
    currency: options.currency ?? 'USD',
    accountType: 'margin',
    capabilities: {
      orderTypes: ORDER_TYPES,
      timesInForce: TIMES_IN_FORCE,
      brackets: true,
      trailing: true,
      extendedHours: true,
      shortSelling: true,
      replace: true,
      depth: false,
      postOnly: true,
      reduceOnly: true,
      products: [],
      marginPreview: false,
      holdings: false,
      ids: {
        scope: 'account',
        queryByClientId: options.queryByClientId ?? true,
        dedupes: false,
        cancelOnDisconnect: false,
        absentIsFinalAfterMs: options.absentIsFinalAfterMs ?? 30_000,
      },
      ...options.capabilities,
    },
    market: undefined,
    start: () => undefined,
    health: () => ({ connected: true, trouble: null, signInNeeded: false, sessionEndsAtMs: null }),
    next: { place: [], replace: [], cancel: [] },
    sent: { place: [], replace: [], cancel: [] },
    deaf: false,
    silent: false,
    cash: '100000',
    executions,
    connected: () => connected,
    stay(now) {
      connected = now;
      emit({ kind: 'connection', connected: now, detail: now ? 'back' : 'gone' });
    },
    place(order) {
      broker.sent.place.push(order.brokerClientId);
      const treatment = broker.next.place.shift() ?? HONEST;
      return answer(
        treatment,
        (): PlaceOutcome => {
          if (treatment.effect === 'reject') return { kind: 'rejected', reason: 'not today' };
          if (treatment.effect === 'lose') return { kind: 'unknown', reason: 'lost' };
          return { kind: 'accepted', brokerOrderId: accept(order) };
        },
        (late) => waiting.set(order.brokerClientId, late),
      );
    },
    replace(order) {
      broker.sent.replace.push(order.brokerClientId);
      const treatment = broker.next.replace.shift() ?? HONEST;
      return answer(
        treatment,
        (): PlaceOutcome => {
          const found = orders.get(order.brokerClientId);
          if (found === undefined || treatment.effect === 'reject')
            return { kind: 'rejected', reason: 'not today' };
          if (treatment.effect === 'lose') return { kind: 'unknown', reason: 'lost' };
          const { qty, limitPrice, stopPrice } = order;
          const terms = { qty, ...(limitPrice ? { limitPrice } : {}), ...(stopPrice ? { stopPrice } : {}) };
          orders.set(order.brokerClientId, { ...found, ...terms });
          return { kind: 'accepted', brokerOrderId: found.brokerOrderId };
        },
        (late) => waiting.set(order.brokerClientId, late),
      );
    },
    cancel({ brokerClientId, brokerOrderId }) {
      broker.sent.cancel.push(brokerClientId);
      const treatment = broker.next.cancel.shift() ?? HONEST;
      return answer(
        treatment,
        (): CancelOutcome => {
          // What was placed at its own screen is known to us by its own id alone.
          const found =
            orders.get(brokerClientId) ??
            [...orders.values()].find((one) => one.brokerOrderId === brokerOrderId);
          if (found === undefined || !working(found))
            return { kind: 'gone', reason: 'no such working order' };
          if (treatment.effect === 'reject') return { kind: 'rejected', reason: 'not today' };
          if (treatment.effect === 'lose') return { kind: 'unknown', reason: 'lost' };
          found.status = 'canceled';
          emit({ kind: 'order', order: seen(found) });
          return { kind: 'accepted' };
        },
        () => undefined,
      );
    },
    orderByClientId: (id) =>
      query(() => {
        if (options.queryByClientId === false) throw new Error('it can not be asked for an order by our id');
        const found = orders.get(id);
        return found && seen(found);
      }),
    openOrders: () => query(() => [...orders.values()].filter(working).map(seen)),
    historySince: (cursor) =>
      query(() => ({
        executions: executions.slice(Number(cursor ?? '0')),
        settlements: [],
        cursor: String(executions.length),
      })),
    positions: () =>
      query(() => {
        const held = new Map<InstrumentId, Quantity>();
        for (const one of executions) {
          const before = held.get(one.instrument) ?? ZERO_QUANTITY;
          held.set(
            one.instrument,
            (one.side === 'buy' ? before.plus(one.qty) : before.minus(one.qty)) as Quantity,
          );
        }
        return [...held].map(([instrument, qty]) => ({ instrument, qty }));
      }),
    balance: () =>
      Promise.resolve().then(() => {
        let cash = money(broker.cash);
        for (const one of executions) {
          const gross = one.price.times(one.qty);
          cash = (one.side === 'buy' ? cash.minus(gross) : cash.plus(gross)).minus(one.fee) as typeof cash;
        }
        return { currency: broker.currency, cash, equity: cash, buyingPower: money('100000000') };
      }),
    estimateFee: () => ZERO_MONEY,
    onEvents(listener) {
      const one = (event: BrokerEvent): void => listener([event]);
      listeners.add(one);
      return () => void listeners.delete(one);
    },
    close: () => Promise.resolve(),
    emit,
    release(shuffle = (events) => events) {
      broker.silent = false;
      for (const event of shuffle(held.splice(0))) emit(event);
    },
    order(id) {
      const found = orders.get(id);
      return found && seen(found);
    },
    everyOrder: () => [...orders.values()].map(seen),
    end(id, status) {
      const found = orders.get(id);
      if (found === undefined) throw new Error(`the venue has no order ${id}`);
      if (!working(found)) return;
      found.status = status;
      emit({ kind: 'order', order: seen(found) });
    },
    fill(id, qty, at, fee = '0') {
      const found = orders.get(id);
      if (found === undefined) throw new Error(`the venue has no order ${id}`);
      found.filledQty = found.filledQty.plus(quantity(qty)) as Quantity;
      if (working(found)) found.status = found.filledQty.gte(found.qty) ? 'filled' : 'partially_filled';
      const execution: BrokerExecution = {
        executionId: `x${executions.length + 1}`,
        brokerOrderId: found.brokerOrderId,
        brokerClientId: namesOurs ? found.brokerClientId : null,
        instrument: found.instrument,
        side: found.side,
        qty: quantity(qty),
        price: price(at) as Price,
        fee: money(fee),
        ...(found.product === undefined ? {} : { product: found.product }),
        timeMs: executions.length,
      };
      executions.push(execution);
      emit({ kind: 'execution', execution });
      return execution;
    },
    placeElsewhere({ instrument, side, qty, product }) {
      const made = add(
        {
          side,
          qty: quantity(qty),
          type: 'market',
          timeInForce: 'day',
          postOnly: false,
          reduceOnly: false,
          extendedHours: false,
          instrument,
          ...(product === undefined ? {} : { product }),
          brokerClientId: `screen-${++number}`,
        },
        false,
      );
      emit({ kind: 'order', order: { ...seen(made), brokerClientId: null } });
      return made.brokerClientId;
    },
    answerLate(id, outcome) {
      waiting.get(id)?.(outcome);
    },
  };
  return broker;
}
