/** What the owner does with accounts in a running gateway: looks, adds, changes, begins anew, removes. */
import { PRESETS, paperSettings } from '#brokers/paper/settings.ts';
import { declarationOf } from '#config.ts';
import type { AccountEntry, NamedDirectory } from '#console/account-desk-views.ts';
import type { AccountDesk, PaperTexts } from '#console/desks.ts';
import { money, text } from '#domain/decimal.ts';
import { BUILT_IN_DIRECTORY } from '#domain/instrument.ts';
import { accountId, type Owner } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { AccountRecord } from '#store/accounts.ts';
import {
  accountNamed,
  addPaperAccount,
  changeAccount,
  fixedOf,
  PAPER_NAMES,
  PAPER_SETTINGS,
  paperErrors,
  paperFrom,
  removeAccount,
} from './account-book.ts';
import { directoryNamed, realActs, realSideOf, standingOf } from './account-broker-side.ts';
import { alone } from './account-connections.ts';
import { scopesOf } from './account-scopes.ts';
import type { Office, RunningOffice } from './office.ts';
import { tapeActs } from './tape-desk.ts';

export function openAccountDesk(office: RunningOffice, by: Owner): AccountDesk {
  return {
    ...tapeActs(office, by),
    presets: PRESETS,
    accountTypes: declarationOf('PAPER_ACCOUNT_TYPE').choices ?? [],
    async list() {
      const views = await office.engine.trading.owner.accounts();
      const balances = new Map(views.ok ? views.value.map((view) => [view.id, view] as const) : []);
      return office.accounts.list().map((account): AccountEntry => {
        const view = balances.get(account.id);
        return {
          ...entryOf(office, account),
          tradingState: view?.tradingState ?? office.access.gatewayState(),
          cash: view?.cash ?? null,
          equity: view?.equity ?? null,
        };
      });
    },
    defaults() {
      const { given } = office.settings.acting();
      const of = (name: keyof typeof PAPER_SETTINGS): string => given[PAPER_SETTINGS[name]].text;
      return { preset: of('preset'), seed: of('seed'), cash: of('cash'), accountType: of('accountType') };
    },
    ...realActs(office, by),
    standings: () => office.accounts.list().map((account) => standingOf(office, account)),
    add: (account) => addPaperAccount(office, account, by),
    change: (id, to) => alone(office, accountId(id), () => change(office, id, { to, by })),
    reset: (id, cash) => alone(office, accountId(id), () => reset(office, id, { cash, by })),
    async remove(id) {
      const removed = await removeAccount(office, id, by);
      return removed.ok ? ok(undefined) : removed;
    },
  };
}

function entryOf(
  office: RunningOffice,
  account: AccountRecord,
): Omit<AccountEntry, 'tradingState' | 'cash' | 'equity'> {
  const { id, broker, currency, createdAtMs } = account;
  const { trading } = office.engine;
  const paper = broker === 'paper' ? paperSettings.parse(account.settings) : null;
  return {
    ...standingOf(office, account),
    broker,
    label: office.brokers.find((one) => one.id === broker)?.label ?? broker,
    currency,
    createdAtMs,
    workingOrders: trading.workingOrders(id),
    held: trading.owner
      .accountPositions({ account: id, status: 'open' })
      .map(({ symbol, qty }) => ({ symbol, qty })),
    real: realSideOf(office, account),
    paper: paper && { ...paper, seed: String(paper.seed) },
    marketList: paper && marketListOf(office, account),
    fixed: fixedOf(office, id),
  };
}

function marketListOf(office: RunningOffice, { id }: AccountRecord): NamedDirectory | null {
  const [directory = BUILT_IN_DIRECTORY] = scopesOf(office, [id]);
  return directory === BUILT_IN_DIRECTORY ? null : directoryNamed(office, directory);
}

interface Change {
  readonly to: PaperTexts;
  readonly by: Owner;
}

/** The account is connected anew with its new settings: no order of it is touched, and its books are compared at once. */
async function change(
  office: RunningOffice,
  id: string,
  { to, by }: Change,
): Promise<Result<readonly string[], Refusal>> {
  const found = paperAccount(office, id);
  if (!found.ok) return found;
  const account = found.value;
  const before = paperSettings.parse(account.settings);
  const fixed = fixedOf(office, account.id);
  const fixedErrors = PAPER_NAMES.flatMap((name) => {
    const who = fixed[name];
    const asked = name === 'cash' ? undefined : to[name];
    if (who === undefined || asked === undefined || asked === String(before[name])) return [];
    return fieldError(name, asked, `is fixed by ${who} (${PAPER_SETTINGS[name]})`);
  });
  const errors = [...paperErrors(to), ...fixedErrors];
  if (errors.length > 0)
    return err(refuse('invalid_input', `The account ${id} was not changed; see its fields.`, { errors }));
  const after = paperFrom(before, { preset: to.preset, seed: to.seed, accountType: to.accountType });
  const objection = after.accountType === before.accountType ? undefined : whyNotType(office, account);
  if (objection !== undefined)
    return err(
      refuse('invalid_input', `The account ${id} was not changed.`, {
        errors: [fieldError('accountType', after.accountType, objection)],
      }),
    );
  if (!changeAccount(office, account, { after, by })) return ok([]);
  const { accountConnections, trading } = office.engine;
  const connected = await accountConnections.connect({ ...account, settings: after });
  if (connected.ok) await trading.join(account.id);
  return ok(PAPER_NAMES.filter((name) => before[name] !== after[name]));
}

/** A cash account can neither be short nor sell short: nothing that was begun under margin may be left. */
function whyNotType(office: RunningOffice, { id }: AccountRecord): string | undefined {
  const { trading } = office.engine;
  const working = trading.workingOrders(id);
  const short = trading.owner.positions({ account: id, status: 'open' }).filter(({ qty }) => qty.lt('0'));
  if (working === 0 && short.length === 0) return undefined;
  const what = [
    ...(working > 0 ? [`${working} ${working === 1 ? 'order works' : 'orders work'}`] : []),
    ...short.map(
      ({ holderName, qty, symbol }) => `${holderName} is short ${text(qty.abs() as typeof qty)} ${symbol}`,
    ),
  ];
  return `can not change while ${what.join(' and ')}`;
}

interface Reset {
  readonly cash: string;
  readonly by: Owner;
}

async function reset(office: RunningOffice, id: string, { cash, by }: Reset) {
  const found = paperAccount(office, id);
  if (!found.ok) return found;
  const errors = paperErrors({ cash });
  if (errors.length > 0)
    return err(refuse('invalid_input', `The account ${id} has not begun anew; see its fields.`, { errors }));
  const account = found.value;
  const restarted = await office.engine.trading.restartAccount({
    account: account.id,
    cash: money(cash),
    by,
  });
  if (restarted.ok) {
    const before = paperSettings.parse(account.settings);
    changeAccount(office, account, { after: { ...before, cash }, by });
  }
  return restarted;
}

function paperAccount(office: Office, id: string): Result<AccountRecord, Refusal> {
  const found = accountNamed(office, id);
  if (!found.ok || found.value.broker === 'paper') return found;
  return err(refuse('invalid_input', `${id} is not a paper account.`));
}
