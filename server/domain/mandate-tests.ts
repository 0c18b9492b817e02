/** Tests that a mandate carries: orders with what must become of them, so that an edit can not open what it was not meant to. */
import { z } from 'zod';
import { isDecimalText } from './decimal.ts';
import { SYMBOL_PATTERN } from './instrument.ts';
import { ORDER_TYPES, type OrderType, SIDES } from './order.ts';
import { NAME_PATTERN } from './principal.ts';
import { REFUSAL_REASONS } from './refusal.ts';

const decimal = z
  .union([z.string(), z.int().transform(String)])
  .refine(isDecimalText, { error: 'a decimal string such as "10" or "0.5"' });
const positive = decimal.refine((text) => !text.startsWith('-') && /[1-9]/.test(text), {
  error: 'a decimal string above 0, such as "10" or "0.5"',
});

type PriceField = 'limit_price' | 'stop_price' | 'trail_price' | 'trail_percent';
/** One of each list must be there. */
const PRICES_OF: { readonly [of in OrderType]: readonly (readonly PriceField[])[] } = {
  market: [],
  limit: [['limit_price']],
  stop: [['stop_price']],
  stop_limit: [['limit_price'], ['stop_price']],
  trailing_stop: [['trail_price', 'trail_percent']],
};
const PRICE_FIELDS: readonly PriceField[] = ['limit_price', 'stop_price', 'trail_price', 'trail_percent'];

const TestOrder = z
  .strictObject({
    /** Absent: the first account of the mandate. */
    account: z.string().regex(NAME_PATTERN).optional(),
    symbol: z.string().regex(SYMBOL_PATTERN),
    side: z.enum(SIDES),
    type: z.enum(ORDER_TYPES),
    qty: positive,
    limit_price: positive.optional(),
    stop_price: positive.optional(),
    trail_price: positive.optional(),
    trail_percent: positive.optional(),
    /** What the market trades at; absent: at the order's own price. */
    price: positive.optional(),
  })
  .superRefine((order, context) => {
    const needed = PRICES_OF[order.type];
    for (const fields of needed) {
      if (fields.filter((field) => order[field] !== undefined).length === 1) continue;
      const message = `${fields.join(' or ')} belongs to a ${order.type} order`;
      context.addIssue({ code: 'custom', path: [fields[0] ?? 'type'], message });
    }
    for (const field of PRICE_FIELDS) {
      if (order[field] === undefined || needed.flat().includes(field)) continue;
      context.addIssue({ code: 'custom', path: [field], message: `a ${order.type} order has none` });
    }
    if (order.price === undefined && order.limit_price === undefined && order.stop_price === undefined)
      context.addIssue({
        code: 'custom',
        path: ['price'],
        message: 'what the market trades at, because the order has no price of its own',
      });
  });

export const MandateTest = z
  .strictObject({
    /** The agent that the mandate is for; says what the test is about, and guards against the wrong file. */
    principal: z.string().regex(NAME_PATTERN).optional(),
    order: TestOrder,
    /** What the agent holds of the symbol, signed; absent: nothing. */
    position: decimal.optional(),
    expect: z.enum(['allow', 'approve', 'deny']),
    /** Why it must be denied. */
    reason: z.enum(REFUSAL_REASONS).optional(),
  })
  .refine(({ expect, reason }) => reason === undefined || expect === 'deny', {
    path: ['reason'],
    error: 'only with expect "deny"',
  });
export type MandateTest = z.output<typeof MandateTest>;
