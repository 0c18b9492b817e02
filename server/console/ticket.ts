/** The ticket: an order of the owner's own, previewed in figures first, and sent once. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { OrderDraft } from '#domain/order.ts';
import { accountId } from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { CONSOLE_ROWS_MAX, FORM_FIELD_LENGTH_MAX } from '#limits.ts';
import { DECIMAL_RULE, idempotencyKey } from '#tools/fields.ts';
import { inputSchemaOf } from '#tools/json-schema.ts';
import { draftOf, orderFields } from '#tools/order-draft.ts';
import { checkOrderPrices } from '#tools/order-prices.ts';
import { parseArguments } from '#tools/parse.ts';
import { action, definePage, go, refused, show } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { termsOf } from './order-rows.ts';
import { previewRow } from './preview-row.ts';
import { sentNotice } from './sent-notice.ts';

const input = z.strictObject(orderFields).superRefine(checkOrderPrices);
const FORM = { name: 'ticket', input, schema: inputSchemaOf(input) };

const entry = z.string().max(FORM_FIELD_LENGTH_MAX).default('');
const box = z.literal('yes').optional();
/** As the browser sends it: every text field, and the boxes that are ticked. */
const fields = z.strictObject({
  account: entry,
  symbol: entry,
  side: entry,
  qty: entry,
  notional: entry,
  type: entry,
  time_in_force: entry,
  limit_price: entry,
  stop_price: entry,
  trail_percent: entry,
  trail_price: entry,
  take_profit: entry,
  stop_loss: entry,
  client_order_id: entry,
  tag: entry,
  product: entry,
  post_only: box,
  reduce_only: box,
  extended_hours: box,
});
type Fields = z.output<typeof fields>;

export const ticket = definePage({
  path: '/ticket',
  title: 'Ticket',
  view: 'ticket.html',
  nav: { label: 'Ticket', group: 'trade' },
  load({ services, query }) {
    const accounts = services.trading.owner.statuses();
    return ok({
      accounts: accounts.map(({ id, mode }) => ({ id, mode })),
      /** Of all its accounts: one that does not know the chosen one refuses it. */
      products: [...new Set(accounts.flatMap(({ products }) => products))],
      symbols: services.markets
        .all()
        .instruments()
        .slice(0, CONSOLE_ROWS_MAX)
        .map(({ symbol, name }) => ({ symbol, name })),
      /** Another page may name the instrument; side, size and prices are nobody's but the owner's to say. */
      symbol: query['symbol'] ?? '',
    });
  },
  actions: {
    preview: action({
      input: fields,
      async run({ services }, entered) {
        const draft = draftFrom(services, entered);
        if (!draft.ok) return refused(draft.error);
        const previewed = await services.trading.owner.preview(draft.value);
        if (!previewed.ok) return refused(nothingSent(previewed.error));
        return show({
          entered,
          order: orderInFull(services, draft.value),
          preview: previewRow(previewed.value),
          key: randomBytes(16).toString('base64url'),
        });
      },
    }),
    // What stands here again has lost nothing, for the form is drawn from what was entered.
    edit: action({ input: fields, run: (_visit, entered) => show({ entered }) }),
    place: action({
      input: fields.extend({ key: idempotencyKey }),
      async run({ services }, { key, ...entered }) {
        const draft = draftFrom(services, entered);
        if (!draft.ok) return refused(draft.error);
        const placed = await services.trading.owner.placeOrder(draft.value, key);
        if (!placed.ok) return refused(placed.error.retry_safe ? nothingSent(placed.error) : placed.error);
        const { orderId, side, qty, symbol } = placed.value;
        return go(
          `/admin/orders/${encodeURIComponent(orderId)}`,
          sentNotice(placed.value, `Placed: ${side} ${qty.toFixed()} ${symbol}, as ${orderId}.`),
        );
      },
    }),
  },
});

