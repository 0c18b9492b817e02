/** Who closes what: an agent through its credential, or the owner in the name of whoever holds it. */
import { absolute, min, type Quantity, roundDownTo, text } from '#domain/decimal.ts';
import type { Product, Side } from '#domain/order.ts';
import type { AccountId, Actor } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { ReduceCommit } from './desk.ts';
import type { Facts, FactsFor, Proposal } from './facts.ts';
import { type HeldAs, heldInWords, heldProducts, mostUnder } from './held-products.ts';
import { ACCOUNT_HOLDER, opposes } from './holdings.ts';
import { agentNameOf, type Line } from './line.ts';
import { remainingQty, type StoredOrder } from './order-rows.ts';
import type { Outside } from './outside.ts';
import { takingFromOthers, unclaimed } from './reducible.ts';
import { canBeShort } from './risk-broker.ts';
import { mayReduceAccount } from './risk-reducing.ts';
import type { Permit } from './wire-gate.ts';

export interface CloseRequest {
  readonly account: AccountId;
  readonly symbol: string;
  /** Absent: all that the agent owns. */
  readonly qty?: Quantity;
  /** Absent: that of what is held, where the broker knows products. */
  readonly product?: Product;
  /** Closes what is of no known product alone, beside closes of the others. */
  readonly unknownProduct?: true;
}

export interface Closer {
  readonly agent: StoredOrder['agent'];
  readonly credential: string;
  readonly permit: Permit;
  readonly origin: 'close' | 'flatten';
  readonly by?: Actor;
  /** The call whose key the close belongs to. */
  readonly commit?: ReduceCommit;
}

/**
 * Whether a reducing order that is at work is the close that is asked for. An agent's own close, and one of the owner's, may be
 * for a part only: the owner's next one takes it back, like every other reducing order, when more than its rest is to be closed.
 */
export function isThisClose(
  order: StoredOrder,
  { agent, origin }: Closer,
  wanted: { readonly qty: Quantity; readonly product?: Product },
): boolean {
  if (order.agent !== agent || order.product !== wanted.product) return false;
  // One that is being taken back closes nothing any more: its end is waited for, and the close is sent anew.
  if (order.status === 'pending_cancel') return false;
  if (origin === 'flatten') return order.origin === 'flatten' && remainingQty(order).gte(wanted.qty);
  return order.origin === 'flatten' || order.origin === 'close';
}

/**
 * What is canceled before a close: what reduces the position already, and what would take it from its holder. Before the owner's,
 * and where its agent may not be short, also what its holder would sell (buy back) beyond it: filled first, such an order would leave
 * the close to open the other side.
 */
export function inTheWay(
  line: Line,
  closer: Closer,
  at: { readonly account: AccountId; readonly instrument: StoredOrder['instrument'] },
  as?: HeldAs,
): readonly StoredOrder[] {
  const { agent, by } = closer;
  const { qty } = line.holdings.of(agent, at.account, at.instrument);
  // What reduces under another product takes nothing of this one.
  const own = line.orders
    .reductionsOf({ agent, ...at })
    .filter(({ product }) => as === undefined || product === undefined || product === as);
  const first = [...own, ...fromOthers(line, closer, at, qty)];
  if (by?.kind !== 'owner' && mayBeShort(line, agent, at.account)) return first;
  const beyond = line.orders
    .working({ agent, ...at })
    .filter(({ effect, role, side }) => effect === 'adding' && role === 'entry' && opposes(side, qty));
  return [...first, ...beyond];
}

function mayBeShort(line: Line, agent: StoredOrder['agent'], account: AccountId): boolean {
  const adapter = line.adapters.get(account);
  if (adapter && !canBeShort({ accountType: adapter.accountType, broker: adapter.capabilities }))
    return false;
  return line.access.mandates.current(agent)?.document.allow_short === true;
}

/**
 * What others, who may close the account, would take of this position. An agent's own close cancels it only where there is not enough
 * for both, and leaves alone what closes at the market itself.
 */
function fromOthers(
  line: Line,
  { agent, origin }: Closer,
  at: Pick<StoredOrder, 'account' | 'instrument'>,
  qty: Quantity,
): readonly StoredOrder[] {
  if (qty.eq('0')) return [];
  const where = { ...at, side: qty.gt('0') ? ('sell' as const) : ('buy' as const) };
  const taking = takingFromOthers(line, where).filter(
    (order) => order.agent !== agent && order.origin !== 'flatten',
  );
  if (taking.length === 0 || origin === 'flatten') return taking;
  const besides = line.orders.reducing(where).filter((order) => order.agent !== agent);
  if (unclaimed(line, where, besides).gte(absolute(qty))) return [];
  return taking.filter(({ type }) => type !== 'market');
}

export function nothingToClose(line: Line, { agent, by }: Closer, symbol: string): Refusal {
  const [whose, have] = by?.kind === 'owner' ? [agentNameOf(line, agent), 'has'] : ['You', 'have'];
  return refuse('not_reducing', `${whose} ${have} no position in ${symbol} to close.`, {
    verify_with: 'get_positions',
  });
}

/** More than there is: refused before anything is canceled for it. */
export function moreThanHeld(
  line: Line,
  { agent, by }: Closer,
  seen: { readonly request: CloseRequest; readonly position: Quantity; readonly symbol: string },
): Refusal | undefined {
  const { qty } = seen.request;
  const most = absolute(seen.position);
  if (qty === undefined || qty.lte(most)) return undefined;
  const whose = by?.kind === 'owner' ? `The position of ${agentNameOf(line, agent)}` : 'Your position';
  return refuse('not_reducing', `${whose} in ${seen.symbol} is ${text(seen.position)}.`, {
    errors: [fieldError('qty', text(qty), 'at most the position', text(most))],
  });
}

