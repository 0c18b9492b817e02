/** What the owner's access is made of, as its acts share it; and what every wrong proof is answered. */
import type { AuditLog } from '#audit/log.ts';
import type { Door } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, type Result } from '#domain/result.ts';
import type { Store } from '#store/open.ts';
import { canonicalAddress } from './address.ts';
import type { Devices } from './owner-devices.ts';
import { type LinkPurpose, type Links, noSuchLink } from './owner-links.ts';
import { type Bucket, type Lockout, visitorBuckets } from './owner-lockout.ts';
import type { Lane, Passphrases } from './owner-passphrase.ts';
import type { Ticket, Visitor } from './owner-records.ts';
import type { FoundCode, SecondFactor } from './owner-second-factor.ts';
import type { Sessions } from './owner-sessions.ts';
import type { OwnerTable } from './owner-table.ts';
import type { SteadyWall } from './wall.ts';

export interface OwnerParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly wall: SteadyWall;
  readonly table: OwnerTable;
  readonly passphrases: Passphrases;
  readonly lockout: Lockout;
  readonly links: Links;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly secondFactor: SecondFactor;
}

/** What was asked, for the record. */
export type ProofFor =
  | 'sign_in'
  | 'step_up'
  | 'confirm'
  | 'change'
  | 'reset'
  | 'remote_sign_in'
  | 'remote_write'
  | `${LinkPurpose}_code`;
/** What was wrong: for the record alone. */
export type Wrong = 'name' | 'passphrase' | 'code' | 'session' | 'link' | 'locked' | 'busy';

export interface Try {
  readonly proofFor: ProofFor;
  readonly buckets: readonly Bucket[];
  /** Where it waits for its hash; undefined: it needs none. */
  readonly lane?: Lane | undefined;
  readonly door: Door;
  readonly from?: Visitor;
  /** `client_…`: on whose behalf a remote client's page asked. */
  readonly client?: string | undefined;
  /** What is answered whatever was wrong, so that nobody learns which part of a guess was right. */
  readonly answer: string;
}

/** Whether the try may be looked at; it is counted then. A refusal is on the record. */
export function admit(parts: OwnerParts, one: Try): Result<void, Refusal> {
  const busy = one.lane && parts.passphrases.busy(one.lane);
  if (busy) return refused(parts, one, 'busy', busy);
  const taken = parts.lockout.take(one.buckets);
  return taken.ok ? taken : refused(parts, one, 'locked', taken.error);
}

/**
 * Puts on the record what the answer does not say. Nobody has shown to be the owner, so no credential stands there; nor does
 * anything that was typed: passphrases are typed into wrong fields.
 */
export function refused(
  parts: OwnerParts,
  one: Try,
  why: Wrong,
  refusal: Refusal = refuse('unauthenticated', one.answer),
): Result<never, Refusal> {
  const address = canonicalAddress(one.from?.address ?? '')?.address;
  parts.audit.recordRepeated({
    kind: 'owner.sign_in_refused',
    door: one.door,
    outcome: 'refused',
    detail: {
      reason: refusal.reason,
      for: one.proofFor,
      why,
      ...(address === undefined ? {} : { address }),
      ...(one.client === undefined ? {} : { client: one.client }),
    },
  });
  return err(refusal);
}

/** Inside the transaction of what it proves, in which it was found. */
export function spendCode(parts: OwnerParts, found: FoundCode, door: Door): void {
  parts.secondFactor.spend(found);
  if (found.kind === 'totp') return;
  const left = parts.table.requiredRecord().recoveryCodesLeft;
  parts.audit.record({
    kind: 'owner.recovery_used',
    credential: 'owner',
    door,
    outcome: 'ok',
    detail: { left },
  });
}

/** Inside a transaction: what has expired goes, whether anybody asks for it or not. */
export function sweep({ sessions, devices, links, secondFactor }: OwnerParts): void {
  sessions.sweep();
  devices.sweep();
  links.sweep();
  secondFactor.sweep();
}

/**
 * Following a one-time link. A right code can not be guessed and is always good, so that guessing keeps nobody from following
 * theirs; wrong ones are counted, in buckets of their own.
 */
export function redeemLink(
  parts: OwnerParts,
  purpose: LinkPurpose,
  code: string,
  from: Visitor,
): Result<Ticket, Refusal> {
  const ticket = parts.store.transaction(() => {
    sweep(parts);
    return parts.links.redeem(purpose, code);
  });
  if (ticket.ok) return ticket;
  const one = linkTry(purpose, from);
  const admitted = admit(parts, one);
  return admitted.ok ? refused(parts, one, 'link', ticket.error) : admitted;
}

/** What came with a ticket that opens nothing: on the record, and answered as a wrong link is. */
export const deadTicket = (parts: OwnerParts, purpose: LinkPurpose, from?: Visitor): Result<never, Refusal> =>
  refused(parts, linkTry(purpose, from), 'link', noSuchLink());

const linkTry = (purpose: LinkPurpose, from?: Visitor): Try => ({
  proofFor: `${purpose}_code`,
  buckets: from === undefined ? [] : visitorBuckets('link', from.address),
  door: 'console',
  ...(from === undefined ? {} : { from }),
  answer: noSuchLink().detail,
});
