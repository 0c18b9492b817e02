/** Accounts of this gateway: which there are, what they are set to, and how each is connected to its broker. */
import { BROKERS } from '#brokers/index.ts';
import { paperSettings } from '#brokers/paper/settings.ts';
import type { Config } from '#config.ts';
import { type AccountId, accountId, OWNER_CLI } from '#domain/principal.ts';
import type { TapeFeed } from '#market/tape-feed.ts';
import type { BrokerAdapter } from '#ports.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { type Office, tapeInstrument } from './office.ts';

const FIRST_ACCOUNT = accountId('paper');
const BY_OWNER = { credential: OWNER_CLI.credential, door: OWNER_CLI.door };

/** PAPER_* as the settings of a paper account. */
export const paperDefaults = (config: Config) => ({
  preset: config.PAPER_PRESET,
  seed: config.PAPER_SEED,
  cash: config.PAPER_CASH,
  accountType: config.PAPER_ACCOUNT_TYPE,
});

/** Adds an account and puts it on the record. */
export function addAccount(
  office: Office,
  id: AccountId,
  settings: ReturnType<typeof paperDefaults>,
): AccountRecord {
  const { store, audit, accounts, access } = office;
  const account: AccountRecord = {
    id,
    broker: 'paper',
    mode: 'paper',
    currency: tapeInstrument(office.config, office.book).currency,
    settings,
    createdAtMs: access.wall(),
  };
  store.transaction(() => {
    accounts.insert(account);
    const { broker, mode, currency } = account;
    audit.record({
      kind: 'account.added',
      ...BY_OWNER,
      account: id,
      outcome: 'ok',
      detail: { broker, mode, currency, settings },
    });
  });
  return account;
}

/** The first start, or the first command before it, makes the account `paper`. */
export function ensureFirstAccount(office: Office): void {
  const { accounts, config } = office;
  if (accounts.wasTaken(FIRST_ACCOUNT) || accounts.list().length > 0) return;
  addAccount(office, FIRST_ACCOUNT, paperDefaults(config));
}

/** PAPER_PRESET, PAPER_SEED and PAPER_ACCOUNT_TYPE act on `paper` at every start; its deposit is made once. */
export function settleAccounts(office: Office): void {
  const { accounts, store, audit, config } = office;
  ensureFirstAccount(office);
  const account = accounts.byId(FIRST_ACCOUNT);
  if (account?.broker !== 'paper') return;
  const before = paperSettings.parse(account.settings);
  const after = paperSettings.parse({ ...paperDefaults(config), cash: before.cash });
  if (JSON.stringify(after) === JSON.stringify(before)) return;
  store.transaction(() => {
    accounts.change(FIRST_ACCOUNT, after);
    audit.record({
      kind: 'account.changed',
      ...BY_OWNER,
      account: FIRST_ACCOUNT,
      outcome: 'ok',
      detail: { before, after },
    });
  });
}

interface Market {
  readonly feed: TapeFeed;
  readonly adapters: Map<AccountId, BrokerAdapter>;
  readonly log: (line: string) => void;
}

/** Connects every account. Throws with one sentence when one can not be opened. */
export function connectAccounts(office: Office, { feed, adapters, log }: Market): void {
  const { currency } = feed.tape.instrument;
  const substitute = office.settings.setAside().some(({ name }) => name === 'PAPER_TAPE');
  for (const account of office.accounts.list()) {
    // Another tape plays than the one the owner has chosen: what it can not serve waits for the right one.
    if (substitute && account.currency !== currency)
      log(
        `The account ${account.id} is not connected: it holds ${account.currency}, the tape is in ${currency}.\n`,
      );
    else adapters.set(account.id, connectAccount(office, feed, account));
  }
}

/** Throws with one sentence when the account can not be opened. */
export function connectAccount(office: Office, feed: TapeFeed, account: AccountRecord): BrokerAdapter {
  const broker = BROKERS.find((one) => one.id === account.broker);
  if (broker === undefined)
    throw new Error(`the account ${account.id} is at ${account.broker}, which is not in brokers/`);
  const { store, clock } = office;
  const settings = broker.settings.parse(account.settings);
  return broker.connect({ account: { id: account.id, settings }, store, clock, feed });
}
