/** `portcullis approvals`: orders that wait for the owner's word, and saying it; what was printed is what is decided. */
import { z } from 'zod';
import { isDecimalText, price, quantity, text } from '#domain/decimal.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { orderWire } from '#tools/project.ts';
import type { ApprovalCard, ApprovalDesk } from '#trading/approval-desk.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, type Invocation, JSON_OPTION, RefusedError, UsageError } from './command.ts';
import type { Office } from './office.ts';
import { iso, isoOrNull, printObject, printTable } from './print.ts';

function queueOf({ engine }: Office): Result<ApprovalDesk, Refusal> {
  return engine === undefined
    ? err(
        refuse(
          'not_found',
          'No gateway runs here, so nothing can be sent: start one (npm start). What waits expires in its time.',
        ),
      )
    : ok(engine.trading.owner.approvals);
}

function cardWire(card: ApprovalCard) {
  const { order, account, collar } = card;
  const priceOrNull = (at: ApprovalCard['referenceNow']): string | null => (at === null ? null : text(at));
  return {
    id: card.id,
    agent: card.agentName,
    order: orderWire(order),
    instrument: card.instrumentName,
    why_asked: card.whyAsked,
    value: text(card.value),
    currency: account.currency,
    percent_of_equity: card.percentOfEquity,
    account: { id: account.id, mode: account.mode, equity: text(account.equity) },
    reference_price: text(card.referencePrice),
    reference_now: priceOrNull(card.referenceNow),
    estimated_price: text(card.estimatedPrice),
    collar: {
      percent: collar.percent,
      distance_percent: collar.distancePercent,
      low: text(collar.low),
      high: text(collar.high),
    },
    position_now: text(card.positionNow),
    position_after: text(card.positionAfter),
    limits: card.limits,
    warnings: card.warnings,
    would_refuse: card.wouldRefuse,
    /** The agent's words: nothing has checked them. */
    note: card.note,
    credential: card.credential,
    door: card.door,
    requested_at: iso(card.requestedAtMs),
    expires_at: iso(card.expiresAtMs),
    digest: card.digest,
    decision: card.decision,
    decided_at: isoOrNull(card.decidedAtMs),
    reason: card.reason,
  };
}
type CardWire = ReturnType<typeof cardWire>;

const list = ownerAct({
  name: 'approvals.list',
  input: z.strictObject({}),
  work(office) {
    const queue = queueOf(office);
    return queue.ok ? ok({ approvals: queue.value.waiting().map(cardWire) }) : queue;
  },
});

const DECIMAL = z.string().refine(isDecimalText, { error: 'a plain decimal' }).optional();

const approve = ownerAct({
  name: 'approvals.approve',
  // An agent may have a shell: what asked must not be what answers.
  widens: true,
  input: z.strictObject({ id: z.string(), digest: z.string(), qty: DECIMAL, limit_price: DECIMAL }),
  async work(office, { id, digest, qty, limit_price: limit }) {
    const queue = queueOf(office);
    if (!queue.ok) return queue;
    const edit = {
      ...(qty === undefined ? {} : { qty: quantity(qty) }),
      ...(limit === undefined ? {} : { limitPrice: price(limit) }),
    };
    const done = await queue.value.approve({ id, digest, edit, by: OWNER_CLI });
    if (!done.ok) return done;
    return ok(
      done.value.kind === 'sent'
        ? { outcome: 'sent' as const, order: orderWire(done.value.order) }
        : { outcome: 'price_moved' as const, approval: cardWire(done.value.card) },
    );
  },
});

const reject = ownerAct({
  name: 'approvals.reject',
  input: z.strictObject({ id: z.string(), reason: z.string() }),
  work(office, { id, reason }) {
    const queue = queueOf(office);
    if (!queue.ok) return queue;
    const done = queue.value.reject({ id, reason, by: OWNER_CLI });
    return done.ok ? ok({ order: orderWire(done.value) }) : done;
  },
});

/** Side, size, symbol and price, as one says it. */
function orderInWords({ order }: Pick<CardWire, 'order'>): string {
  const prices = [
    order.limit_price === null ? '' : ` at ${order.limit_price}`,
    order.stop_price === null ? '' : ` from ${order.stop_price}`,
  ].join('');
  return `${order.side} ${order.qty} ${order.symbol} ${order.type}${prices}`;
}

/** On standard error: what a program reads is the outcome. */
function showCard({ terminal }: Invocation, card: CardWire): void {
  const warn = (line: string): void => terminal.warn(line);
  warn(`${card.agent} asks to ${orderInWords(card)} in ${card.account.id} (${card.account.mode}).`);
  warn(card.why_asked);
  const part = card.percent_of_equity === null ? '' : `, ${card.percent_of_equity} % of the equity`;
  warn(
    `Worth ${card.value} ${card.currency}${part}; position ${card.position_now} to ${card.position_after}.`,
  );
  warn(
    `The price was ${card.reference_price} and is ${card.reference_now ?? 'not known now'}; expires at ${card.expires_at}.`,
  );
  for (const warning of card.warnings) warn(`Note: ${warning}`);
  if (card.would_refuse !== null) warn(`It would be refused now: ${card.would_refuse.detail}`);
  if (card.note !== null) warn(`The agent says (not checked): ${card.note}`);
}

