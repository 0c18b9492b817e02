/** The form of an account at a broker: its fields are the broker's own, credentials apart, which no page ever shows again. */
import { z } from 'zod';
import type { BrokerFieldView, BrokerView } from './account-desk-views.ts';
import type { OwnerVisit } from './define.ts';

/** `secret` keeps what was entered there out of every page that is made after it. */
const NAMES = { setting: 'setting.', credential: 'secret.' } as const;
const TEXT_LENGTH_MAX = 4_000;
const text = z.string().max(TEXT_LENGTH_MAX);

export const brokerFieldsInput = z
  .object({ name: text.optional(), mode: text.optional() })
  .catchall(z.union([text, z.array(text)]));
type Entered = z.output<typeof brokerFieldsInput>;

/** What was entered, by the broker's own names. */
export function enteredIn(entered: Entered, kind: keyof typeof NAMES): Readonly<Record<string, string>> {
  const prefix = NAMES[kind];
  return Object.fromEntries(
    Object.entries(entered).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), [value ?? ''].flat().at(-1) ?? '']] : [],
    ),
  );
}

export const fieldRow = (field: BrokerFieldView) => ({
  ...field,
  input: `${NAMES[field.kind]}${field.name}`,
});

/** Errors stand at the inputs of the form, whose names say what kind they are. */
export const atInputs = <R extends { readonly errors?: readonly { readonly field: string }[] }>(
  refusal: R,
  fields: readonly BrokerFieldView[],
): R => ({
  ...refusal,
  ...(refusal.errors === undefined
    ? {}
    : {
        errors: refusal.errors.map((error) => {
          const found = fields.find(({ name }) => name === error.field);
          return found === undefined ? error : { ...error, field: fieldRow(found).input };
        }),
      }),
});

/** What the list of errors calls them. */
export const labelsOf = (fields: readonly BrokerFieldView[]): Readonly<Record<string, string>> =>
  Object.fromEntries<string>([
    ['name', 'Name'],
    ['mode', 'Mode'],
    ...fields.map((field) => [fieldRow(field).input, field.label] as const),
  ]);

export const brokerOfPath = ({ services, params }: OwnerVisit): BrokerView | undefined =>
  services.accounts.brokers.find(({ id }) => id === params['broker']);

/** How the owner proves themselves in the form itself: a page of its own would have to carry the credentials. */
export const proofWords = ({ services, session }: OwnerVisit) => ({
  totp: services.access.owner.record()?.totp === true,
  fresh: services.access.owner.isSteppedUp(session),
});
