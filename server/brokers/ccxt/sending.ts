/** Orders, changes and cancels on their way: once each, past every check of ours first, and what became of them as far as it is known. */
import type { WireGate } from '#brokers/broker.ts';
import type { BrokerOrder, CancelOutcome, PlaceOutcome } from '#domain/broker.ts';
import type { ClearedOrder } from '#domain/order.ts';
import type { BrokerAdapter, BrokerCapabilities } from '#ports.ts';
import { type Account, errandOf } from './account.ts';
import { toVenueId } from './client-id.ts';
import { isClass } from './error-class.ts';
import { lookUp } from './look-up.ts';
import type { Lookout } from './lookout.ts';
import { orderName, venueOrderId } from './order-id.ts';
import { venueOrder } from './orders.ts';
import { cancelFault, placeFault } from './outcome.ts';

export interface Sending {
  place(order: ClearedOrder): Promise<PlaceOutcome>;
  replace(order: ClearedOrder): Promise<PlaceOutcome>;
  cancel: BrokerAdapter['cancel'];
  /** By our id, or the exchange's among what is open. Rejects when it can not be said. */
  find(brokerClientId: string, brokerOrderId?: string): Promise<BrokerOrder | undefined>;
}

export function openSending(
  account: Account,
  lookout: Lookout,
  { gate, capabilities }: { readonly gate: WireGate; readonly capabilities: BrokerCapabilities },
): Sending {
  const { exchange, known, ask } = account;
  const { ccxt, wire, facts } = exchange;

  async function find(brokerClientId: string, brokerOrderId?: string): Promise<BrokerOrder | undefined> {
    const told = facts.lookUp && (await ask(() => lookUp(exchange, known, brokerClientId)));
    if (told !== undefined) return account.ordersIn([told])[0];
    if (facts.lookUp !== undefined && brokerOrderId === undefined) return undefined;
    const open = await account.openOrders();
    return open.find((one) => one.brokerClientId === brokerClientId || one.brokerOrderId === brokerOrderId);
  }

  /** As it is remembered, else as the exchange says. */
  async function whereIs(
    brokerClientId: string,
    brokerOrderId: string | undefined,
  ): Promise<{ readonly id: string; readonly symbol: string } | undefined> {
    const at = known.byClientId(brokerClientId);
    const id = brokerOrderId ?? at?.brokerOrderId;
    if (id !== undefined && at !== undefined) return { id, symbol: at.symbol };
    const found = await find(brokerClientId, brokerOrderId);
    return found && { id: found.brokerOrderId, symbol: account.symbolOf(found.instrument) };
  }

  async function send(order: ClearedOrder, call: 'place' | 'change'): Promise<PlaceOutcome> {
    const notSent = (reason: string): PlaceOutcome => ({ kind: 'not_sent', reason });
    if (!lookout.connected()) return notSent(lookout.trouble() ?? 'The exchange is not connected.');
    const symbol = account.symbolOf(order.instrument);
    const listing = account.listingOf(symbol);
    if (listing === undefined) return notSent('The instrument is not one of this account.');
    const made = venueOrder(order, { capabilities, ccxt, facts, listing });
    if (!made.ok) return notSent(made.error);
    const { type, amount, price, params } = made.value;
    const before = known.byClientId(order.brokerClientId);
    const id = order.brokerOrderId ?? before?.brokerOrderId;
    if (call === 'change' && id === undefined)
      return notSent('The exchange has not named the order yet, so it can not be changed.');
    known.sending({ brokerClientId: order.brokerClientId, symbol, terms: order });
    const idThere = venueOrderId(id ?? '', facts);
    const errand = errandOf('order', () => gate(order));
    try {
      const told = await wire.run(errand, () =>
        call === 'place'
          ? ccxt.createOrder(symbol, type, order.side, amount, price, {
              ...params,
              clientOrderId: toVenueId(order.brokerClientId, facts),
            })
          : ccxt.editOrder(idThere, symbol, type, order.side, amount, price, changing(params)),
      );
      const brokerOrderId = call === 'place' ? told.id && orderName(told.id, symbol, facts) : id;
      if (typeof brokerOrderId !== 'string' || brokerOrderId === '')
        return { kind: 'unknown', reason: 'The exchange answered without naming the order.' };
      known.acknowledged(order.brokerClientId, brokerOrderId);
      lookout.sent(brokerOrderId, symbol);
      return told.status === 'rejected'
        ? { kind: 'rejected', reason: 'The exchange rejected the order.' }
        : { kind: 'accepted', brokerOrderId };
    } catch (fault) {
      afterFault(account, fault);
      const outcome = placeFault(fault, errand, facts);
      // What was refused is not what the order says from now on.
      if (outcome.kind !== 'unknown' && before !== undefined) known.sending(before);
      return outcome;
    }
  }

  return {
    place: (order) => send(order, 'place'),
    replace: (order) => send(order, 'change'),
    async cancel({ brokerClientId, brokerOrderId }): Promise<CancelOutcome> {
      const errand = errandOf('cancel');
      try {
        const at = await whereIs(brokerClientId, brokerOrderId);
        if (at === undefined)
          return { kind: 'rejected', reason: 'The exchange lists no such order; nothing was canceled.' };
        try {
          await wire.run(errand, () => ccxt.cancelOrder(venueOrderId(at.id, facts), at.symbol));
          lookout.sent(at.id, at.symbol);
          return { kind: 'accepted' };
        } catch (fault) {
          // It may have ended by a fill that nobody has heard of.
          if (errand.left) lookout.doubted(at.id, at.symbol);
          throw fault;
        }
      } catch (fault) {
        afterFault(account, fault);
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

/** A venue that says our time is wrong is asked for its own; the next request is signed by that. */
function afterFault({ exchange: { ccxt }, ask }: Account, fault: unknown): void {
  if (isClass(fault, 'InvalidNonce') && ccxt.loadTimeDifference !== undefined)
    void ask(async () => ccxt.loadTimeDifference?.()).catch(() => undefined);
}
