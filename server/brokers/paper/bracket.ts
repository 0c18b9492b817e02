/** Brackets: legs wait for their entry, protect what it has filled, and one ends the other; both can never fill in one step. */
import { add, isPositive, isZero, max, type Quantity, subtract, text } from '#domain/decimal.ts';
import { type Book, end, isFinalStatus, note, type PaperOrder, remaining, tell, touch } from './book.ts';
import { beyond, type PaperStep } from './prices.ts';

/** The legs of an entry that still work. */
export function openLegs(book: Book, entry: PaperOrder): readonly PaperOrder[] {
  return entry.legs.flatMap((number) => book.open.get(number) ?? []);
}

export function siblingOf(book: Book, leg: PaperOrder): PaperOrder | undefined {
  for (const order of book.open.values()) {
    if (order.entry === leg.entry && order !== leg && order.entry !== null) return order;
  }
  return undefined;
}

/** After an entry's fill of `qty`: the legs become active with it, or grow by it. They meet the next step first. */
export function protect(book: Book, entry: PaperOrder, qty: Quantity, barKey: string): void {
  for (const leg of openLegs(book, entry)) {
    leg.qty = leg.held ? qty : add(leg.qty, qty);
    if (leg.held) {
      leg.held = false;
      leg.activeSince = barKey;
      note(book, 'activated', { order: leg.brokerOrderId, qty: text(leg.qty) });
    } else note(book, 'grown', { order: leg.brokerOrderId, qty: text(leg.qty) });
    touch(book, leg);
    tell(book, leg);
  }
}

/**
 * After a leg's fill of `qty`: a partial one reduces its sibling by as much; the last one ends the group, what the entry
 * still works included, because the trade that it opened is over.
 */
export function afterLegFill(book: Book, leg: PaperOrder, qty: Quantity): void {
  const sibling = siblingOf(book, leg);
  const name = leg.role === 'stop_loss' ? 'stop loss' : 'take profit';
  if (isFinalStatus(leg.status)) {
    const entry = leg.entry === null ? undefined : book.open.get(leg.entry);
    if (sibling) end(book, sibling, 'canceled', `its ${name} filled: one cancels the other`);
    if (entry) end(book, entry, 'canceled', `its ${name} filled`);
    return;
  }
  if (sibling === undefined) return;
  sibling.qty = max(subtract(sibling.qty, qty), sibling.filledQty);
  note(book, 'reduced', { order: sibling.brokerOrderId, qty: text(sibling.qty) });
  if (isZero(remaining(sibling))) end(book, sibling, 'canceled', `its ${name} filled: one cancels the other`);
  else {
    touch(book, sibling);
    tell(book, sibling);
  }
}

/**
 * After an order has ended without filling. An entry that never filled takes its legs along; one that filled in part leaves
 * them to protect what it bought. A leg takes its group along.
 */
export function endGroup(book: Book, order: PaperOrder, reason: string): void {
  if (order.entry === null) {
    if (isPositive(order.filledQty)) return;
    for (const leg of openLegs(book, order)) end(book, leg, 'canceled', reason);
    return;
  }
  const sibling = siblingOf(book, order);
  const entry = book.open.get(order.entry);
  if (sibling) end(book, sibling, 'canceled', reason);
  if (entry) end(book, entry, 'canceled', reason);
}

/**
 * Whether a target must stand back because its stop is reached later in the same bar: a bar does not say which came first,
 * so the stop did. The extremes count when the legs were active before the bar; after that only where the bar ends.
 */
export function yieldsToStop(book: Book, target: PaperOrder, step: PaperStep): boolean {
  if (target.role !== 'take_profit') return false;
  const stop = siblingOf(book, target);
  if (stop === undefined || stop.stopPrice === null) return false;
  const { lowBid, highAsk, closeBid, closeAsk } = step.bar;
  const sell = stop.side === 'sell';
  const reaches = stop.activeSince === step.barKey ? (sell ? closeBid : closeAsk) : sell ? lowBid : highAsk;
  return beyond(stop.side, reaches, stop.stopPrice);
}
