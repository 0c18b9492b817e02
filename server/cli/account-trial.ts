/** Tries the credentials of an account before they are stored: one read at the broker, with nothing that could send an order. */
import type { BrokerDefinition } from '#brokers/broker.ts';
import { text } from '#domain/decimal.ts';
import { printable } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { ACCOUNT_TRIAL_MAX_MS } from '#limits.ts';
import type { BrokerAdapter, Clock } from '#ports.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { within } from '#trading/outside.ts';
import type { Office } from './office.ts';

export interface Trial {
  readonly account: AccountRecord;
  /** Parsed by the broker's own rules. */
  readonly settings: unknown;
  readonly credentials: unknown;
  /** Whose account it was at the broker until now, where that is known. */
  readonly formerly?: string | undefined;
}

/** A sentence on what the broker answered; the error is one on why the credentials are not taken. No secret is in either. */
export async function tryCredentials(
  office: Office,
  broker: BrokerDefinition,
  trial: Trial,
): Promise<Result<string, string>> {
  let adapter: BrokerAdapter | undefined;
  try {
    adapter = openForTrial(office, broker, trial);
    if (adapter.signIn !== undefined)
      return ok(`${broker.label} is asked when you sign in there: that is the next step.`);
    const objection = await whyNotKey(office.clock, broker, adapter);
    if (objection !== undefined) return err(objection);
    const tried = await askBalance(office.clock, broker, trial.account, adapter);
    return tried.ok && (await isOfAnother(office.clock, adapter, trial.formerly))
      ? err(
          `They open another account at ${broker.label} than those before. Add that one under a name of its own.`,
        )
      : tried;
  } catch (cause) {
    const why = withoutSecrets(cause instanceof Error ? cause.message : String(cause), trial.credentials);
    return err(`${broker.label} did not take these credentials: ${ended(why)}`);
  } finally {
    await adapter?.close().catch(() => undefined);
  }
}

async function askBalance(
  clock: Clock,
  broker: BrokerDefinition,
  { currency, mode }: AccountRecord,
  adapter: BrokerAdapter,
): Promise<Result<string, string>> {
  const balance = await within({ clock }, adapter.balance(), ACCOUNT_TRIAL_MAX_MS);
  if (balance === undefined) return err(noAnswer(broker));
  if (balance.currency !== currency)
    return err(
      `${broker.label} holds this account in ${printable(balance.currency)}, and its settings say ${currency}.`,
    );
  const what = mode === 'live' ? 'real money' : 'paper money';
  return ok(`${broker.label} took the credentials: ${text(balance.equity)} ${currency} of ${what}.`);
}

const noAnswer = ({ label }: BrokerDefinition): string =>
  `${label} did not answer within ${ACCOUNT_TRIAL_MAX_MS / 1_000} s, so that nobody knows whether these credentials are right. Try again.`;

/** Asked before anything else: with a key that may take money out nothing is done. */
async function whyNotKey(
  clock: Clock,
  broker: BrokerDefinition,
  adapter: BrokerAdapter,
): Promise<string | undefined> {
  const asked = adapter.whyNotKey?.().then((objection) => ({ objection }));
  if (asked === undefined) return undefined;
  const told = await within({ clock }, asked, ACCOUNT_TRIAL_MAX_MS);
  return told === undefined ? noAnswer(broker) : told.objection;
}

async function isOfAnother(
  clock: Clock,
  adapter: BrokerAdapter,
  formerly: string | undefined,
): Promise<boolean> {
  if (formerly === undefined || adapter.brokerAccount === undefined) return false;
  const now = await within({ clock }, adapter.brokerAccount(), ACCOUNT_TRIAL_MAX_MS);
  return now !== undefined && now !== formerly;
}

/**
 * Whose account it is at the broker, as its connection learned, or as the credentials it has still open. undefined: the broker does not
 * tell, or takes those no more.
 */
export async function accountAtBroker(
  office: Office,
  broker: BrokerDefinition,
  account: AccountRecord,
): Promise<string | undefined> {
  const running = office.engine?.adapters.get(account.id);
  let opened: BrokerAdapter | undefined;
  try {
    opened =
      running === undefined ? openForTrial(office, broker, asStored(office, broker, account)) : undefined;
    const asked = Promise.resolve((running ?? opened)?.brokerAccount?.());
    return await within(office, asked, ACCOUNT_TRIAL_MAX_MS);
  } catch {
    return undefined;
  } finally {
    await opened?.close().catch(() => undefined);
  }
}

/** Throws where what is stored does not open, or is no more what its broker takes. */
const asStored = ({ secrets }: Office, broker: BrokerDefinition, account: AccountRecord): Trial => ({
  account,
  settings: broker.settings.parse(account.settings),
  credentials: broker.credentials.parse(JSON.parse(secrets.read(account.id, 'credentials') ?? 'null')),
});

/** Nothing of it outlives the trial: a token that is made on the way is kept in memory. */
function openForTrial(
  { store, clock }: Office,
  broker: BrokerDefinition,
  { account, settings, credentials }: Trial,
): BrokerAdapter {
  let token: string | undefined;
  return broker.connect({
    account: { id: account.id, mode: account.mode, currency: account.currency, settings },
    credentials,
    session: {
      read: () => token,
      write(secret) {
        token = secret;
      },
    },
    store,
    clock,
    feed: undefined,
    directory: { byId: () => undefined, bySymbol: () => undefined },
    gate: () => 'The account is only being tried.',
  });
}

/** Adapters keep secrets out of what they say; what a broker sends back in its own words is looked through once more. */
export function withoutSecrets(words: string, credentials: unknown): string {
  const secrets = Object.values((credentials ?? {}) as Record<string, unknown>)
    .filter((one): one is string => typeof one === 'string' && one.length >= 4)
    .sort((a, b) => b.length - a.length);
  return printable(secrets.reduce((left, secret) => left.replaceAll(secret, '…'), words));
}

const ended = (words: string): string => (/[.!?]$/.test(words) ? words : `${words}.`);
