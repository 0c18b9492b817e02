/** What the owner read of an unclear order at the broker: recorded with its source, and nothing is sent. */
import { z } from 'zod';
import { isDecimalText, money, price, quantity, text } from '#domain/decimal.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { EVIDENCE_SOURCE_CHARS_MAX, EVIDENCE_TEXT_CHARS_MAX, FORM_BYTES_MAX } from '#limits.ts';
import {
  EVIDENCE_OUTCOMES,
  type Evidence,
  type OwnerOrderStory,
  type RecordedFill,
} from '#trading/owner-desk.ts';
import { action, definePage, go, type OwnerVisit, refused } from './define.ts';
import type { ConsoleServices } from './desks.ts';
import { localTime } from './mandate-form.ts';
import { momentOf } from './order-filter.ts';
import { orderRow } from './order-rows.ts';
import { typedFigures } from './typed-figures.ts';

/** Figures stay text here, so that each is refused by its name; the other fields by what they say. */
const figure = z.string().trim().max(60);
const input = z.strictObject({
  outcome: figure,
  terms: z.enum(['', 'old', 'new']).default(''),
  filled: figure,
  price: figure,
  price_confirmed: z.literal('yes').optional(),
  fee: figure,
  execution_id: figure,
  broker_order_id: figure.default(''),
  source: z.string().max(FORM_BYTES_MAX),
  text: z.string().max(FORM_BYTES_MAX),
  at: figure,
});
type Entered = z.output<typeof input>;

/** Of fields, where an error is listed. */
const LABELS = {
  outcome: 'What the broker shows',
  terms: 'Which terms',
  filled: 'Filled',
  price: 'Price',
  fee: 'Fees',
  execution_id: 'Id of the fill',
  broker_order_id: 'Id of the order at the broker',
  source: 'Where you read it',
  text: 'What it says',
  at: 'When you read it',
};

export const orderEvidence = definePage({
  path: '/orders/:order_id/evidence',
  title: 'Record what the broker shows',
  view: 'order-evidence.html',
  load({ services, params }) {
    const found = services.trading.owner.order(params['order_id'] ?? '');
    return found.ok ? ok(formPage(services, found.value)) : found;
  },
  actions: {
    record: action({
      input,
      proof: 'now',
      check(visit, entered) {
        const evidence = evidenceOf(visit, entered);
        if (!evidence.ok) return evidence;
        const checked = visit.services.trading.owner.checkEvidence(evidence.value);
        return checked.ok ? checked : err(atFields(checked.error));
      },
      proves({ services, params }, { outcome, filled, price: at }) {
        const found = services.trading.owner.order(params['order_id'] ?? '');
        if (!found.ok) return undefined;
        const { side, qty, symbol, account } = found.value.order;
        const fills = filled === '' ? 'nothing more filled' : `${filled} filled at ${at}`;
        return `Record that ${side} ${text(qty)} ${symbol} in ${account} is ${outcome.replace('_', ' ')}, with ${fills}.`;
      },
      run(visit, entered) {
        const evidence = evidenceOf(visit, entered);
        if (!evidence.ok) return refused(evidence.error);
        const recorded = visit.services.trading.owner.recordEvidence(evidence.value);
        if (!recorded.ok) return refused(atFields(recorded.error));
        const { orderId, status, filledQty, qty } = recorded.value;
        return go(
          `/admin/orders/${encodeURIComponent(orderId)}`,
          `Recorded: the order is ${status.replace('_', ' ')}, ${text(filledQty)} of ${text(qty)} filled. Nothing was sent. The broker's own word counts more when it comes.`,
        );
      },
    }),
  },
});

function formPage(services: ConsoleServices, story: OwnerOrderStory) {
  const { order } = story;
  return {
    order: {
      ...orderRow(services, order),
      broker_client_id: order.brokerClientId,
      broker_order_id: order.brokerOrderId,
    },
    currency: services.book.byId(order.instrument)?.currency ?? '',
    why_not: story.whyNoEvidence,
    change_pending: story.changePending,
    now: toTheSecond(services.clock.wallMs(), services.preferences.read().timezone),
    limits: { source: EVIDENCE_SOURCE_CHARS_MAX, text: EVIDENCE_TEXT_CHARS_MAX },
    labels: LABELS,
  };
}

/** The form as evidence; changes nothing, and names every field that can not be read. */
function evidenceOf({ services, params }: OwnerVisit, entered: Entered): Result<Evidence, Refusal> {
  const errors: FieldError[] = [];
  const outcome = EVIDENCE_OUTCOMES.find((one) => one === entered.outcome);
  if (outcome === undefined) errors.push(fieldError('outcome', '', 'choose what the broker shows'));
  const observedAtMs = secondOf(entered.at, services.preferences.read().timezone);
  if (observedAtMs === null)
    errors.push(fieldError('at', entered.at, 'a date and a time, such as 2027-01-31T14:05'));
  const fill = fillOf(entered, errors);
  if (errors.length > 0 || outcome === undefined || observedAtMs === null)
    return err(nothingRecorded(errors));
  return ok({
    orderId: params['order_id'] ?? '',
    outcome,
    fills: fill === undefined ? [] : [fill],
    pricesConfirmed: entered.price_confirmed === 'yes',
    ...(entered.terms === '' ? {} : { terms: entered.terms }),
    ...(entered.broker_order_id === '' ? {} : { brokerOrderId: entered.broker_order_id }),
    source: entered.source,
    text: entered.text,
    observedAtMs,
    by: OWNER_CONSOLE,
  });
}

function fillOf(entered: Entered, errors: FieldError[]): RecordedFill | undefined {
  const { filled, price: at, fee } = entered;
  const typed = typedFigures({ filled, price: at, fee });
  if (!typed.ok) {
    errors.push(...(typed.error.errors ?? []));
    return undefined;
  }
  const figures = { ...typed.value, fee: typed.value.fee || '0' };
  if (figures.filled === '') {
    if (entered.price !== '' || entered.execution_id !== '')
      errors.push(fieldError('filled', '', 'how much was filled, beside its price'));
    return undefined;
  }
  for (const [field, value] of Object.entries(figures))
    if (!isDecimalText(value))
      errors.push(
        fieldError(
          field,
          value,
          value === '' ? 'needed beside what was filled' : 'a plain number such as 12.5',
        ),
      );
  if (errors.length > 0) return undefined;
  return {
    qty: quantity(figures.filled),
    price: price(figures.price),
    fee: money(figures.fee),
    ...(entered.execution_id === '' ? {} : { executionId: entered.execution_id }),
  };
}

const nothingRecorded = (errors: readonly FieldError[]): Refusal =>
  refuse('invalid_input', 'Nothing was recorded; see the fields.', { errors: [...errors] });

/** Each is said at its field, by the name it has there; what is not about a field stands as it is. */
const atFields = (refusal: Refusal): Refusal =>
  refusal.errors === undefined ? refusal : nothingRecorded(refusal.errors);

/** Forms of browsers take seconds: two things of one minute stay in their order. */
const toTheSecond = (atMs: number, timezone: string): string =>
  `${localTime(atMs, timezone)}:${String(Math.floor(atMs / 1_000) % 60).padStart(2, '0')}`;

function secondOf(given: string, timezone: string): number | null {
  const [, minute = '', seconds = '0'] = /^(.+T\d{2}:\d{2})(?::([0-5]\d)(?:\.\d+)?)?$/.exec(given) ?? [];
  const atMs = momentOf(minute, timezone, 'begin');
  return atMs === null ? null : atMs + Number(seconds) * 1_000;
}
