/** An access room with an owner in it, and what the owner has at hand: a browser, a passphrase, an authenticator. */
import { generateSync } from 'otplib/functional';
import type { AccessOptions } from '#access/access.ts';
import type { OwnerAccess, SecondFactorPurpose, SignedIn, SignIn, Visitor } from '#access/owner.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { type AccessRoom, accessRoom, granted } from './access-room.ts';

export const NAME = 'ada';
export const PASSPHRASE = 'correct horse battery staple';
export const HOME: Visitor = { address: '192.0.2.10', userAgent: 'Browser at home' };
/** Hashes that take no time, where the test is not about them. */
export const CHEAP = { memoryKib: 64, passes: 1 };

export const from = (address: string, device?: string): Visitor => ({
  address,
  userAgent: 'Browser',
  ...(device === undefined ? {} : { device }),
});

export async function ownerRoom(options: Partial<AccessOptions> = {}): Promise<AccessRoom> {
  const room = accessRoom({ passphraseCost: CHEAP, ...options });
  granted(await room.access.owner.create({ name: NAME, passphrase: PASSPHRASE, by: OWNER_CLI }));
  return room;
}

/** The right answers, but for what the test says otherwise. */
export function signIn(
  { access }: Pick<AccessRoom, 'access'>,
  over: Partial<SignIn> = {},
): Promise<Result<SignedIn, Refusal>> {
  return access.owner.signIn({ name: NAME, passphrase: PASSPHRASE, from: HOME, ...over });
}

export interface Authenticator {
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
  /** The code of this moment. */
  now(room?: Pick<AccessRoom, 'clock'>): string;
  /** Turns the clock to the next step, so that the code has not been used. */
  next(room?: Pick<AccessRoom, 'clock'>): string;
}

export const STEP_MS = 30_000;

export const codeAt = (secret: string, wallMs: number): string =>
  generateSync({ secret, epoch: Math.floor(wallMs / 1_000) });

export function enroll(
  room: Pick<AccessRoom, 'access' | 'clock'>,
  ...purposes: readonly SecondFactorPurpose[]
): Authenticator {
  const { owner }: { owner: OwnerAccess } = room.access;
  const { secret } = owner.beginTotp();
  const now = ({ clock }: Pick<AccessRoom, 'clock'> = room): string => codeAt(secret, clock.wallMs());
  const { recoveryCodes } = granted(owner.confirmTotp(now()));
  granted(owner.setPurposes(new Set(purposes)));
  return {
    secret,
    recoveryCodes,
    now,
    next(at = room) {
      at.clock.advance(STEP_MS);
      return now(at);
    },
  };
}
