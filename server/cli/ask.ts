/** Asks for an act of the owner, bringing the proof that one which widens needs: from a file, or from the person at the terminal. */
import type { z } from 'zod';
import { mayWiden, type OwnerAct } from './act.ts';
import { CommandError, type Invocation } from './command.ts';
import { askHidden, canAsk } from './hidden-prompt.ts';
import type { AskedProof, Proof } from './owner-proof.ts';
import { readPasswordFile } from './password-file.ts';
import { askedFor, request } from './reach.ts';

/** Carries out an act, wherever the books are. Throws RefusedError or CommandError. */
export async function ask<I extends z.ZodType, O extends object>(
  invocation: Invocation,
  act: OwnerAct<I, O>,
  input: z.input<I>,
): Promise<O> {
  const proof = mayWiden(act)
    ? await proofFrom(invocation, await askedFor(invocation, act, input))
    : undefined;
  return request(invocation, act, { input, proof });
}

/** undefined: none is needed. The books are closed while a person types, so that an engine can start. */
async function proofFrom(invocation: Invocation, { asked }: AskedProof): Promise<Proof | undefined> {
  if (asked === 'nothing') return undefined;
  const file = invocation.text('password-file');
  const totp = invocation.text('totp');
  const needsCode = asked === 'passphrase_and_code' && totp === undefined;
  if (file !== undefined && needsCode && !canAsk())
    throw new CommandError(
      'This widens what agents may do; only the code is missing: give it --totp CODE, a fresh one of your authenticator app.',
    );
  if ((file === undefined || needsCode) && !canAsk())
    throw new CommandError(
      `This widens what agents may do and asks for the owner: run it in a terminal, or give it --password-file FILE${asked === 'passphrase_and_code' ? ' and --totp CODE' : ''}.`,
    );
  const passphrase =
    file === undefined ? await fromPerson('Passphrase of the owner: ') : readPasswordFile(file);
  if (asked === 'passphrase') return { passphrase };
  return {
    passphrase,
    code: totp ?? (await fromPerson('Code of your authenticator app, or a recovery code: ')),
  };
}

/** Throws CommandError when the person would rather not. */
export async function fromPerson(question: string): Promise<string> {
  const answer = await askHidden(question);
  if (answer === undefined) throw new CommandError('Interrupted; nothing was done.');
  return answer;
}
