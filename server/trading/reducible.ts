/** How much of a position may still be closed, and who has a claim to it: what it is, less what working reductions would take of it. */
import { absolute, max, min, type Quantity, subtract, sum, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { Side } from '#domain/order.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import { opposes } from './holdings.ts';
import type { Line } from './line.ts';
import { remainingQty, type StoredOrder } from './order-rows.ts';

/** Working reductions of one side. */
export interface ReducedAt {
  readonly account: AccountId;
  readonly instrument: InstrumentId;
  readonly side: Side;
}

/** What one order, or the legs of one bracket, would take. */
interface Claim {
  readonly agent: AgentId;
  readonly orders: readonly StoredOrder[];
  readonly qty: Quantity;
}

/** The legs of one bracket cancel each other, so a pair counts once, by what the entry has filled. */
function claimsOf(working: readonly StoredOrder[], line: Line): readonly Claim[] {
  const claims = new Map<string, Claim>();
  for (const order of working) {
    const key = order.parentOrderId ?? order.orderId;
    const takes = order.parentOrderId === null ? mostQty(order) : legTakes(line, order);
    const known = claims.get(key);
    claims.set(
      key,
      known
        ? { ...known, orders: [...known.orders, order], qty: max(known.qty, takes) }
        : { agent: order.agent, orders: [order], qty: takes },
    );
  }
  return [...claims.values()];
}

/** What may still be sold of a long (bought back of a short) position: its size less what working reducing orders would take. */
export function reducible(position: Quantity, working: readonly StoredOrder[], line: Line): Quantity {
  const side: Side = position.gt('0') ? 'sell' : 'buy';
  const against = working.filter((order) => order.side === side && order.effect === 'reducing');
  const taken = sum(
    ZERO_QUANTITY,
    claimsOf(against, line).map(({ qty }) => qty),
  );
  return max(subtract(absolute(position), taken), ZERO_QUANTITY);
}

/** A claim with what of it its own agent holds: what goes beyond would be somebody else's. */
interface Backed extends Claim {
  readonly own: Quantity;
}

/** Each agent's position is there for its brackets, stops and closes first, then for its oldest order. */
function backed(line: Line, at: ReducedAt, working: readonly StoredOrder[]): readonly Backed[] {
  const left = new Map<AgentId, Quantity>();
  return claimsOf(working, line)
    .toSorted((a, b) => Number(isProtective(b)) - Number(isProtective(a)))
    .map((claim) => {
      const has = left.get(claim.agent) ?? heldAgainst(line, at, claim.agent);
      const own = min(claim.qty, has);
      left.set(claim.agent, subtract(has, own));
      return { ...claim, own };
    });
}

/** A limit order alone leaves the position open until somebody pays its price. */
const isProtective = ({ orders }: Claim): boolean =>
  orders.some(({ parentOrderId, type }) => parentOrderId !== null || type !== 'limit');

/** What a holder has that an order of this side reduces. */
function heldAgainst(line: Line, { account, instrument, side }: ReducedAt, holder: string): Quantity {
  const { qty } = line.holdings.of(holder, account, instrument);
  return opposes(side, qty) ? absolute(qty) : ZERO_QUANTITY;
}

/** All that holders have on that side; agents that hold against each other do not count against each other. */
const heldByAll = (line: Line, at: ReducedAt): Quantity =>
  sum(
    ZERO_QUANTITY,
    line.holdings
      .holdersOf(at.account, at.instrument)
      .filter(({ qty }) => opposes(at.side, qty))
      .map(({ qty }) => absolute(qty)),
  );

const takesOthers = ({ orders }: Claim): boolean => orders.some(({ reach }) => reach === 'account');

/**
 * What the holders on one side have that none of these orders will take. An agent's orders take its own part, and with
 * `may_reduce: account` that of others: what is taken so can not be closed a second time by whom it belongs to.
 */
export function unclaimed(line: Line, at: ReducedAt, working: readonly StoredOrder[]): Quantity {
  const taken = backed(line, at, working).map((claim) => (takesOthers(claim) ? claim.qty : claim.own));
  return max(subtract(heldByAll(line, at), sum(ZERO_QUANTITY, taken)), ZERO_QUANTITY);
}

/** Orders that would take from somebody else than their own agent. */
export const takingFromOthers = (line: Line, at: ReducedAt): readonly StoredOrder[] =>
  backed(line, at, line.orders.reducing(at))
    .filter((claim) => takesOthers(claim) && claim.qty.gt(claim.own))
    .flatMap(({ orders }) => orders);

/**
 * Orders that have nothing left to reduce, since their position went by something else than themselves. What still protects a part
 * of one stays, however much larger it is.
 */
export function withNothingLeft(line: Line, at: ReducedAt): readonly StoredOrder[] {
  const working = line.orders.reducing(at).filter(({ status }) => status !== 'pending_cancel');
  if (working.length === 0) return [];
  const claims = backed(line, at, working);
  const own = claims.map((claim) => claim.own);
  let others = subtract(heldByAll(line, at), sum(ZERO_QUANTITY, own));
  const orphans = claims.filter((claim) => {
    const beyond = subtract(claim.qty, claim.own);
    if (beyond.eq('0')) return false;
    const found = takesOthers(claim) && others.gt('0');
    if (found) others = max(subtract(others, beyond), ZERO_QUANTITY);
    return claim.own.eq('0') && !found;
  });
  return orphans.flatMap(({ orders }) => orders);
}

/** A modify in flight may still leave either quantity: count the larger. */
export const mostQty = (order: StoredOrder): Quantity =>
  order.pending === null
    ? remainingQty(order)
    : max(remainingQty(order), subtract(order.pending.terms.qty, order.filledQty));

/** A leg is active up to what its entry has filled, less what the pair has closed already. */
function legTakes(line: Line, leg: StoredOrder): Quantity {
  if (leg.parentOrderId === null) return remainingQty(leg);
  const entry = line.orders.byId(leg.parentOrderId);
  if (entry === undefined) return remainingQty(leg);
  const closed = sum(
    ZERO_QUANTITY,
    line.orders.legsOf(leg.parentOrderId).map((order) => order.filledQty),
  );
  return max(min(remainingQty(leg), subtract(entry.filledQty, closed)), ZERO_QUANTITY);
}
