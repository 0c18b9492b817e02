/** Accounts of this gateway: which there are, what they are set to, and how each is connected to its broker. */

import type { JsonValue } from '#audit/event.ts';
import {
  PAPER_MARKET_TAPE,
  type PaperSettings,
  paperMarketOf,
  paperSettings,
} from '#brokers/paper/settings.ts';
import { type Config, type SettingName, settingValue } from '#config.ts';
import { text } from '#domain/decimal.ts';
import { nearest } from '#domain/nearest.ts';
import {
  type AccountId,
  accountId,
  NAME_PATTERN,
  NAME_RULE,
  OWNER_CLI,
  type Owner,
} from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { EXTERNAL_HOLDER, holdingTable } from '#trading/holdings.ts';
import { orderTable } from '#trading/orders.ts';
import { alone } from './account-connections.ts';
import { emptyList, listLeftBy, whyNotBeside } from './account-simulators.ts';
import { type Office, tapeInstrument } from './office.ts';

const FIRST_ACCOUNT = accountId('paper');

/** The setting that each of a paper account's own begins with, and whose rule it keeps. */
export const PAPER_SETTINGS = {
  preset: 'PAPER_PRESET',
  seed: 'PAPER_SEED',
  cash: 'PAPER_CASH',
  accountType: 'PAPER_ACCOUNT_TYPE',
} as const satisfies Record<PaperName, SettingName>;
/** All but what it trades on, which is chosen once. */
export type PaperName = Exclude<keyof PaperSettings, 'market'>;
export const PAPER_NAMES = Object.keys(PAPER_SETTINGS) as readonly PaperName[];
type PaperGiven = Readonly<Partial<Record<PaperName, string>>>;

/** PAPER_* as the settings of a paper account. */
const paperDefaults = (config: Config): PaperSettings => ({
  preset: config.PAPER_PRESET,
  seed: config.PAPER_SEED,
  cash: config.PAPER_CASH,
  accountType: config.PAPER_ACCOUNT_TYPE,
});

/** What is wrong with texts of a paper account's settings, each at its field. */
export const paperErrors = (texts: PaperGiven): readonly FieldError[] =>
  PAPER_NAMES.flatMap((name) => {
    const given = texts[name];
    const value = given === undefined ? ok(given) : settingValue(PAPER_SETTINGS[name], given);
    return value.ok ? [] : fieldError(name, given, value.error);
  });

/** Texts without errors over settings as they are. */
export const paperFrom = (
  base: PaperSettings,
  { seed, ...texts }: PaperGiven & { readonly market?: string },
): PaperSettings =>
  paperSettings.parse({ ...base, ...texts, ...(seed === undefined ? {} : { seed: Number(seed) }) });

export interface NewPaper extends PaperGiven {
  readonly name: string;
  /** `tape`, `live:<account>` or `public:<exchange>`; the tape when absent. */
  readonly market?: string;
  /** Of a public market alone, where instruments are quoted in several: what it holds, and so what it can trade. */
  readonly currency?: string;
}

/** Adds a paper account, which a running engine trades on at once. */
export async function addPaperAccount(
  office: Office,
  paper: NewPaper,
  by: Owner,
): Promise<Result<AccountRecord, Refusal>> {
  return alone(office, accountId(paper.name), async () => {
    const added = recordPaperAccount(office, paper, by);
    const { engine } = office;
    if (added.ok && engine) {
      const connected = await engine.accountConnections.connect(added.value);
      if (connected.ok) await engine.trading.join(added.value.id);
    }
    return added;
  });
}

/** Adds a paper account to the books alone. */
export function recordPaperAccount(
  office: Office,
  { name, market, currency, ...texts }: NewPaper,
  by: Owner,
): Result<AccountRecord, Refusal> {
  const wrongName = whyNotNamed(office, name);
  const traded = paperMarket(office, market, currency);
  const errors = [
    ...(wrongName === undefined ? [] : [fieldError('name', name, wrongName)]),
    ...paperErrors(texts),
    ...(traded.ok ? [] : [traded.error]),
  ];
  if (errors.length > 0 || !traded.ok)
    return err(refuse('invalid_input', 'The account was not added; see its fields.', { errors }));
  const settings = paperFrom(paperDefaults(office.settings.acting()), { ...texts, ...traded.value.setting });
  const beside = whyNotBeside(office, { broker: 'paper', mode: 'paper', settings });
  if (beside !== undefined) return err(refuse('invalid_input', beside));
  return ok(addAccount(office, { id: accountId(name), settings, currency: traded.value.currency, by }));
}

