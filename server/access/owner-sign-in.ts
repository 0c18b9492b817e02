/** Signing in: one hash and one look at the code whatever is wrong, one commit for everything that is right. */
import { timingSafeEqual } from 'node:crypto';
import type { Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { OwnerAccess } from './owner.ts';
import type { KnownDevice } from './owner-devices.ts';
import { bucket, visitorBuckets } from './owner-lockout.ts';
import { type OwnerParts, refused, spendCode, sweep, type Wrong } from './owner-parts.ts';
import { checkPassphrase, fits, type HashedTry } from './owner-proof.ts';
import type { SignedIn, SignIn } from './owner-records.ts';
import type { FoundCode } from './owner-second-factor.ts';
import { OWNER_ON_RECORD } from './owner-sessions.ts';
import { type OwnerRow, purposesOf } from './owner-table.ts';
import { tokenHash } from './owner-tokens.ts';

type Signing = Pick<OwnerAccess, 'asksForCode' | 'signIn'>;

export function openSignIn(parts: OwnerParts): Signing {
  const { store, table, devices, secondFactor } = parts;

  const asksAt = (device: KnownDevice | undefined, owner: OwnerRow | undefined): boolean =>
    owner !== undefined &&
    owner.totp_seed !== null &&
    purposesOf(owner).has('sign_in') &&
    device?.proved !== true;

  async function signIn(o: SignIn): Promise<Result<SignedIn, Refusal>> {
    const known = devices.of(o.from);
    const one: HashedTry = {
      proofFor: 'sign_in',
      buckets: known ? [bucket(`device ${known.id}`)] : visitorBuckets('sign_in', o.from.address),
      lane: known ? 'known' : 'stranger',
      door: 'console',
      from: o.from,
      answer: 'The name, the passphrase or the code is wrong; nobody was signed in. Try again.',
    };
    const checked = await checkPassphrase(parts, o.passphrase, one);
    if (!checked.ok) return checked;
    const decided = store.transaction((): Result<SignedIn, Wrong> => {
      const owner = table.row();
      const device = devices.of(o.from);
      const asks = asksAt(device, owner);
      const found = asks ? secondFactor.find(o.code ?? '') : undefined;
      if (!owner || !sameName(o.name, owner.name)) return err('name');
      if (!fits(checked.value, owner)) return err('passphrase');
      if (asks && !found) return err('code');
      sweep(parts);
      if (found) spendCode(parts, found, 'console');
      parts.lockout.clear(one.buckets);
      return ok(open(parts, { ...o, owner, device, found }));
    });
    return decided.ok ? decided : refused(parts, one, decided.error);
  }

  return {
    asksForCode: (from) => asksAt(devices.of(from), table.row()),
    signIn,
  };
}

/** Inside the transaction. A browser that has shown a code now is trusted without one from now on, if the owner says so. */
function open(
  parts: OwnerParts,
  o: SignIn & {
    readonly owner: OwnerRow;
    readonly device: KnownDevice | undefined;
    readonly found: FoundCode | undefined;
  },
): SignedIn {
  const { devices, sessions, audit } = parts;
  const proved = o.found !== undefined;
  const trusts = o.trustDevice === true && (o.device === undefined || (proved && !o.device.proved));
  if (trusts) devices.forget(({ id }) => id === o.device?.id, 'replaced');
  const trusted = trusts ? devices.trust(o.from, proved) : undefined;
  if (o.device && !trusts) devices.seen(o.device.id);
  const deviceId = trusted?.id ?? o.device?.id ?? null;
  const opened = sessions.open(o.from, { steppedUp: proved || o.owner.totp_seed === null, deviceId });
  const { id: session, address } = opened.session;
  const how = o.found === undefined ? 'passphrase' : `passphrase and ${o.found.kind}`;
  const detail = { session, address, how, device: deviceId };
  audit.record({ kind: 'owner.signed_in', ...OWNER_ON_RECORD, outcome: 'ok', detail });
  return {
    ...opened,
    ...(trusted === undefined ? {} : { deviceToken: trusted.token }),
    usedRecoveryCode: o.found?.kind === 'recovery',
  };
}

/** Names are lower case; hashed first, so that the time says nothing of how much of a name was right. */
const sameName = (given: string, name: string): boolean =>
  timingSafeEqual(tokenHash(given.trim().toLowerCase()), tokenHash(name));
