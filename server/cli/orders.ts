/** `portcullis orders`: orders whose outcome is unclear, and what the owner read of them at the broker. */
import { z } from 'zod';
import { isDecimalText, money, price, quantity, text } from '#domain/decimal.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { EVIDENCE_SOURCE_CHARS_MAX, EVIDENCE_TEXT_CHARS_MAX } from '#limits.ts';
import type { StoredOrder } from '#trading/order-rows.ts';
import { orderTable } from '#trading/orders.ts';
import { EVIDENCE_OUTCOMES, type RecordedFill } from '#trading/owner-desk.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, type Invocation, JSON_OPTION, UsageError } from './command.ts';
import type { Office } from './office.ts';
import { iso, printObject, printTable } from './print.ts';

const UNCLEAR = ['submitting', 'unknown', 'pending_cancel', 'pending_replace'];

/** `why_not` is what stands against recording; while no engine runs nothing can be recorded at all. */
function shown(office: Office, order: StoredOrder) {
  const story = office.engine?.trading.owner.order(order.orderId);
  return {
    order_id: order.orderId,
    agent: office.access.agents.byId(order.agent)?.name ?? order.agent,
    account: order.account,
    symbol: order.symbol,
    side: order.side,
    qty: text(order.qty),
    filled_qty: text(order.filledQty),
    status: order.status,
    since: iso(order.updatedAtMs),
    broker_client_id: order.brokerClientId,
    broker_order_id: order.brokerOrderId,
    why_not: story === undefined ? 'The gateway is stopped.' : story.ok ? story.value.whyNoEvidence : null,
  };
}

const unknown = ownerAct({
  name: 'orders.unknown',
  input: z.strictObject({}),
  work: (office) =>
    ok({
      orders: orderTable(office.store)
        .working({})
        .filter(({ status }) => UNCLEAR.includes(status))
        .map((order) => shown(office, order)),
    }),
});

const WORD = z.string().max(100).optional();

const record = ownerAct({
  name: 'orders.record',
  widens: true,
  input: z.strictObject({
    order_id: z.string().max(64),
    outcome: z.enum(EVIDENCE_OUTCOMES),
    source: z.string().max(EVIDENCE_SOURCE_CHARS_MAX),
    text: z.string().max(EVIDENCE_TEXT_CHARS_MAX),
    filled: WORD,
    price: WORD,
    fee: WORD,
    execution_id: WORD,
    broker_order_id: WORD,
    terms: z.enum(['old', 'new']).optional(),
    at: WORD,
    confirm_price: z.boolean().default(false),
  }),
  work(office, given) {
    const { engine } = office;
    if (engine === undefined)
      return err(
        refuse(
          'reconciling',
          'Nothing was recorded. The gateway is stopped: start it, and it asks the broker itself first.',
        ),
      );
    const fills = fillsOf(given);
    if (!fills.ok) return fills;
    const observedAtMs = given.at === undefined ? office.access.wall() : Date.parse(given.at);
    if (Number.isNaN(observedAtMs))
      return err(wrong('at', given.at ?? '', 'a time such as 2027-01-31T14:05Z'));
    const recorded = engine.trading.owner.recordEvidence({
      orderId: given.order_id,
      outcome: given.outcome,
      fills: fills.value,
      source: given.source,
      text: given.text,
      ...(given.terms === undefined ? {} : { terms: given.terms }),
      ...(given.broker_order_id === undefined ? {} : { brokerOrderId: given.broker_order_id }),
      pricesConfirmed: given.confirm_price,
      observedAtMs,
      by: OWNER_CLI,
    });
    if (!recorded.ok) return recorded;
    const { orderId, status, qty, filledQty, symbol, side } = recorded.value;
    return ok({ order_id: orderId, symbol, side, status, qty: text(qty), filled_qty: text(filledQty) });
  },
});

interface GivenFill {
  readonly filled?: string | undefined;
  readonly price?: string | undefined;
  readonly fee?: string | undefined;
  readonly execution_id?: string | undefined;
}

function fillsOf(given: GivenFill): Result<readonly RecordedFill[], Refusal> {
  const { filled, price: at, fee = '0', execution_id: executionId } = given;
  if (filled === undefined)
    return at === undefined && given.fee === undefined && executionId === undefined
      ? ok([])
      : err(wrong('filled', '', 'how much was filled, beside its price'));
  for (const [field, value] of Object.entries({ filled, price: at ?? '', fee }))
    if (!isDecimalText(value)) return err(wrong(field, value, 'a plain decimal such as 12.5'));
  return ok([
    {
      qty: quantity(filled),
      price: price(at ?? ''),
      fee: money(fee),
      ...(executionId === undefined ? {} : { executionId }),
    },
  ]);
}

