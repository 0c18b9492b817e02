/** The owner's proof: whoever has a shell can type a command, so what widens is carried out once a passphrase (and a code) is right. */
import { z } from 'zod';
import type { Visitor } from '#access/owner.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { type OwnerAct, ownerAct, type Proved } from './act.ts';
import type { Office } from './office.ts';

/** As it travels beside act and input over owner.sock; `code` is of the authenticator app, or a recovery code. */
const Proof = z.strictObject({ passphrase: z.string(), code: z.string().optional() });
export type Proof = z.output<typeof Proof>;

/** For the record; tries from here have a lockout of their own, which keeps nobody from the console. */
const FROM_CLI: Visitor = { address: '127.0.0.1', userAgent: 'portcullis' };

/** What the owner's proof is made of; `nothing` while nobody owns the gateway, and for what does not widen. */
export interface AskedProof {
  readonly asked: Proved;
}

function proofOf({ access }: Pick<Office, 'access'>): AskedProof {
  const owner = access.owner.record();
  if (owner === undefined) return { asked: 'nothing' };
  return { asked: owner.totp ? 'passphrase_and_code' : 'passphrase' };
}

/** What an act that always widens would have to bring. */
export const proofAsked = ownerAct({
  name: 'owner.proof-asked',
  input: z.strictObject({}),
  work: (office) => ok(proofOf(office)),
});

/** What this act has to bring with this input now. */
export const proofFor = (office: Office, act: OwnerAct, input: unknown): AskedProof =>
  act.widens === true || act.widensWith?.(office, input) === true ? proofOf(office) : { asked: 'nothing' };

export const HAS_OWNER = refuse(
  'invalid_input',
  'This gateway has an owner already. For a forgotten passphrase: portcullis password reset.',
);
export const NO_OWNER = refuse(
  'not_found',
  'This gateway has no owner yet: open the link of `portcullis setup-link`, or use `portcullis setup`.',
);

/** Judges the proof that comes with an act which needs one. */
export async function judgeProof(
  { access, audit }: Pick<Office, 'access' | 'audit'>,
  act: OwnerAct,
  given: unknown,
): Promise<Result<void, Refusal>> {
  const proof = Proof.safeParse(given);
  const judged = proof.success
    ? await access.owner.confirm({ ...proof.data, from: FROM_CLI })
    : err(refuse('unauthenticated', "This widens what agents may do and needs the owner's passphrase."));
  if (!judged.ok)
    audit.recordRepeated({
      kind: 'owner.act_refused',
      door: OWNER_CLI.door,
      outcome: 'refused',
      detail: { reason: judged.error.reason, act: act.name },
    });
  return judged;
}
