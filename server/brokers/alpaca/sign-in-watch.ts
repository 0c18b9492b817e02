/** A stream that is open and never says that it took the sign-in: alive by every other sign, and of no use. */
import type { Clock } from '#ports.ts';
import { SIGN_IN_MAX_MS } from './bounds.ts';

export interface SignInWatch {
  /** It was sent. */
  began(): void;
  /** It was taken, or its connection has ended. */
  over(): void;
}

export function openSignInWatch(clock: Clock, onLate: (why: string) => void): SignInWatch {
  let stopTimer: (() => void) | undefined;
  return {
    began() {
      stopTimer?.();
      stopTimer = clock.after(SIGN_IN_MAX_MS, () => onLate('It did not take the sign-in in time.'));
    },
    over: () => stopTimer?.(),
  };
}
