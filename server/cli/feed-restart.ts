/** Starts the tape again after a fault of the store: nothing else does. */
import { FEED_RESTART_MS } from '#limits.ts';
import type { TapeFeed } from '#market/tape-feed.ts';
import type { Clock } from '#ports.ts';

/** A feed that could not write a step has stopped; quotes grow stale and orders are refused until it can. */
export function restartOnFault(feed: TapeFeed, clock: Clock, log: (line: string) => void): () => void {
  let cancel: (() => void) | undefined;
  const forget = feed.onFault((cause) => {
    log(`The feed has stopped and starts again in ${FEED_RESTART_MS / 1_000} s: ${String(cause)}\n`);
    cancel = clock.after(FEED_RESTART_MS, () => feed.start());
  });
  return () => {
    forget();
    cancel?.();
  };
}
