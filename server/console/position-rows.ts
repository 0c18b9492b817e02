/** Positions as templates take them: one row a holder, account and instrument, and what an account's rows add up to. */
import {
  absolute,
  add,
  compare,
  isNegative,
  isZero,
  type Money,
  sum,
  text,
  ZERO_MONEY,
} from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import type { OwnerPosition } from '#trading/owner-desk.ts';
import type { ConsoleServices } from './desks.ts';
import { decimalsOf, shownMoney, shownMoneyOrNone, shownPriceOrNone, textOrNone } from './figures.ts';

export function positionRow(
  { book, markets }: Pick<ConsoleServices, 'book' | 'markets'>,
  position: OwnerPosition,
) {
  const instrument = book.resolve(position.symbol, [markets.scopeOf(position.account)]);
  const tick = instrument.ok ? instrument.value.tick : undefined;
  return {
    holder: position.holder,
    agent: position.holderName,
    account: position.account,
    symbol: position.symbol,
    instrument: instrument.ok ? instrument.value.id : null,
    currency: instrument.ok ? instrument.value.currency : '',
    qty: text(position.ownQty),
    size: text(absolute(position.ownQty)),
    direction: isZero(position.ownQty) ? 'flat' : isNegative(position.ownQty) ? 'short' : 'long',
    closing_side: isNegative(position.ownQty) ? 'buy' : 'sell',
    account_qty: text(position.accountQty),
    avg_price: shownPriceOrNone(position.avgPrice, tick),
    market_price: shownPriceOrNone(position.marketPrice, tick),
    market_value: shownMoneyOrNone(position.marketValue),
    unrealised: shownMoneyOrNone(position.unrealisedPnl),
    realised: shownMoney(position.realisedPnl),
    take_profit: textOrNone(position.takeProfit),
    stop_loss: textOrNone(position.stopLoss),
    opened_at_ms: position.openedAtMs,
    closed_at_ms: position.closedAtMs,
    open: !isZero(position.ownQty),
  };
}
export type PositionRow = ReturnType<typeof positionRow>;

export const positionDecimals = (rows: readonly PositionRow[]) => ({
  qty: decimalsOf(rows.map((row) => row.qty)),
  price: decimalsOf(
    rows.flatMap((row) => [row.avg_price, row.market_price, row.take_profit, row.stop_loss]),
    2,
  ),
  money: decimalsOf(
    rows.flatMap((row) => [row.market_value, row.unrealised, row.realised]),
    2,
  ),
});

/** Of the rows that are shown, by account; what has no price at the moment is counted and left out of the sums. */
export function accountTotals(positions: readonly OwnerPosition[]) {
  const accounts = [...new Set(positions.map(({ account }) => account))];
  return accounts.map((account) =>
    totalOf(
      account,
      positions.filter((one) => one.account === account),
    ),
  );
}

function totalOf(account: AccountId, positions: readonly OwnerPosition[]) {
  const total = (of: (position: OwnerPosition) => Money | null): string =>
    shownMoney(
      sum(
        ZERO_MONEY,
        positions.map((position) => of(position) ?? ZERO_MONEY),
      ),
    );
  return {
    account,
    positions: positions.length,
    without_price: positions.filter((one) => !isZero(one.ownQty) && one.marketValue === null).length,
    long: total(({ marketValue }) => (marketValue !== null && !isNegative(marketValue) ? marketValue : null)),
    short: total(({ marketValue }) => (marketValue !== null && isNegative(marketValue) ? marketValue : null)),
    net: total(({ marketValue }) => marketValue),
    unrealised: total(({ unrealisedPnl }) => unrealisedPnl),
    realised: total(({ realisedPnl }) => realisedPnl),
    both: total(({ unrealisedPnl, realisedPnl }) => add(unrealisedPnl ?? ZERO_MONEY, realisedPnl)),
  };
}

export const POSITION_SORTS = ['symbol', 'agent', 'account', 'value', 'unrealised', 'realised'] as const;
export type PositionSort = (typeof POSITION_SORTS)[number];

/** Words from A, amounts from the largest; what has no amount comes last either way. */
export function sortedPositions(
  positions: readonly OwnerPosition[],
  sort: PositionSort,
  reversed: boolean,
): readonly OwnerPosition[] {
  const way = reversed ? -1 : 1;
  return [...positions].sort((a, b) => {
    const order = compareBy(sort, a, b);
    return order === 0
      ? a.symbol.localeCompare(b.symbol) || a.holderName.localeCompare(b.holderName)
      : order * way;
  });
}

function compareBy(sort: PositionSort, a: OwnerPosition, b: OwnerPosition): number {
  switch (sort) {
    case 'symbol':
      return a.symbol.localeCompare(b.symbol);
    case 'agent':
      return a.holderName.localeCompare(b.holderName);
    case 'account':
      return a.account.localeCompare(b.account);
    case 'value':
      return largerFirst(a.marketValue, b.marketValue);
    case 'unrealised':
      return largerFirst(a.unrealisedPnl, b.unrealisedPnl);
    case 'realised':
      return compare(b.realisedPnl, a.realisedPnl);
  }
}

const largerFirst = (a: Money | null, b: Money | null): number =>
  a === null || b === null ? Number(a === null) - Number(b === null) : compare(b, a);