/** What would be refused as it stands is not tried: most refusals end the order, and the owner may only have looked away. */
export function inTheWay(
  { would_refuse }: Pick<CardWire, 'would_refuse'>,
  anyway: boolean,
): Refusal | undefined {
  if (would_refuse === null || anyway) return undefined;
  const detail = `${would_refuse.detail} Nothing was sent, and it still waits; --anyway puts it through the controls all the same, which may end it.`;
  return { ...would_refuse, detail };
}

/** What was sent, as it was sent, and the exit code for it. */
export function sentInWords(order: CardWire['order']): { readonly code: number; readonly words: string } {
  const terms = orderInWords({ order });
  const { order_id: id, status, reason = 'it gave no reason' } = order;
  return status === 'rejected'
    ? {
        code: 1,
        words: `Approved and sent (${terms}), and the broker rejected it: ${reason}. The order ${id} has ended.`,
      }
    : { code: 0, words: `Approved: the order ${id} is ${status}: ${terms}.` };
}

/** A decimal of an option, as it was given; refused before anybody is asked for a passphrase. */
function decimalOption(invocation: Invocation, option: string): string | undefined {
  const value = invocation.text(option);
  if (value === undefined || isDecimalText(value)) return value;
  const { value: shown } = fieldError(option, value, '');
  throw new UsageError(`--${option} takes a plain decimal, not ${shown}.`);
}

export const approvals = defineCommand({
  name: 'approvals',
  summary: 'Orders that wait for your word.',
  verbs: {
    list: {
      summary: 'Lists the orders that wait, what expires first at the top.',
      options: JSON_OPTION,
      act: list,
      async run(invocation) {
        const listed = await ask(invocation, list, {});
        if (invocation.flag('json')) printObject(invocation, listed);
        else
          printTable(
            invocation,
            listed.approvals.map((card) => ({
              ID: card.id,
              AGENT: card.agent,
              ORDER: orderInWords(card),
              VALUE: `${card.value} ${card.currency}`,
              ACCOUNT: card.account.id,
              EXPIRES: card.expires_at,
              WHY: card.why_asked,
              NOTE: card.note,
            })),
            'No order waits for you.',
          );
        return 0;
      },
    },
    approve: {
      summary: 'Shows an order that waits and sends it; the whole of it, or less at a better price.',
      words: ['ID'],
      options: {
        qty: { type: 'string', value: 'N', about: 'send only so much of it' },
        'limit-price': {
          type: 'string',
          value: 'P',
          about: 'at this tighter limit (buy lower, sell higher)',
        },
        anyway: { type: 'boolean', about: 'try it although it would be refused as things are' },
        ...JSON_OPTION,
      },
      act: approve,
      async run(invocation) {
        const [id = ''] = invocation.words;
        const qty = decimalOption(invocation, 'qty');
        const limit = decimalOption(invocation, 'limit-price');
        const { approvals: waiting } = await ask(invocation, list, {});
        const card = waiting.find((one) => one.id === id);
        if (card !== undefined) {
          showCard(invocation, card);
          const refusal = inTheWay(card, invocation.flag('anyway'));
          if (refusal !== undefined) throw new RefusedError(refusal);
        }
        const done = await ask(invocation, approve, {
          id,
          digest: card?.digest ?? '',
          ...(qty === undefined ? {} : { qty }),
          ...(limit === undefined ? {} : { limit_price: limit }),
        });
        if (invocation.flag('json')) printObject(invocation, done);
        if (done.outcome === 'price_moved') {
          invocation.terminal.warn('Nothing was sent: the price has moved since. This is how it stands now:');
          showCard(invocation, done.approval);
          return 1;
        }
        const { code, words } = sentInWords(done.order);
        if (!invocation.flag('json')) invocation.terminal[code === 0 ? 'say' : 'warn'](words);
        return code;
      },
    },
    reject: {
      summary: 'Refuses an order that waits; its agent reads why.',
      words: ['ID'],
      options: { reason: { type: 'string', value: 'R', about: 'why, for the agent' }, ...JSON_OPTION },
      act: reject,
      async run(invocation) {
        const [id = ''] = invocation.words;
        const reason = invocation.text('reason');
        if (reason === undefined) throw new UsageError('Say why with --reason: the agent is told.');
        const done = await ask(invocation, reject, { id, reason });
        if (invocation.flag('json')) printObject(invocation, done);
        else invocation.terminal.say(`Rejected: the order ${done.order.order_id} is ${done.order.status}.`);
        return 0;
      },
    },
  },
});
