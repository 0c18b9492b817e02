/** What the owner can do from the command line: acts that run in the engine, or with the lock in hand when none runs. */
import type { z } from 'zod';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { Office } from './office.ts';

/** What the owner proved themselves with for one act; `nothing`: none was asked for. */
export type Proved = 'nothing' | 'passphrase' | 'passphrase_and_code';

export interface OwnerAct<I extends z.ZodType = z.ZodType, O extends object = object> {
  /** As it goes over owner.sock: `keys.create`. */
  readonly name: string;
  readonly input: I;
  /** Must go through with as little as possible: nothing is made ready for it first. */
  readonly urgent?: true;
  /** Gives somebody more than they had: once there is an owner, it is carried out on the owner's proof alone. */
  readonly widens?: true;
  /** The same for this input, with what is in force now; asked right before it is carried out. Changes nothing. */
  widensWith?(office: Office, input: z.output<I>): boolean;
  /** Why it would be refused whatever the proof, for whoever is about to be asked for a passphrase in vain. Changes nothing. */
  check?(office: Office, input: z.output<I>): Refusal | undefined;
  /** `proved`: what was asked for right before it, and given. */
  work(office: Office, input: z.output<I>, proved: Proved): Result<O, Refusal> | Promise<Result<O, Refusal>>;
}

export const ownerAct = <I extends z.ZodType, O extends object>(act: OwnerAct<I, O>): OwnerAct<I, O> => act;

/** Whether some input of it needs the owner's proof. */
export const mayWiden = (act: OwnerAct): boolean => act.widens === true || 'widensWith' in act;
