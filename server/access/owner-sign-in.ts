/** Signing in: one hash and one look at the code whatever is wrong, one commit for everything that is right. */
import { timingSafeEqual } from 'node:crypto';
import type { Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { shownAddress } from './address.ts';
import type { OwnerAccess } from './owner.ts';
import type { KnownDevice } from './owner-devices.ts';
import { bucket, visitorBuckets } from './owner-lockout.ts';
import { type OwnerParts, refused, spendCode, sweep, type Try, type Wrong } from './owner-parts.ts';
import { checkPassphrase, fits, type HashedTry } from './owner-proof.ts';
import type { SignedIn, SignIn } from './owner-records.ts';
import type { FoundCode } from './owner-second-factor.ts';
import { OWNER_ON_RECORD } from './owner-sessions.ts';
import { type OwnerRow, purposesOf } from './owner-table.ts';
import { tokenHash } from './owner-tokens.ts';

type Signing = Pick<OwnerAccess, 'asksForCode' | 'signIn' | 'proveSignIn'>;

export function openSignIn(parts: OwnerParts): Signing {
  const { store, audit, table, devices, secondFactor } = parts;

  const asksAt = (device: KnownDevice | undefined, owner: OwnerRow | undefined): boolean =>
    owner !== undefined &&
    owner.totp_seed !== null &&
    purposesOf(owner).has('sign_in') &&
    device?.proved !== true;

  /** What every sign-in is, whatever it opens; `then` inside the commit of one that was right. */
  async function prove<T>(
    o: Claim,
    why: Pick<Try, 'proofFor' | 'client'>,
    then: (proved: Proved) => T,
  ): Promise<Result<T, Refusal>> {
    const known = devices.of(o.from);
    const one: HashedTry = {
      ...why,
      buckets: known ? [bucket(`device ${known.id}`)] : visitorBuckets('sign_in', o.from.address),
      lane: known ? 'known' : 'stranger',
      door: 'console',
      from: o.from,
      answer: 'The name, the passphrase or the code is wrong; nobody was signed in. Try again.',
    };
    const checked = await checkPassphrase(parts, o.passphrase, one);
    if (!checked.ok) return checked;
    const decided = store.transaction((): Result<T, Wrong> => {
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
      return ok(then({ owner, device, found }));
    });
    return decided.ok ? decided : refused(parts, one, decided.error);
  }

  return {
    asksForCode: (from) => asksAt(devices.of(from), table.row()),
    signIn: (o) => prove(o, { proofFor: 'sign_in' }, (proved) => open(parts, { ...o, ...proved })),
    proveSignIn: ({ client, ...o }) =>
      prove(o, { proofFor: 'remote_sign_in', client }, ({ device, found }) => {
        if (device) devices.seen(device.id);
        const address = shownAddress(o.from.address);
        const detail = { address, how: howOf(found), device: device?.id ?? null, client };
        audit.record({ kind: 'owner.signed_in', ...OWNER_ON_RECORD, outcome: 'ok', detail });
      }),
  };
}

type Claim = Pick<SignIn, 'name' | 'passphrase' | 'code' | 'from'>;
interface Proved {
  readonly owner: OwnerRow;
  readonly device: KnownDevice | undefined;
  readonly found: FoundCode | undefined;
}
const howOf = (found: FoundCode | undefined): string =>
  found === undefined ? 'passphrase' : `passphrase and ${found.kind}`;

/** Inside the transaction. A browser that has shown a code now is trusted without one from now on, if the owner says so. */
function open(parts: OwnerParts, o: SignIn & Proved): SignedIn {
  const { devices, sessions, audit } = parts;
  const proved = o.found !== undefined;
  const trusts = o.trustDevice === true && (o.device === undefined || (proved && !o.device.proved));
  if (trusts) devices.forget(({ id }) => id === o.device?.id, 'replaced');
  const trusted = trusts ? devices.trust(o.from, proved) : undefined;
  if (o.device && !trusts) devices.seen(o.device.id);
  const deviceId = trusted?.id ?? o.device?.id ?? null;
  const opened = sessions.open(o.from, { steppedUp: proved || o.owner.totp_seed === null, deviceId });
  const { id: session, address } = opened.session;
  const detail = { session, address, how: howOf(o.found), device: deviceId };
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
