/** What a broker squared off, or its owner closed at the broker, of what agents hold there: the product says whose it was. */
import {
  absolute,
  add,
  min,
  negate,
  type Price,
  proportion,
  type Quantity,
  quantity,
  subtract,
  sum,
  text,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { Product } from '#domain/order.ts';
import { type AccountId, agentId } from '#domain/principal.ts';
import type { BrokerExecution } from '#ports.ts';
import { adopt, blank, orderBehind } from './adopt.ts';
import { postFillOf, recordFill } from './fills.ts';
import { EXTERNAL_HOLDER, opposes } from './holdings.ts';
import { agentNameOf, feedOf, instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { createOrder, transition } from './transition.ts';

interface Part {
  readonly holder: string;
  readonly qty: Quantity;
}

/**
 * Posts an execution of an order that nobody here placed. What is known to have been opened elsewhere under its product goes first,
 * then what agents hold under it: left to them it would be a phantom, and their close would open a position at the broker. Among
 * several agents it can not be told whose it was: it is taken in order of name, on the record as that. What is beyond is external.
 */
export function postUnplaced(line: Line, order: StoredOrder, execution: BrokerExecution): StoredOrder {
  const product = execution.product ?? order.product;
  const parts = product === undefined ? [] : partsOf(line, { ...execution, account: order.account, product });
  const [agents, elsewhere] = [
    parts.filter(({ holder }) => holder !== EXTERNAL_HOLDER),
    parts.find(({ holder }) => holder === EXTERNAL_HOLDER),
  ];
  if (product === undefined || agents.length === 0) return postFillOf(line, order, execution).order;
  let last = order;
  for (const [index, part] of agents.entries()) {
    // The first one has the broker's own id, by which it is known to be posted.
    const executionId =
      index === 0
        ? execution.executionId
        : `${execution.executionId}:${agentNameOf(line, agentId(part.holder))}`;
    last = postPart(
      line,
      { ...partly(execution, part.qty), executionId, product },
      {
        holder: part.holder,
        account: order.account,
        reason: `Closed at the broker by an order that nobody here placed (${product}).`,
      },
    );
  }
  const taken = sum(
    ZERO_QUANTITY,
    agents.map(({ qty }) => qty),
  );
  let now = recordFill(line, order, { ...execution, qty: taken });
  if (elsewhere !== undefined) {
    const executionId = `${execution.executionId}:${EXTERNAL_HOLDER}`;
    now = postFillOf(line, now, { ...partly(execution, elsewhere.qty), executionId }).order;
  }
  line.audit.record({
    kind: 'position.closed_elsewhere',
    account: order.account,
    outcome: isSure(line, agents, { ...execution, account: order.account, product }) ? 'ok' : 'unknown',
    detail: {
      execution_id: execution.executionId,
      symbol: instrumentOf(line, execution.instrument).symbol,
      product,
      side: execution.side,
      qty: text(execution.qty),
      price: text(execution.price),
      holders: parts
        .map(({ holder, qty }) => `${agentNameOf(line, agentId(holder))} ${text(qty)}`)
        .join(', '),
    },
  });
  return last;
}

/**
 * What the broker no longer has, and no trade explains any more: an intraday position does not outlive its day, so as far as it was one
 * it was squared off while nobody looked, at a price that only its mark can stand for. Gives how much of the gap that was, signed.
 */
export function endIntraday(
  line: Line,
  account: AccountId,
  { instrument, qty, at }: { readonly instrument: InstrumentId; readonly qty: Quantity; readonly at: Price },
): Quantity {
  const side = qty.gt('0') ? 'buy' : 'sell';
  const held = heldUnder(line, { account, instrument, product: 'mis', side, qty });
  if (held.every(({ holder }) => holder === EXTERNAL_HOLDER)) return ZERO_QUANTITY;
  const all = sum(
    ZERO_QUANTITY,
    held.map((one) => one.qty),
  );
  const ended = min(absolute(qty), all);
  const executionId = `squared_off:${instrument}:${line.wallMs()}`;
  const execution: BrokerExecution = {
    executionId,
    brokerOrderId: executionId,
    brokerClientId: null,
    instrument,
    side,
    qty: ended,
    price: at,
    fee: ZERO_MONEY,
    product: 'mis',
    timeMs: feedOf(line, account).nowMs(),
  };
  postUnplaced(line, adopt(line, account, orderBehind(execution)), execution);
  return side === 'buy' ? ended : negate(ended);
}

const partly = (execution: BrokerExecution, qty: Quantity): BrokerExecution => ({
  ...execution,
  qty,
  fee: proportion(execution.fee, qty, execution.qty),
});

interface Met {
  readonly account: AccountId;
  readonly instrument: InstrumentId;
  readonly product: Product;
  readonly side: 'buy' | 'sell';
  readonly qty: Quantity;
}

/** Empty: no agent holds any of it. */
function partsOf(line: Line, met: Met): readonly Part[] {
  const held = heldUnder(line, met);
  const first = held.filter(({ holder }) => holder === EXTERNAL_HOLDER);
  const agents = held.filter(({ holder }) => holder !== EXTERNAL_HOLDER);
  const parts = new Map<string, Quantity>();
  let left = met.qty;
  for (const { holder, qty } of [...first, ...agents]) {
    const taken = min(left, qty);
    if (taken.eq('0')) break;
    parts.set(holder, taken);
    left = subtract(left, taken);
  }
  if (left.gt('0')) parts.set(EXTERNAL_HOLDER, add(parts.get(EXTERNAL_HOLDER) ?? ZERO_QUANTITY, left));
  return [...parts].map(([holder, qty]) => ({ holder, qty }));
}

/** Nothing is left to the agents under the product, or there was one alone: then it was theirs. */
function isSure(line: Line, agents: readonly Part[], met: Met): boolean {
  const left = heldUnder(line, met).some(({ holder }) => holder !== EXTERNAL_HOLDER);
  return (
    !left || (agents.length === 1 && heldUnder(line, met).every(({ holder }) => holder === agents[0]?.holder))
  );
}

/** What each holder has that this closes, as far as its trades were under this product; the agents in order of name. */
function heldUnder(line: Line, { account, instrument, product, side }: Met): readonly Part[] {
  return line.holdings
    .holdersOf(account, instrument)
    .filter(({ qty }) => opposes(side, qty))
    .map(({ holder, qty }) => {
      const net = netUnder(line, { account, instrument, product, holder });
      return { holder, qty: opposes(side, net) ? min(absolute(qty), absolute(net)) : ZERO_QUANTITY };
    })
    .filter(({ qty }) => qty.gt('0'))
    .toSorted((a, b) => {
      const [one, other] = [agentNameOf(line, agentId(a.holder)), agentNameOf(line, agentId(b.holder))];
      return one < other ? -1 : 1;
    });
}

/** Signed: all that was bought under it less all that was sold. */
function netUnder(line: Line, of: Omit<Met, 'side' | 'qty'> & { readonly holder: string }): Quantity {
  const rows = line
    .prepare<[string, string, string, string], { readonly side: string; readonly qty: string }>(
      `SELECT side, qty FROM executions WHERE account_id = ? AND instrument_id = ? AND agent_id = ? AND product = ?`,
    )
    .all(of.account, of.instrument, of.holder, of.product);
  return sum(
    ZERO_QUANTITY,
    rows.map(({ side, qty }) => (side === 'buy' ? quantity(qty) : negate(quantity(qty)))),
  );
}

/** A holder's part as a filled order of its own, so that an agent finds in its orders and trades what became of its position. */
export function postPart(
  line: Line,
  execution: BrokerExecution,
  {
    holder,
    account,
    reason,
  }: { readonly holder: string; readonly account: AccountId; readonly reason: string },
): StoredOrder {
  const brokerOrderId = `${account}:${execution.executionId}:${holder}`;
  const ended = createOrder(
    line,
    {
      ...blank(line, account, { ...orderBehind(execution), brokerOrderId, brokerClientId: null }),
      agent: agentId(holder),
      credential: 'broker',
      symbol: instrumentOf(line, execution.instrument).symbol,
      brokerClientId: brokerOrderId,
      origin: 'settlement',
      effect: 'reducing',
      reason,
    },
    reason,
  );
  const submitted = transition(line, ended, { to: 'submitting', detail: 'told by the broker' });
  return postFillOf(line, submitted, { ...execution, brokerOrderId }).order;
}
