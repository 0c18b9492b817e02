/** Tapes for tests: CSV written into a folder of its own, a feed on a real store and a hand-turned clock, the recorded ones if present. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Instrument } from '#domain/instrument.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { BUILT_IN } from '#market/master.ts';
import { loadTape, type Tape } from '#market/tape.ts';
import { openTapeFeed, type TapeFeed, type TapeStep } from '#market/tape-feed.ts';
import type { FeedTick } from '#ports.ts';
import { openStore, type Store } from '#store/open.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { temporaryFolder } from './temporary-folder.ts';

export function instrumentOf(symbol: string): Instrument {
  const found = instrumentBook(BUILT_IN).resolve(symbol, ['built-in']);
  if (!found.ok) throw new Error(found.error.detail);
  return found.value;
}

export function tapeFile(lines: readonly string[] | string, name = 'tape.csv'): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, typeof lines === 'string' ? lines : `${lines.join('\n')}\n`);
  return file;
}

/** A minute a row, around the clock: what takes a look of a second or more. */
export function longTapeFile(rows: number): string {
  const begin = Date.UTC(2024, 0, 1);
  const lines = Array.from(
    { length: rows },
    (_, row) => `${begin + row * 60_000},7195.24,7196.25,7183.14,7186.68,1.5`,
  );
  return tapeFile(['time_ms,open,high,low,close,volume', ...lines], 'long.csv');
}

export function tapeFrom(symbol: string, lines: readonly string[] | string): Tape {
  return loadTape({ file: tapeFile(lines), instrument: instrumentOf(symbol) });
}

export interface FeedRoom {
  readonly feed: TapeFeed;
  readonly store: Store;
  readonly clock: HandClock;
  readonly steps: readonly TapeStep[];
  readonly ticks: readonly FeedTick[];
  /** Publishes that many steps by hand. */
  walk(steps: number): void;
  /** The process ends and begins again: same folder, same clock. */
  restart(changes?: { readonly tape?: Tape; readonly barSeconds?: number }): FeedRoom;
}

export function feedRoom(tape: Tape, options: { readonly barSeconds?: number } = {}): FeedRoom {
  return openRoom({
    tape,
    barSeconds: options.barSeconds ?? 4,
    folder: temporaryFolder(),
    clock: handClock(),
  });
}

interface RoomParts {
  readonly tape: Tape;
  readonly barSeconds: number;
  readonly folder: string;
  readonly clock: HandClock;
}

function openRoom(parts: RoomParts): FeedRoom {
  const { clock, tape, barSeconds } = parts;
  const store = openStore(parts.folder);
  onTestFinished(() => void (store.db.open && store.close()));
  const feed = openTapeFeed({ tape, store, clock, barSeconds });
  const steps: TapeStep[] = [];
  const ticks: FeedTick[] = [];
  feed.onStep((step) => void steps.push(step));
  feed.onTick((tick) => void ticks.push(tick));
  return {
    feed,
    store,
    clock,
    steps,
    ticks,
    walk(count) {
      for (let step = 0; step < count; step++) feed.stepOnce();
    },
    restart(changes = {}) {
      feed.stop();
      store.close();
      return openRoom({ ...parts, ...changes });
    },
  };
}

const RECORDED = new URL('../../../shared/data/market/', import.meta.url);
export const recordedAbsent = !existsSync(new URL('symbol-properties-database.csv', RECORDED));
export const RECORDED_SKIPPED =
  'skipped: recorded market data (../shared/data/market) is not beside the project';

/** Path of a recorded file; tests that use one are skipped, with the reason printed, where it is absent. */
export const recordedFile = (name: string): string => new URL(name, RECORDED).pathname;
