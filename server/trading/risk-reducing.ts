/** Controls about reducing: shorts, reduce_only, what is an agent's to close, and how much of it is left. Pure. */
import { max, min, type Quantity, subtract, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { Mandate } from '#domain/mandate.ts';
import type { Side } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import type { Facts, Proposal } from './facts.ts';
import { opposes } from './holdings.ts';
import type { Reach } from './order-rows.ts';
import { canBeShort } from './risk-broker.ts';
import { isOwners } from './risk-mandate.ts';

/** Control 8: reduce-only is checked, not believed; a short needs the mandate's word and a margin account. */
export function shortRules(facts: Facts, { terms }: Proposal): Refusal | undefined {
  if (terms.reduceOnly) return notReducing(facts, terms, terms.qty);
  if (terms.side === 'buy') return undefined;
  // What working reducing sells will take of a long position can not be sold a second time.
  const free = facts.ownQty.gt('0') ? underProduct(facts, 'own', terms, facts.reducible) : facts.ownQty;
  const after = subtract(subtract(free, facts.workingSells), terms.qty);
  if (after.gte('0')) return undefined;
  if (!mandateAllowsShort(facts)) {
    return refuse(
      'short_not_allowed',
      `You own ${text(facts.ownQty)} ${facts.instrument.symbol}, of which ${text(ownLeft(facts, 'sell'))} is not being sold already; the mandate does not allow short sales.`,
    );
  }
  if (canBeShort(facts)) return undefined;
  return refuse(
    'short_not_allowed',
    facts.accountType === 'cash'
      ? `${facts.account} is a cash account; it can not sell short.`
      : `The broker of ${facts.account} takes no short sales.`,
  );
}

const mandateAllowsShort = (facts: Facts): boolean =>
  isOwners(facts) || facts.mandate?.document.allow_short === true;

/**
 * What of its own position an order may still reduce. Where its agent may not be short, what works as an adding sale comes off
 * too: it was assessed against what was held then, and filled beside a reduction it would leave a short.
 */
export function ownLeft(facts: Facts, side: Side): Quantity {
  if (side === 'buy' || (mandateAllowsShort(facts) && canBeShort(facts))) return facts.reducible;
  return max(subtract(facts.reducible, facts.workingSells), ZERO_QUANTITY);
}

/** Under a product nothing is reduced that is held under another: the order would open a position beside it. */
export function underProduct(
  { under }: Facts,
  whose: 'own' | 'account',
  { product }: Pick<Proposal['terms'], 'product'>,
  left: Quantity,
): Quantity {
  const most = product === undefined ? undefined : under?.[whose].get(product);
  return most === undefined ? left : min(left, most);
}

export const reduces = (side: Side, qty: Quantity, position: Quantity, left: Quantity): boolean =>
  opposes(side, position) && qty.lte(left);

function notReducing(facts: Facts, terms: Proposal['terms'], qty: Quantity): Refusal {
  const { side } = terms;
  const whole = opposes(side, facts.ownQty) || !reachesAccount(facts) ? undefined : facts.accountReducible;
  const [whose, position, left] =
    whole === undefined
      ? ['your position', facts.ownQty, underProduct(facts, 'own', terms, ownLeft(facts, side))]
      : ['the account’s position', facts.accountQty, underProduct(facts, 'account', terms, whole)];
  const most = opposes(side, position) ? text(left) : '0';
  return refuse(
    'not_reducing',
    `${side} ${text(qty)} would not only reduce: ${whose} is ${text(position)} and ${most} of it is still reducible${terms.product === undefined ? '' : ` as ${terms.product}`}.`,
    {
      limits: [{ limit: 'reducible', used: '0', order: text(qty), max: most, unit: 'units' }],
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

/** Whose position a reduction that is cleared now may take from; the owner's close reaches no further than its holder's. */
export const reachOf = (facts: Facts, { origin }: Proposal): Reach =>
  origin !== 'flatten' && reachesAccount(facts) ? 'account' : 'own';

/** Control 8 of a reduction: a change that takes no more than before passes, everything else must fit what is reducible. */
export function reducible(facts: Facts, { terms, origin }: Proposal): Refusal | undefined {
  if (facts.changes !== undefined && terms.qty.lte(facts.changes.qty)) return undefined;
  const left = subtract(terms.qty, facts.changes?.filledQty ?? ZERO_QUANTITY);
  // The owner's close does not wait for what its holder sells beyond the position.
  const own = origin === 'flatten' ? facts.reducible : ownLeft(facts, terms.side);
  if (reduces(terms.side, left, facts.ownQty, underProduct(facts, 'own', terms, own))) return undefined;
  const whole = underProduct(facts, 'account', terms, facts.accountReducible);
  if (reachesAccount(facts) && reduces(terms.side, left, facts.accountQty, whole)) return undefined;
  return notReducing(facts, terms, left);
}
