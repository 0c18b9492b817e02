/** Which sizes and prices belong to which order type: present when needed, refused when they would be ignored. */
import type { z } from 'zod';
import type { OrderType } from '#domain/order.ts';

interface Prices {
  readonly type: OrderType;
  readonly time_in_force: string;
  readonly qty?: string | undefined;
  readonly notional?: string | undefined;
  readonly limit_price?: string | undefined;
  readonly stop_price?: string | undefined;
  readonly trail_percent?: string | undefined;
  readonly trail_price?: string | undefined;
  readonly post_only: boolean;
}

/** A price that its type would ignore is a misunderstanding, and refused: the caller believes in a limit that is none. */
export function checkOrderPrices(order: Prices, context: z.core.$RefinementCtx): void {
  const wrong = (field: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [field], message });
  if (order.qty === undefined && order.notional === undefined) {
    wrong('qty', 'required: exactly one of qty and notional');
  }
  if (order.qty !== undefined && order.notional !== undefined) {
    wrong('notional', 'exactly one of qty and notional');
  }
  const takesLimit = order.type === 'limit' || order.type === 'stop_limit';
  const takesStop = order.type === 'stop' || order.type === 'stop_limit';
  checkPresence(wrong, { field: 'limit_price', order, taken: takesLimit, owners: 'limit and stop_limit' });
  checkPresence(wrong, { field: 'stop_price', order, taken: takesStop, owners: 'stop and stop_limit' });
  checkTrail(wrong, order);
  if (order.post_only && (order.type !== 'limit' || !['day', 'gtc'].includes(order.time_in_force))) {
    wrong('post_only', 'only for type limit with time_in_force day or gtc');
  }
}

type Wrong = (field: string, message: string) => void;

function checkPresence(
  wrong: Wrong,
  rule: {
    readonly field: 'limit_price' | 'stop_price';
    readonly order: Prices;
    readonly taken: boolean;
    readonly owners: string;
  },
): void {
  const given = rule.order[rule.field] !== undefined;
  if (rule.taken && !given) wrong(rule.field, `required for type ${rule.order.type}`);
  if (!rule.taken && given) {
    wrong(rule.field, `belongs to ${rule.owners}; type ${rule.order.type} takes none`);
  }
}

function checkTrail(wrong: Wrong, order: Prices): void {
  const given = (['trail_percent', 'trail_price'] as const).filter((field) => order[field] !== undefined);
  const [first] = given;
  if (order.type === 'trailing_stop') {
    if (first === undefined) wrong('trail_percent', 'required: exactly one of trail_percent and trail_price');
    if (given.length > 1) wrong('trail_price', 'exactly one of trail_percent and trail_price');
  } else if (first !== undefined) {
    wrong(first, `belongs to trailing_stop; type ${order.type} takes none`);
  }
}
