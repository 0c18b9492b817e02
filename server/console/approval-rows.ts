/** Orders that wait for the owner's word, and those that had it, as templates take them: figures of ours, words of the agent apart. */
import { isZero, money, type Price, roundNearestTo, text } from '#domain/decimal.ts';
import type { LimitFigure } from '#domain/refusal.ts';
import type { ApprovalCard, ApprovalTerms } from '#trading/approval-desk.ts';
import { percentOf } from './agent-views.ts';
import type { ConsoleServices } from './desks.ts';
import { shownMoney, shownPrice, shownPriceOrNone, textOrNone } from './figures.ts';
import { LIMIT_FIELDS } from './mandate-form.ts';
import { orderRow, reasonInWords } from './order-rows.ts';

type Services = Pick<ConsoleServices, 'book' | 'clock'>;

export function approvalRow(services: Services, card: ApprovalCard) {
  const { order, account, collar } = card;
  const tick = services.book.byId(order.instrument)?.tick;
  const leftMs = Math.max(0, card.expiresAtMs - services.clock.wallMs());
  return {
    id: card.id,
    digest: card.digest,
    order: orderRow(services, order),
    agent: card.agentName,
    credential: card.credential,
    door: card.door,
    note: card.note,
    instrument_name: card.instrumentName,
    why_asked: card.whyAsked,
    requested_at_ms: card.requestedAtMs,
    expires_at_ms: card.expiresAtMs,
    left_ms: leftMs,
    left_percent: Math.min(100, (100 * leftMs) / Math.max(1, card.expiresAtMs - card.requestedAtMs)),
    reference_price: shownPrice(card.referencePrice, tick),
    reference_now: shownPriceOrNone(card.referenceNow, tick),
    estimated_price: shownPrice(card.estimatedPrice, tick),
    value: shownMoney(card.value),
    percent_of_equity: card.percentOfEquity,
    collar: {
      percent: collar.percent,
      /** Of the order's own price from the price now. */
      distance_percent: collar.distancePercent,
      /** Between these the price may go before the card has to be looked at anew. */
      low: boundOf(collar.low, tick),
      high: boundOf(collar.high, tick),
    },
    limits: card.limits.map(limitAfter),
    position_now: text(card.positionNow),
    position_after: text(card.positionAfter),
    take_profit: textOrNone(card.takeProfit),
    stop_loss: textOrNone(card.stopLoss),
    // They are words to the agent.
    warnings: card.warnings.map((warning) => warning.replace('your position', 'its own position')),
    would_refuse: card.wouldRefuse && {
      ...reasonInWords(card.wouldRefuse.reason),
      detail: card.wouldRefuse.detail,
    },
    account: {
      id: account.id,
      mode: account.mode,
      currency: account.currency,
      equity: shownMoney(account.equity),
    },
    decision: card.decision,
    decided_at_ms: card.decidedAtMs,
    decided_door: card.decidedDoor,
    reason: reasonInWords(card.reason),
    edited: card.edited && { asked: termsRow(card.edited.asked), approved: termsRow(card.edited.approved) },
  };
}

const CENT = money('0.01');

const boundOf = (at: Price, tick: Price | undefined): string =>
  tick === undefined ? shownPrice(at, tick) : text(roundNearestTo(at, tick));

const termsRow = ({ qty, limitPrice }: ApprovalTerms) => ({
  qty: text(qty),
  limit_price: textOrNone(limitPrice),
});

const LABELS: ReadonlyMap<string, string> = new Map([
  ...LIMIT_FIELDS.map(({ name, label }) => [name, label] as const),
  ['approval_above', 'Without your approval'],
  ['buying_power', 'Buying power'],
  ['account_max_daily_loss', 'Loss of the account in a day'],
  ['account_max_drawdown', 'Drawdown of the account'],
  ['account_max_positions', 'Positions of the account'],
]);
const COUNTED: ReadonlySet<string> = new Set(['orders', 'units', 'positions']);

/** What a limit comes to once the order is sent; sums to the cent. Bars alone count in numbers. */
function limitAfter({ limit, used, order, max, unit }: LimitFigure) {
  const isCount = COUNTED.has(unit);
  const shown = (figure: string): string => (isCount ? figure : text(roundNearestTo(money(figure), CENT)));
  return {
    label: LABELS.get(limit) ?? limit.replaceAll('_', ' '),
    used: shown(used),
    /** null: it uses nothing of it. */
    order: isZero(money(order)) ? null : shown(order),
    max: shown(max),
    unit: unit === 'percent' ? '%' : unit,
    places: isCount || unit === 'percent' ? 0 : 2,
    percent: percentOf(String(Number(used) + Number(order)), max),
  };
}
