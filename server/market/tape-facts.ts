/** What is told of a tape before it is chosen; nothing else of the file leaves the thread that reads it. */
import type { InstrumentId } from '#domain/instrument.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Timeframe } from '#ports.ts';
import { instrumentBook } from './instrument-book.ts';
import { BUILT_IN } from './master.ts';
import { loadTape, TapeError } from './tape.ts';

/** Plain data, so that it can be sent to another thread. */
export interface TapeAsked {
  /** As `loadTape` takes it. */
  readonly file: string;
  readonly instrument: InstrumentId;
}

export interface TapeFacts {
  readonly timeframe: Timeframe;
  readonly bars: number;
  /** Begin of the first and of the last bar, market clock, epoch ms. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Refused with one whole sentence. */
export function tapeFacts({ file, instrument }: TapeAsked): Result<TapeFacts, string> {
  const found = instrumentBook(BUILT_IN).byId(instrument);
  if (found === undefined) throw new Error(`${instrument} is not an instrument`);
  try {
    const tape = loadTape({ file, instrument: found });
    const { timeframe, length } = tape;
    return ok({
      timeframe,
      bars: length,
      firstMs: tape.bar(0).timeMs,
      lastMs: tape.bar(length - 1).timeMs,
    });
  } catch (cause) {
    if (cause instanceof TapeError) return err(cause.message);
    throw cause;
  }
}