const nothingSent = (refusal: Refusal): Refusal => ({
  ...refusal,
  detail: `Nothing was sent. ${refusal.detail}`,
});

/** By the rules of the tool that agents place orders with; an account is named, or is the only one there is. */
function draftFrom(services: ConsoleServices, entered: Fields): Result<OrderDraft, Refusal> {
  const { post_only, reduce_only, extended_hours, ...texts } = entered;
  const given = Object.fromEntries(
    Object.entries(texts).flatMap(([name, value]) => (value.trim() === '' ? [] : [[name, value.trim()]])),
  );
  const boxes = { post_only, reduce_only, extended_hours };
  const ticked = Object.entries(boxes).flatMap(([name, value]) => (value === 'yes' ? [[name, true]] : []));
  const parsed = parseArguments(FORM, { ...given, ...Object.fromEntries(ticked) });
  const accounts = services.trading.owner.statuses().map(({ id }) => id);
  const account = accounts.find((id) => id === given['account']);
  const errors: FieldError[] = [];
  if (account === undefined)
    errors.push(
      fieldError(
        'account',
        given['account'] ?? '',
        `one of ${accounts.join(', ') || 'none: there is no account yet'}`,
      ),
    );
  if (!parsed.ok)
    errors.push(...(parsed.error.errors ?? []).filter(({ field }) => field !== 'account').map(inWords));
  // Rules across fields are looked at when each field is right; who has left out the most obvious one is told at once.
  if (
    given['qty'] === undefined &&
    given['notional'] === undefined &&
    !errors.some(({ field }) => field === 'qty')
  )
    errors.push(fieldError('qty', '', 'required: a quantity, or an amount'));
  if (errors.length > 0 || account === undefined || !parsed.ok) return err(fieldsRefused(errors));
  return ok(draftOf(parsed.value.input, accountId(account)));
}

/** The rules of the tool in words for a person: the form shows what may be chosen, and knows no strings and no names of fields. */
const WORDS: readonly (readonly [RegExp | string, string])[] = [
  [/^required: one of.*$/s, 'required: choose one'],
  ['required: a string', 'required'],
  [DECIMAL_RULE, 'a number of more than 0, such as 12.5'],
  ['exactly one of qty and notional', 'a quantity or an amount, one of the two'],
  ['exactly one of trail_percent and trail_price', 'a percentage or a price to trail by, one of the two'],
  ['with time_in_force day or gtc', 'that is good for the day or gtc'],
  ['stop_limit', 'stop limit'],
  ['trailing_stop', 'trailing stop'],
];
const inWords = (error: FieldError): FieldError => ({
  ...error,
  rule: WORDS.reduce((rule, [tool, words]) => rule.replace(tool, words), error.rule),
});

const fieldsRefused = (errors: readonly FieldError[]): Refusal =>
  refuse(
    'invalid_input',
    errors.length === 1
      ? 'Nothing was sent: one field is not right yet.'
      : `Nothing was sent: ${errors.length} fields are not right yet.`,
    { errors },
  );

/** Every term that will be sent, read back from the draft itself and not from the form. */
function orderInFull({ book, trading, markets }: ConsoleServices, draft: OrderDraft) {
  const instrument = book.resolve(draft.symbol, [markets.scopeOf(draft.account)]);
  const { size, takeProfit, stopLoss } = draft;
  return {
    account: draft.account,
    mode: trading.owner.statuses().find(({ id }) => id === draft.account)?.mode ?? 'paper',
    symbol: draft.symbol,
    name: instrument.ok ? instrument.value.name : '',
    currency: instrument.ok ? instrument.value.currency : '',
    side: draft.side,
    notional: size.kind === 'notional' ? size.notional.toFixed() : null,
    ...termsOf(draft),
    take_profit: takeProfit?.toFixed() ?? null,
    stop_loss: stopLoss?.toFixed() ?? null,
    client_order_id: draft.clientOrderId ?? null,
    tag: draft.tag ?? null,
    product: draft.product ?? null,
  };
}
