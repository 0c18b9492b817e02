/** A new account at a real broker: what the owner gave is read, tried where the broker can tell, sealed, and connected. */
import type { JsonValue } from '#audit/event.ts';
import type { BrokerDefinition, BrokerField } from '#brokers/broker.ts';
import { nearest } from '#domain/nearest.ts';
import { type AccountId, accountId, type Owner } from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { accountNamed, signed, whyNotNamed } from './account-book.ts';
import { alone } from './account-connections.ts';
import { tryCredentials } from './account-trial.ts';
import { type Office, tapeInstrument } from './office.ts';

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

/** Whose act it is, and what it was proved with: a live account takes a code that was given for this act alone. */
export interface ProvedBy {
  readonly by: Owner;
  readonly code: boolean;
}

export interface AddedAccount {
  readonly account: AccountRecord;
  /** What its broker said to the credentials, as a sentence. */
  readonly tried: string;
  /** Why it is stored and does not work yet, as a sentence. */
  readonly trouble: string | null;
}

/** Everything about a new account that is known before anybody is asked. */
export interface ReadAccount {
  readonly broker: BrokerDefinition;
  readonly mode: 'paper' | 'live';
  readonly settings: unknown;
  readonly credentials: unknown;
}

export const addBrokerAccount = (
  office: Office,
  given: NewAccount,
  proved: ProvedBy,
): Promise<Result<AddedAccount, Refusal>> =>
  alone(office, accountId(given.name), () => addAlone(office, given, proved));

async function addAlone(
  office: Office,
  given: NewAccount,
  proved: ProvedBy,
): Promise<Result<AddedAccount, Refusal>> {
  const read = readAccount(office, given);
  if (!read.ok) return read;
  const { broker, mode, settings, credentials } = read.value;
  const objection = whyNotLive(office, mode, proved);
  if (objection !== undefined) return err(objection);
  const account: AccountRecord = {
    id: accountId(given.name),
    broker: broker.id,
    mode,
    currency: broker.currency(settings) ?? tapeInstrument(office.config, office.book).currency,
    settings: nested(givenIn(given.settings)),
    createdAtMs: office.access.wall(),
  };
  const tried = await tryCredentials(office, broker, { account, settings, credentials });
  if (!tried.ok) return err(refuse('invalid_input', `The account was not added. ${tried.error}`));
  // Asked again in the commit: another may have taken the name while the broker was asked.
  const stored = office.store.transaction((): Result<undefined, Refusal> => {
    const taken = whyNotNamed(office, given.name);
    if (taken !== undefined) return err(notAdded([fieldError('name', given.name, taken)]));
    store(office, { account, credentials: givenIn(given.credentials), by: proved.by });
    return ok(undefined);
  });
  if (!stored.ok) return stored;
  return ok({ account, tried: tried.value, trouble: await takeIn(office, account) });
}

/** Other credentials for an account, tried and put in the place of those before; its session at the broker ends with them. */
export const changeCredentials = (
  office: Office,
  name: string,
  given: ProvedBy & { readonly credentials: Texts },
): Promise<Result<AddedAccount, Refusal>> =>
  alone(office, accountId(name), () => changeAlone(office, name, given));

async function changeAlone(
  office: Office,
  name: string,
  { credentials: texts, ...proved }: ProvedBy & { readonly credentials: Texts },
): Promise<Result<AddedAccount, Refusal>> {
  const found = accountNamed(office, name);
  if (!found.ok) return found;
  const account = found.value;
  const read = readCredentials(office, account, texts);
  if (!read.ok) return read;
  const objection = whyNotLive(office, account.mode, proved);
  if (objection !== undefined) return err(objection);
  const { broker, settings, credentials } = read.value;
  const tried = await tryCredentials(office, broker, { account, settings, credentials });
  if (!tried.ok) return err(refuse('invalid_input', `The credentials were not changed. ${tried.error}`));
  const { secrets, audit, access, accounts } = office;
  const changed = office.store.transaction((): Result<undefined, Refusal> => {
    if (accounts.byId(account.id) === undefined)
      return err(refuse('not_found', `The account ${account.id} was removed meanwhile.`));
    secrets.removeAll(account.id);
    secrets.write(account.id, 'credentials', JSON.stringify(givenIn(texts)), access.wall());
    audit.record({
      kind: 'account.credentials_changed',
      ...signed(proved.by),
      account: account.id,
      outcome: 'ok',
    });
    return ok(undefined);
  });
  if (!changed.ok) return changed;
  return ok({ account, tried: tried.value, trouble: await takeIn(office, account) });
}

/** Connects it, or connects it anew, where an engine runs. Gives why it does not work yet, as a sentence. */
export async function takeIn({ engine }: Office, account: AccountRecord): Promise<string | null> {
  if (engine === undefined) return null;
  const connected = await engine.accountConnections.connect(account);
  if (!connected.ok) return connected.error;
  await engine.trading.join(account.id);
  return engine.adapters.get(account.id)?.health().trouble ?? null;
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

/** Real money takes a code of the authenticator app, given for this act: a passphrase can be read over a shoulder or in a file. */
export function whyNotLive(
  { access }: Pick<Office, 'access'>,
  mode: 'paper' | 'live',
  proved: Pick<ProvedBy, 'code'>,
): Refusal | undefined {
  if (mode === 'paper') return undefined;
  if (access.owner.record()?.totp !== true)
    return refuse(
      'insufficient_scope',
      'Nothing was done: an account with real money needs your authenticator app, and none is enrolled. Enrol one on the page Security of the console first.',
    );
  return proved.code
    ? undefined
    : refuse(
        'unauthenticated',
        'Nothing was done: an account with real money needs a fresh code of your authenticator app.',
      );
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
  const wrong = (name: string, rule: string): FieldError =>
    fieldError(name, kind === 'setting' ? (given[name] ?? '') : '', rule, nearest(name, names));
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

const givenIn = (texts: Texts): Record<string, string> =>
  Object.fromEntries(
    Object.entries(texts)
      .map(([name, text]) => [name, text.trim()] as const)
      .filter(([, text]) => text !== ''),
  );

/** `endpoints.api` is `api` within `endpoints`. */
function nested(texts: Texts): Record<string, unknown> {
  const whole: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, text] of Object.entries(texts)) {
    const [outer = name, inner] = name.split('.', 2);
    if (inner === undefined) whole[outer] = text;
    else whole[outer] = { ...(whole[outer] as object | undefined), [inner]: text };
  }
  return whole;
}

const notAdded = (errors: readonly FieldError[]): Refusal =>
  refuse('invalid_input', 'The account was not added; see its fields.', { errors });

interface Stored {
  readonly account: AccountRecord;
  readonly credentials: Record<string, string>;
  readonly by: Owner;
}

/** Inside the transaction: the account, what opens it, and the line of the record. */
function store(
  { accounts, secrets, audit, access }: Office,
  { account, credentials, by }: Stored,
): AccountId {
  const { id, broker, mode, currency, settings } = account;
  accounts.insert(account);
  if (Object.keys(credentials).length > 0)
    secrets.write(id, 'credentials', JSON.stringify(credentials), access.wall());
  audit.record({
    kind: 'account.added',
    ...signed(by),
    account: id,
    outcome: 'ok',
    detail: { broker, mode, currency, settings: { ...(settings as Record<string, JsonValue>) } },
  });
  return id;
}
