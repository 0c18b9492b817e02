/** Controls about authority: trading state, mandate, limits an order and a day, reducing. Pure. */
import { add, type Money, money, type Quantity, subtract, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { Mandate } from '#domain/mandate.ts';
import type { Side } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { type LimitFigure, type Refusal, refuse } from '#domain/refusal.ts';
import { ORDERS_PER_SECOND_MAX } from '#limits.ts';
import type { Facts, Proposal } from './facts.ts';
import { opposes } from './ledger.ts';
import type { Valued } from './valuation.ts';

/** Control 1 for an order that may add risk. */
export function tradingState(facts: Facts): Refusal | undefined {
  switch (facts.tradingState) {
    case 'ACTIVE':
      return undefined;
    case 'REDUCING':
      if (facts.mandate && isExpired(facts)) return expired(facts);
      return refuse(
        'trading_reducing',
        `Only cancels, smaller quantities and reducing orders are possible now: ${facts.stateReason ?? 'trading is reduced'}.`,
        {
          verify_with: 'get_mandate',
        },
      );
    case 'HALTED':
      return halted(facts);
    default:
      return facts.tradingState satisfies never;
  }
}

/** Halted: an agent may cancel and close its own (the close tools), nothing else. */
export function stateForReduction(facts: Facts, { origin }: Proposal): Refusal | undefined {
  return facts.tradingState === 'HALTED' && origin === 'agent' ? halted(facts) : undefined;
}

const halted = (facts: Facts): Refusal =>
  refuse(
    'trading_halted',
    `Trading is halted: ${facts.stateReason ?? 'by the owner'}. Cancels and closes of your own still work; only the owner resumes.`,
    {
      verify_with: 'get_mandate',
    },
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

/** Every limit of the mandate with its figures for this order: what a preview shows and a refusal names. */
export function figures(facts: Facts, { terms }: Proposal, valued: Valued): readonly LimitFigure[] {
  const { mandate, accountCurrency: unit } = facts;
  if (mandate === undefined) return [];
  const none = money('0');
  const inUse = add(facts.valueUsed, facts.valueReserved);
  const one = facts.changes === undefined ? count(1) : none;
  return [
    {
      limit: 'max_order_qty',
      used: '0',
      order: text(terms.qty),
      max: text(mandate.maxOrderQty),
      unit: 'units',
    },
    limitOf('max_order_value', unit, { used: none, order: valued.value, max: mandate.maxOrderValue }),
    limitOf('max_open_orders', 'orders', {
      used: count(facts.openOrders),
      order: count(1),
      max: count(mandate.document.max_open_orders),
    }),
    limitOf('max_gross_exposure', unit, {
      used: add(facts.exposure, facts.valueReserved),
      order: valued.value,
      max: mandate.maxGrossExposure,
    }),
    limitOf('max_daily_value', unit, { used: inUse, order: valued.value, max: mandate.maxDailyValue }),
    limitOf('max_daily_orders', 'orders', {
      used: count(facts.ordersToday),
      order: one,
      max: count(mandate.document.max_daily_orders),
    }),
    limitOf('max_daily_loss', unit, { used: facts.lossToday, order: none, max: mandate.maxDailyLoss }),
  ];
}

type LimitReason =
  | 'max_order_qty'
  | 'max_order_value'
  | 'max_open_orders'
  | 'max_gross_exposure'
  | 'max_daily_value'
  | 'max_daily_orders';

/** The first of these limits that used + order would go over. */
function over(
  facts: Facts,
  proposal: Proposal,
  valued: Valued,
  limits: readonly LimitReason[],
): Refusal | undefined {
  const all = figures(facts, proposal, valued);
  for (const reason of limits) {
    const found = all.find((entry) => entry.limit === reason);
    if (found === undefined || add(money(found.used), money(found.order)).lte(found.max)) continue;
    const words = reason.replace('max_', '').replaceAll('_', ' ');
    const before = found.used === '0' ? '' : `${found.used} of ${found.max} in use, `;
    return refuse(
      reason,
      `Over the limit of ${words}: ${before}this order ${found.order}, at most ${found.max} ${found.unit}.`,
      {
        limits: [found],
      },
    );
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

/** Control 8: reduce-only is checked, not believed; a short needs the mandate's word and a margin account. */
export function shortRules(facts: Facts, { terms }: Proposal): Refusal | undefined {
  if (terms.reduceOnly) return notReducing(facts, terms.side, terms.qty);
  if (terms.side === 'buy') return undefined;
  // What working reducing sells will take of a long position can not be sold a second time.
  const free = facts.ownQty.gt('0') ? facts.reducible : facts.ownQty;
  const after = subtract(subtract(free, facts.workingSells), terms.qty);
  if (after.gte('0')) return undefined;
  if (facts.mandate?.document.allow_short !== true) {
    return refuse(
      'short_not_allowed',
      `You own ${text(facts.ownQty)} ${facts.instrument.symbol}, of which ${text(facts.reducible)} is not being sold already; the mandate does not allow short sales.`,
    );
  }
  if (facts.accountType === 'cash') {
    return refuse('short_not_allowed', `${facts.account} is a cash account; it can not sell short.`);
  }
  return undefined;
}

export const reduces = (side: Side, qty: Quantity, position: Quantity, left: Quantity): boolean =>
  opposes(side, position) && qty.lte(left);

function notReducing(facts: Facts, side: Side, qty: Quantity): Refusal {
  const whole = opposes(side, facts.ownQty) || !reachesAccount(facts) ? undefined : facts.accountReducible;
  const [whose, position, left] =
    whole === undefined
      ? ['your position', facts.ownQty, facts.reducible]
      : ['the account’s position', facts.accountQty, whole];
  const max = opposes(side, position) ? text(left) : '0';
  return refuse(
    'not_reducing',
    `${side} ${text(qty)} would not only reduce: ${whose} is ${text(position)} and ${max} of it is still reducible.`,
    {
      limits: [{ limit: 'reducible', used: '0', order: text(qty), max, unit: 'units' }],
      verify_with: 'get_positions',
    },
  );
}

/**
 * Whether a mandate lets its agent close and cancel what others opened in an account: only while it is in force, and only in
 * the accounts it names. What the agent opened itself needs no mandate to be closed.
 */
export function mayReduceAccount(
  mandate: Mandate | undefined,
  account: AccountId,
  wallMs: number,
): mandate is Mandate {
  if (mandate === undefined || mandate.document.may_reduce !== 'account') return false;
  const expired = mandate.expiresAtMs !== null && mandate.expiresAtMs <= wallMs;
  return mandate.revokedAtMs === null && !expired && mandate.accounts.has(account);
}

/** Whether what the whole account holds counts for this agent; halted, it may only close its own. */
export const reachesAccount = (facts: Facts): boolean =>
  facts.tradingState !== 'HALTED' && mayReduceAccount(facts.mandate, facts.account, facts.wallMs);

/** Control 8 of a reduction: a change that takes no more than before passes, everything else must fit what is reducible. */
export function reducible(facts: Facts, { terms }: Proposal): Refusal | undefined {
  if (facts.changes !== undefined && terms.qty.lte(facts.changes.qty)) return undefined;
  const left = subtract(terms.qty, facts.changes?.filledQty ?? ZERO_QUANTITY);
  if (reduces(terms.side, left, facts.ownQty, facts.reducible)) return undefined;
  if (reachesAccount(facts) && reduces(terms.side, left, facts.accountQty, facts.accountReducible))
    return undefined;
  return notReducing(facts, terms.side, left);
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

/** A client order id names one order of its agent, for ever (FIX: ClOrdID). */
export function clientOrderId(facts: Facts): Refusal | undefined {
  if (facts.sameClientOrderId === undefined) return undefined;
  return refuse('duplicate_order', 'Another order of yours has this client_order_id; nothing was sent.', {
    order_id: facts.sameClientOrderId,
    verify_with: `get_order {"order_id": "${facts.sameClientOrderId}"}`,
  });
}