/** What is closed: the agent's own position; where it may reduce the account and owns nothing, the account's. */
export function positionFor(
  line: Line,
  closer: Closer,
  account: AccountId,
  instrument: StoredOrder['instrument'],
): Quantity {
  const own = line.holdings.of(closer.agent, account, instrument).qty;
  if (!own.eq('0') || closer.origin === 'flatten') return own;
  const mandate = line.access.mandates.current(closer.agent);
  return mayReduceAccount(mandate, account, line.wallMs())
    ? line.holdings.of(ACCOUNT_HOLDER, account, instrument).qty
    : own;
}

/** The owner's flatten stands on the owner's word, in whose name ever it is; it reduces, so that no mandate is asked anyway. */
export const factsFor = ({ agent, origin }: Closer, account: AccountId, side: Side): FactsFor => ({
  authority: origin === 'flatten' ? 'owner' : 'mandate',
  agent,
  account,
  side,
});

/**
 * What is held is closed under the product it is held under: another one would open a position beside it. Where it is held under
 * several, the caller says which; a close takes no more than is held under its product.
 */
export function inProduct(
  line: Line,
  closer: Closer,
  request: CloseRequest,
  { instrument }: Pick<Outside, 'instrument'>,
): Result<CloseRequest & { readonly most?: Quantity }, Refusal> {
  const { account } = request;
  const own = line.holdings.of(closer.agent, account, instrument.id).qty;
  // What `positionFor` closes where the caller owns nothing itself.
  const holder = own.eq('0') && closer.origin !== 'flatten' ? ACCOUNT_HOLDER : closer.agent;
  const held = heldProducts(line, { holder, account, instrument: instrument.id });
  if (held.size === 0) return ok(request);
  const [only] = held.keys();
  const as = request.product ?? (request.unknownProduct || held.size > 1 ? 'unknown' : only);
  if (as === undefined) return ok(request);
  const split = held.size > 1 && request.product === undefined && request.unknownProduct !== true;
  const most = mostUnder(held, as);
  const byOwner = closer.origin === 'flatten';
  const whose = byOwner ? agentNameOf(line, closer.agent) : 'You';
  const holds = `${whose} ${whose === 'You' ? 'hold' : 'holds'} ${instrument.symbol} as ${heldInWords(held)}`;
  const errors = [fieldError('product', request.product ?? 'none', 'what is held', heldInWords(held))];
  if (split)
    return err(
      refuse(
        'invalid_input',
        `${holds}; nothing was sent. ${byOwner ? 'Flatten closes each by an order of its own.' : 'Say which to close: give product.'}`,
        { errors },
      ),
    );
  if (most.eq('0') || request.qty?.gt(most))
    return err(
      refuse('not_reducing', `${holds}; a close as ${as} takes at most ${text(most)}. Nothing was sent.`, {
        errors,
        verify_with: 'get_positions',
      }),
    );
  // A part of everything leaves what is of no known product to the close of that.
  const exact = held.size > 1 ? (held.get(as) ?? most) : most;
  return ok({ ...request, most: exact, ...(as === 'unknown' ? {} : { product: as }) });
}

/** The closes that everything takes: one for each product under which it is held. */
export function closesOf(
  line: Line,
  {
    holder,
    ...at
  }: { readonly holder: string; readonly account: AccountId; readonly instrument: StoredOrder['instrument'] },
): readonly Pick<CloseRequest, 'product' | 'unknownProduct'>[] {
  const held = [...heldProducts(line, { holder, ...at }).keys()];
  if (held.length < 2) return [{}];
  return held.map((as) => (as === 'unknown' ? { unknownProduct: true } : { product: as }));
}

/**
 * All of a position that can be traded. A fee in the coin itself leaves a part of a lot, which must not keep the rest in; and where
 * nobody can be short, the account may hold less than its holders own, which alone can be sold. Less than one lot is refused as that.
 */
export function wholeOf(
  line: Line,
  { account, most: allowed }: Pick<CloseRequest, 'account'> & { readonly most?: Quantity },
  { instrument, adapter }: Outside,
  position: Quantity,
): Quantity {
  const there = line.holdings.of(ACCOUNT_HOLDER, account, instrument.id).qty;
  const mayBeShort = canBeShort({ accountType: adapter.accountType, broker: adapter.capabilities });
  const most = allowed === undefined ? absolute(position) : min(allowed, absolute(position));
  const all = position.gt('0') && !mayBeShort && there.gt('0') ? min(most, there) : most;
  const lots = roundDownTo(all, instrument.lot);
  return lots.gt('0') ? lots : all;
}

/**
 * A market order that is good until canceled, so that outside the session it waits for the open instead of expiring; for as long as the
 * broker has one where it has none that stays.
 */
export function closeProposal(
  closer: Closer,
  request: CloseRequest,
  position: Quantity,
  broker: Facts['broker'],
): Proposal {
  return {
    terms: {
      side: position.gt('0') ? 'sell' : 'buy',
      qty: request.qty ?? absolute(position),
      type: 'market',
      timeInForce: broker.marketTimeInForce ?? 'gtc',
      postOnly: false,
      reduceOnly: false,
      extendedHours: false,
      ...(request.product === undefined ? {} : { product: request.product }),
    },
    origin: closer.origin,
  };
}
