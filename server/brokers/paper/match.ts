/** One step of the market against the open orders: protection first, then by acceptance; then the session's and tape's end. */
import { QUOTE_AGE_MAX_MS } from '#limits.ts';
import { type Book, end, instrumentOf, type PaperOrder, positionOf, touch } from './book.ts';
import { endGroup, yieldsToStop } from './bracket.ts';
import { endImmediate, execute, refreshLiquidity, type Scene } from './execute.ts';
import { markOf, type QuoteOf } from './exposure.ts';
import { settle } from './posting.ts';
import {
  farTouch,
  limitMeets,
  type PaperStep,
  ratchet,
  trailingStop,
  triggeredAt,
  within,
} from './prices.ts';
import { squareOff } from './square-off.ts';

/** Applies a step to the books; what it changed is in `book.changes`. */
export function applyStep(book: Book, step: PaperStep, quoteOf: QuoteOf): void {
  book.moment = { timeMs: step.timeMs, run: step.run };
  refreshLiquidity(book, step);
  // A quote that was old when it was published says nothing about now: orders wait for the next.
  const stale = step.timeMs - step.quote.timeMs > QUOTE_AGE_MAX_MS;
  if (!stale) {
    squareOff(book, step);
    const scene = { book, step, quoteOf };
    const filledGroups = new Set<number>();
    for (const order of inTurn(book)) meet(scene, order, filledGroups);
  }
  if (step.sessionEnd || step.dayEnd)
    expireDay(book, (order) => order.instrument === step.quote.instrument && endsWith(order, step));
  if (step.tapeEnd) endTape(book, step, quoteOf);
}

const TURN = { stop_loss: 0, take_profit: 1, entry: 2 } as const;

/** Stop losses, then targets, then the rest, each by acceptance: the pessimistic order, and legs that an entry activates wait. */
function inTurn(book: Book): readonly PaperOrder[] {
  return [...book.open.values()].sort((a, b) => TURN[a.role] - TURN[b.role] || a.number - b.number);
}

function meet(scene: Scene, order: PaperOrder, filledGroups: Set<number>): void {
  const { book, step } = scene;
  if (!book.open.has(order.number) || order.held || order.instrument !== step.quote.instrument) return;
  if (step.phase === 'extended' && !order.extendedHours) return;
  if (order.entry !== null && filledGroups.has(order.entry)) return;
  // Never on data older than the order: a live quote may have been asked for, and be older than it was heard.
  if (step.kind === 'quote' && step.quote.publishedMs < order.timeMs) return;
  if (waits(book, order, step)) return;
  const arriving = !order.arrived;
  if (arriving) {
    order.arrived = true;
    touch(book, order);
    if (order.postOnly && wouldTake(order, step)) {
      end(book, order, 'rejected', POST_ONLY_REASON);
      endGroup(book, order, POST_ONLY_REASON);
      return;
    }
  }
  const before = order.filledQty;
  work(scene, order, arriving);
  endImmediate(book, order);
  if (order.entry !== null && !order.filledQty.eq(before)) filledGroups.add(order.entry);
}

/** Latency, in steps; it never carries an order past the last step that it could meet. */
function waits(book: Book, order: PaperOrder, step: PaperStep): boolean {
  if (order.waitSteps === 0) return false;
  const lastChance = step.tapeEnd || endsWith(order, step);
  order.waitSteps--;
  touch(book, order);
  return !lastChance;
}

export const POST_ONLY_REASON = 'post only: it would have taken liquidity';

/** At arrival a post-only order meets the book as it was when the move began, or the price of the gap. */
function wouldTake(order: PaperOrder, step: PaperStep): boolean {
  const quote = step.kind === 'move' && step.previous !== undefined ? step.previous : step.quote;
  const touched = farTouch(quote, order.side);
  return (
    touched !== undefined && order.limitPrice !== null && within(order.side, touched.price, order.limitPrice)
  );
}

