/** What the owner gave of an account, read by its broker's own rules: what is wrong is named at its field, and nobody is asked. */
import type { BrokerDefinition, BrokerField } from '#brokers/broker.ts';
import { nearest } from '#domain/nearest.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { whyNotNamed } from './account-book.ts';
import { whyNotBeside } from './account-simulators.ts';
import type { Office } from './office.ts';

/** Texts as a person gave them, by the names of the broker's own fields; an empty one was not given. */
export type Texts = Readonly<Record<string, string>>;

export interface NewAccount {
  readonly broker: string;
  readonly name: string;
  /** Absent: paper, where the broker has it. */
  readonly mode?: string | undefined;
  readonly settings: Texts;
  readonly credentials: Texts;
}

/** Everything about a new account that is known before anybody is asked. */
export interface ReadAccount {
  readonly broker: BrokerDefinition;
  readonly mode: 'paper' | 'live';
  readonly settings: unknown;
  readonly credentials: unknown;
}

/** What is wrong with it, each at its field, or what it comes to. Nothing is asked of the broker. */
export function readAccount(office: Office, given: NewAccount): Result<ReadAccount, Refusal> {
  const broker = brokerOf(office, given.broker);
  if (!broker.ok) return broker;
  const wrongName = whyNotNamed(office, given.name);
  const mode = modeOf(broker.value, given.mode);
  const settings = parsed(broker.value, 'setting', given.settings);
  const credentials = parsed(broker.value, 'credential', given.credentials);
  if (wrongName !== undefined || !mode.ok || !settings.ok || !credentials.ok)
    return err(
      notAdded([
        ...(wrongName === undefined ? [] : [fieldError('name', given.name, wrongName)]),
        ...(mode.ok ? [] : [mode.error]),
        ...(settings.ok ? [] : settings.error),
        ...(credentials.ok ? [] : credentials.error),
      ]),
    );
  const beside = whyNotBeside(office, {
    broker: broker.value.id,
    mode: mode.value,
    settings: nested(givenIn(given.settings)),
  });
  if (beside !== undefined) return err(refuse('invalid_input', beside));
  return ok({
    broker: broker.value,
    mode: mode.value,
    settings: settings.value,
    credentials: credentials.value,
  });
}

/** The same for other credentials of an account that is there. */
export function readCredentials(
  office: Office,
  account: AccountRecord,
  texts: Texts,
): Result<ReadAccount, Refusal> {
  const broker = brokerOf(office, account.broker);
  if (!broker.ok) return broker;
  if (credentialFields(broker.value).length === 0)
    return err(
      refuse('invalid_input', `${account.id} has no credentials: ${broker.value.label} takes none.`),
    );
  const credentials = parsed(broker.value, 'credential', texts);
  const settings = broker.value.settings.safeParse(account.settings);
  if (!credentials.ok)
    return err(
      refuse('invalid_input', 'The credentials were not changed; see the fields.', {
        errors: credentials.error,
      }),
    );
  if (!settings.success)
    return err(
      refuse('invalid_input', `The settings of ${account.id} can not be read: remove it and add it anew.`),
    );
  return ok({
    broker: broker.value,
    mode: account.mode,
    settings: settings.data,
    credentials: credentials.value,
  });
}

export const credentialFields = ({ fields }: BrokerDefinition): readonly BrokerField[] =>
  fields.filter(({ kind }) => kind === 'credential');

export function brokerOf(
  { brokers }: Pick<Office, 'brokers'>,
  id: string,
): Result<BrokerDefinition, Refusal> {
  const found = brokers.find((one) => one.id === id);
  if (found !== undefined) return ok(found);
  const ids = brokers.map((one) => one.id);
  const error = fieldError('broker', id, `one of ${ids.join(', ')}`, nearest(id, ids));
  return err(refuse('invalid_input', 'There is no such broker.', { errors: [error] }));
}

function modeOf(
  { modes, label }: BrokerDefinition,
  given: string | undefined,
): Result<'paper' | 'live', FieldError> {
  const asked = given === undefined || given === '' ? undefined : given;
  const found = modes.find((one) => one === (asked ?? 'paper'));
  if (found !== undefined) return ok(found);
  // Real money is never what happens when nothing is said.
  const rule =
    asked === undefined
      ? `must be said: ${label} has ${modes.join(' and ')} only`
      : `must be ${modes.join(' or ')}`;
  return err(fieldError('mode', asked ?? '', rule));
}

/** Strictly, by the broker's own rules. What was given for a credential is in no error. */
function parsed(
  broker: BrokerDefinition,
  kind: BrokerField['kind'],
  texts: Texts,
): Result<unknown, readonly FieldError[]> {
  const fields = broker.fields.filter((one) => one.kind === kind);
  const names = fields.map(({ name }) => name);
  const given = givenIn(texts);
  // A field that there is has a wrong value: its own name would be no help.
  const nearestName = (name: string): string | null => (names.includes(name) ? null : nearest(name, names));
  const wrong = (name: string, rule: string): FieldError =>
    fieldError(name, kind === 'setting' ? (given[name] ?? '') : '', rule, nearestName(name));
  const missing = fields
    .filter(({ name, optional }) => optional !== true && given[name] === undefined)
    .map(({ name }) => fieldError(name, '', 'is needed'));
  const schema = kind === 'setting' ? broker.settings : broker.credentials;
  const none = kind === 'credential' && names.length === 0 && Object.keys(given).length === 0;
  const read = schema.safeParse(none ? undefined : nested(given));
  if (read.success && missing.length === 0) return ok(read.data);
  const missed = new Set(missing.map(({ field }) => field));
  const errors = (read.error?.issues ?? []).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((name) => wrong(name, `is no ${kind} of ${broker.label}`));
    const name = issue.path.join('.');
    return missed.has(name) ? [] : [wrong(name, issue.message)];
  });
  return err([...missing, ...errors]);
}

/** Those that were given, without the blanks around them. */
export const givenIn = (texts: Texts): Record<string, string> =>
  Object.fromEntries(
    Object.entries(texts)
      .map(([name, text]) => [name, text.trim()] as const)
      .filter(([, text]) => text !== ''),
  );

/** `endpoints.api` is `api` within `endpoints`. */
export function nested(texts: Texts): Record<string, unknown> {
  const whole: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, text] of Object.entries(texts)) {
    const [outer = name, inner] = name.split('.', 2);
    if (inner === undefined) whole[outer] = text;
    else whole[outer] = { ...(whole[outer] as object | undefined), [inner]: text };
  }
  return whole;
}

export const notAdded = (errors: readonly FieldError[]): Refusal =>
  refuse('invalid_input', 'The account was not added; see its fields.', { errors });
