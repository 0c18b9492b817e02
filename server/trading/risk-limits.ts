/** Controls about how much: quantity, value, orders, exposure, messages and loss, of one order, of a day and of all at once. Pure. */
import { add, type Money, money, ratio, scale, text } from '#domain/decimal.ts';
import type { Mandate } from '#domain/mandate.ts';
import { type LimitFigure, type Refusal, refuse } from '#domain/refusal.ts';
import { ORDERS_PER_SECOND_MAX, SLIPPAGE_PERCENT } from '#limits.ts';
import type { Facts, Proposal } from './facts.ts';
import type { Valued } from './valuation.ts';

interface Amounts {
  readonly used: Money;
  readonly order: Money;
  readonly max: Money;
}
export const limitOf = (limit: string, unit: string, { used, order, max }: Amounts): LimitFigure => ({
  limit,
  used: text(used),
  order: text(order),
  max: text(max),
  unit,
});
const count = (n: number): Money => money(String(n));

/** The limits of a mandate in the order in which they are shown, each with its words. */
const LIMITS = {
  max_order_qty: 'Quantity of one order',
  max_order_value: 'Value of one order',
  max_open_orders: 'Open orders',
  max_gross_exposure: 'Gross exposure',
  max_daily_value: 'Value today',
  max_daily_orders: 'Orders today',
  max_daily_loss: 'Loss today',
} as const;
type LimitName = keyof typeof LIMITS;

interface Measured {
  readonly facts: Facts;
  readonly mandate: Mandate;
  readonly proposal: Proposal;
  readonly valued: Valued;
}

const NONE = money('0');
const ONE_ORDER = money('1');

/** One limit with its figures for this order. */
function figureOf(limit: LimitName, { facts, mandate, proposal, valued }: Measured): LimitFigure {
  const { accountCurrency: unit } = facts;
  switch (limit) {
    case 'max_order_qty':
      return {
        limit,
        used: '0',
        order: text(proposal.terms.qty),
        max: text(mandate.maxOrderQty),
        unit: 'units',
      };
    case 'max_order_value':
      return limitOf(limit, unit, { used: NONE, order: valued.value, max: mandate.maxOrderValue });
    case 'max_open_orders':
      return limitOf(limit, 'orders', {
        used: count(facts.openOrders),
        order: ONE_ORDER,
        max: count(mandate.document.max_open_orders),
      });
    case 'max_gross_exposure':
      return limitOf(limit, unit, {
        used: add(facts.exposure, facts.valueReserved),
        order: valued.value,
        max: mandate.maxGrossExposure,
      });
    case 'max_daily_value':
      return limitOf(limit, unit, {
        used: add(facts.valueUsed, facts.valueReserved),
        order: valued.value,
        max: mandate.maxDailyValue,
      });
    case 'max_daily_orders':
      return limitOf(limit, 'orders', {
        used: count(facts.ordersToday),
        order: facts.changes === undefined ? ONE_ORDER : NONE,
        max: count(mandate.document.max_daily_orders),
      });
    case 'max_daily_loss':
      return limitOf(limit, unit, { used: facts.lossToday, order: NONE, max: mandate.maxDailyLoss });
    default:
      return limit satisfies never;
  }
}

/** Every limit of the mandate with its figures for this order: what a preview shows and a refusal names. */
export function figures(facts: Facts, proposal: Proposal, valued: Valued): readonly LimitFigure[] {
  const { mandate } = facts;
  if (mandate === undefined) return [];
  const measured = { facts, mandate, proposal, valued };
  return (Object.keys(LIMITS) as LimitName[]).map((limit) => figureOf(limit, measured));
}

/** Why an order with a price of its own counts for more than that: the market is dearer, and no fill may leave what was counted. */
function byTheMarket({ terms }: Proposal, { unitPrice }: Valued): string {
  const own = [terms.limitPrice, terms.stopPrice].filter((one) => one !== undefined);
  if (unitPrice === undefined || own.length === 0 || own.some((one) => one.gte(unitPrice))) return '';
  return ` (valued at the market’s price and ${SLIPPAGE_PERCENT} %, ${text(unitPrice)})`;
}

type LimitReason = Exclude<LimitName, 'max_daily_loss'>;

/** What to do about a limit. */
const NEXT: { readonly [of in LimitReason]: string } = {
  max_order_qty: 'take a smaller quantity',
  max_order_value: 'take a smaller quantity',
  max_open_orders: 'cancel one or wait until one is filled',
  max_gross_exposure: 'take a smaller quantity or close something first',
  max_daily_value: 'take a smaller quantity or wait until tomorrow',
  max_daily_orders: 'wait until tomorrow',
};

