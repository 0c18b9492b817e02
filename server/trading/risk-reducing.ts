/** Controls about reducing: shorts, reduce_only, what is an agent's to close, and how much of it is left. Pure. */
import { type Quantity, subtract, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { Mandate } from '#domain/mandate.ts';
import type { Side } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import type { Facts, Proposal } from './facts.ts';
import { opposes } from './ledger.ts';
import { isOwners } from './risk-mandate.ts';

/** Control 8: reduce-only is checked, not believed; a short needs the mandate's word and a margin account. */
export function shortRules(facts: Facts, { terms }: Proposal): Refusal | undefined {
  if (terms.reduceOnly) return notReducing(facts, terms.side, terms.qty);
  if (terms.side === 'buy') return undefined;
  // What working reducing sells will take of a long position can not be sold a second time.
  const free = facts.ownQty.gt('0') ? facts.reducible : facts.ownQty;
  const after = subtract(subtract(free, facts.workingSells), terms.qty);
  if (after.gte('0')) return undefined;
  if (!isOwners(facts) && facts.mandate?.document.allow_short !== true) {
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
