/** Orders by both their names and with what was asked for, and the instruments that the account ever traded: bounded, the oldest go first. */
import { z } from 'zod';
import type { SecretSlot } from '#brokers/broker.ts';
import type { OrderTerms } from '#domain/order.ts';
import { CCXT_ORDERS_REMEMBERED_MAX, CCXT_SYMBOLS_REMEMBERED_MAX } from '#limits.ts';
import { fromVenueId, toVenueId } from './client-id.ts';
import type { ExchangeFacts } from './facts.ts';

export interface KnownOrder {
  readonly brokerClientId: string;
  readonly symbol: string;
  readonly terms?: OrderTerms;
}

export interface KnownOrders {
  /** Before an order is sent: the symbol is durable when this returns. */
  sending(order: KnownOrder): void;
  /** What the venue calls it. */
  acknowledged(brokerClientId: string, brokerOrderId: string): void;
  /** Something is going on there. */
  noteSymbol(symbol: string): void;
  byClientId(
    brokerClientId: string,
  ): (KnownOrder & { readonly brokerOrderId: string | undefined }) | undefined;
  /** Ours, by what the venue says: by its own id first, which nobody else can choose. */
  clientIdOf(venueClientId: string | undefined, brokerOrderId: string): string | null;
  /** Whether nobody knows yet if it is ours: neither its name here, nor that it has none. */
  isNew(brokerOrderId: string): boolean;
  /** The exchange was asked: it is somebody else's. */
  noteStranger(brokerOrderId: string): void;
  /** With when anything was last noted of each, by the clock that was handed in. */
  symbols(): ReadonlyMap<string, number>;
}

const remembered = z.array(z.string().max(100)).max(CCXT_SYMBOLS_REMEMBERED_MAX);

export function openKnownOrders(facts: ExchangeFacts, session: SecretSlot, nowMs: () => number): KnownOrders {
  const orders = new Map<string, KnownOrder>();
  const brokerIds = new Map<string, string>();
  const byBrokerId = new Map<string, string>();
  const byVenueClientId = new Map<string, string>();
  const strangers = new Set<string>();
  // Whatever went on while nobody listened: all of them are asked for once.
  const symbols = new Map(readSymbols(session).map((symbol) => [symbol, nowMs()]));

  function noteSymbol(symbol: string): void {
    if (symbol === '') return;
    const isNew = !symbols.has(symbol);
    symbols.delete(symbol);
    symbols.set(symbol, nowMs());
    if (!isNew) return;
    const [oldest] = symbols.keys();
    if (symbols.size > CCXT_SYMBOLS_REMEMBERED_MAX && oldest !== undefined) symbols.delete(oldest);
    session.write(JSON.stringify([...symbols.keys()]));
  }
  function forget(): void {
    const [oldest] = orders.keys();
    if (orders.size <= CCXT_ORDERS_REMEMBERED_MAX || oldest === undefined) return;
    orders.delete(oldest);
    byVenueClientId.delete(toVenueId(oldest, facts));
    const brokerOrderId = brokerIds.get(oldest);
    brokerIds.delete(oldest);
    if (brokerOrderId !== undefined) byBrokerId.delete(brokerOrderId);
  }
  return {
    sending(order) {
      noteSymbol(order.symbol);
      orders.set(order.brokerClientId, { ...orders.get(order.brokerClientId), ...order });
      byVenueClientId.set(toVenueId(order.brokerClientId, facts), order.brokerClientId);
      forget();
    },
    acknowledged(brokerClientId, brokerOrderId) {
      brokerIds.set(brokerClientId, brokerOrderId);
      byBrokerId.set(brokerOrderId, brokerClientId);
    },
    noteSymbol,
    byClientId(brokerClientId) {
      const found = orders.get(brokerClientId);
      return found && { ...found, brokerOrderId: brokerIds.get(brokerClientId) };
    },
    clientIdOf(venueClientId, brokerOrderId) {
      const known = byBrokerId.get(brokerOrderId);
      if (known !== undefined || venueClientId === undefined) return known ?? null;
      return byVenueClientId.get(venueClientId) ?? fromVenueId(venueClientId, facts) ?? null;
    },
    isNew: (brokerOrderId) => !byBrokerId.has(brokerOrderId) && !strangers.has(brokerOrderId),
    noteStranger(brokerOrderId) {
      strangers.add(brokerOrderId);
      const [oldest] = strangers;
      if (strangers.size > CCXT_ORDERS_REMEMBERED_MAX && oldest !== undefined) strangers.delete(oldest);
    },
    symbols: () => symbols,
  };
}

/** What can not be read is forgotten: open orders and positions name their symbols again. */
function readSymbols(session: SecretSlot): readonly string[] {
  try {
    const found = remembered.safeParse(JSON.parse(session.read() ?? '[]'));
    return found.success ? found.data : [];
  } catch {
    return [];
  }
}
