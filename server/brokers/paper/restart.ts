/** A paper account begins anew: what it holds is settled, and its cash is the deposit again. What happened before stays in its history. */
import { isZero, type Money, ONE, subtract, text } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { BrokerRestart, Quote, RestartOutcome } from '#ports.ts';
import { type Book, note } from './book.ts';
import { settle } from './posting.ts';

/** Refuses while an order could still change the books; the caller holds the transaction. */
export function restartBooks(
  book: Book,
  cash: Money,
  quoteOf: (id: InstrumentId) => Quote | undefined,
): RestartOutcome {
  if (book.open.size > 0) return { kind: 'refused', reason: `${book.open.size} orders are still working` };
  for (const [id, { qty, lastPrice }] of book.state.positions) {
    if (isZero(qty)) continue;
    const quote = quoteOf(id);
    // What it could be closed at now; without a quote, what was last traded.
    const at = qty.gt('0') ? (quote?.bid ?? lastPrice) : (quote?.ask ?? lastPrice);
    if (at === null) return { kind: 'refused', reason: `there is no price to settle ${id} at` };
    const multiplier = book.instrument(id)?.multiplier ?? ONE;
    settle(book, id, at, {
      multiplier,
      detail: 'the account began anew: settled at the price of the moment',
    });
  }
  const before = book.state.cash;
  book.state.cash = cash;
  const restart: BrokerRestart = {
    restartId: `pr-${book.state.history + 1}`,
    cash,
    detail: 'the account began anew',
    timeMs: book.moment.timeMs,
  };
  note(book, 'restart', {
    restart: restart.restartId,
    cash_change: text(subtract(cash, before)),
    cash: text(cash),
  });
  book.changes.history.push({ seq: ++book.state.history, kind: 'restart', state: restart });
  book.changes.events.push({ kind: 'restart', restart });
  return { kind: 'restarted' };
}
