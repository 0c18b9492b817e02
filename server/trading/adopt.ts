/** Orders that nobody here placed: found at the broker, or told by an execution or a settlement; they have a home all the same. */
import { ZERO_MONEY, ZERO_QUANTITY } from '#domain/decimal.ts';
import { type AccountId, agentId } from '#domain/principal.ts';
import type { BrokerExecution, BrokerOrder } from '#ports.ts';
import { EXTERNAL_HOLDER } from './holdings.ts';
import { feedOf, instrumentOf, type Line } from './line.ts';
import { newId } from './new-order.ts';
import type { NewOrder, StoredOrder } from './order-rows.ts';
import { createOrder, transition } from './transition.ts';

/** An order that the broker has and nobody here placed: adopted as external, so that its fills have a home. */
export function adopt(line: Line, account: AccountId, seen: BrokerOrder): StoredOrder {
  const instrument = instrumentOf(line, seen.instrument);
  const order = createOrder(
    line,
    { ...blank(line, account, seen), symbol: instrument.symbol, brokerOrderId: seen.brokerOrderId },
    'found at the broker; nobody here placed it',
  );
  const submitted = transition(line, order, { to: 'submitting', detail: 'adopted as external' });
  return transition(line, submitted, { to: 'open', detail: 'working at the broker' });
}

export function blank(line: Line, account: AccountId, terms: BrokerOrder): NewOrder {
  const wallMs = line.wallMs();
  const {
    side,
    qty,
    type,
    timeInForce,
    limitPrice,
    stopPrice,
    trail,
    postOnly,
    reduceOnly,
    extendedHours,
    product,
  } = terms;
  return {
    side,
    qty,
    type,
    timeInForce,
    ...(limitPrice ? { limitPrice } : {}),
    ...(stopPrice ? { stopPrice } : {}),
    ...(trail ? { trail } : {}),
    postOnly,
    reduceOnly,
    extendedHours,
    ...(product ? { product } : {}),
    orderId: newId('ord', wallMs),
    agent: agentId(EXTERNAL_HOLDER),
    credential: EXTERNAL_HOLDER,
    account,
    instrument: terms.instrument,
    symbol: '',
    clientOrderId: null,
    brokerClientId: freeId(line, terms.brokerClientId) ?? `external_${account}_${terms.brokerOrderId}`,
    brokerOrderId: null,
    parentOrderId: null,
    role: 'entry',
    origin: 'external',
    effect: 'adding',
    takeProfit: null,
    stopLoss: null,
    tag: null,
    status: 'received',
    reason: null,
    filledQty: ZERO_QUANTITY,
    avgFillPrice: null,
    filledValue: ZERO_MONEY,
    unitValue: ZERO_MONEY,
    pending: null,
    held: false,
    run: feedOf(line, account).run(),
    mandateDay: line.access.mandateDay(wallMs),
    approvalId: null,
    reach: 'own',
    createdAtMs: wallMs,
    updatedAtMs: wallMs,
  };
}

/** The broker's word may name an order of another account; its own id is its own all the same. */
const freeId = (line: Line, id: string | null): string | undefined =>
  id === null || line.orders.byBrokerClientId(id) !== undefined ? undefined : id;

/** The least that an execution says of its order. */
export const orderBehind = (execution: BrokerExecution): BrokerOrder => ({
  brokerOrderId: execution.brokerOrderId,
  brokerClientId: execution.brokerClientId,
  instrument: execution.instrument,
  side: execution.side,
  qty: execution.qty,
  filledQty: ZERO_QUANTITY,
  type: 'market',
  timeInForce: 'day',
  postOnly: false,
  reduceOnly: false,
  extendedHours: false,
  status: 'open',
  held: false,
  ...(execution.product === undefined ? {} : { product: execution.product }),
  timeMs: execution.timeMs,
});