/** What a new paper account trades on, and the currency that gives it. */
function paperMarket(
  office: Office,
  market: string = PAPER_MARKET_TAPE,
  currency = '',
): Result<{ readonly setting: { readonly market?: string }; readonly currency: string }, FieldError> {
  const read = paperSettings.shape.market.safeParse(market);
  if (!read.success)
    return err(fieldError('market', market, 'must be tape, live:ACCOUNT or public:EXCHANGE'));
  const source = paperMarketOf({ ...paperDefaults(office.config), market });
  if (source.kind === 'public')
    return /^[A-Z0-9]{2,12}$/.test(currency)
      ? ok({ setting: { market }, currency })
      : err(fieldError('currency', currency, 'must be what is paid with there, such as USDT or USD'));
  const given = source.kind === 'live' ? office.accounts.byId(accountId(source.account)) : undefined;
  if (source.kind === 'live' && (given === undefined || given.broker === 'paper'))
    return err(fieldError('market', market, 'must name an account at a broker, whose prices it trades on'));
  const own = given?.currency ?? tapeInstrument(office.config, office.book).currency;
  if (currency !== '' && currency !== own) return err(fieldError('currency', currency, `is ${own} there`));
  return ok({ setting: source.kind === 'live' ? { market } : {}, currency: own });
}

export function whyNotNamed(office: Office, name: string): string | undefined {
  if (!NAME_PATTERN.test(name)) return `must be ${NAME_RULE}`;
  return office.accounts.wasTaken(accountId(name))
    ? 'was given before, and its books are kept: choose another'
    : undefined;
}

/** Removes an account that holds nothing and works nothing. */
export const removeAccount = (
  office: Office,
  name: string,
  by: Owner,
): Promise<Result<AccountRecord, Refusal>> =>
  alone(office, accountId(name), () => removeAlone(office, name, by));

async function removeAlone(office: Office, name: string, by: Owner): Promise<Result<AccountRecord, Refusal>> {
  const { accounts, secrets, store, audit, access, engine } = office;
  const found = accountNamed(office, name);
  if (!found.ok) return found;
  const { id } = found.value;
  // What only waits for the owner is taken back with the account; that takes the engine whose queue it waits in.
  const working = orderTable(store)
    .working({ account: id })
    .filter(({ status }) => engine === undefined || status !== 'pending_approval').length;
  // What was bought elsewhere stays at the broker, whoever is connected to it.
  const stays = (holder: string): boolean => found.value.broker !== 'paper' && holder === EXTERNAL_HOLDER;
  const held = holdingTable(store)
    .exposed()
    .filter((holding) => holding.account === id && !stays(holding.holder))
    .map((holding) => `${text(holding.qty)} ${holding.instrument}`);
  const traders = accounts.list().filter(({ settings }) => tradesOn(settings, id));
  if (traders.length > 0) {
    const names = traders.map((one) => one.id).join(', ');
    return err(refuse('invalid_input', `These trade on the prices of ${id}: ${names}. Remove them first.`));
  }
  if (working > 0 || held.length > 0) {
    const what = [working > 0 ? `${working} working orders` : '', ...held].filter((part) => part !== '');
    return err(refuse('invalid_input', `${id} still has ${what.join(', ')}: cancel and close first.`));
  }
  const left = store.transaction(() => {
    engine?.trading.owner.approvals.withdrawIn(id, by);
    accounts.remove(id, access.wall());
    secrets.removeAll(id);
    audit.record({ kind: 'account.removed', ...signed(by), account: id, outcome: 'ok' });
    return listLeftBy(office, found.value);
  });
  await engine?.accountConnections.disconnect(id);
  if (left !== undefined) await emptyList(office, left);
  return found;
}

