/** One order: its terms, its state, whose it is, and everything that happened to it. */
import { z } from 'zod';
import { sum, ZERO_MONEY } from '#domain/decimal.ts';
import { ok } from '#domain/result.ts';
import type { OwnerOrderStory } from '#trading/owner-desk.ts';
import { approvalRow } from './approval-rows.ts';
import { auditRow } from './audit-rows.ts';
import { action, definePage, go, refused } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { shownMoney, textOrNone } from './figures.ts';
import { orderDecimals, orderRow, tradeDecimals, tradeRow } from './order-rows.ts';
import { cancelNotice } from './orders.ts';

export const order = definePage({
  path: '/orders/:order_id',
  title: 'Order',
  view: 'order.html',
  live: ['state', 'orders', 'audit'],
  load({ services, params }) {
    const found = services.trading.owner.order(params['order_id'] ?? '');
    return found.ok ? ok(storyPage(services, found.value)) : found;
  },
  actions: {
    cancel: action({
      input: z.strictObject({}),
      async run({ services, params }) {
        const orderId = params['order_id'] ?? '';
        const canceled = await services.trading.owner.cancel(orderId);
        if (!canceled.ok) return refused(canceled.error);
        const { status, symbol } = canceled.value;
        return go(`/admin/orders/${encodeURIComponent(orderId)}`, cancelNotice(orderId, symbol, status));
      },
    }),
  },
});

function storyPage(services: ConsoleServices, story: OwnerOrderStory) {
  const { order: told } = story;
  const instrument = services.book.byId(told.instrument);
  const trades = story.trades.map(tradeRow);
  const legs = story.legs.map((leg) => orderRow(services, leg));
  const approval = services.trading.owner.approvals.ofOrder(told.orderId);
  return {
    order: {
      ...orderRow(services, told),
      credential: told.credential,
      parent_order_id: told.parentOrderId,
      broker_client_id: told.brokerClientId,
      broker_order_id: told.brokerOrderId,
      take_profit: textOrNone(told.takeProfit),
      stop_loss: textOrNone(told.stopLoss),
    },
    approval: approval === undefined ? null : approvalRow(services, approval),
    instrument_name: instrument?.name ?? null,
    currency: instrument?.currency ?? '',
    evidence: story.evidence.map((one) => ({
      outcome: one.outcome,
      source: one.source,
      text: one.text,
      observed_at_ms: one.observedAtMs,
      recorded_at_ms: one.recordedAtMs,
      broker_said: one.brokerSaid,
    })),
    may_record: story.whyNoEvidence === null,
    timeline: timelineOf(story),
    trades,
    trade_decimals: tradeDecimals(trades),
    fees:
      trades.length === 0
        ? null
        : shownMoney(
            sum(
              ZERO_MONEY,
              story.trades.map(({ fee }) => fee),
            ),
          ),
    realised:
      trades.length === 0
        ? null
        : shownMoney(
            sum(
              ZERO_MONEY,
              story.trades.map(({ realised }) => realised),
            ),
          ),
    legs,
    leg_decimals: orderDecimals(legs),
    record: services.audit.linesOfOrder(told.orderId).map(auditRow),
  };
}

/** With the time since the entry before: what the way to the broker and back has taken. */
function timelineOf({ timeline }: OwnerOrderStory) {
  return timeline.map((entry, index) => {
    const before = timeline[index - 1];
    return {
      time_ms: entry.timeMs,
      status: entry.status,
      detail: entry.detail,
      after_ms: before === undefined ? null : entry.timeMs - before.timeMs,
    };
  });
}
