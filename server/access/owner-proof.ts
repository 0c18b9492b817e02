/** Proving it anew: for what is dangerous, in a session and on the command line. */
import type { Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { STEP_UP_TTL_MS } from '#limits.ts';
import type { OwnerAccess } from './owner.ts';
import { bucket } from './owner-lockout.ts';
import { admit, type OwnerParts, refused, spendCode, type Try, type Wrong } from './owner-parts.ts';
import type { Lane } from './owner-passphrase.ts';
import { OWNER_ON_RECORD } from './owner-sessions.ts';

type Proofs = Pick<OwnerAccess, 'stepUp' | 'isSteppedUp' | 'confirm'>;

/** Everybody who has a session proves themselves against one count: sessions are no way to more tries. */
export const PROOF_BUCKET = bucket('step_up');
const COMMAND_LINE_BUCKET = bucket('command_line');

export function openProofs(parts: OwnerParts): Proofs {
  const { store, table, secondFactor } = parts;

  const stepUp: Proofs['stepUp'] = async (token, code, from) => {
    const one = { proofFor: 'step_up', buckets: [PROOF_BUCKET], door: 'console', from } as const;
    if (!parts.sessions.find(token)) return refused(parts, one, 'session');
    const byCode = table.required().totp_seed !== null;
    const checked = byCode
      ? admit(parts, one)
      : await checkPassphrase(parts, code, { ...one, lane: 'known' });
    if (!checked.ok) return checked;
    const decided = store.transaction((): Result<void, Wrong> => {
      const session = parts.sessions.find(token);
      const owner = table.required();
      if (!session) return err('session');
      if (checked.value === undefined) {
        const found = secondFactor.find(code);
        if (!found || !spendCode(parts, found, 'console')) return err('code');
      } else {
        const { stored, matched } = checked.value;
        // Where an authenticator was enrolled meanwhile, the passphrase is no longer what is asked for.
        if (!matched || owner.passphrase !== stored || owner.totp_seed !== null) return err('passphrase');
      }
      parts.lockout.clear(one.buckets);
      parts.sessions.stepUp(session.id);
      parts.audit.record({
        kind: 'owner.stepped_up',
        ...OWNER_ON_RECORD,
        outcome: 'ok',
        detail: { session: session.id },
      });
      return ok(undefined);
    });
    return decided.ok ? decided : refused(parts, one, decided.error);
  };

  const confirm: Proofs['confirm'] = async (o) => {
    const one = {
      proofFor: 'confirm',
      buckets: [COMMAND_LINE_BUCKET],
      lane: 'known',
      door: 'cli',
      from: o.from,
    } as const;
    const checked = await checkPassphrase(parts, o.passphrase, one);
    if (!checked.ok) return checked;
    const { stored, matched } = checked.value;
    const decided = store.transaction((): Result<void, Wrong> => {
      const owner = table.row();
      const asks = owner !== undefined && owner.totp_seed !== null;
      const found = asks ? secondFactor.find(o.code ?? '') : undefined;
      if (!owner || !matched || owner.passphrase !== stored) return err('passphrase');
      if (asks && !(found && spendCode(parts, found, 'cli'))) return err('code');
      parts.lockout.clear(one.buckets);
      return ok(undefined);
    });
    return decided.ok ? decided : refused(parts, one, decided.error);
  };

  return {
    stepUp,
    isSteppedUp: ({ steppedUpAtMs }) =>
      steppedUpAtMs !== null && !parts.wall.hasPassed(steppedUpAtMs + STEP_UP_TTL_MS),
    confirm,
  };
}

export type HashedTry = Try & { readonly lane: Lane };

export interface CheckedPassphrase {
  /** What it was compared with: another one by the time of the commit voids the answer. */
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