function tradesOn(settings: unknown, account: AccountId): boolean {
  const source = paperMarketOf(settings);
  return source.kind === 'live' && source.account === account;
}

export function accountNamed({ accounts }: Office, name: string): Result<AccountRecord, Refusal> {
  const account = accounts.byId(accountId(name));
  if (account !== undefined) return ok(account);
  const near = nearest(
    name,
    accounts.list().map((one) => one.id),
  );
  const means = near === null ? {} : { did_you_mean: [near] };
  return err(refuse('not_found', `There is no account named ${JSON.stringify(name.slice(0, 60))}.`, means));
}

export const signed = ({ credential, door }: Owner) => ({ credential, door });

interface Added {
  readonly id: AccountId;
  readonly settings: PaperSettings;
  readonly currency: string;
  readonly by: Owner;
}

/** Adds an account and puts it on the record. */
function addAccount(office: Office, { id, settings, currency, by }: Added): AccountRecord {
  const { store, audit, accounts, access } = office;
  const account: AccountRecord = {
    id,
    broker: 'paper',
    mode: 'paper',
    currency,
    settings,
    createdAtMs: access.wall(),
  };
  store.transaction(() => {
    accounts.insert(account);
    const { broker, mode } = account;
    const detail = { broker, mode, currency, settings: inJson(settings) };
    audit.record({ kind: 'account.added', ...signed(by), account: id, outcome: 'ok', detail });
  });
  return account;
}

/** What is absent is left out. */
const inJson = ({ market, ...rest }: PaperSettings): Readonly<Record<string, JsonValue>> => ({
  ...rest,
  ...(market === undefined ? {} : { market }),
});

/** Gives an account other settings, on the record; false when they are what they were. */
export function changeAccount(
  { accounts, store, audit }: Pick<Office, 'accounts' | 'store' | 'audit'>,
  { id, settings }: Pick<AccountRecord, 'id' | 'settings'>,
  { after, by }: { readonly after: PaperSettings; readonly by: Owner },
): boolean {
  const before = paperSettings.parse(settings);
  if (PAPER_NAMES.every((name) => before[name] === after[name])) return false;
  store.transaction(() => {
    accounts.change(id, after);
    const detail = { before: inJson(before), after: inJson(after) };
    audit.record({ kind: 'account.changed', ...signed(by), account: id, outcome: 'ok', detail });
  });
  return true;
}

/** The first start, or the first command before it, makes the account `paper`. */
export function ensureFirstAccount(office: Office): void {
  const { accounts, config } = office;
  if (accounts.wasTaken(FIRST_ACCOUNT) || accounts.list().length > 0) return;
  const { currency } = tapeInstrument(config, office.book);
  addAccount(office, { id: FIRST_ACCOUNT, settings: paperDefaults(config), currency, by: OWNER_CLI });
}

/** What PAPER_PRESET, PAPER_SEED and PAPER_ACCOUNT_TYPE of the environment and `.env` fix of `paper`, and who says so. */
export function fixedOf({ config }: Office, id: AccountId): PaperGiven {
  const fixed: Partial<Record<PaperName, string>> = {};
  for (const name of id === FIRST_ACCOUNT ? PAPER_NAMES : []) {
    const { source } = config.given[PAPER_SETTINGS[name]];
    // Its deposit is made once.
    if (name !== 'cash' && (source === 'environment' || source === '.env'))
      fixed[name] = SOURCE_NAMES[source];
  }
  return fixed;
}
const SOURCE_NAMES = { environment: 'the environment', '.env': 'the file .env' } as const;

/** What the environment and `.env` say of `paper` acts on it with every start. */
export function settleAccounts(office: Office): void {
  ensureFirstAccount(office);
  const account = office.accounts.byId(FIRST_ACCOUNT);
  if (account?.broker !== 'paper') return;
  const fixed = Object.keys(fixedOf(office, FIRST_ACCOUNT));
  const said = Object.entries(paperDefaults(office.config)).filter(([name]) => fixed.includes(name));
  const after = paperSettings.parse({
    ...paperSettings.parse(account.settings),
    ...Object.fromEntries(said),
  });
  changeAccount(office, account, { after, by: OWNER_CLI });
}
