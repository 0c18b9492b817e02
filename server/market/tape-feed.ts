/** Plays a tape as a market: publishes its quotes step by step, each with everything it causes in one transaction. */
import type { Instrument } from '#domain/instrument.ts';
import { TAPE_CATCH_UP_MS, TAPE_STEP_MS_MAX, TAPE_STEPS_PER_BAR_MIN } from '#limits.ts';
import type { Clock, Depth, FeedTick, MarketFeed, Quote } from '#ports.ts';
import type { Store } from '#store/open.ts';
import { phaseAt } from './calendar-phase.ts';
import type { Tape } from './tape.ts';
import { type Progress, tapeBars } from './tape-bars.ts';
import { type TapePosition, tapePositions } from './tape-position.ts';
import { type TapeStep, tapeWalk } from './tape-walk.ts';

export type { TapeStep } from './tape-walk.ts';

export interface TapeFeed extends MarketFeed {
  readonly tape: Tape;
  /** Of bars that begin from now on. */
  timing(): TapeTiming;
  /** Another speed: the bar at hand is finished with the steps it began with. Throws RangeError for one that is not above 0. */
  pace(barSeconds: number): void;
  /** Where the tape stands. */
  position(): TapePosition;
  /** Publishes by the clock from here on; the first step of a tape that was never walked comes at once. */
  start(): void;
  stop(): void;
  /**
   * Publishes the next step now: what the timer calls. A throw of a listener, or of the store, goes through to the caller
   * after `onFault` was told; the feed has stopped then.
   */
  stepOnce(): void;
  /** INSIDE the step's transaction, before any `onTick`; a throw rolls the step back. Returns what ends it. */
  onStep(listener: (step: TapeStep) => void): () => void;
  /**
   * A step could not be published, or a listener threw after it was. The feed stops rather than run on without those who count
   * on it: quotes then grow stale and orders are refused for it, until the process or `start` begins again.
   */
  onFault(listener: (cause: unknown) => void): () => void;
}

export interface TapeTiming {
  readonly barSeconds: number;
  readonly stepsPerBar: number;
}

export interface TapeFeedOptions {
  readonly tape: Tape;
  readonly store: Store;
  readonly clock: Clock;
  /** Wall time that a bar takes; closed time takes none. */
  readonly barSeconds: number;
}

/**
 * Resumes where the tape stood (another tape of the instrument begins with a new run) and has the quote of that place at once, its
 * age counted from now. Throws RangeError for a `barSeconds` that is not above 0.
 */
export function openTapeFeed({ tape, store, clock, barSeconds }: TapeFeedOptions): TapeFeed {
  let timing = timingOf(barSeconds);
  const positions = tapePositions(store);
  const walk = tapeWalk(tape);
  const bars = tapeBars(tape);
  const { instrument } = tape;
  const onSteps = listeners<TapeStep>();
  const onTicks = listeners<FeedTick>();
  const onFaults = listeners<unknown>();

  const stored = positions.find(tape);
  let position: TapePosition = stored ?? {
    run: positions.nextRun(),
    bar: 0,
    step: -1,
    steps: timing.stepsPerBar,
  };
  let quote: Quote | undefined = stored && walk.quoteAt(stored, clock.wallMs());
  const timer = stepTimer(clock, () => {
    publish();
    return stepMs();
  });
  const stepMs = (): number => (timing.barSeconds * 1000) / position.steps;

  function publish(): void {
    if (store.inTransaction()) throw new Error('a step of a tape is a transaction of its own');
    const before = { position, quote };
    let committed = false;
    try {
      const step = store.transaction(() => {
        // First in line after the commit: whatever throws later can no longer take the step back.
        store.afterCommit(() => {
          committed = true;
        });
        position = walk.next(position, timing.stepsPerBar);
        const previous = quote;
        quote = walk.quoteAt(position, clock.wallMs());
        const taken = walk.stepAt(position, quote, previous);
        positions.save(tape, position);
        onSteps.call(taken);
        return taken;
      });
      onTicks.callAll({ quote: step.quote, run: step.run, sessionEnd: step.sessionEnd });
    } catch (cause) {
      if (!committed) ({ position, quote } = before);
      timer.stop();
      tellFault(cause);
      throw cause;
    }
  }

  function tellFault(cause: unknown): void {
    try {
      onFaults.callAll(cause);
    } catch {
      // Whoever listens for faults may fail too; what the caller must see is the first one.
    }
  }
  function progress(): Progress {
    const { bar, step, steps } = position;
    return { begun: step < 0 ? bar : bar + 1, completed: step === steps - 1 ? bar + 1 : bar };
  }
  const nowMs = (): number => quote?.timeMs ?? tape.bar(0).timeMs;
  const carries = (id: Instrument['id']): boolean => id === instrument.id;

  return {
    tape,
    timing: () => timing,
    pace(next) {
      timing = timingOf(next);
    },
    position: () => position,
    nowMs,
    run: () => position.run,
    instruments: () => [instrument],
    carries,
    follow: () => Promise.resolve(),
    hold: () => () => undefined,
    quote: (id) => (carries(id) ? quote : undefined),
    depth: async (id) => (carries(id) && quote ? touch(quote) : undefined),
    phase: (id) => (carries(id) ? phaseAt(tape.calendar, nowMs()) : undefined),
    finest: (id) => (carries(id) ? tape.timeframe : undefined),
    bars: async (query) => (carries(query.instrument) ? bars.query(query, progress()) : []),
    onTick: onTicks.add,
    onStep: onSteps.add,
    onFault: onFaults.add,
    stepOnce: publish,
    start() {
      if (quote) quote = { ...quote, publishedMs: clock.wallMs() };
      timer.start(quote ? stepMs() : 0);
    },
    stop: () => timer.stop(),
  };
}

