/** Accounts as their pages show them. */
import { text } from '#domain/decimal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { BrokerCapabilities } from '#ports.ts';
import { type AccountReducing, reducingInWords } from '#trading/account-state.ts';
import type { AccountEntry } from './account-desk-views.ts';
import type { OwnerVisit } from './define.ts';
import type { AccountDesk } from './desks.ts';
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

/** By the names of capabilities. */
const CAPABILITY_WORDS: Readonly<Record<string, string>> = {
  shortSelling: 'short sales',
  brackets: 'take profit and stop loss with the order',
  replace: 'changing a working order',
  extendedHours: 'orders outside of hours',
  postOnly: 'post only',
  reduceOnly: 'reduce only',
  depth: 'depth of market',
  marginPreview: 'margin before an order',
  holdings: 'holdings',
};

/** What a broker can do in words: orders, their lives, and what goes with them; and what it can not. */
export function capabilityWords(capabilities: BrokerCapabilities): {
  readonly can: readonly string[];
  readonly canNot: readonly string[];
} {
  const { orderTypes, timesInForce, products, ids } = capabilities;
  const of = (wanted: boolean): readonly string[] => [
    ...Object.entries(capabilities).flatMap(([name, value]) =>
      value === wanted ? (CAPABILITY_WORDS[name] ?? []) : [],
    ),
    ...(ids.queryByClientId === wanted ? ['asking for an order by our own id'] : []),
  ];
  return {
    can: [
      `${orderTypes.map((type) => type.replaceAll('_', ' ')).join(', ')} orders`,
      `good for ${timesInForce.join(', ')}`,
      ...(products.length > 0 ? [`products ${products.join(', ')}`] : []),
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
