/** What a way to tell the owner is: its fields, what of it may be shown, and how it sends. */
import type { z } from 'zod';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { FIELD_ERRORS_MAX } from '#limits.ts';
import type { Letter } from './message.ts';

export type ChannelId = 'webhook' | 'email' | 'ntfy' | 'telegram';

/** What became of a message. `why` is a whole sentence without anything of the address or its secrets. */
export type Sent =
  | { readonly kind: 'sent' }
  /** It may work later; not before `afterMs` where the destination said so. */
  | { readonly kind: 'later'; readonly why: string; readonly afterMs?: number }
  /** It will not work as it is. */
  | { readonly kind: 'never'; readonly why: string };

/** What a channel sends with; nothing of it outlives the call. */
export interface Sending {
  readonly letter: Letter;
  readonly wallMs: number;
  /** Ends everything at once: too late, or the gateway stops. */
  readonly signal: AbortSignal;
}

export interface ChannelField {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly secret?: boolean;
  readonly optional?: boolean;
  /** The only words it takes, each with its own. */
  readonly choices?: readonly (readonly [string, string])[];
}

/** Where a channel leads; only the channel itself knows what is in it. */
export type Target = Readonly<Record<string, string>>;

export interface Channel {
  readonly id: ChannelId;
  readonly label: string;
  /** A sentence for who chooses. */
  readonly words: string;
  readonly fields: readonly ChannelField[];
  /** From what a form sent, or from what was stored; what is wrong is at its field, and never repeated. */
  parse(fields: Readonly<Record<string, string>>): Result<Target, Refusal>;
  /** Enough to know which one it is. */
  mask(target: Target): string;
  /** What the owner has to be given once; undefined: nothing. */
  reveal(target: Target): string | undefined;
  send(target: Target, sending: Sending): Promise<Sent>;
}

interface ChannelDefinition<T extends Target> extends Pick<Channel, 'id' | 'label' | 'words' | 'fields'> {
  /** Strict, and a target is its own input: what is stored is parsed again. */
  readonly target: z.ZodType<T>;
  mask(target: T): string;
  reveal?(target: T): string;
  send(target: T, sending: Sending): Promise<Sent>;
}

export function defineChannel<T extends Target>({ target: schema, ...given }: ChannelDefinition<T>): Channel {
  const { id, label, words, fields } = given;
  return {
    id,
    label,
    words,
    fields,
    parse(values) {
      const parsed = schema.safeParse(values);
      if (parsed.success) return ok(parsed.data);
      const errors = parsed.error.issues
        .slice(0, FIELD_ERRORS_MAX)
        .map(({ path, message }) => fieldError(path.join('.'), '', message));
      return err(refuse('invalid_input', 'Nothing was saved; see the fields.', { errors }));
    },
    mask: (target) => given.mask(schema.parse(target)),
    reveal: (target) => given.reveal?.(schema.parse(target)),
    send: (target, sending) => given.send(schema.parse(target), sending),
  };
}
