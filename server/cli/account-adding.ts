/** A new account at a real broker: what the owner gave is read, tried where the broker can tell, sealed, and connected. */
import type { JsonValue } from '#audit/event.ts';
import type { BrokerDefinition } from '#brokers/broker.ts';
import { type AccountId, accountId, type Owner } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { ACCOUNT_STANDING_MAX_MS } from '#limits.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { within } from '#trading/outside.ts';
import { accountNamed, signed, whyNotNamed } from './account-book.ts';
import { alone } from './account-connections.ts';
import {
  givenIn,
  type NewAccount,
  nested,
  notAdded,
  readAccount,
  readCredentials,
  type Texts,
} from './account-reading.ts';
import { emptyLeftovers, whyNotBeside } from './account-simulators.ts';
import { accountAtBroker, tryCredentials } from './account-trial.ts';
import { type Office, tapeInstrument } from './office.ts';

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
  await emptyLeftovers(office, account);
  // Asked again in the commit: another may have taken the name or the list while the broker was asked.
  const stored = office.store.transaction((): Result<undefined, Refusal> => {
    const taken = whyNotNamed(office, given.name);
    if (taken !== undefined) return err(notAdded([fieldError('name', given.name, taken)]));
    const beside = whyNotBeside(office, account);
    if (beside !== undefined) return err(refuse('invalid_input', beside));
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
  const formerly = await accountAtBroker(office, broker, account);
  const tried = await tryCredentials(office, broker, { account, settings, credentials, formerly });
  if (!tried.ok) return err(refuse('invalid_input', `The credentials were not changed. ${tried.error}`));
  const { secrets, audit, access, accounts } = office;
  const changed = office.store.transaction((): Result<undefined, Refusal> => {
    if (accounts.byId(account.id) === undefined)
      return err(refuse('not_found', `The account ${account.id} was removed meanwhile.`));
    const kept = keptOf(office, broker, account.id);
    secrets.removeAll(account.id);
    secrets.write(account.id, 'credentials', JSON.stringify(givenIn(texts)), access.wall());
    if (kept !== undefined) secrets.write(account.id, 'session', kept, access.wall());
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

/** A session that does not open is as good as none. */
function keptOf({ secrets }: Office, broker: BrokerDefinition, id: AccountId): string | undefined {
  try {
    const session = secrets.read(id, 'session');
    return session === undefined ? undefined : broker.keeps?.(session);
  } catch {
    return undefined;
  }
}

/** Connects it, or connects it anew, where an engine runs. Gives why it does not work yet, as a sentence. */
export async function takeIn(
  { engine, clock }: Pick<Office, 'engine' | 'clock'>,
  account: AccountRecord,
): Promise<string | null> {
  if (engine === undefined) return null;
  const connected = await engine.accountConnections.connect(account);
  if (!connected.ok) return connected.error;
  const standing = engine.accountConnections.standing(account.id);
  await engine.trading.join(account.id);
  await within({ clock }, standing, ACCOUNT_STANDING_MAX_MS);
  return engine.adapters.get(account.id)?.health().trouble ?? null;
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
