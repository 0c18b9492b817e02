/** Turns a meeting of an order and a step into fills: what is there, what may be taken, what slips, what is left. */
import {
  absolute,
  add,
  compare,
  isPositive,
  isZero,
  max,
  min,
  type Price,
  proportion,
  type Quantity,
  quotient,
  ratio,
  roundDownTo,
  scale,
  subtract,
  text,
  value,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { DepthLevel } from '#ports.ts';
import {
  type Book,
  end,
  instrumentOf,
  isFinalStatus,
  type PaperOrder,
  positionOf,
  remaining,
  tell,
  touch,
} from './book.ts';
import { afterLegFill, endGroup, protect } from './bracket.ts';
import { buyingPower } from './buying-power.ts';
import { draw, drawPercent } from './draw.ts';
import { openingPart, opposes, type QuoteOf } from './exposure.ts';
import { feeOf } from './fees.ts';
import { postFill } from './posting.ts';
import { type PaperStep, type Piece, slippage, totalOf, type Walk, walk, worsen } from './prices.ts';
import { canBeShort, marginRate } from './products.ts';

export interface Meeting {
  readonly price: Price;
  readonly basis: 'quote' | 'last' | 'print';
  readonly liquidity: 'maker' | 'taker';
  /** `market` takes any price; a limit none worse than itself. */
  readonly takes: 'market' | 'limit';
}

export interface Scene {
  readonly book: Book;
  readonly step: PaperStep;
  readonly quoteOf: QuoteOf;
}

/** Fills what can be filled of an order that meets the market, and tells it. IOC and FOK end here. */
export function execute(scene: Scene, order: PaperOrder, meeting: Meeting): void {
  const { book } = scene;
  const allowed = allowance(book, order);
  const pieces = affordable(scene, order, meeting, plan(scene, order, meeting, allowed.qty));
  const filled = totalOf(pieces.list);
  for (const piece of pieces.list) {
    takeLiquidity(book, scene.step, order, piece);
    postFill(book, order, { ...piece, liquidity: meeting.liquidity, basis: meeting.basis });
  }
  if (isPositive(filled)) {
    touch(book, order);
    tell(book, order);
    if (order.entry === null) protect(book, order, filled, scene.step.barKey);
    else afterLegFill(book, order, filled);
  }
  if (isFinalStatus(order.status)) return;
  const reason =
    pieces.shortfall ??
    (allowed.reason !== null && isZero(subtract(allowed.qty, filled)) ? allowed.reason : null);
  if (reason !== null) finish(book, order, reason);
}

/** IOC and FOK meet one step only: what they did not get there is canceled. */
export function endImmediate(book: Book, order: PaperOrder): void {
  if (isFinalStatus(order.status)) return;
  if (order.timeInForce === 'ioc') finish(book, order, 'immediate or cancel: nothing more was there');
  if (order.timeInForce === 'fok') finish(book, order, 'fill or kill: not all of it was there');
}

function finish(book: Book, order: PaperOrder, reason: string): void {
  end(book, order, 'canceled', reason);
  endGroup(book, order, reason);
}

interface Allowance {
  readonly qty: Quantity;
  /** Why it is less than the order; what is beyond it is canceled. */
  readonly reason: string | null;
}

/** Reduce-only never grows or flips a position; a cash account never sells what it does not hold. */
function allowance(book: Book, order: PaperOrder): Allowance {
  const rest = remaining(order);
  const position = positionOf(book, order.instrument).qty;
  const held = opposes(order.side, position) ? absolute(position) : ZERO_QUANTITY;
  if (compare(held, rest) >= 0) return { qty: rest, reason: null };
  if (order.reduceOnly)
    return { qty: held, reason: 'reduce only: there is no more of the position to close' };
  if (!canBeShort(book, order) && order.side === 'sell') {
    return {
      qty: held,
      reason: `${order.product === 'cnc' ? 'delivery (cnc)' : 'a cash account'} can not sell short`,
    };
  }
  return { qty: rest, reason: null };
}

/** The pieces of the displayed book that the order takes on this step. */
function plan(scene: Scene, order: PaperOrder, meeting: Meeting, allowed: Quantity): readonly Piece[] {
  const { book, step } = scene;
  const instrument = instrumentOf(book, order.instrument);
  const immediate = order.timeInForce === 'ioc' || order.timeInForce === 'fok';
  const want = immediate ? allowed : partOf(scene, order, allowed);
  const pieces = walk({
    side: order.side,
    want,
    at: meeting.price,
    levels: levelsFor(scene, order, meeting),
    limit: meeting.takes === 'limit' ? order.limitPrice : null,
    slips: meeting.liquidity === 'taker' && !immediate,
    instrument,
  });
  if (order.timeInForce === 'fok' && compare(totalOf(pieces), remaining(order)) < 0) return [];
  if (meeting.takes === 'limit' || !book.rules.slippage) return pieces;
  const slip = slippage(meeting.price, totalOf(pieces), step.bar.volume, instrument.tick);
  return pieces.map((piece) => ({ ...piece, price: worsen(order.side, piece.price, slip, instrument.tick) }));
}

/** A seeded part of what could be taken, at least a lot; never of a market order's last chance. */
function partOf(scene: Scene, order: PaperOrder, allowed: Quantity): Quantity {
  const { book, step } = scene;
  const lastChance = step.tapeEnd || (order.timeInForce === 'day' && (step.sessionEnd || step.dayEnd));
  const number = `${order.number}:${text(order.filledQty)}`;
  if (lastChance || isZero(allowed)) return allowed;
  if (drawPercent(book.seed, 'partial', number) >= book.rules.partialPercent) return allowed;
  const { lot } = instrumentOf(book, order.instrument);
  const share = ratio(draw(book.seed, 'part', number).toFixed(4));
  return min(allowed, max(lot, roundDownTo(scale(allowed, share), lot)));
}

/** What is left of the side that the order meets; a print holds its own size and nothing beyond it. */
function levelsFor(scene: Scene, order: PaperOrder, meeting: Meeting): Walk['levels'] {
  const { book, step } = scene;
  if (!book.rules.displayedSize || meeting.basis === 'last') {
    return [{ level: { price: meeting.price, size: null }, left: null }];
  }
  const side = order.side === 'buy' ? 'ask' : 'bid';
  const levels =
    meeting.basis === 'print' ? [printLevel(step, meeting.price)] : side === 'ask' ? step.asks : step.bids;
  return levels.map((level) => {
    const taken = book.state.taken.find(
      (one) => one.instrument === order.instrument && one.side === side && one.price.eq(level.price),
    );
    if (level.size === null || taken === undefined) return { level, left: level.size };
    return { level, left: max(subtract(level.size, taken.taken), ZERO_QUANTITY) };
  });
}

/** A step's share of its bar's volume: the size of the print. */
function printLevel(step: PaperStep, at: Price): DepthLevel {
  const { volume } = step.bar;
  return {
    price: at,
    size: volume === null ? null : proportion(volume, ratio('1'), ratio(String(step.stepsPerBar))),
  };
}

function takeLiquidity(book: Book, step: PaperStep, order: PaperOrder, piece: Piece): void {
  const { level } = piece;
  if (!book.rules.displayedSize || level === null || level.size === null) return;
  const side = order.side === 'buy' ? 'ask' : 'bid';
  const same = (one: Book['state']['taken'][number]) =>
    one.instrument === step.quote.instrument && one.side === side && one.price.eq(level.price);
  const before = book.state.taken.find(same)?.taken ?? ZERO_QUANTITY;
  book.state.taken = [
    ...book.state.taken.filter((one) => !same(one)),
    {
      instrument: step.quote.instrument,
      side,
      price: level.price,
      size: level.size,
      taken: add(before, piece.qty),
    },
  ];
  book.changes.account = true;
}

/** Liquidity that was taken comes back when its level shows another size, or is gone and shown again. */
export function refreshLiquidity(book: Book, step: PaperStep): void {
  if (book.state.taken.length === 0) return;
  const kept = book.state.taken.filter((one) => {
    if (one.instrument !== step.quote.instrument) return true;
    const levels = one.side === 'ask' ? step.asks : step.bids;
    return levels.some((level) => level.price.eq(one.price) && level.size?.eq(one.size) === true);
  });
  if (kept.length === book.state.taken.length) return;
  book.state.taken = kept;
  book.changes.account = true;
}

/** Cuts the pieces to what the account can pay: a price that ran away after the order was accepted buys less. */
function affordable(
  scene: Scene,
  order: PaperOrder,
  meeting: Meeting,
  pieces: readonly Piece[],
): { readonly list: readonly Piece[]; readonly shortfall: string | null } {
  const { book } = scene;
  const total = totalOf(pieces);
  const opening = openingPart(book, order, total);
  const worst = pieces.at(-1)?.price;
  if (!isPositive(opening) || worst === undefined) return { list: pieces, shortfall: null };
  const instrument = instrumentOf(book, order.instrument);
  const power = buyingPower(book, scene.quoteOf, order);
  const cost = (qty: Quantity) =>
    add(
      scale(value(worst, qty, instrument.multiplier), marginRate(instrument, order.product)),
      feeOf(instrument, {
        product: order.product,
        side: order.side,
        qty,
        price: worst,
        liquidity: meeting.liquidity,
        timeMs: book.moment.timeMs,
      }),
    );
  const full = cost(opening);
  if (compare(full, power) <= 0) return { list: pieces, shortfall: null };
  let part = isPositive(power)
    ? roundDownTo(scale(opening, ratio(quotient(power, full).toFixed(10))), instrument.lot)
    : ZERO_QUANTITY;
  if (isPositive(part) && compare(cost(part), power) > 0) part = subtract(part, instrument.lot);
  if (compare(cost(part), power) > 0) part = ZERO_QUANTITY;
  const keep = order.timeInForce === 'fok' ? ZERO_QUANTITY : add(subtract(total, opening), part);
  return {
    list: firstOf(pieces, keep),
    shortfall: 'buying power: the account can not pay for more at this price',
  };
}

function firstOf(pieces: readonly Piece[], keep: Quantity): readonly Piece[] {
  const kept: Piece[] = [];
  let left = keep;
  for (const piece of pieces) {
    const qty = min(piece.qty, left);
    if (isPositive(qty)) kept.push({ ...piece, qty });
    left = subtract(left, qty);
  }
  return kept;
}
