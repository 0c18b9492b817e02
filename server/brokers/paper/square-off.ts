/** The end of what is held intraday (mis): at 15:15 in India its orders are taken back and it is settled at the touch (rule 23). */
import { isNegative, isZero } from '#domain/decimal.ts';
import { type Book, end, instrumentOf, positionOf } from './book.ts';
import { settle } from './posting.ts';
import { farTouch, type PaperStep } from './prices.ts';
import { isSquaredOff } from './products.ts';

/** At the first price from 15:15 on, or of a later day where that one had none. The broker's own charge for it is not known here. */
export function squareOff(book: Book, step: PaperStep): void {
  const id = step.quote.instrument;
  if (isSquaredOff(undefined, step.timeMs))
    for (const order of book.open.values())
      if (order.instrument === id && order.product === 'mis')
        end(book, order, 'canceled', 'intraday (mis) orders end at 15:15 in India');
  const { qty, product, fresh } = positionOf(book, id);
  if (product !== 'mis' || isZero(qty) || !isSquaredOff(fresh?.date, step.timeMs)) return;
  const at = farTouch(step.quote, isNegative(qty) ? 'buy' : 'sell');
  if (at === undefined) return;
  settle(book, id, at.price, {
    multiplier: instrumentOf(book, id).multiplier,
    detail: 'held intraday (mis): squared off at 15:15 in India',
  });
}
