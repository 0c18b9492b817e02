/** Controls about authority: trading state, mandate, limits an order and a day. Pure. */
import { add, type Money, money, text } from '#domain/decimal.ts';
import type { Mandate } from '#domain/mandate.ts';
import { OWNER_HOLDER } from '#domain/principal.ts';
import { type LimitFigure, type Refusal, refuse } from '#domain/refusal.ts';
import { ORDERS_PER_SECOND_MAX } from '#limits.ts';
import type { Facts, Proposal } from './facts.ts';
import type { Valued } from './valuation.ts';

/**
 * The owner needs no mandate, and nobody else is ever without one: both the authority that the order was placed under and the
 * holder it is for must be the owner's, so that a mistake about one of them opens nothing.
 */
export const isOwners = (facts: Facts): boolean =>
  facts.authority === 'owner' && facts.agent === OWNER_HOLDER;

/** Control 1 for an order that may add risk. */
export function tradingState(facts: Facts): Refusal | undefined {
  switch (facts.tradingState) {
    case 'ACTIVE':
      return undefined;
    case 'REDUCING':
      if (facts.mandate && isExpired(facts)) return expired(facts);
      return refuse(
        'trading_reducing',
        `Only cancels, smaller quantities and reducing orders are possible now: ${whyReducing(facts.stateReason)}.`,
        isOwners(facts) ? {} : { verify_with: 'get_mandate' },
      );
    case 'HALTED':
      return halted(facts);
    default:
      return facts.tradingState satisfies never;
  }
}

/** An agent's reasons in words; those of the gateway and of an account are words already. */
function whyReducing(reason: string | null): string {
  switch (reason) {
    case null:
      return 'trading is reduced';
    case 'mandate_revoked':
      return 'the owner revoked the mandate';
    case 'mandate_expired':
      return 'the mandate has expired';
    case 'daily_loss':
      return 'the loss of today has reached its limit';
    case 'repeated_refusals':
      return 'its orders were refused again and again, and only the owner lifts this';
    case 'repeated_executions':
      return 'it sent more orders than may be sent at a time, and only the owner lifts this';
    default:
      return reason;
  }
}

/** Halted: an agent may cancel and close its own (the close tools), nothing else. The owner may reduce all the same. */
export function stateForReduction(facts: Facts, { origin }: Proposal): Refusal | undefined {
  if (isOwners(facts)) return undefined;
  return facts.tradingState === 'HALTED' && origin === 'agent' ? halted(facts) : undefined;
}

const halted = (facts: Facts): Refusal =>
  refuse(
    'trading_halted',
    `Trading is halted: ${facts.stateReason ?? 'by the owner'}. ${isOwners(facts) ? 'Cancels, closes and reducing orders still work; resume first.' : 'Cancels and closes of your own still work; only the owner resumes.'}`,
    isOwners(facts) ? {} : { verify_with: 'get_mandate' },
  );

const isExpired = (facts: Facts): boolean =>
  facts.mandate?.expiresAtMs !== null &&
  facts.mandate !== undefined &&
  facts.mandate.expiresAtMs <= facts.wallMs;

const expired = (facts: Facts): Refusal =>
  refuse(
    'mandate_expired',
    `The mandate ended at ${facts.mandate?.document.expires_at ?? 'its time'}; closing is still possible, and the owner can set a new one.`,
  );

/** Control 2. */
export function mandateLive(facts: Facts): Refusal | undefined {
  const { mandate } = facts;
  if (isOwners(facts)) return undefined;
  if (mandate === undefined || mandate.revokedAtMs !== null) {
    return refuse(
      'no_mandate',
      `The agent ${facts.agent} has no mandate; the owner sets one with: portcullis mandates set.`,
    );
  }
  if (isExpired(facts)) return expired(facts);
  if (mandate.accounts.has(facts.account)) return undefined;
  return refuse(
    'account_not_allowed',
    `The mandate covers ${[...mandate.accounts].join(', ')}, not ${facts.account}.`,
    {
      did_you_mean: [...mandate.accounts],
    },
  );
}

export function mandateAdmits(facts: Facts, { terms }: Proposal): Refusal | undefined {
  const { mandate, instrument } = facts;
  if (mandate === undefined) return undefined;
  const { document } = mandate;
  const classes = document.asset_classes;
  const listed = mandate.instruments === 'any' || mandate.instruments.has(instrument.id);
  if (!listed || (classes !== undefined && !classes.includes(instrument.assetClass))) {
    return refuse(
      'symbol_not_allowed',
      `The mandate does not cover ${instrument.symbol}; it covers ${document.symbols.join(', ')}${classes ? ` (${classes.join(', ')})` : ''}.`,
    );
  }
  if (!document.sides.includes(terms.side)) {
    return refuse('side_not_allowed', `The mandate allows ${document.sides.join(', ')}, not ${terms.side}.`);
  }
  if (!document.order_types.includes(terms.type)) {
    return refuse(
      'order_type_not_allowed',
      `The mandate allows ${document.order_types.join(', ')}, not ${terms.type}.`,
    );
  }
  return undefined;
}

export function tradingHours(facts: Facts): Refusal | undefined {
  if (facts.mandate === undefined) return undefined;
  const hours = facts.mandate.document.trading_hours;
  if (hours === 'session') {
    if (facts.phase === undefined || facts.phase.phase === 'open') return undefined;
    return refuse(
      'outside_trading_hours',
      `The mandate allows orders during the session of ${facts.instrument.symbol} only.`,
    );
  }
  if (facts.withinHours || hours === 'any') return undefined;
  return refuse(
    'outside_trading_hours',
    `The mandate allows orders on ${hours.days.join(', ')} from ${hours.from} to ${hours.to} ${hours.timezone}.`,
  );
}

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
    return refuse(reason, `${LIMITS[reason]}: ${most}, this order ${found.order}; ${NEXT[reason]}.`, {
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

/** Control 10. */
export const daily = (facts: Facts, proposal: Proposal, valued: Valued): Refusal | undefined =>
  throttle(facts) ?? over(facts, proposal, valued, ['max_daily_value', 'max_daily_orders']);

/** A close is never made to wait: the cancels that it sends first would else stop it. Its own message counts all the same. */
export const throttleOfReduction = (facts: Facts, { origin }: Proposal): Refusal | undefined =>
  origin === 'agent' ? throttle(facts) : undefined;

export function throttle(facts: Facts): Refusal | undefined {
  if (facts.messagesLastSecond < ORDERS_PER_SECOND_MAX) return undefined;
  return refuse(
    'throttled',
    `More than ${ORDERS_PER_SECOND_MAX} orders in a second on ${facts.account}; wait a second.`,
    {
      retry_after: 1,
      limits: [
        {
          limit: 'orders_per_second',
          used: String(facts.messagesLastSecond),
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
