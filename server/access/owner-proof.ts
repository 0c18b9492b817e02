/** Proving it anew: for what is dangerous, in a session and on the command line. */
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { OwnerAccess } from './owner.ts';
import { bucket } from './owner-lockout.ts';
import { admit, type OwnerParts, refused, spendCode, type Try, type Wrong } from './owner-parts.ts';
import type { Lane } from './owner-passphrase.ts';
import type { Visitor } from './owner-records.ts';
import { OWNER_ON_RECORD } from './owner-sessions.ts';
import { type OwnerRow, purposesOf } from './owner-table.ts';

type Proofs = Pick<OwnerAccess, 'stepUp' | 'isSteppedUp' | 'confirm' | 'asksForRemoteCode' | 'proveCode'>;

/** Everybody who has a session proves themselves against one count: sessions are no way to more tries. */
export const PROOF_BUCKET = bucket('step_up');
const COMMAND_LINE_BUCKET = bucket('command_line');

export function openProofs(parts: OwnerParts): Proofs {
  return {
    stepUp(token, code, from) {
      const isEnrolled = parts.table.required().totp_seed !== null;
      return isEnrolled
        ? stepUpByCode(parts, token, code, from)
        : stepUpByPassphrase(parts, token, code, from);
    },
    isSteppedUp: (session) => parts.sessions.isFresh(session),
    confirm: (o) => confirm(parts, o),
    asksForRemoteCode() {
      const owner = parts.table.row();
      return owner !== undefined && owner.totp_seed !== null && purposesOf(owner).has('remote_write');
    },
    proveCode: (o, work) => proveCode(parts, o, work),
  };
}

function proveCode<T>(
  parts: OwnerParts,
  { code, from, client }: Parameters<Proofs['proveCode']>[0],
  work: () => T,
): Result<T, Refusal> {
  const one: Try = {
    proofFor: 'remote_write',
    buckets: [PROOF_BUCKET],
    door: 'console',
    from,
    client,
    answer: 'Nothing was granted: the code is wrong or was used already. Try the next one.',
  };
  const admitted = admit(parts, one);
  if (!admitted.ok) return admitted;
  const decided = parts.store.transaction((): Result<T, Wrong> => {
    const found = parts.secondFactor.find(code);
    if (!found) return err('code');
    spendCode(parts, found, 'console');
    parts.lockout.clear(one.buckets);
    return ok(work());
  });
  return decided.ok ? decided : refused(parts, one, decided.error);
}

async function stepUpByCode(
  parts: OwnerParts,
  token: string,
  code: string,
  from: Visitor,
): Promise<Result<void, Refusal>> {
  const one = stepUpTry(from, 'Nothing was done: the code is wrong or was used already. Try the next one.');
  // No guess at a proof: who has no session does not count towards the lockout of those who have one.
  if (!parts.sessions.find(token)) return refused(parts, one, 'session', signedOut());
  const admitted = admit(parts, { ...one, lane: undefined });
  if (!admitted.ok) return admitted;
  return steppedUp(parts, one, token, () => {
    const found = parts.secondFactor.find(code);
    if (!found) return 'code';
    spendCode(parts, found, 'console');
    return undefined;
  });
}

async function stepUpByPassphrase(
  parts: OwnerParts,
  token: string,
  passphrase: string,
  from: Visitor,
): Promise<Result<void, Refusal>> {
  const one = stepUpTry(from, 'Nothing was done: this is not your passphrase. Try again.');
  if (!parts.sessions.find(token)) return refused(parts, one, 'session', signedOut());
  const checked = await checkPassphrase(parts, passphrase, one);
  if (!checked.ok) return checked;
  return steppedUp(parts, one, token, (owner) =>
    // Where an authenticator was enrolled meanwhile, the passphrase is no longer what is asked for.
    fits(checked.value, owner) && owner.totp_seed === null ? undefined : 'passphrase',
  );
}

const stepUpTry = (from: Visitor, answer: string) =>
  ({ proofFor: 'step_up', buckets: [PROOF_BUCKET], lane: 'known', door: 'console', from, answer }) as const;

/** The commit of a step-up; `judge` says what is wrong with the proof, if anything. */
function steppedUp(
  parts: OwnerParts,
  one: Try,
  token: string,
  judge: (owner: OwnerRow) => Wrong | undefined,
): Result<void, Refusal> {
  const decided = parts.store.transaction((): Result<void, Wrong> => {
    const session = parts.sessions.find(token);
    if (!session) return err('session');
    const wrong = judge(parts.table.required());
    if (wrong) return err(wrong);
    parts.lockout.clear(one.buckets);
    parts.sessions.stepUp(session.id);
    const detail = { session: session.id, address: session.address };
    parts.audit.record({ kind: 'owner.stepped_up', ...OWNER_ON_RECORD, outcome: 'ok', detail });
    return ok(undefined);
  });
  if (decided.ok) return decided;
  return decided.error === 'session'
    ? refused(parts, one, 'session', signedOut())
    : refused(parts, one, decided.error);
}

async function confirm(
  parts: OwnerParts,
  o: Parameters<Proofs['confirm']>[0],
): Promise<Result<void, Refusal>> {
  const one: HashedTry = {
    proofFor: 'confirm',
    buckets: [COMMAND_LINE_BUCKET],
    lane: 'known',
    door: 'cli',
    from: o.from,
    answer:
      'Nothing was done: the passphrase or the code is wrong, or the code was used before. Try again, with the next one.',
  };
  const checked = await checkPassphrase(parts, o.passphrase, one);
  if (!checked.ok) return checked;
  const decided = parts.store.transaction((): Result<void, Wrong> => {
    const owner = parts.table.row();
    const asks = owner !== undefined && owner.totp_seed !== null;
    const found = asks ? parts.secondFactor.find(o.code ?? '') : undefined;
    if (!fits(checked.value, owner)) return err('passphrase');
    if (asks && !found) return err('code');
    if (found) spendCode(parts, found, 'cli');
    parts.lockout.clear(one.buckets);
    return ok(undefined);
  });
  return decided.ok ? decided : refused(parts, one, decided.error);
}

const signedOut = (): Refusal =>
  refuse('unauthenticated', 'Nothing was done: you are no longer signed in. Sign in again.');

export type HashedTry = Try & { readonly lane: Lane };

interface CheckedPassphrase {
  /** What it was compared with. */
  readonly stored: string | undefined;
  readonly matched: boolean;
}

/** Counts the try, then takes one hash whatever is stored. */
export async function checkPassphrase(
  parts: OwnerParts,
  passphrase: string,
  one: HashedTry,
): Promise<Result<CheckedPassphrase, Refusal>> {
  const admitted = admit(parts, one);
  if (!admitted.ok) return admitted;
  const stored = parts.table.row()?.passphrase;
  const matched = await parts.passphrases.matches(passphrase, stored, one.lane);
  return matched.ok ? ok({ stored, matched: matched.value }) : refused(parts, one, 'busy', matched.error);
}

/** Inside the transaction: a passphrase that was changed during the hash is not the one that was checked. */
export const fits = ({ stored, matched }: CheckedPassphrase, owner: OwnerRow | undefined): boolean =>
  matched && stored !== undefined && owner?.passphrase === stored;
