/** The owner: who claims the gateway, how they prove who they are, and where they are signed in. */
import type { AuditLog } from '#audit/log.ts';
import type { Owner } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { SESSION_SEEN_SAVE_INTERVAL_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Keyring } from '#store/keyring.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import { openDevices } from './owner-devices.ts';
import { openEnrolment } from './owner-enrolment.ts';
import { openLinks } from './owner-links.ts';
import { openLockout } from './owner-lockout.ts';
import { openNewPassphrase } from './owner-new-passphrase.ts';
import { type OwnerParts, sweep } from './owner-parts.ts';
import { openPassphrases, type PassphraseCost } from './owner-passphrase.ts';
import { openProofs } from './owner-proof.ts';
import type {
  Device,
  OneTimeLink,
  OwnerRecord,
  SecondFactorPurpose,
  Session,
  SignedIn,
  SignIn,
  Ticket,
  TotpOffer,
  Visitor,
} from './owner-records.ts';
import { openSecondFactor } from './owner-second-factor.ts';
import { openSessions } from './owner-sessions.ts';
import { openSetup } from './owner-setup.ts';
import { openSignIn } from './owner-sign-in.ts';
import { ownerTable } from './owner-table.ts';
import type { SteadyWall } from './wall.ts';

export type * from './owner-records.ts';
export { SECOND_FACTOR_PURPOSES } from './owner-records.ts';

/**
 * Refusals: `unauthenticated` for anything wrong with a proof, in the same words and time; `rate_limited` with `retry_after`
 * while a visitor is locked out or too many hashes wait; `not_found` for a link or ticket that opens nothing; `invalid_input`
 * for what was chosen badly, with the field in `errors` and never its value.
 */
export interface OwnerAccess {
  /** undefined: nobody has claimed this gateway yet. */
  record(): OwnerRecord | undefined;

  // ---- setup, only while there is no owner
  /** Voids the one before, and its ticket. Throws when there is an owner. */
  issueSetupCode(): OneTimeLink;
  redeemSetupCode(code: string, from: Visitor): Result<Ticket, Refusal>;
  setupTicketLive(ticket: string): boolean;
  /** `ticket` is required from the console, and void afterwards. */
  create(o: {
    readonly name: string;
    readonly passphrase: string;
    readonly by: Owner;
    readonly ticket?: string | undefined;
  }): Promise<Result<OwnerRecord, Refusal>>;

  // ---- signing in
  /** An authenticator is enrolled, the purpose `sign_in` is on, and the device is not trusted. */
  asksForCode(from: Visitor): boolean;
  signIn(o: SignIn): Promise<Result<SignedIn, Refusal>>;
  /**
   * The same proof, counted with those of `signIn`, on a page that a remote client brought the browser to: it opens no session of
   * the console. `client` (`client_…`) is for the record.
   */
  proveSignIn(o: Omit<SignIn, 'trustDevice'> & { readonly client: string }): Promise<Result<void, Refusal>>;
  /** Without any proof: for the one who has created the owner a moment ago. */
  openSession(from: Visitor): { readonly token: string; readonly session: Session };
  /** undefined: none. Notes that it was seen, and from where. */
  session(token: string, from: Visitor): Session | undefined;
  /** The same without noting it: a look that nobody asked for does not keep a session alive. */
  peek(token: string): Session | undefined;
  sessions(): readonly Session[];
  /** `sign_out` by whoever is signed in there, `ended` from another session. No such session: nothing happens. */
  endSession(id: string, how?: 'sign_out' | 'ended'): void;
  /** How many ended. */
  endOtherSessions(keepId: string): number;
  /** Told after the commit, so that what is streaming to that session ends at once. Returns what ends the listening. */
  onSessionEnd(listener: (id: string) => void): () => void;

  // ---- proofs
  /** `code`: of the authenticator, or a recovery code; the passphrase when no authenticator is enrolled. */
  stepUp(token: string, code: string, from: Visitor): Promise<Result<void, Refusal>>;
  /** Proved anew within STEP_UP_TTL_MS. */
  isSteppedUp(session: Session): boolean;
  /** A code is asked for before a remote client may write: an authenticator is enrolled and the purpose `remote_write` is on. */
  asksForRemoteCode(): boolean;
  /** A fresh code, counted with the proofs of sessions; `work` commits together with its spending. */
  proveCode<T>(
    o: { readonly code: string; readonly from: Visitor; readonly client: string },
    work: () => T,
  ): Result<T, Refusal>;
  /** For the command line: the passphrase, and a code when an authenticator is enrolled. */
  confirm(o: {
    readonly passphrase: string;
    readonly code?: string | undefined;
    readonly from: Visitor;
  }): Promise<Result<void, Refusal>>;

