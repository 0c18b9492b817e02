/** Accounts as their pages show them. */
import { text } from '#domain/decimal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { BrokerCapabilities } from '#ports.ts';
import { type AccountReducing, reducingInWords } from '#trading/account-state.ts';
import type { OwnerVisit } from './define.ts';
import type { AccountDesk, AccountEntry } from './desks.ts';
import { shownMoneyOrNone } from './figures.ts';

export const PRESET_WORDS: Readonly<Record<string, string>> = {
  friendly: 'Fills at once at the quoted price: for first tries.',
  realistic: 'Latency, slippage, partial fills and fees, as markets have them.',
  hostile: 'As that, and a broker that loses requests and answers late: for testing an agent.',
};
const TYPE_WORDS: Readonly<Record<string, string>> = {
  cash: 'Nothing is bought on credit and nothing sold short.',
  margin: 'May sell short. Nothing is bought on credit here either.',
};

/** What a form of paper settings offers. */
export const paperChoices = ({ presets, accountTypes }: AccountDesk) => ({
  presets: presets.map((id) => ({ id, words: PRESET_WORDS[id] ?? '' })),
  account_types: accountTypes.map((id) => ({ id, words: TYPE_WORDS[id] ?? '' })),
});

export const pathOfAccount = (id: string): string => `/admin/accounts/${encodeURIComponent(id)}`;

export const accountRow = (account: AccountEntry) => ({
  ...account,
  path: pathOfAccount(account.id),
  cash: shownMoneyOrNone(account.cash),
  equity: shownMoneyOrNone(account.equity),
  held: account.held.map(({ symbol, qty }) => ({ symbol, qty: text(qty) })),
});

/** What a broker can do in words: orders, their lives, and what goes with them; and what it can not. */
export function capabilityWords(can: BrokerCapabilities): {
  readonly can: readonly string[];
  readonly canNot: readonly string[];
} {
  const kinds = can.orderTypes.map((type) => type.replaceAll('_', ' ')).join(', ');
  const facts: readonly (readonly [boolean, string])[] = [
    [can.shortSelling, 'short sales'],
    [can.brackets, 'take profit and stop loss with the order'],
    [can.replace, 'changing a working order'],
    [can.extendedHours, 'orders outside of hours'],
    [can.postOnly, 'post only'],
    [can.reduceOnly, 'reduce only'],
    [can.depth, 'depth of market'],
    [can.marginPreview, 'margin before an order'],
    [can.holdings, 'holdings'],
    [can.ids.queryByClientId, 'asking for an order by our own id'],
  ];
  const of = (wanted: boolean) => facts.filter(([has]) => has === wanted).map(([, words]) => words);
  return {
    can: [
      `${kinds} orders`,
      `good for ${can.timesInForce.join(', ')}`,
      ...(can.products.length > 0 ? [`products ${can.products.join(', ')}`] : []),
      ...of(true),
    ],
    canNot: of(false),
  };
}

/** What a limit of the account brought about, and what ends it. */
export function trippedWords(row: Pick<AccountReducing, 'reason' | 'used' | 'max'>): string {
  const until =
    row.reason === 'max_daily_loss' ? 'the next mandate day, or until you lift it' : 'you lift it';
  return `${reducingInWords(row)}. Nothing can be added there until ${until}.`;
}

/** The account that the path names. */
export async function accountOf({ services, params }: OwnerVisit) {
  const found = (await services.accounts.list()).find(({ id }) => id === params['account']);
  return found
    ? ok(found)
    : err(refuse('not_found', 'There is no account of this name. The page Accounts shows those there are.'));
}
/** The same, when it is on paper. */
export async function paperAccountOf(visit: OwnerVisit) {
  const found = await accountOf(visit);
  if (!found.ok) return found;
  const { paper, ...account } = found.value;
  return paper === null
    ? err(refuse('not_found', `${account.id} is not a paper account.`))
    : ok({ ...account, paper });
}
