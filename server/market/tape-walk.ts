/** Walks a tape: pure steps from position to position, and the quote that stands at each. */
import type { Quote } from '#ports.ts';
import { type PathOrder, pathOrder, pathPoint } from './bar-path.ts';
import type { Tape, TapeBar, TapeTicks } from './tape.ts';
import type { TapePosition } from './tape-position.ts';

/** One published step of the tape. */
export interface TapeStep {
  readonly run: number;
  readonly bar: number;
  readonly step: number;
  readonly stepsPerBar: number;
  /**
   * 'gap': first step of a bar, the price jumped there from the previous bar's close. 'move': the price went continuously from
   * `previous` to `quote` within the bar.
   */
  readonly kind: 'gap' | 'move';
  readonly quote: Quote;
  /** The step before; undefined at the start of a run. */
  readonly previous: Quote | undefined;
  readonly tapeBar: TapeBar;
  readonly phase: TapeBar['phase'];
  readonly timeMs: number;
  /** First step of the regular hours of a session. */
  readonly sessionStart: boolean;
  /** Last step of the regular hours of a session. */
  readonly sessionEnd: boolean;
  /** Last step of a trading day, extended hours included. */
  readonly dayEnd: boolean;
  /** Last step of the tape; the next one begins a new run. */
  readonly tapeEnd: boolean;
}

export interface TapeWalk {
  /** The position after this one; `steps` is how many a bar that begins now takes. The end of the tape begins a new run. */
  next(position: TapePosition, steps: number): TapePosition;
  quoteAt(position: TapePosition, publishedMs: number): Quote;
  stepAt(position: TapePosition, quote: Quote, previous: Quote | undefined): TapeStep;
}

export function tapeWalk(tape: Tape): TapeWalk {
  let loaded: LoadedBar | undefined;
  /** The bar being walked, kept because every step of it asks for it. */
  function load(index: number): LoadedBar {
    if (loaded?.index === index) return loaded;
    const ticks = tape.ticks(index);
    const bar = tape.bar(index);
    const order = pathOrder(ticks.trade);
    loaded = { index, bar, ticks, order, lastTrade: tape.lastTradeBefore(index) };
    return loaded;
  }

  return {
    next(position, steps) {
      const { run, bar, step } = position;
      if (step + 1 < position.steps) return { ...position, step: step + 1 };
      if (bar + 1 < tape.length) return { run, bar: bar + 1, step: 0, steps };
      return { run: run + 1, bar: 0, step: 0, steps };
    },
    quoteAt: (position, publishedMs) => quoteOf(tape, load(position.bar), position, publishedMs),
    stepAt(position, quote, previous) {
      const { run, bar, step, steps } = position;
      const tapeBar = load(bar).bar;
      const first = step === 0;
      const last = step === steps - 1;
      return {
        run,
        bar,
        step,
        stepsPerBar: steps,
        kind: first ? 'gap' : 'move',
        quote,
        previous: first && bar === 0 ? undefined : previous,
        tapeBar,
        phase: tapeBar.phase,
        timeMs: quote.timeMs,
        sessionStart: first && tapeBar.firstOfSession,
        sessionEnd: last && tapeBar.lastOfSession,
        dayEnd: last && tapeBar.lastOfDay,
        tapeEnd: last && bar === tape.length - 1,
      };
    },
  };
}

interface LoadedBar {
  readonly index: number;
  readonly bar: TapeBar;
  readonly ticks: TapeTicks;
  readonly order: PathOrder;
  readonly lastTrade: bigint | undefined;
}

/**
 * Bid, ask and last take the same path with the same turning points. A derived ask is one tick above the bid at every step; where
 * nobody trades, the last price is the one before, and null while there was none.
 */
function quoteOf(tape: Tape, loaded: LoadedBar, position: TapePosition, publishedMs: number): Quote {
  const { bar, ticks, order } = loaded;
  const bid = pathPoint(ticks.bid, order, position, 'down');
  const ask = bar.source === 'recorded' ? pathPoint(ticks.ask, order, position, 'up') : bid + 1n;
  const last = bar.traded ? pathPoint(ticks.trade, order, position, 'down') : loaded.lastTrade;
  return {
    instrument: tape.instrument.id,
    bid: tape.priceOf(bid),
    ask: tape.priceOf(ask),
    last: last === undefined ? null : tape.priceOf(last),
    bidSize: bar.bidSize,
    askSize: bar.askSize,
    timeMs: timeOf(bar, position),
    publishedMs,
    source: bar.source,
  };
}

/** Evenly spread; the last step is a millisecond before the bar's end, which belongs to what follows. */
function timeOf(bar: TapeBar, { step, steps }: TapePosition): number {
  return bar.timeMs + Math.floor(((bar.endMs - bar.timeMs - 1) * step) / (steps - 1));
}
