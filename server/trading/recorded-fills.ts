/** Fills that the owner recorded: posted like the broker's, and taken back as far as the broker tells of its own. */
import { min, negate, type Quantity, scale, subtract, text, value, ZERO_QUANTITY } from '#domain/decimal.ts';
import { isFinal } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import type { BrokerExecution } from '#ports.ts';
import {
  insertRecorded,
  ordersRecorded,
  type RecordedRow,
  recordedById,
  recordedLeft,
  reduceRecorded,
} from './evidence-rows.ts';
import { fixDays, postFillOf } from './fills.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import { agentNameOf, feedOf, instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import type { RecordedFill } from './owner-desk.ts';
import { writePnlDay } from './pnl.ts';
import { settleCosts, splitEffects, takeBack, worthAt } from './take-back.ts';
import { addLateFill, transition } from './transition.ts';

/** Posts what the owner read. Inside a transaction; its ids are known to be new. */
export function postRecorded(
  line: Line,
  order: StoredOrder,
  fills: readonly RecordedFill[],
  evidenceId: string,
): StoredOrder {
  const day = line.access.mandateDay(line.wallMs());
  let now = order;
  for (const [index, fill] of fills.entries()) {
    const executionId = fill.executionId ?? `owner:${evidenceId}:${String(index + 1).padStart(2, '0')}`;
    const { qty, price, fee } = fill;
    const posted = postFillOf(line, now, {
      executionId,
      instrument: order.instrument,
      side: order.side,
      qty,
      price,
      fee,
      timeMs: fill.timeMs ?? feedOf(line, order.account).nowMs(),
      brokerOrderId: order.brokerOrderId,
      day,
    });
    insertRecorded(line, order.account, {
      executionId,
      orderId: order.orderId,
      day,
      qty,
      price,
      fee,
      effects: posted.effects,
    });
    now = posted.order;
  }
  return now;
}

/** The order that the owner recorded this very execution of, and the broker has not told yet. */
export function recordedAs(line: Line, account: AccountId, executionId: string): StoredOrder | undefined {
  const row = recordedById(line, account, executionId);
  return row && line.orders.byId(row.orderId);
}

/**
 * Posts the broker's own execution. Of what the owner recorded of the order it takes the place of as much: the same execution
 * first, then one of the same size, then the oldest. Nothing is posted twice, and price and fee become the broker's.
 */
export function replaceRecorded(line: Line, order: StoredOrder, execution: BrokerExecution): StoredOrder {
  const left = recordedLeft(line, order.orderId);
  if (left.length === 0) return postFillOf(line, order, execution).order;
  const rank = (row: RecordedRow): number =>
    row.executionId === execution.executionId ? 0 : row.qty.eq(execution.qty) ? 1 : 2;
  const same = left.some((row) => row.executionId === execution.executionId);
  let now = order;
  let open: Quantity = execution.qty;
  let day: string | undefined;
  for (const row of left.toSorted((a, b) => rank(a) - rank(b))) {
    // The very execution goes as a whole: the owner may have read its size wrong, and its id must be free for the broker's.
    const isIt = row.executionId === execution.executionId;
    if (same && !isIt && open.lte('0')) break;
    const qty = isIt ? row.qty : min(open, row.qty);
    if (qty.lte('0')) break;
    now = takeRecordedBack(line, now, row, {
      qty,
      replacedBy: execution.executionId,
      why: 'the broker told of it itself',
    });
    open = subtract(open, min(open, qty));
    day ??= row.day;
  }
  const posted = postFillOf(line, now, { ...execution, ...(day === undefined ? {} : { day }) });
  settleCosts(line, order.account, order.instrument, `settled:${execution.executionId}`);
  writePnlDay(line, order.account);
  return posted.order;
}

/** The broker tells this execution of another order. Inside a transaction. */
export function withdrawExecution(line: Line, order: StoredOrder, executionId: string): void {
  const row = recordedById(line, order.account, executionId);
  if (row === undefined) return;
  const why = 'the broker told of it with another order';
  takeRecordedBack(line, order, row, { qty: row.qty, replacedBy: executionId, why });
  settleCosts(line, order.account, order.instrument, `taken_back:${executionId}:${order.orderId}`);
}

