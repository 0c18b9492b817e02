/** Which orders a page is asked for, from its address: every filter is read strictly, and a wrong one is named instead of ignored. */
import { nearest } from '#domain/nearest.ts';
import { ORDER_STATES, type OrderStatus, SIDES } from '#domain/order.ts';
import { accountId } from '#domain/principal.ts';
import { type FieldError, fieldError } from '#domain/refusal.ts';
import { CONSOLE_PAGES_BACK_MAX } from '#limits.ts';
import { clockMinutes, dayOf, zoneMoment } from '#market/calendar-time.ts';
import type { OwnerFilter, OwnerOrderFilter } from '#trading/owner-desk.ts';
import type { ConsoleServices } from './desks.ts';

type Query = Readonly<Record<string, string>>;
type Known = Pick<ConsoleServices, 'access' | 'book' | 'markets' | 'preferences' | 'trading'>;

/** What an address asked for, and what of it could not be read. */
export interface Asked<F> {
  readonly filter: F;
  readonly errors: readonly FieldError[];
}

/** Names that may be asked for: every agent's, the owner's, and what came about at the broker. */
export const holderNames = ({ access }: Pick<ConsoleServices, 'access'>): readonly string[] => [
  ...access.agents.list().map(({ name }) => name),
  'owner',
  'external',
];

export function whoseAndWhat(services: Known, query: Query): Asked<OwnerFilter> {
  const errors: FieldError[] = [];
  const { account, agent, symbol } = given(query);
  const accounts = services.trading.owner.statuses().map(({ id }) => id);
  if (account !== undefined && !accounts.includes(accountId(account)))
    errors.push(fieldError('account', account, `one of ${accounts.join(', ')}`, nearest(account, accounts)));
  const holders = holderNames(services);
  if (agent !== undefined && !holders.includes(agent))
    errors.push(fieldError('agent', agent, 'the name of an agent', nearest(agent, holders)));
  const instrument =
    symbol === undefined ? undefined : services.book.resolve(symbol, services.markets.scopes());
  if (instrument !== undefined && !instrument.ok) {
    const [near = null] = instrument.error.did_you_mean ?? [];
    errors.push(fieldError('symbol', symbol, 'a symbol exactly as it is written here', near));
  }
  return {
    errors,
    filter: {
      ...(account === undefined ? {} : { account: accountId(account) }),
      ...(agent === undefined ? {} : { agent }),
      ...(symbol === undefined ? {} : { symbol }),
    },
  };
}

type OrdersWanted = Omit<OwnerOrderFilter, 'limit' | 'beforeSeq'>;

export function wantedOrders(services: Known, query: Query): Asked<OrdersWanted> {
  const whose = whoseAndWhat(services, query);
  const errors = [...whose.errors];
  const { status, side, since, until, id } = given(query);
  const { timezone } = services.preferences.read();
  const wanted = STATUS_WORDS.find((word) => word === status);
  if (status !== undefined && wanted === undefined)
    errors.push(
      fieldError('status', status, 'open, final or one of the states', nearest(status, STATUS_WORDS)),
    );
  const onSide = SIDES.find((word) => word === side);
  if (side !== undefined && onSide === undefined)
    errors.push(fieldError('side', side, 'buy or sell', nearest(side, SIDES)));
  const sinceMs = since === undefined ? undefined : momentOf(since, timezone, 'begin');
  const untilMs = until === undefined ? undefined : momentOf(until, timezone, 'end');
  if (sinceMs === null) errors.push(fieldError('since', since, TIME_RULE));
  if (untilMs === null) errors.push(fieldError('until', until, TIME_RULE));
  if (id !== undefined && id.length > ID_LENGTH_MAX)
    errors.push(fieldError('id', id, `at most ${ID_LENGTH_MAX} characters`));
  return {
    errors,
    filter: {
      ...whose.filter,
      ...(wanted === undefined ? {} : { status: wanted }),
      ...(onSide === undefined ? {} : { side: onSide }),
      ...(typeof sinceMs === 'number' ? { sinceMs } : {}),
      ...(typeof untilMs === 'number' ? { untilMs } : {}),
      ...(id === undefined ? {} : { text: id }),
    },
  };
}

export const STATUS_WORDS: readonly ('open' | 'final' | OrderStatus)[] = [
  ...new Set(['open', 'final', ...ORDER_STATES] as const),
];
export const ID_LENGTH_MAX = 64;
export const TIME_RULE = 'a date, 2026-01-31, or with its time, 2026-01-31T14:30';

/** Fields that were left empty in the form are not asked for. */
export function given(query: Query): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) => (value.trim() === '' ? [] : [[name, value.trim()]])),
  );
}

/** In the owner's zone; a date as an end is the end of that day. null: not a time. */
export function momentOf(text: string, timezone: string, as: 'begin' | 'end'): number | null {
  const [date = '', time] = text.split('T');
  try {
    const minutes = time === undefined ? (as === 'end' ? 1440 : 0) : clockMinutes(time.slice(0, 5));
    return zoneMoment(timezone, dayOf(date), minutes);
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw cause;
  }
}

/** Where a page of a long list begins: the sequences that led here, so that there is a way back; the last one acts. */
export function pagesBack(query: Query): readonly number[] {
  const { before = '' } = given(query);
  return before
    .split(',')
    .map(Number)
    .filter((seq) => Number.isSafeInteger(seq) && seq > 0)
    .slice(-CONSOLE_PAGES_BACK_MAX);
}

/** `?account=paper&side=buy`: what was asked for with these changes; an empty value leaves its field out. */
export function address(path: string, query: Query, changes: Query = {}): string {
  const asked = Object.entries({ ...query, ...changes }).filter(([, value]) => value.trim() !== '');
  return asked.length === 0 ? path : `${path}?${new URLSearchParams(asked).toString()}`;
}
