/** Prices, pure: where an order trades on a step, when a stop triggers, and which pieces of the book a fill takes. */
import {
  add,
  compare,
  isPositive,
  isZero,
  max,
  min,
  type Price,
  type Quantity,
  ratio,
  roundDownTo,
  roundNearestTo,
  roundUpTo,
  scale,
  subtract,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { Side, Trail } from '#domain/order.ts';
import type { DepthLevel, Quote } from '#ports.ts';

/** What the venue matches on: one published change of one instrument's market. */
export interface PaperStep {
  /**
   * `gap`: the price jumped here; `move`: it moved continuously from `previous` to `quote`; `quote`: a live quote, of which nobody knows
   * how the price came to it, so that the worse is assumed.
   */
  readonly kind: 'gap' | 'move' | 'quote';
  readonly quote: Quote;
  readonly previous: Quote | undefined;
  /** Displayed levels, best first, at least one a side that is quoted. */
  readonly bids: readonly DepthLevel[];
  readonly asks: readonly DepthLevel[];
  /** Of the whole bar that the step is a part of, its steps still to come included: its extremes, its end, its volume. */
  readonly bar: {
    readonly lowBid: Price;
    readonly highAsk: Price;
    readonly closeBid: Price;
    readonly closeAsk: Price;
    readonly volume: Quantity | null;
  };
  /** Which bar of which run: a stop and a target that share it end pessimistically. */
  readonly barKey: string;
  readonly stepsPerBar: number;
  readonly phase: 'open' | 'extended';
  readonly timeMs: number;
  readonly run: number;
  /** The last step of a session's regular hours. */
  readonly sessionEnd: boolean;
  /** The last step of a trading day, extended hours included. */
  readonly dayEnd: boolean;
  readonly tapeEnd: boolean;
}

export interface Touch {
  readonly price: Price;
  readonly basis: 'quote' | 'last';
}

/** What a taker of this side meets: the ask for a buy, the bid for a sell, the last trade only when that side is empty. */
export function farTouch(quote: Quote, side: Side): Touch | undefined {
  const quoted = side === 'buy' ? quote.ask : quote.bid;
  if (isPositive(quoted)) return { price: quoted, basis: 'quote' };
  return quote.last === null ? undefined : { price: quote.last, basis: 'last' };
}

/** Whether `at` is no worse than the limit. */
export const within = (side: Side, at: Price, limit: Price): boolean =>
  side === 'buy' ? compare(at, limit) <= 0 : compare(at, limit) >= 0;

/** Whether a stop is reached, inclusively: the ask at or above a buy stop, the bid at or below a sell stop. */
export const beyond = (side: Side, at: Price, stop: Price): boolean => within(side, stop, at);

/** The price so many ticks worse for who trades this side; never below one tick. */
export function worsen(side: Side, at: Price, by: Price, tick: Price): Price {
  return side === 'buy' ? add(at, by) : max(subtract(at, by), tick);
}

/**
 * Where a stop that triggers on this step trades: at the trigger when the price moved through it, at the price of the gap
 * otherwise (trigger 100, open 90: 90). Undefined: it does not trigger.
 */
export function triggeredAt(step: PaperStep, side: Side, stop: Price): Touch | undefined {
  const now = farTouch(step.quote, side);
  if (now === undefined || !beyond(side, now.price, stop)) return undefined;
  return { price: passedThrough(step, side, stop) ? stop : now.price, basis: now.basis };
}

/** Whether the price moved continuously from the near side of a level to its far side. */
function passedThrough(step: PaperStep, side: Side, level: Price): boolean {
  const before = step.previous && farTouch(step.previous, side);
  return step.kind === 'move' && before !== undefined && !beyond(side, before.price, level);
}

export interface LimitMeet {
  readonly price: Price;
  readonly basis: 'quote' | 'last' | 'print';
  readonly liquidity: 'maker' | 'taker';
}

/**
 * Where a limit trades on this step: at the far touch when that is no worse (a gap fills at the better open), at its limit
 * when the price moved through it or, if a touch is enough, when a trade printed there. Undefined: it rests.
 */
export function limitMeets(
  step: PaperStep,
  order: { readonly side: Side; readonly limit: Price; readonly arriving: boolean },
  fills: 'penetrate' | 'touch',
): LimitMeet | undefined {
  const { side, limit, arriving } = order;
  const now = farTouch(step.quote, side);
  if (now !== undefined && within(side, now.price, limit)) {
    const before = step.previous && farTouch(step.previous, side);
    const moved = step.kind === 'move' && before !== undefined && !within(side, before.price, limit);
    // What lies between two live quotes was not seen: what rested, or may have, has its limit and no better.
    const rested = step.kind === 'quote' && (!arriving || before === undefined);
    if (moved || rested) return { price: limit, basis: 'quote', liquidity: 'maker' };
    return { price: now.price, basis: now.basis, liquidity: arriving ? 'taker' : 'maker' };
  }
  const last = step.quote.last;
  if (fills === 'penetrate' || last === null || !within(side, last, limit)) return undefined;
  return { price: limit, basis: 'print', liquidity: 'maker' };
}

/** A trailing stop's trigger: its best price less the trail, off-tick percentages rounded away from the market. */
export function trailingStop(side: Side, best: Price, trail: Trail, tick: Price): Price {
  const distance = trail.kind === 'price' ? trail.distance : scale(best, scale(trail.percent, ratio('0.01')));
  return side === 'sell'
    ? max(roundDownTo(subtract(best, distance), tick), tick)
    : roundUpTo(add(best, distance), tick);
}

/** The better of two best prices for a trailing stop: the highest bid for a sell, the lowest ask for a buy. */
export const ratchet = (side: Side, a: Price, b: Price): Price => (side === 'sell' ? max(a, b) : min(a, b));

const PRICE_IMPACT = ratio('0.1');
const VOLUME_SHARE_MAX = ratio('0.025');

/** Volume-share slippage: 0.1 × min(qty / volume, 0.025)² × price, to the nearest tick. */
export function slippage(at: Price, qty: Quantity, volume: Quantity | null, tick: Price): Price {
  if (volume === null || isZero(volume)) return subtract(at, at);
  const part = min(ratio(qty.div(volume).round(18).toFixed()), VOLUME_SHARE_MAX);
  return roundNearestTo(scale(at, scale(PRICE_IMPACT, scale(part, part))), tick);
}

export interface Piece {
  readonly price: Price;
  readonly qty: Quantity;
  /** The displayed level it comes from; null for what slipped beyond the display. */
  readonly level: DepthLevel | null;
}

export interface Walk {
  readonly side: Side;
  readonly want: Quantity;
  /** Price of the first level; the others keep their distance from it. */
  readonly at: Price;
  /** What is left of each level. */
  readonly levels: readonly { readonly level: DepthLevel; readonly left: Quantity | null }[];
  readonly limit: Price | null;
  /** Whether what the display does not hold slips a tick beyond its last level. */
  readonly slips: boolean;
  readonly instrument: Instrument;
}

/** Walks the displayed depth: 150 against 100 @ 10.00 and 100 @ 10.01 are two pieces; beyond it the rest slips a tick. */
export function walk(plan: Walk): readonly Piece[] {
  const { side, levels, limit, instrument } = plan;
  const pieces: Piece[] = [];
  let want = plan.want;
  let last = plan.at;
  const first = levels[0]?.level.price ?? plan.at;
  for (const { level, left } of levels) {
    const at = add(plan.at, subtract(level.price, first));
    if (limit !== null && !within(side, at, limit)) return pieces;
    last = at;
    const qty = left === null ? want : min(want, roundDownTo(left, instrument.lot));
    if (isPositive(qty)) pieces.push({ price: at, qty, level });
    want = subtract(want, qty);
    if (!isPositive(want)) return pieces;
  }
  const slipped = worsen(side, last, instrument.tick, instrument.tick);
  if (plan.slips && (limit === null || within(side, slipped, limit))) {
    pieces.push({ price: slipped, qty: want, level: null });
  }
  return pieces;
}

export const totalOf = (pieces: readonly Piece[]): Quantity => {
  let total = ZERO_QUANTITY;
  for (const piece of pieces) total = add(total, piece.qty);
  return total;
};
