/** Buying power: what new orders may take, with the reservations of open ones kept from one question to the next. */
import { add, type Money, subtract, ZERO_MONEY } from '#domain/decimal.ts';
import { type Book, type PaperOrder, positionOf, type Reservations, remaining } from './book.ts';
import { openings, opposes, type QuoteOf, reservation, worth } from './exposure.ts';

/**
 * What new orders may take: equity less the value of the positions, both sides counted, less what open orders reserve. One
 * times the equity for both account types: the worked number of the rule ($10k, open $7k, new $8k: rejected) holds for
 * each, and a margin account differs in that it may be short. `without` leaves one order's reservation out.
 */
export function buyingPower(book: Book, quoteOf: QuoteOf, without?: PaperOrder): Money {
  const { equity, gross } = worth(book, quoteOf);
  return subtract(subtract(equity, gross), reserved(book, quoteOf, without));
}

function reserved(book: Book, quoteOf: QuoteOf, without?: PaperOrder): Money {
  const now = reservations(book, quoteOf);
  if (without === undefined) return now.total;
  if (now.separate) return subtract(now.total, now.parts.get(without.number) ?? ZERO_MONEY);
  return addedUp(book, quoteOf, without).total;
}

/** Asked with every order, and there may be a thousand open ones: only those that were touched since are looked at again. */
function reservations(book: Book, quoteOf: QuoteOf): Reservations {
  const { reserved: known, touched } = book;
  const at = standing(book, quoteOf);
  const holds = known?.at.length === at.length && known.at.every((one, index) => one === at[index]);
  const settled =
    holds && (touched.size === 0 || (known.separate && [...touched].every((one) => standsAlone(book, one))));
  if (settled) for (const order of touched) renew(book, known, order, quoteOf);
  else book.reserved = addedUp(book, quoteOf);
  touched.clear();
  return book.reserved ?? addedUp(book, quoteOf);
}

/** Positions change with executions and settlements alone. */
function standing({ state, moment, open }: Book, quoteOf: QuoteOf): readonly unknown[] {
  const traded = new Set([
    ...state.positions.keys(),
    ...[...open.values()].map(({ instrument }) => instrument),
  ]);
  return [state.executions, state.settlements, moment.timeMs, ...traded, ...Array.from(traded, quoteOf)];
}

const standsAlone = (book: Book, order: PaperOrder): boolean =>
  order.held || (order.entry === null && !opposes(order.side, positionOf(book, order.instrument).qty));

function renew(book: Book, known: Reservations, order: PaperOrder, quoteOf: QuoteOf): void {
  const before = known.parts.get(order.number) ?? ZERO_MONEY;
  const counts = book.open.has(order.number) && !order.held;
  const part = counts ? (reservation(book, order, remaining(order), quoteOf) ?? ZERO_MONEY) : ZERO_MONEY;
  known.total = add(subtract(known.total, before), part);
  if (counts) known.parts.set(order.number, part);
  else known.parts.delete(order.number);
}

function addedUp(book: Book, quoteOf: QuoteOf, without?: PaperOrder): Reservations {
  const parts = new Map<number, Money>();
  let total = ZERO_MONEY;
  let separate = true;
  for (const { order, opening } of openings(book, without)) {
    const part = reservation(book, order, opening, quoteOf) ?? ZERO_MONEY;
    parts.set(order.number, part);
    total = add(total, part);
    separate &&= standsAlone(book, order);
  }
  return { at: standing(book, quoteOf), parts, total, separate };
}