const wrong = (field: string, value: string, rule: string): Refusal =>
  refuse('invalid_input', `Nothing was recorded. --${field.replaceAll('_', '-')}: ${rule}.`, {
    errors: [fieldError(field, value, rule)],
  });

const given = (invocation: Invocation, option: string): string => {
  const value = invocation.text(option);
  if (value === undefined) throw new UsageError(`orders record needs --${option}`);
  return value;
};

const isOutcome = (word: string): word is (typeof EVIDENCE_OUTCOMES)[number] =>
  (EVIDENCE_OUTCOMES as readonly string[]).includes(word);

function askedOf(invocation: Invocation): z.input<typeof record.input> {
  const outcome = given(invocation, 'outcome');
  if (!isOutcome(outcome)) throw new UsageError(`--outcome is one of ${EVIDENCE_OUTCOMES.join(', ')}`);
  const terms = invocation.text('terms');
  if (terms !== undefined && terms !== 'old' && terms !== 'new')
    throw new UsageError('--terms is old or new');
  return {
    order_id: invocation.words[0] ?? '',
    outcome,
    source: given(invocation, 'source'),
    text: given(invocation, 'text'),
    filled: invocation.text('filled'),
    price: invocation.text('price'),
    fee: invocation.text('fee'),
    execution_id: invocation.text('execution-id'),
    broker_order_id: invocation.text('broker-order-id'),
    terms,
    at: invocation.text('at'),
    confirm_price: invocation.flag('confirm-price'),
  };
}

export const orders = defineCommand({
  name: 'orders',
  summary: 'Orders whose outcome is unclear, and what you read of them at the broker.',
  verbs: {
    unknown: {
      summary: 'Lists orders that the broker has not said the outcome of.',
      options: JSON_OPTION,
      act: unknown,
      async run(invocation) {
        const listed = await ask(invocation, unknown, {});
        if (invocation.flag('json')) printObject(invocation, listed);
        else
          printTable(
            invocation,
            listed.orders.map((order) => ({
              ORDER: order.order_id,
              AGENT: order.agent,
              ACCOUNT: order.account,
              WHAT: `${order.side} ${order.qty} ${order.symbol}`,
              FILLED: order.filled_qty,
              STATUS: order.status,
              SINCE: order.since,
              'ID GIVEN TO THE BROKER': order.broker_client_id,
              'CAN BE RECORDED': order.why_not === null ? 'yes' : 'not now',
            })),
            'No order is unclear.',
          );
        return 0;
      },
    },
    record: {
      summary:
        'Settles an unclear order by what the broker’s own screen or statement shows; nothing is sent.',
      words: ['ORDER_ID'],
      options: {
        outcome: { type: 'string', value: 'O', about: EVIDENCE_OUTCOMES.join(', ') },
        source: { type: 'string', value: 'WHERE', about: 'where you read it: a page, a statement, a call' },
        text: { type: 'string', value: 'WORDS', about: 'what it says' },
        filled: { type: 'string', value: 'Q', about: 'units filled that the books lack, all fills together' },
        price: { type: 'string', value: 'P', about: 'their price, or average price' },
        'confirm-price': {
          type: 'boolean',
          about: 'it stands there so, although it is beyond the limit or far from the market',
        },
        fee: { type: 'string', value: 'F', about: 'their fees together (0)' },
        'execution-id': {
          type: 'string',
          value: 'E',
          about: 'the statement’s id of the fill, if there is one fill',
        },
        'broker-order-id': { type: 'string', value: 'ID', about: 'the broker’s own id of the order' },
        terms: {
          type: 'string',
          value: 'old|new',
          about: 'with working: the terms shown, where a change was under way',
        },
        at: { type: 'string', value: 'TIME', about: 'when you read it (now)' },
        ...JSON_OPTION,
      },
      act: record,
      async run(invocation) {
        const recorded = await ask(invocation, record, askedOf(invocation));
        if (invocation.flag('json')) printObject(invocation, recorded);
        else
          invocation.terminal.say(
            `Recorded: ${recorded.order_id} is ${recorded.status}, ${recorded.filled_qty} of ${recorded.qty} ${recorded.symbol} filled. Nothing was sent; the broker’s own word counts more when it comes.`,
          );
        return 0;
      },
    },
  },
});
