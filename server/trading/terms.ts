/** Terms of an order at work that became others: as its broker answered a change, or as it shows them unasked. */
import { max, proportion, text } from '#domain/decimal.ts';
import type { BrokerOrder } from '#ports.ts';
import { EXTERNAL_HOLDER } from './holdings.ts';
import { agentNameOf, type Line } from './line.ts';
import { endChange } from './order-changes.ts';
import type { StoredOrder } from './order-rows.ts';
import { transition } from './transition.ts';

/** Where an order rests at the broker, by what it has filled. */
export function restingState(
  order: Pick<StoredOrder, 'filledQty' | 'qty'>,
): 'open' | 'partially_filled' | 'filled' {
  if (order.filledQty.gte(order.qty)) return 'filled';
  return order.filledQty.gt('0') ? 'partially_filled' : 'open';
}

/** New terms take the place of the old ones, and with them what they reserve. */
export function acceptTerms(
  line: Line,
  order: StoredOrder,
  detail: string,
  brokerOrderId?: string,
): StoredOrder {
  if (order.pending === null) return order;
  const { terms, unitValue } = order.pending;
  endChange(line, order.orderId, { outcome: 'accepted' });
  const rests = restingState({ filledQty: order.filledQty, qty: terms.qty });
  return transition(line, order, {
    to: rests !== 'filled' && order.status === 'pending_cancel' ? 'pending_cancel' : rests,
    detail,
    patch: {
      qty: terms.qty,
      ...(terms.limitPrice ? { limitPrice: terms.limitPrice } : {}),
      ...(terms.stopPrice ? { stopPrice: terms.stopPrice } : {}),
      ...(terms.trail ? { trail: terms.trail } : {}),
      unitValue,
      pending: null,
      reason: null,
      ...(brokerOrderId === undefined ? {} : { brokerOrderId }),
    },
  });
}

type Terms = Pick<StoredOrder, 'qty' | 'limitPrice' | 'stopPrice' | 'type'>;

/** Whether the broker shows other terms; what it does not show is no difference, and a trailing stop's price moves by itself. */
export function differs(ours: Terms, told: BrokerOrder): boolean {
  if (!ours.qty.eq(told.qty)) return true;
  if (ours.limitPrice && told.limitPrice && !ours.limitPrice.eq(told.limitPrice)) return true;
  if (ours.type === 'trailing_stop') return false;
  return ours.stopPrice !== undefined && told.stopPrice !== undefined && !ours.stopPrice.eq(told.stopPrice);
}

/**
 * What the broker has at work counts, whatever became of the change that made it so: it is reserved, even beyond a limit, and the
 * owner is told.
 */
export function followTerms(line: Line, order: StoredOrder, told: BrokerOrder): StoredOrder {
  const { orderId, account, agent } = order;
  const limitPrice = order.limitPrice && (told.limitPrice ?? order.limitPrice);
  const stopPrice = order.stopPrice && (told.stopPrice ?? order.stopPrice);
  const terms = { qty: told.qty, ...(limitPrice ? { limitPrice } : {}), ...(stopPrice ? { stopPrice } : {}) };
  if (agent !== EXTERNAL_HOLDER)
    line.audit.record({
      kind: 'order.terms_followed',
      agent: agentNameOf(line, agent),
      account,
      outcome: 'ok',
      detail: { order_id: orderId, ours: termsText(order), broker: termsText(terms) },
    });
  return transition(line, order, {
    to: order.status,
    detail: `the broker has it at work for ${termsText(terms)}: that counts from now on`,
    patch: { ...terms, unitValue: dearer(order, terms) },
  });
}

/** A unit reserves as much more as a price is higher; one that is lower frees nothing, because the market may be what it was valued at. */
function dearer(order: StoredOrder, terms: Omit<Terms, 'type'>): StoredOrder['unitValue'] {
  let most = order.unitValue;
  for (const name of ['limitPrice', 'stopPrice'] as const) {
    const [ours, theirs] = [order[name], terms[name]];
    if (ours?.gt('0') && theirs) most = max(most, proportion(order.unitValue, theirs, ours));
  }
  return most;
}

/** `20, limit 99`, for people. */
const termsText = ({ qty, limitPrice, stopPrice }: Omit<Terms, 'type'>): string =>
  [
    text(qty),
    ...(limitPrice ? [`limit ${text(limitPrice)}`] : []),
    ...(stopPrice ? [`stop ${text(stopPrice)}`] : []),
  ].join(', ');
