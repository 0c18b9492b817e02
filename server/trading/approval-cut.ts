/** What the owner may take away of an order while approving it: a smaller quantity, a tighter limit price, nothing else. */
import { type Price, type Quantity, text } from '#domain/decimal.ts';
import { fieldError, type Refusal, type RefusalReason, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { ApprovalEdit, ApprovalTerms } from './approval-desk.ts';
import type { StoredOrder } from './order-rows.ts';

export interface Cut {
  readonly qty?: Quantity;
  readonly limitPrice?: Price;
}

export const isCut = (cut: Cut): boolean => cut.qty !== undefined || cut.limitPrice !== undefined;

/** What the owner takes away; the same again is nothing, and more is refused: an approval widens nothing. */
export function cutOf(order: StoredOrder, { qty, limitPrice }: ApprovalEdit): Result<Cut, Refusal> {
  const loosens = (field: string, given: string, rule: string): Result<Cut, Refusal> =>
    err(
      refuse('loosening_refused', 'An approval can cut an order down, and not widen it. It still waits.', {
        errors: [fieldError(field, given, rule)],
        order_id: order.orderId,
      }),
    );
  if (qty?.gt(order.qty)) return loosens('qty', text(qty), `at most ${text(order.qty)}`);
  if (limitPrice !== undefined) {
    if (order.limitPrice === undefined)
      return err(
        refuse('invalid_input', `A ${order.type} order has no limit price. It still waits.`, {
          errors: [fieldError('limit_price', text(limitPrice), `a ${order.type} order has none`)],
          order_id: order.orderId,
        }),
      );
    const looser = order.side === 'buy' ? limitPrice.gt(order.limitPrice) : limitPrice.lt(order.limitPrice);
    const bound = order.side === 'buy' ? 'at most' : 'at least';
    if (looser) return loosens('limit_price', text(limitPrice), `${bound} ${text(order.limitPrice)}`);
  }
  return ok({
    ...(qty === undefined || qty.eq(order.qty) ? {} : { qty }),
    ...(limitPrice === undefined || (order.limitPrice && limitPrice.eq(order.limitPrice))
      ? {}
      : { limitPrice }),
  });
}

/** What a cut may bring about that the order itself does not: the owner corrects it, and nothing has ended. */
export const OF_A_CUT: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'invalid_input',
  'off_tick',
  'off_lot',
  'below_min_notional',
  'price_collar',
]);

export const inWords = ({ qty, limitPrice }: ApprovalTerms): string =>
  limitPrice === null ? text(qty) : `${text(qty)} at ${text(limitPrice)}`;
