/** The venue's answers to requests: place, replace and cancel against the books; the caller holds the transaction. */
import { compare, isZero, type Price, type Quantity, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import { type ClearedOrder, type OrderRole, opposite, type Trail } from '#domain/order.ts';
import type { CancelOutcome, PlaceOutcome } from '#ports.ts';
import { type MarketView, malformed, malformedBracket, unacceptable } from './accept.ts';
import { type Book, end, isFinalStatus, note, type PaperOrder, remaining, tell, touch } from './book.ts';
import { endGroup } from './bracket.ts';
import { drawBetween, drawPercent } from './draw.ts';
import { farTouch, trailingStop } from './prices.ts';
import { productOf } from './products.ts';

/** Takes an order into the books or rejects it; either way it is remembered under its client id. */
export function placeOrder(book: Book, market: MarketView, cleared: ClearedOrder): PlaceOutcome {
  const order = newOrder(book, market, cleared);
  const reason = whyNot(book, market, cleared, order);
  if (reason !== null) return reject(book, order, reason);
  order.waitSteps = latency(book, order, 0);
  book.open.set(order.number, order);
  note(book, 'accepted', { ...described(order), latency: order.waitSteps });
  touch(book, order);
  tell(book, order);
  for (const leg of newLegs(book, cleared, order)) {
    book.open.set(leg.number, leg);
    note(book, 'held', { ...described(leg), entry: order.brokerOrderId });
    touch(book, leg);
    tell(book, leg);
  }
  return { kind: 'accepted', brokerOrderId: order.brokerOrderId };
}

function whyNot(book: Book, market: MarketView, cleared: ClearedOrder, order: PaperOrder): string | null {
  const instrument = book.instrument(order.instrument);
  if (instrument === undefined) return 'this venue does not trade the instrument';
  const { faults } = book.rules;
  if (faults !== null && drawPercent(book.seed, 'reject', String(order.number)) < faults.rejectPercent) {
    return 'the venue is busy: order rejected';
  }
  return (
    malformed(order, instrument) ?? malformedBracket(cleared, instrument) ?? unacceptable(book, market, order)
  );
}

function reject(book: Book, order: PaperOrder, reason: string): PlaceOutcome {
  order.status = 'rejected';
  order.reason = reason;
  note(book, 'rejected', { ...described(order), reason });
  touch(book, order);
  return { kind: 'rejected', reason };
}

/**
 * The order that a client id already names: the same terms get the same answer again, others a rejection. Undefined: it is a leg's
 * id that is taken.
 */
export function placedBefore(known: PaperOrder | undefined, cleared: ClearedOrder): PlaceOutcome {
  if (known === undefined || !sameTerms(known, cleared))
    return { kind: 'rejected', reason: 'the client id names another order' };
  if (known.status === 'rejected') return { kind: 'rejected', reason: known.reason ?? 'rejected' };
  return { kind: 'accepted', brokerOrderId: known.brokerOrderId };
}

function sameTerms(known: PaperOrder, cleared: ClearedOrder): boolean {
  return (
    known.instrument === cleared.instrument &&
    known.side === cleared.side &&
    known.type === cleared.type &&
    known.timeInForce === cleared.timeInForce &&
    (cleared.product === undefined || known.product === cleared.product) &&
    known.entry === null &&
    same(known.qty, cleared.qty) &&
    same(known.limitPrice, cleared.limitPrice) &&
    (known.type === 'trailing_stop' || same(known.stopPrice, cleared.stopPrice)) &&
    sameTrail(known.trail, cleared.trail)
  );
}

type Amount = Price | Quantity | null | undefined;
const same = (a: Amount, b: Amount): boolean =>
  a === null || a === undefined || b === null || b === undefined ? (a ?? null) === (b ?? null) : a.eq(b);

function sameTrail(a: Trail | null, b: Trail | undefined): boolean {
  if (a === null || b === undefined) return a === null && b === undefined;
  if (a.kind === 'price') return b.kind === 'price' && a.distance.eq(b.distance);
  return b.kind === 'percent' && a.percent.eq(b.percent);
}

/** New terms for a working order; its identity, its fills and its place among the legs stay. */
export function replaceOrder(
  book: Book,
  market: MarketView,
  known: PaperOrder | undefined,
  cleared: ClearedOrder,
): PlaceOutcome {
  if (known === undefined) return { kind: 'rejected', reason: 'the venue has no such order' };
  const changed = replacement(known, cleared);
  const reason = alters(known, cleared) ?? whyNotReplaced(book, market, known, changed);
  if (reason !== null) {
    note(book, 'replace_rejected', { order: known.brokerOrderId, reason });
    return { kind: 'rejected', reason };
  }
  const trailMoved = !sameTrail(known.trail, changed.trail ?? undefined);
  known.qty = changed.qty;
  known.limitPrice = changed.limitPrice;
  known.trail = changed.trail;
  if (known.type !== 'trailing_stop') known.stopPrice = changed.stopPrice;
  else if (trailMoved) known.stopPrice = trailFrom(book, known);
  known.waitSteps = latency(book, known, book.state.requests);
  known.arrived = false;
  if (isZero(remaining(known))) known.status = 'filled';
  note(book, 'replaced', { ...described(known), latency: known.waitSteps });
  touch(book, known);
  tell(book, known);
  return { kind: 'accepted', brokerOrderId: known.brokerOrderId };
}

function replacement(known: PaperOrder, cleared: ClearedOrder): PaperOrder {
  return {
    ...known,
    qty: cleared.qty,
    limitPrice: cleared.limitPrice ?? null,
    stopPrice: known.type === 'trailing_stop' ? known.stopPrice : (cleared.stopPrice ?? null),
    trail: cleared.trail ?? null,
  };
}

/** What makes it another order. */
function alters(known: PaperOrder, cleared: ClearedOrder): string | null {
  const identical =
    cleared.instrument === known.instrument &&
    cleared.side === known.side &&
    cleared.type === known.type &&
    cleared.timeInForce === known.timeInForce;
  return identical ? null : 'instrument, side, type and time in force can not change';
}

function whyNotReplaced(
  book: Book,
  market: MarketView,
  known: PaperOrder,
  changed: PaperOrder,
): string | null {
  const instrument = book.instrument(known.instrument);
  if (instrument === undefined || isFinalStatus(known.status)) {
    return `the order is ${known.status}: it can not change`;
  }
  if (known.entry !== null && !changed.qty.eq(known.qty))
    return 'the quantity of a leg is what its entry has filled';
  if (compare(changed.qty, known.filledQty) < 0) return `${text(known.filledQty)} are filled already`;
  return malformed(changed, instrument) ?? (known.held ? null : unacceptable(book, market, changed, known));
}

/** Cancels a working order and what hangs on it. */
export function cancelOrder(book: Book, known: PaperOrder | undefined): CancelOutcome {
  if (known === undefined) return { kind: 'gone', reason: 'the venue has no such order' };
  if (isFinalStatus(known.status)) return { kind: 'gone', reason: `the order is ${known.status}` };
  end(book, known, 'canceled', 'canceled on request');
  endGroup(book, known, 'its group was canceled');
  return { kind: 'accepted' };
}

function latency(book: Book, order: PaperOrder, attempt: number): number {
  return drawBetween(book.seed, 'latency', `${order.number}:${attempt}`, book.rules.latencySteps);
}

function newOrder(book: Book, market: MarketView, cleared: ClearedOrder): PaperOrder {
  const instrument = book.instrument(cleared.instrument);
  const order: PaperOrder = {
    ...blank(book, cleared.brokerClientId),
    instrument: cleared.instrument,
    side: cleared.side,
    type: cleared.type,
    timeInForce: cleared.timeInForce,
    postOnly: cleared.postOnly,
    reduceOnly: cleared.reduceOnly,
    extendedHours: cleared.extendedHours,
    product: instrument === undefined ? null : productOf(instrument, cleared.product),
    role: 'entry',
    entry: null,
    legs: legNumbers(book, cleared),
    qty: cleared.qty,
    limitPrice: cleared.limitPrice ?? null,
    stopPrice: cleared.stopPrice ?? null,
    trail: cleared.trail ?? null,
    held: false,
  };
  const touched = market.quote(order.instrument);
  if (order.type === 'trailing_stop' && order.stopPrice === null && touched !== undefined) {
    order.best = farTouch(touched, order.side)?.price ?? null;
    order.stopPrice = trailFrom(book, order);
  }
  return order;
}

function trailFrom(book: Book, order: PaperOrder): Price | null {
  const instrument = book.instrument(order.instrument);
  if (order.best === null || order.trail === null || instrument === undefined) return null;
  return trailingStop(order.side, order.best, order.trail, instrument.tick);
}

type Blank = Pick<
  PaperOrder,
  | 'number'
  | 'brokerOrderId'
  | 'brokerClientId'
  | 'filledQty'
  | 'status'
  | 'reason'
  | 'waitSteps'
  | 'arrived'
  | 'elected'
  | 'best'
  | 'activeSince'
  | 'timeMs'
>;

function blank(book: Book, brokerClientId: string): Blank {
  const number = ++book.state.orders;
  book.changes.account = true;
  return {
    number,
    brokerOrderId: `po-${number}`,
    brokerClientId,
    filledQty: ZERO_QUANTITY,
    status: 'open',
    reason: null,
    waitSteps: 0,
    arrived: false,
    elected: false,
    best: null,
    activeSince: null,
    timeMs: book.moment.timeMs,
  };
}

/** Numbers that the legs will get: they follow their entry's, the stop loss first. */
function legNumbers(book: Book, cleared: ClearedOrder): readonly number[] {
  const count = (cleared.stopLoss ? 1 : 0) + (cleared.takeProfit ? 1 : 0);
  return Array.from({ length: count }, (_, index) => book.state.orders + 1 + index);
}

function newLegs(book: Book, cleared: ClearedOrder, entry: PaperOrder): readonly PaperOrder[] {
  const legs: PaperOrder[] = [];
  const leg = (role: OrderRole, brokerClientId: string): Omit<PaperOrder, 'type'> => ({
    ...blank(book, brokerClientId),
    instrument: entry.instrument,
    side: opposite(entry.side),
    timeInForce: 'gtc',
    postOnly: false,
    reduceOnly: false,
    extendedHours: false,
    product: entry.product,
    role,
    entry: entry.number,
    legs: [],
    qty: entry.qty,
    limitPrice: null,
    stopPrice: null,
    trail: null,
    held: true,
  });
  if (cleared.stopLoss) {
    const { brokerClientId, stopPrice } = cleared.stopLoss;
    legs.push({ ...leg('stop_loss', brokerClientId), type: 'stop', stopPrice });
  }
  if (cleared.takeProfit) {
    const { brokerClientId, limitPrice } = cleared.takeProfit;
    legs.push({ ...leg('take_profit', brokerClientId), type: 'limit', limitPrice });
  }
  return legs;
}

/** What the journal says of an order: its terms, not its client id, which is the caller's and random. */
function described(order: PaperOrder): Readonly<Record<string, unknown>> {
  return {
    order: order.brokerOrderId,
    instrument: order.instrument,
    side: order.side,
    qty: text(order.qty),
    type: order.type,
    time_in_force: order.timeInForce,
    ...(order.limitPrice === null ? {} : { limit_price: text(order.limitPrice) }),
    ...(order.stopPrice === null ? {} : { stop_price: text(order.stopPrice) }),
    ...(order.trail === null ? {} : { trail: trailText(order.trail) }),
    ...(order.postOnly ? { post_only: true } : {}),
    ...(order.reduceOnly ? { reduce_only: true } : {}),
    ...(order.extendedHours ? { extended_hours: true } : {}),
  };
}

const trailText = (trail: Trail): string =>
  trail.kind === 'price' ? text(trail.distance) : `${text(trail.percent)}%`;