function work(scene: Scene, order: PaperOrder, arriving: boolean): void {
  switch (order.type) {
    case 'market':
      return meetMarket(scene, order);
    case 'limit':
      return meetLimit(scene, order, arriving);
    case 'stop':
      return meetStop(scene, order);
    case 'stop_limit':
      return meetStopLimit(scene, order);
    case 'trailing_stop':
      return meetTrailing(scene, order);
  }
}

function meetMarket(scene: Scene, order: PaperOrder): void {
  const at = farTouch(scene.step.quote, order.side);
  if (at !== undefined) execute(scene, order, { ...at, liquidity: 'taker', takes: 'market' });
}

function meetLimit(scene: Scene, order: PaperOrder, arriving: boolean): void {
  const { book, step } = scene;
  if (order.limitPrice === null || yieldsToStop(book, order, step)) return;
  const met = limitMeets(
    step,
    { side: order.side, limit: order.limitPrice, arriving },
    book.rules.limitFills,
  );
  if (met !== undefined) execute(scene, order, { ...met, takes: 'limit' });
}

function meetStop(scene: Scene, order: PaperOrder): void {
  if (order.elected) return meetMarket(scene, order);
  const at = order.stopPrice === null ? undefined : triggeredAt(scene.step, order.side, order.stopPrice);
  if (at === undefined) return;
  elect(scene.book, order);
  execute(scene, order, { ...at, liquidity: 'taker', takes: 'market' });
}

function meetStopLimit(scene: Scene, order: PaperOrder): void {
  if (order.elected) return meetLimit(scene, order, false);
  const at = order.stopPrice === null ? undefined : triggeredAt(scene.step, order.side, order.stopPrice);
  if (at === undefined || order.limitPrice === null) return;
  elect(scene.book, order);
  if (!within(order.side, at.price, order.limitPrice)) return;
  execute(scene, order, { ...at, liquidity: 'taker', takes: 'limit' });
}

/** The trigger is looked at before the best price moves: a step goes one way, and the stop stood where it was. */
function meetTrailing(scene: Scene, order: PaperOrder): void {
  const { book, step } = scene;
  if (order.elected || order.stopPrice !== null) meetStop(scene, order);
  const near = farTouch(step.quote, order.side)?.price;
  if (order.elected || order.trail === null || near === undefined || !book.open.has(order.number)) return;
  const best = order.best === null ? near : ratchet(order.side, order.best, near);
  if (order.best?.eq(best) === true) return;
  order.best = best;
  order.stopPrice = trailingStop(order.side, best, order.trail, instrumentOf(book, order.instrument).tick);
  touch(book, order);
}

function elect(book: Book, order: PaperOrder): void {
  order.elected = true;
  touch(book, order);
}

/** Whether the order's validity ends after this step: at the close of regular hours, or of the day if it trades them all. */
export function endsWith(order: PaperOrder, step: PaperStep): boolean {
  if (order.timeInForce === 'gtc' || order.held) return false;
  return order.extendedHours ? step.dayEnd : step.sessionEnd;
}

/** Ends those whose session is over, with their groups. */
export function expireDay(book: Book, isOver: (order: PaperOrder) => boolean): void {
  for (const order of book.open.values()) {
    if (!book.open.has(order.number) || !isOver(order)) continue;
    end(book, order, 'expired', 'the session ended');
    endGroup(book, order, 'its entry expired');
  }
}

/** The tape is over: open orders are canceled, what is held is settled at the last price. */
function endTape(book: Book, step: PaperStep, quoteOf: QuoteOf): void {
  for (const order of book.open.values()) end(book, order, 'canceled', 'the tape ended');
  const at = markOf(book, step.quote.instrument, quoteOf);
  if (at !== null && !positionOf(book, step.quote.instrument).qty.eq('0')) {
    settle(book, step.quote.instrument, at, {
      multiplier: instrumentOf(book, step.quote.instrument).multiplier,
      detail: 'the tape ended: settled at the last price',
    });
  }
}