  // ---- the second factor
  /** Kept sealed until it is confirmed; a new one replaces it. Throws when there is no owner, as everything below does. */
  beginTotp(): TotpOffer;
  /** The one that was begun and waits for its first code: a page that is shown again shows the same. */
  begunTotp(): TotpOffer | undefined;
  /**
   * Ten recovery codes, to be shown once; those of an authenticator before are void. A session that does it has to be stepped up,
   * and has proved itself anew with it.
   */
  confirmTotp(
    code: string,
    sessionId?: string,
  ): Result<{ readonly recoveryCodes: readonly string[] }, Refusal>;
  /** Whether it is one of them; does not spend it. */
  confirmRecoveryCode(code: string): boolean;
  /** Voids the old ones. Throws when no authenticator is enrolled. */
  newRecoveryCodes(): readonly string[];
  /** Recovery codes and purposes go with it. */
  removeTotp(): void;
  /** Refused when no authenticator is enrolled. */
  setPurposes(purposes: ReadonlySet<SecondFactorPurpose>): Result<void, Refusal>;

  // ---- the passphrase
  /** Ends every other session and every trusted device. */
  changePassphrase(o: {
    readonly current: string;
    readonly next: string;
    readonly keepSessionId: string;
  }): Promise<Result<void, Refusal>>;
  /** For the command line alone. Voids the one before, and its ticket. */
  issueResetLink(): OneTimeLink;
  redeemResetCode(code: string, from: Visitor): Result<Ticket, Refusal>;
  resetTicketLive(ticket: string): boolean;
  /** `code` where the purpose `password_reset` is on. Ends every session and every trusted device. */
  resetPassphrase(o: {
    readonly ticket: string;
    readonly next: string;
    readonly code?: string | undefined;
    readonly from: Visitor;
  }): Promise<Result<void, Refusal>>;

  // ---- trusted devices
  devices(): readonly Device[];
  /** Its sessions end too, but for the one to keep. */
  forgetDevice(id: string, keepSessionId?: string): void;
}

interface OwnerOptions {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly wall: SteadyWall;
  readonly keyring: Keyring;
  readonly passphraseCost?: PassphraseCost;
}

export function openOwner(o: OwnerOptions): OwnerAccess {
  const { store, audit, wall, keyring } = o;
  const table = ownerTable(store);
  const sessions = openSessions({ store, audit, wall });
  const parts: OwnerParts = {
    store,
    audit,
    wall,
    table,
    sessions,
    passphrases: openPassphrases(o.passphraseCost),
    lockout: openLockout(store, wall),
    links: openLinks({ store, audit, wall }),
    devices: openDevices({ store, audit, wall }),
    secondFactor: openSecondFactor({ store, keyring, wall, clock: o.clock, table }),
  };
  return {
    record: () => table.record(),
    ...openSetup(parts),
    ...openSignIn(parts),
    ...openProofs(parts),
    ...openEnrolment(parts),
    ...openNewPassphrase(parts),
    session(token, from) {
      const session = sessions.find(token);
      if (session) noteSeen(parts, session, from);
      return session;
    },
    peek: (token) => sessions.find(token),
    sessions: () => sessions.list(),
    endSession: (id, how = 'sign_out') =>
      store.transaction(() => void sessions.end((session) => session.id === id, how)),
    endOtherSessions: (keepId) => store.transaction(() => sessions.end(({ id }) => id !== keepId, 'ended')),
    onSessionEnd: (listener) => sessions.onEnd(listener),
  };
}

/** At most once a minute, for every request comes by here. */
function noteSeen(parts: OwnerParts, { id, lastSeenAtMs }: Session, from: Visitor): void {
  if (parts.wall() - lastSeenAtMs < SESSION_SEEN_SAVE_INTERVAL_MS) return;
  try {
    parts.store.transaction(() => {
      parts.sessions.seen(id, from);
      sweep(parts);
    });
  } catch (fault) {
    // A store that can not write must not keep the owner from seeing that.
    if (!(fault instanceof StoreUnavailable)) throw fault;
  }
}
