/** The second factor: codes of an authenticator (RFC 6238), each good once, and recovery codes in their place. */
import { randomBytes } from 'node:crypto';
import { generateSecret, generateURI, verifySync } from 'otplib/functional';
import { RECOVERY_CODES, TOTP_PENDING_TTL_MS, TOTP_TOLERANCE_SECONDS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import { qrSvg } from './owner-qr.ts';
import type { TotpOffer } from './owner-records.ts';
import type { OwnerTable } from './owner-table.ts';
import { tokenHash } from './owner-tokens.ts';
import type { SteadyWall } from './wall.ts';

/** A code that fits and is not spent yet. */
export type FoundCode =
  | { readonly kind: 'totp'; readonly step: number }
  | { readonly kind: 'recovery'; readonly hash: Buffer };

export interface SecondFactor {
  begin(): TotpOffer;
  /** What was begun and waits for its first code. */
  begun(): TotpOffer | undefined;
  /** The step of the code, when it fits the authenticator that was begun; inside a transaction `enroll` makes it the one. */
  fitsPending(code: string): number | undefined;
  enroll(step: number): void;
  /** Spends nothing. */
  find(code: string): FoundCode | undefined;
  /** Inside the transaction that found it. */
  spend(found: FoundCode): void;
  /** Inside a transaction: voids the old ones. */
  renewRecoveryCodes(): readonly string[];
  /** Inside a transaction. */
  remove(): void;
  /** Forgets an authenticator that was not confirmed in time. */
  sweep(): void;
}

const SEAL_KEY = 'owner';
const CONTEXT = { enrolled: 'owner.totp', pending: 'owner.totp.pending' } as const;
const ISSUER = 'Portcullis';
const TOTP_CODE = /^\d{6}$/;
const PERIOD_SECONDS = 30;
/** Crockford's base32: no letter that is taken for a digit. Sixteen of them are 80 bits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const RECOVERY_CODE = /^[0-9a-hjkmnp-tv-z]{16}$/;
const CODE_LENGTH_TYPED_MAX = 64;

export function openSecondFactor(o: {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly wall: SteadyWall;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly table: OwnerTable;
}): SecondFactor {
  const { store, keyring, wall, clock, table } = o;
  const hasCode = store.db.prepare('SELECT 1 FROM owner_recovery_codes WHERE hash = ?').pluck();
  const addCode = store.db.prepare('INSERT INTO owner_recovery_codes (hash) VALUES (?)');
  const removeCode = store.db.prepare('DELETE FROM owner_recovery_codes WHERE hash = ?');
  const removeCodes = store.db.prepare('DELETE FROM owner_recovery_codes');

  function stepOf(code: string, sealed: Buffer, context: string, lastStep: number): number | undefined {
    // The machine's time, which is the phone's. Steady time would be ahead for days after a clock that was wrong once, and no
    // code would fit; setting the clock back brings no code back that was used, because steps are spent in order.
    const epoch = Math.floor(clock.wallMs() / 1_000);
    // What is ahead of every step that could fit is spent altogether; the library throws then.
    const newest = Math.floor((epoch + TOTP_TOLERANCE_SECONDS) / PERIOD_SECONDS);
    if (!TOTP_CODE.test(code) || lastStep >= newest) return undefined;
    const result = verifySync({
      secret: keyring.open(SEAL_KEY, sealed, context).toString('ascii'),
      token: code,
      epoch,
      period: PERIOD_SECONDS,
      epochTolerance: TOTP_TOLERANCE_SECONDS,
      ...(lastStep < 0 ? {} : { afterTimeStep: lastStep }),
    });
    return result.valid && 'timeStep' in result ? result.timeStep : undefined;
  }
  function offered(secret: string): TotpOffer {
    const uri = generateURI({ issuer: ISSUER, label: table.required().name, secret });
    return { secret, uri, qrSvg: qrSvg(uri) };
  }
  function pending(): Buffer | undefined {
    const row = table.row();
    if (!row?.pending_seed || row.pending_at === null) return undefined;
    return wall.hasPassed(row.pending_at + TOTP_PENDING_TTL_MS) ? undefined : row.pending_seed;
  }

  return {
    begin() {
      const secret = generateSecret();
      const sealed = keyring.seal(SEAL_KEY, Buffer.from(secret, 'ascii'), CONTEXT.pending);
      store.transaction(() => table.setPending(sealed, wall()));
      return offered(secret);
    },
    begun() {
      const seed = pending();
      return seed && offered(keyring.open(SEAL_KEY, seed, CONTEXT.pending).toString('ascii'));
    },
    fitsPending(code) {
      const seed = pending();
      return seed && stepOf(withoutGaps(code), seed, CONTEXT.pending, -1);
    },
    enroll(step) {
      const seed = pending();
      if (!seed) throw new Error('no authenticator was begun');
      const secret = keyring.open(SEAL_KEY, seed, CONTEXT.pending);
      table.enroll(keyring.seal(SEAL_KEY, secret, CONTEXT.enrolled), step);
    },
    find(code) {
      const row = table.row();
      if (!row?.totp_seed) return undefined;
      const typed = withoutGaps(code);
      const step = stepOf(typed, row.totp_seed, CONTEXT.enrolled, row.totp_last_step);
      if (step !== undefined) return { kind: 'totp', step };
      const hash = recoveryHash(typed);
      return hash && hasCode.get(hash) === 1 ? { kind: 'recovery', hash } : undefined;
    },
    spend(found) {
      const spent =
        found.kind === 'totp' ? table.spendStep(found.step) : removeCode.run(found.hash).changes === 1;
      if (!spent) throw new Error('a code was to be spent twice');
    },
    renewRecoveryCodes() {
      removeCodes.run();
      return Array.from({ length: RECOVERY_CODES }, () => {
        const code = newRecoveryCode();
        addCode.run(tokenHash(withoutGaps(code)));
        return code;
      });
    },
    remove() {
      table.unenroll();
      removeCodes.run();
    },
    sweep: () => table.forgetPending(wall() - TOTP_PENDING_TTL_MS),
  };
}

const withoutGaps = (code: string): string =>
  code.slice(0, CODE_LENGTH_TYPED_MAX).replace(/[\s-]/g, '').toLowerCase();

/** `4x2h-…`, four groups of four. */
function newRecoveryCode(): string {
  const letters = [...randomBytes(16)].map((byte) => ALPHABET[byte % ALPHABET.length] ?? '');
  return [0, 4, 8, 12].map((at) => letters.slice(at, at + 4).join('')).join('-');
}

function recoveryHash(typed: string): Buffer | undefined {
  const code = typed.replace(/o/g, '0').replace(/[il]/g, '1');
  return RECOVERY_CODE.test(code) ? tokenHash(code) : undefined;
}
