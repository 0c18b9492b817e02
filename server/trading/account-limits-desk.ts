/** What the owner sees of an account's limits, and does about them, while the gateway runs; each acts on resting orders at once. */
import type { AccountId, Owner } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import {
  type AccountLimits,
  accountLimitsOf,
  changeAccountLimits,
  heldIn,
  type LimitsChange,
} from './account-limits.ts';
import { type AccountStanding, accountStanding } from './account-standing.ts';
import { type AccountReducing, accountReducing, liftAccount } from './account-state.ts';
import type { AccountWatch } from './account-watch.ts';
import { cancelAddingIn } from './cancel-adding.ts';
import type { Line } from './line.ts';

export interface AccountLimitsView {
  readonly limits: AccountLimits;
  readonly standing: AccountStanding;
  /** Instruments in which somebody holds something. */
  readonly positions: number;
  /** Why it may only reduce; empty: it may add. */
  readonly reducing: readonly AccountReducing[];
}

export interface ChangedLimits {
  readonly limits: AccountLimits;
  readonly changed: boolean;
  /** Orders that are being taken back because they no longer fit. */
  readonly canceling: readonly string[];
}

export interface AccountLimitsDesk {
  of(account: AccountId): AccountLimitsView;
  /** Whoever asks for what is looser must have proved that they are the owner. */
  change(change: LimitsChange): Result<ChangedLimits, Refusal>;
  /** Ends what tripped: the breaker counts from today's equity, the day's loss is forgiven. Empty: there was nothing. */
  lift(account: AccountId, by: Owner): readonly AccountReducing[];
}

export function accountLimitsDesk(line: Line, watch: AccountWatch): AccountLimitsDesk {
  const today = (): string => line.access.mandateDay(line.wallMs());
  return {
    of: (account) => ({
      limits: accountLimitsOf(line, account),
      standing: accountStanding(line, account),
      positions: heldIn(line, account).size,
      reducing: accountReducing(line, account, today()),
    }),
    change(change) {
      const changed = changeAccountLimits(line, change);
      if (!changed.ok) return changed;
      const canceling = changed.value.changed ? cancelOverPositions(line, change.account, change.by) : [];
      watch.check(change.account);
      return ok({ ...changed.value, canceling });
    },
    lift(account, by) {
      const lifted = liftAccount(line, { account, today: today(), by });
      watch.check(account);
      return lifted;
    },
  };
}

/**
 * Takes back orders that would open more positions than the cap admits, in the instruments that were turned to last; positions that
 * are held stay. Gives their ids.
 */
export function cancelOverPositions(line: Line, account: AccountId, actor?: Owner): readonly string[] {
  const { maxPositions } = accountLimitsOf(line, account);
  if (maxPositions === null) return [];
  const held = heldIn(line, account);
  const opening = new Set(
    line.orders
      .working({ account })
      .filter(({ status }) => status !== 'pending_approval')
      .filter(({ effect, instrument }) => effect === 'adding' && !held.has(instrument))
      .map(({ instrument }) => instrument),
  );
  const kept = new Set([...opening].slice(0, Math.max(0, maxPositions - held.size)));
  return cancelAddingIn(line, account, {
    why: `canceled: ${account} may hold ${maxPositions} positions`,
    which: ({ instrument }) => opening.has(instrument) && !kept.has(instrument),
    ...(actor === undefined ? {} : { actor }),
  });
}