/** The broker says that less was filled: what was recorded beyond is taken back. Inside a transaction. */
export function withdrawBeyond(line: Line, order: StoredOrder, told: Quantity, why: string): StoredOrder {
  let now = order;
  for (const row of recordedLeft(line, order.orderId).toReversed()) {
    const beyond = subtract(now.filledQty, told);
    if (beyond.lte('0')) break;
    now = takeRecordedBack(line, now, row, { qty: min(beyond, row.qty), replacedBy: null, why });
  }
  if (now === order) return order;
  settleCosts(line, order.account, order.instrument, `withdrawn:${order.orderId}:${line.wallMs()}`);
  writePnlDay(line, order.account);
  return now;
}

/**
 * The broker's positions lack what only the owner recorded: so much of it is taken back, the newest first. Gives what of the gap
 * (signed, theirs less ours) that has closed.
 */
export function withdrawAgainst(
  line: Line,
  account: AccountId,
  instrument: StoredOrder['instrument'],
  gap: Quantity,
): Quantity {
  const side = gap.gt('0') ? 'sell' : 'buy';
  let closed = ZERO_QUANTITY;
  for (const orderId of ordersRecorded(line, account)) {
    const order = line.orders.byId(orderId);
    if (order === undefined || order.instrument !== instrument || order.side !== side) continue;
    const open = subtract(gap.abs() as Quantity, closed);
    if (open.lte('0')) break;
    const told = subtract(order.filledQty, open);
    const now = withdrawBeyond(
      line,
      order,
      told.lt('0') ? ZERO_QUANTITY : told,
      'its positions do not have it',
    );
    closed = closed.plus(subtract(order.filledQty, now.filledQty)) as Quantity;
  }
  return gap.gt('0') ? closed : negate(closed);
}

interface TakingBack {
  readonly qty: Quantity;
  /** The broker's execution in its place; null: there is none. */
  readonly replacedBy: string | null;
  readonly why: string;
}

function takeRecordedBack(
  line: Line,
  order: StoredOrder,
  row: RecordedRow,
  { qty, replacedBy, why }: TakingBack,
): StoredOrder {
  const { account, instrument } = order;
  fixDays(line, account, instrument);
  const { part, rest } = splitEffects(row.effects, qty, worthAt(line, { price: row.price, instrument }));
  takeBack(line, order, part, `taken_back:${row.executionId}`);
  const [whole] = part;
  const fee = whole === undefined ? row.fee : whole.fee;
  const left = { ...row, qty: subtract(row.qty, qty), fee: subtract(row.fee, fee), effects: rest };
  reduceRecorded(line, account, left, replacedBy);
  reduceTrade(line, account, left);
  if (order.effect === 'adding') {
    const worth = scale(value(row.price, qty), instrumentOf(line, instrument).multiplier);
    line.usage.addFill(order, row.day, negate(worth));
  }
  line.audit.record({
    kind: replacedBy === null ? 'evidence.withdrawn' : 'evidence.replaced',
    agent: agentNameOf(line, order.agent),
    account,
    outcome: 'ok',
    detail: {
      order_id: order.orderId,
      execution_id: row.executionId,
      qty: text(qty),
      price: text(row.price),
      fee: text(fee),
      ...(replacedBy === null ? {} : { replaced_by: replacedBy }),
      text: why,
    },
  });
  const patch = {
    filledQty: subtract(order.filledQty, qty),
    filledValue: subtract(order.filledValue, value(row.price, qty)),
  };
  const detail = `recorded fill of ${text(qty)} at ${text(row.price)} taken back: ${why}`;
  return isFinal(order.status)
    ? addLateFill(line, order, patch, detail)
    : transition(line, order, { to: order.status, detail, patch });
}

/** The recorded trade shows what is left of it, and goes when nothing is. */
function reduceTrade(line: Line, account: AccountId, { executionId, qty, fee, effects }: RecordedRow): void {
  if (qty.eq('0')) {
    line
      .prepare('DELETE FROM executions WHERE account_id = ? AND execution_id = ?')
      .run(account, executionId);
    return;
  }
  let realised = negate(fee);
  for (const effect of effects)
    if (effect.holder !== ACCOUNT_HOLDER) realised = realised.plus(effect.realised) as typeof realised;
  line
    .prepare('UPDATE executions SET qty = ?, fee = ?, realised = ? WHERE account_id = ? AND execution_id = ?')
    .run(text(qty), text(fee), text(realised), account, executionId);
}
