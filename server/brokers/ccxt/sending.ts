/** Orders, changes and cancels on their way: once each, past every check of ours first, and what became of them as far as it is known. */
import type { WireGate } from '#brokers/broker.ts';
import type { BrokerOrder, CancelOutcome, PlaceOutcome } from '#domain/broker.ts';
import type { ClearedOrder } from '#domain/order.ts';
import type { BrokerAdapter } from '#ports.ts';
import { type Account, errandOf } from './account.ts';
import { toVenueId } from './client-id.ts';
import { lookUp } from './look-up.ts';
import type { Lookout } from './lookout.ts';
import { venueOrder } from './orders.ts';
import { cancelFault, isClass, placeFault } from './outcome.ts';

export interface Sending {
  place(order: ClearedOrder): Promise<PlaceOutcome>;
  replace(order: ClearedOrder): Promise<PlaceOutcome>;
  cancel: BrokerAdapter['cancel'];
  /** By our id, or the exchange's among what is open. Rejects when it can not be said. */
  find(brokerClientId: string, brokerOrderId?: string): Promise<BrokerOrder | undefined>;
}

export function openSending(account: Account, lookout: Lookout, gate: WireGate): Sending {
  const { exchange, known, ask } = account;
  const { ccxt, wire, facts } = exchange;

  async function find(brokerClientId: string, brokerOrderId?: string): Promise<BrokerOrder | undefined> {
    const open = (await account.openOrders()).find(
      (one) => one.brokerClientId === brokerClientId || one.brokerOrderId === brokerOrderId,
    );
    if (open !== undefined || facts.lookUp === undefined) return open;
    const told = await ask(() => lookUp(exchange, known, brokerClientId));
    return told === undefined ? undefined : account.ordersIn([told])[0];
  }

  async function send(order: ClearedOrder, call: 'place' | 'change'): Promise<PlaceOutcome> {
    const notSent = (reason: string): PlaceOutcome => ({ kind: 'not_sent', reason });
    if (!lookout.connected()) return notSent(lookout.trouble() ?? 'The exchange is not connected.');
    const symbol = account.symbolOf(order.instrument);
    const listing = account.listingOf(symbol);
    if (listing === undefined) return notSent('The instrument is not one of this account.');
    const made = venueOrder(order, { ccxt, facts, listing });
    if (!made.ok) return notSent(made.error);
    const { type, amount, price, params } = made.value;
    const before = known.byClientId(order.brokerClientId);
    const id = order.brokerOrderId ?? before?.brokerOrderId;
    if (call === 'change' && id === undefined)
      return notSent('The exchange has not named the order yet, so it can not be changed.');
    known.sending({ brokerClientId: order.brokerClientId, symbol, terms: order });
    const errand = errandOf('order', () => gate(order));
    try {
      const told = await wire.run(errand, () =>
        call === 'place'
          ? ccxt.createOrder(symbol, type, order.side, amount, price, {
              ...params,
              clientOrderId: toVenueId(order.brokerClientId, facts),
            })
          : ccxt.editOrder(id ?? '', symbol, type, order.side, amount, price, changing(params)),
      );
      const brokerOrderId = call === 'place' ? told.id : id;
      if (typeof brokerOrderId !== 'string' || brokerOrderId === '')
        return { kind: 'unknown', reason: 'The exchange answered without naming the order.' };
      known.acknowledged(order.brokerClientId, brokerOrderId);
      lookout.sent(brokerOrderId, symbol);
      return told.status === 'rejected'
        ? { kind: 'rejected', reason: 'The exchange rejected the order.' }
        : { kind: 'accepted', brokerOrderId };
    } catch (fault) {
      afterFault(fault);
      const outcome = placeFault(fault, errand, facts);
      // What was refused is not what the order says from now on.
      if (outcome.kind !== 'unknown' && before !== undefined) known.sending(before);
      return outcome;
    }
  }

  /** A venue that says our time is wrong is asked for its own; the next request is signed by that. */
  function afterFault(fault: unknown): void {
    if (isClass(fault, 'InvalidNonce') && ccxt.loadTimeDifference !== undefined)
      void ask(async () => ccxt.loadTimeDifference?.()).catch(() => undefined);
  }

  return {
    place: (order) => send(order, 'place'),
    replace: (order) => send(order, 'change'),
    async cancel({ brokerClientId, brokerOrderId }): Promise<CancelOutcome> {
      let at = known.byClientId(brokerClientId);
      let id = brokerOrderId ?? at?.brokerOrderId;
      const errand = errandOf('cancel');
      try {
        if (id === undefined || at === undefined) {
          id = (await find(brokerClientId, brokerOrderId))?.brokerOrderId ?? id;
          at = known.byClientId(brokerClientId);
        }
        if (id === undefined) return { kind: 'unknown', reason: 'The exchange does not list the order.' };
        const named = id;
        await wire.run(errand, () => ccxt.cancelOrder(named, at?.symbol));
        lookout.sent(named, at?.symbol ?? '');
        return { kind: 'accepted' };
      } catch (fault) {
        afterFault(fault);
        if (id !== undefined && errand.left) lookout.sent(id, at?.symbol ?? '');
        return cancelFault(fault, errand, facts);
      }
    },
    find,
  };
}

/** What can be changed besides size and price: the rest is as the order was placed. */
const changing = (params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(params).filter(([name]) => STOP_PARAMETERS.has(name)));
const STOP_PARAMETERS: ReadonlySet<string> = new Set(['triggerPrice', 'stopLossPrice']);
