/** Controls about what was asked before: the same order again, too many of them, and one that would trade with one's own side. Pure. */
import type { RepeatReason } from '#access/reducing.ts';
import { absolute, percentOf, type Quantity, ratio, subtract, text } from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { OrderTerms } from '#domain/order.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { COLLAR_PERCENT } from '#limits.ts';
import type { Facts, Proposal } from './facts.ts';
import type { StoredOrder } from './order-rows.ts';
import { isOwners } from './risk-mandate.ts';
import { worstPrice } from './valuation.ts';

/** Control 13: a client order id names one order of its agent, for ever (FIX: ClOrdID). */
export function clientOrderId(facts: Facts): Refusal | undefined {
  if (facts.sameClientOrderId === undefined) return undefined;
  return refuse('duplicate_order', 'Another order of yours has this client_order_id; nothing was sent.', {
    order_id: facts.sameClientOrderId,
    verify_with: `get_order {"order_id": "${facts.sameClientOrderId}"}`,
  });
}

/** Control 13a: while nobody knows whether the broker has an order, the same intent is not sent again, under any key. */
export function unclearTwin(facts: Facts, proposal: Proposal): Refusal | undefined {
  // A close takes back what works before it, and is refused itself while the outcome of that is not known.
  if (facts.changes !== undefined || proposal.origin !== 'agent') return undefined;
  const twin = facts.unclear.find((order) => isSame(order, proposal, facts.instrument));
  if (twin === undefined) return undefined;
  return refuse(
    'duplicate_order',
    `The same order is unclear: the broker may have ${twin.orderId} already. Nothing was sent; wait until it is known what became of it.`,
    { order_id: twin.orderId, verify_with: `get_order {"order_id": "${twin.orderId}"}` },
  );
}

function isSame(order: StoredOrder, proposal: Proposal, instrument: Instrument): boolean {
  const { terms, notional, takeProfit, stopLoss } = proposal;
  const same = notional === undefined ? order.qty.eq(terms.qty) : isNear(order.qty, terms.qty, instrument);
  return (
    order.side === terms.side &&
    order.type === terms.type &&
    same &&
    pricesOf(order, order) === pricesOf(terms, { takeProfit, stopLoss })
  );
}

/** What is asked for by its value comes to other units with every quote: a lot more or less, or as far as prices may move. */
function isNear(was: Quantity, is: Quantity, { lot, assetClass }: Instrument): boolean {
  const apart = absolute(subtract(is, was));
  return apart.lte(lot) || apart.lte(percentOf(was, ratio(COLLAR_PERCENT[assetClass])));
}

interface Legs {
  readonly takeProfit?: OrderTerms['limitPrice'] | null;
  readonly stopLoss?: OrderTerms['limitPrice'] | null;
}

function pricesOf({ limitPrice, stopPrice, trail }: OrderTerms, { takeProfit, stopLoss }: Legs): string {
  const trailed = trail?.kind === 'price' ? trail.distance : trail?.percent;
  return [limitPrice, stopPrice, trail?.kind, trailed, takeProfit, stopLoss]
    .map((one) => (typeof one === 'string' ? one : (one?.toFixed() ?? '')))
    .join(' ');
}

/** Control 14: one more than may be sent within the window; what stores the refusal lets the agent only reduce. */
export function repeats(facts: Facts): Refusal | undefined {
  const { executions } = facts;
  if (executions === undefined || facts.approved) return undefined;
  const { used, rate } = executions;
  if (used < rate.count) return undefined;
  return refuse(
    'trading_reducing',
    `${used} orders and changes sent within a ${rate.per}, the most that may be (PORTCULLIS_THROTTLE_EXECUTIONS): only cancels and reducing orders are possible until the owner lifts it.`,
    {
      limits: [
        {
          // `noteRefused` stops the agent by this name.
          limit: 'repeated_executions' satisfies RepeatReason,
          used: String(used),
          order: '1',
          max: String(rate.count),
          unit: `orders per ${rate.per}`,
        },
      ],
      verify_with: 'get_mandate',
    },
  );
}

/** Control 15: an order must not trade with one of another holder in the same account, whoever that is. */
export function selfMatch(facts: Facts, { terms }: Proposal): Refusal | undefined {
  const { opposing, quote } = facts;
  if (opposing === undefined || quote === undefined) return undefined;
  const reach = worstPrice(terms, quote);
  if (terms.side === 'buy' ? reach.lt(opposing) : reach.gt(opposing)) return undefined;
  const other = terms.side === 'buy' ? 'sells' : 'buys';
  const stay = terms.side === 'buy' ? 'below' : 'above';
  return refuse(
    'self_match',
    `An order of somebody else in the account ${facts.account} ${other} ${facts.instrument.symbol} at ${text(opposing)}, and this one could trade with it at up to ${text(reach)}; use a limit ${stay} ${text(opposing)}, or wait until it is gone.`,
    isOwners(facts) ? {} : { verify_with: 'get_quotes' },
  );
}
