/** Controls about authority: trading state, mandate, what and when it allows. Pure. */
import { text, ZERO_MONEY } from '#domain/decimal.ts';
import { OWNER_HOLDER } from '#domain/principal.ts';
import { type LimitFigure, type Refusal, refuse } from '#domain/refusal.ts';
import type { Facts, Proposal } from './facts.ts';
import { limitOf } from './risk-limits.ts';

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
        `Only cancels, smaller quantities and reducing orders are possible now: ${whyReducing(facts)}.`,
        {
          ...(isOwners(facts) ? {} : { verify_with: 'get_mandate' }),
          ...(reached(facts).length === 0 ? {} : { limits: reached(facts) }),
        },
      );
    case 'HALTED':
      return halted(facts);
    default:
      return facts.tradingState satisfies never;
  }
}

/** An agent's reasons in words; those of the gateway and of an account are words already. */
function whyReducing(facts: Facts): string {
  switch (facts.stateReason) {
    case null:
      return 'trading is reduced';
    case 'mandate_revoked':
      return 'the owner revoked the mandate';
    case 'mandate_expired':
      return 'the mandate has expired';
    case 'daily_loss':
      return lossInWords(facts);
    case 'repeated_refusals':
      return 'its orders were refused again and again, and only the owner lifts this';
    case 'repeated_executions':
      return 'it sent more orders than may be sent at a time, and only the owner lifts this';
    default:
      return facts.stateReason;
  }
}

/** A loss that has shrunk since it reached its limit keeps the agent from adding all the same. */
function lossInWords({ lossToday, mandate, accountCurrency: unit }: Facts): string {
  if (mandate === undefined) return 'the loss of today has reached its limit';
  const figures = `lost today: ${text(lossToday)} of ${text(mandate.maxDailyLoss)} ${unit}`;
  const until = 'until tomorrow or the owner lifts it';
  return lossToday.gte(mandate.maxDailyLoss)
    ? `${figures}, ${until}`
    : `${figures} now, and the limit was reached before, ${until}`;
}

/** The limits that only let reduce, with their figures. */
function reached(facts: Facts): readonly LimitFigure[] {
  const { stateReason, lossToday, mandate, accountCurrency } = facts;
  if (stateReason !== 'daily_loss' || mandate === undefined) return facts.accountReached;
  const figures = { used: lossToday, order: ZERO_MONEY, max: mandate.maxDailyLoss };
  return [limitOf('max_daily_loss', accountCurrency, figures), ...facts.accountReached];
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
      'This agent has no mandate, so no order passes. The owner gives it one in the console, under Agents, or with: portcullis mandates set.',
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