/** Where not even one lot fits into the limit of one order, no quantity helps. */
function lotIsTooMuch(
  { instrument, accountCurrency }: Facts,
  { unitValue }: Valued,
  { maxOrderQty, maxOrderValue }: Mandate,
  reason: LimitReason,
): string | undefined {
  const { symbol, lot } = instrument;
  if (reason === 'max_order_qty' && maxOrderQty.lt(lot))
    return `one lot of ${symbol} is ${text(lot)} already, so that nothing can be ordered until the owner raises it`;
  if (reason !== 'max_order_value') return undefined;
  const worth = scale(unitValue, ratio(text(lot)));
  return worth.gt(maxOrderValue)
    ? `one lot of ${symbol} is worth ${text(worth)} ${accountCurrency} already, so that nothing can be ordered until the owner raises it`
    : undefined;
}

/** The first of these limits that used + order would go over. */
function over(
  facts: Facts,
  proposal: Proposal,
  valued: Valued,
  limits: readonly LimitReason[],
): Refusal | undefined {
  const { mandate } = facts;
  if (mandate === undefined) return undefined;
  for (const reason of limits) {
    const found = figureOf(reason, { facts, mandate, proposal, valued });
    if (add(money(found.used), money(found.order)).lte(found.max)) continue;
    const unit = found.unit === 'orders' ? '' : ` ${found.unit}`;
    const most = reason.startsWith('max_order_')
      ? `at most ${found.max}${unit}`
      : `${found.used} of ${found.max}${unit}`;
    const next = lotIsTooMuch(facts, valued, mandate, reason) ?? NEXT[reason];
    const how = reason === 'max_order_value' ? byTheMarket(proposal, valued) : '';
    return refuse(reason, `${LIMITS[reason]}: ${most}, this order ${found.order}${how}; ${next}.`, {
      limits: [found],
    });
  }
  return undefined;
}

/** Control 7: the larger of notional and quantity × price. */
export const orderSize = (facts: Facts, proposal: Proposal, valued: Valued): Refusal | undefined =>
  over(facts, proposal, valued, ['max_order_qty', 'max_order_value']);

/** Control 9. */
export const exposure = (facts: Facts, proposal: Proposal, valued: Valued): Refusal | undefined =>
  over(facts, proposal, valued, ['max_open_orders', 'max_gross_exposure']);

/** Control 10. What adds waits for everybody's messages in the account. */
export const daily = (facts: Facts, proposal: Proposal, valued: Valued): Refusal | undefined =>
  throttle(facts.account, facts.messagesLastSecond, 'orders') ??
  over(facts, proposal, valued, ['max_daily_value', 'max_daily_orders']);

/**
 * What only takes risk away waits for nobody else's messages. A close waits for none at all: the cancels that it sends first would
 * else stop it. Its own message counts all the same.
 */
export const throttleOfReduction = (facts: Facts, { origin }: Proposal): Refusal | undefined =>
  origin === 'agent'
    ? throttle(facts.account, facts.ownMessagesLastSecond, 'orders of one holder')
    : undefined;

function throttle(account: string, used: number, what: string): Refusal | undefined {
  if (used < ORDERS_PER_SECOND_MAX) return undefined;
  return refuse(
    'throttled',
    `More than ${ORDERS_PER_SECOND_MAX} ${what} in a second on ${account}; wait a second.`,
    {
      retry_after: 1,
      limits: [
        {
          limit: 'orders_per_second',
          used: String(used),
          order: '1',
          max: String(ORDERS_PER_SECOND_MAX),
          unit: 'orders',
        },
      ],
    },
  );
}

/** Control 11: what was lost today stops adding, even before the watch has put the agent into REDUCING. */
export function loss(facts: Facts): Refusal | undefined {
  const { mandate, lossToday } = facts;
  if (mandate === undefined || lossToday.lte('0') || lossToday.lt(mandate.maxDailyLoss)) return undefined;
  return refuse(
    'max_daily_loss',
    `Lost ${text(lossToday)} of ${text(mandate.maxDailyLoss)} ${facts.accountCurrency} today; only reducing orders are possible until tomorrow or the owner lifts it.`,
    {
      limits: [
        limitOf('max_daily_loss', facts.accountCurrency, {
          used: lossToday,
          order: money('0'),
          max: mandate.maxDailyLoss,
        }),
      ],
    },
  );
}
