/** Which sign-in at a broker comes back to whom: a word that is given once, to one session, for one account. */
import { randomBytes } from 'node:crypto';
import type { AccountId } from '#domain/principal.ts';
import { BROKER_SIGN_IN_TTL_MS, BROKER_SIGN_INS_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';

/** Sign-ins that were begun and have not come back yet: in memory, for they are worth nothing after a start. */
export interface SignIns {
  /** In place of the one before of the same session at the same account. */
  begin(account: AccountId, session: string): string;
  /** Whether this state was given to this session for this account, a moment ago; true once. */
  take(state: string, account: AccountId, session: string): boolean;
}

interface Begun {
  readonly account: AccountId;
  readonly session: string;
  readonly untilMs: number;
}

export function openSignIns(clock: Clock): SignIns {
  const begun = new Map<string, Begun>();
  return {
    begin(account, session) {
      for (const [state, one] of begun)
        if ((one.account === account && one.session === session) || one.untilMs < clock.monotonicMs())
          begun.delete(state);
      const [oldest] = begun.size < BROKER_SIGN_INS_MAX ? [] : begun.keys();
      if (oldest !== undefined) begun.delete(oldest);
      const state = randomBytes(24).toString('base64url');
      begun.set(state, { account, session, untilMs: clock.monotonicMs() + BROKER_SIGN_IN_TTL_MS });
      return state;
    },
    take(state, account, session) {
      const one = begun.get(state);
      if (one === undefined || one.account !== account || one.session !== session) return false;
      begun.delete(state);
      return clock.monotonicMs() <= one.untilMs;
    },
  };
}
