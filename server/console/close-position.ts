/** Closing what a holder has, or a part of it: side, quantity and consequences first, the close second. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { quantity } from '#domain/decimal.ts';
import { accountId, agentId } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { idempotencyKey, symbol, units } from '#tools/fields.ts';
import type { OwnerClose } from '#trading/owner-desk.ts';
import { action, definePage, go, refused } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { shownMoney } from './figures.ts';
import { orderRow } from './order-rows.ts';
import { positionRow } from './position-rows.ts';
import { previewRow } from './preview-row.ts';
import { sentNotice } from './sent-notice.ts';

const wanted = z.strictObject({
  holder: z.string().min(1).max(64),
  account: z.string().min(1).max(64),
  symbol,
  /** Empty: all of it. */
  qty: z.union([z.literal(''), units()]),
});

export const closePosition = definePage({
  path: '/close-position',
  title: 'Close a position',
  view: 'close-position.html',
  async load({ services, query }) {
    const { holder = '', account = '', symbol: of = '', qty = '' } = query;
    const asked = closeOf({ holder, account, symbol: of, qty: qty.trim() });
    const whole = closeOf({ holder, account, symbol: of, qty: '' });
    if (!whole.ok) return whole;
    const held = heldBy(services, whole.value);
    if (held === undefined)
      return err(
        refuse(
          'not_found',
          'Nothing is held there any more, so there is nothing to close; look at Positions.',
        ),
      );
    const looked = asked.ok ? await services.trading.owner.previewClose(asked.value) : asked;
    return ok({
      position: held,
      qty,
      refusal: looked.ok ? null : { detail: whyNot(looked.error) },
      preview: looked.ok && looked.value.preview !== null ? previewRow(looked.value.preview) : null,
      would_cancel: (looked.ok ? looked.value.wouldCancel : []).flatMap((id) => {
        const story = services.trading.owner.order(id);
        return story.ok ? [orderRow(services, story.value.order)] : [];
      }),
      key: randomBytes(16).toString('base64url'),
    });
  },
  actions: {
    now: action({
      input: wanted.extend({ key: idempotencyKey }),
      async run({ services }, { key, ...fields }) {
        const close = closeOf(fields);
        if (!close.ok) return refused(close.error);
        const closed = await services.trading.owner.closePosition(close.value, key);
        if (!closed.ok) return refused(closed.error);
        const { order, canceled } = closed.value;
        if (order === null)
          return go('/admin/positions', 'Nothing was sent: there was nothing left to close.');
        const orders = canceled.length === 1 ? 'order' : 'orders';
        const before = canceled.length === 0 ? '' : ` ${canceled.length} working ${orders} canceled first.`;
        return go(
          `/admin/orders/${encodeURIComponent(order.orderId)}`,
          sentNotice(
            order,
            `Sent: ${order.side} ${order.qty.toFixed()} ${order.symbol}, which closes that much of the position.${before}`,
          ),
        );
      },
    }),
  },
});

function closeOf(fields: Readonly<Record<string, string>>): Result<OwnerClose, Refusal> {
  const parsed = wanted.safeParse(fields);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => {
      const field = String(issue.path[0] ?? '');
      const isQty = field === 'qty';
      return fieldError(
        field,
        fields[field] ?? '',
        isQty ? 'units, more than 0, such as 12.5; empty for all' : issue.message,
      );
    });
    const rules = errors.map(({ field, rule }) => `${field}: ${rule}`).join('; ');
    return err(refuse('invalid_input', `Nothing was sent. ${rules}.`, { errors }));
  }
  const { holder, account, symbol: of, qty } = parsed.data;
  return ok({
    holder: agentId(holder),
    account: accountId(account),
    symbol: of,
    ...(qty === '' ? {} : { qty: quantity(qty) }),
  });
}

/** A part that can not be closed is changed in the field above; what was wrong with it is said already. */
const whyNot = ({ detail }: Refusal): string =>
  detail.startsWith('Nothing was sent')
    ? detail
    : `Nothing was sent. ${detail} Enter another quantity, or none for all of it.`;

function heldBy(services: ConsoleServices, { holder, account, symbol: of }: OwnerClose) {
  const found = services.trading.owner
    .positions({ account, symbol: of, status: 'open' })
    .find((position) => position.holder === holder);
  return (
    found && { ...positionRow(services, found), value: found.marketValue && shownMoney(found.marketValue) }
  );
}
