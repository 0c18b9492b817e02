/** Notices that the stream of an open market has died, and has it opened anew until it speaks again: nobody restarts anything. */
import {
  FEED_REOPEN_FIRST_MS,
  FEED_REOPEN_WAIT_MAX_MS,
  FEED_SILENCE_MAX_MS,
  FEED_WATCH_INTERVAL_MS,
} from '#limits.ts';
import type { BrokerMarket, Clock } from '#ports.ts';

export type StreamNews =
  | { readonly kind: 'down'; readonly silentMs: number }
  | { readonly kind: 'reopened'; readonly silentMs: number; readonly tries: number }
  | { readonly kind: 'back'; readonly silentMs: number };

export interface StreamWatchOptions {
  readonly market: Pick<BrokerMarket, 'heardAtMs' | 'reopen'>;
  readonly clock: Clock;
  /** Whether anything should be heard: something is followed whose market is open. */
  readonly expected: () => boolean;
  /** Once for each silence and its end, and with every try in between. */
  readonly tell: (news: StreamNews) => void;
}

export interface StreamWatch {
  /** How long ago anything was heard; null while nothing is to be. */
  silentMs(): number | null;
  isDown(): boolean;
  stop(): void;
}

interface Silence {
  readonly sinceMs: number;
  readonly tries: number;
  readonly nextTryMs: number;
}

export function watchStream({ market, clock, expected, tell }: StreamWatchOptions): StreamWatch {
  /** Silence is counted from here where nothing was heard since: the opening of the market, the first that was followed. */
  let expectedSinceMs: number | undefined;
  let silence: Silence | undefined;
  /** Kept, because a connection that has ended says nothing of when it last spoke: its silence would count from the first that was followed. */
  let lastHeardMs: number | undefined;
  let cancel = (): void => undefined;

  const heardAtMs = (): number | undefined => {
    lastHeardMs = market.heardAtMs() ?? lastHeardMs;
    return lastHeardMs;
  };
  const lastSignMs = (sinceMs: number): number => Math.max(heardAtMs() ?? sinceMs, sinceMs);
  function check(): void {
    const nowMs = clock.monotonicMs();
    const heardMs = heardAtMs();
    if (silence && heardMs !== undefined && heardMs > silence.sinceMs) {
      tell({ kind: 'back', silentMs: heardMs - silence.sinceMs });
      silence = undefined;
    }
    if (!expected()) {
      // Nothing has to be heard of a closed market: what was silent there is judged anew when it opens.
      expectedSinceMs = undefined;
      silence = undefined;
      return;
    }
    expectedSinceMs ??= nowMs;
    const sinceMs = silence?.sinceMs ?? lastSignMs(expectedSinceMs);
    if (nowMs - sinceMs < FEED_SILENCE_MAX_MS) return;
    if (!silence) tell({ kind: 'down', silentMs: nowMs - sinceMs });
    silence ??= { sinceMs, tries: 0, nextTryMs: nowMs };
    if (nowMs < silence.nextTryMs) return;
    const tries = silence.tries + 1;
    const waitMs = Math.min(FEED_REOPEN_FIRST_MS * 2 ** tries, FEED_REOPEN_WAIT_MAX_MS);
    silence = { sinceMs, tries, nextTryMs: nowMs + waitMs };
    tell({ kind: 'reopened', silentMs: nowMs - sinceMs, tries });
    market.reopen(`nothing was heard for ${Math.round((nowMs - sinceMs) / 1_000)} s`);
  }
  function again(): void {
    cancel = clock.after(FEED_WATCH_INTERVAL_MS, () => {
      check();
      again();
    });
  }
  again();

  return {
    silentMs: () =>
      expectedSinceMs === undefined ? null : clock.monotonicMs() - lastSignMs(expectedSinceMs),
    isDown: () => silence !== undefined,
    stop: () => cancel(),
  };
}