/** A tape has no book of orders: its best bid and ask are one level. */
const touch = ({ bid, ask, bidSize, askSize, timeMs, publishedMs, source }: Quote): Depth => ({
  bids: [{ price: bid, size: bidSize }],
  asks: [{ price: ask, size: askSize }],
  timeMs,
  publishedMs,
  source,
});

function timingOf(barSeconds: number): TapeTiming {
  if (!(barSeconds > 0 && Number.isFinite(barSeconds))) throw new RangeError('barSeconds is above 0');
  return { barSeconds, stepsPerBar: Math.max(TAPE_STEPS_PER_BAR_MIN, Math.ceil(barSeconds)) };
}

/**
 * Calls `tick` again and again, each time after the wait it returned, counted from when it was due and not from when it came, so
 * that the tape does not drift. Time lost beyond TAPE_CATCH_UP_MS (a laptop's sleep) stays lost instead of rushing by.
 */
function stepTimer(clock: Clock, tick: () => number): { start(afterMs: number): void; stop(): void } {
  let cancel: (() => void) | undefined;
  let dueMs = 0;
  function schedule(waitMs: number): void {
    dueMs = Math.max(dueMs + Math.min(waitMs, TAPE_STEP_MS_MAX), clock.monotonicMs() - TAPE_CATCH_UP_MS);
    cancel = clock.after(Math.max(0, dueMs - clock.monotonicMs()), fire);
  }
  function fire(): void {
    let waitMs: number;
    try {
      waitMs = tick();
    } catch {
      // Told to onFault where it happened; thrown here it would end the process and every promise with it.
      return;
    }
    if (cancel) schedule(waitMs);
  }
  return {
    start(afterMs) {
      if (cancel) return;
      dueMs = clock.monotonicMs();
      schedule(afterMs);
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}

interface Listeners<E> {
  readonly add: (listener: (event: E) => void) => () => void;
  /** In order of registration; the first throw ends it. */
  readonly call: (event: E) => void;
  /** Every one is called; the first throw is passed on afterwards. */
  readonly callAll: (event: E) => void;
}

function listeners<E>(): Listeners<E> {
  const all = new Set<(event: E) => void>();
  return {
    add(listener) {
      all.add(listener);
      return () => void all.delete(listener);
    },
    call(event) {
      for (const listener of all) listener(event);
    },
    callAll(event) {
      const thrown: unknown[] = [];
      for (const listener of all) {
        try {
          listener(event);
        } catch (cause) {
          thrown.push(cause);
        }
      }
      if (thrown.length > 0) throw thrown[0];
    },
  };
}
