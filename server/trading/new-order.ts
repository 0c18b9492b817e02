/** How an order is born: its first state, and the legs of a bracket beside it. */
import { randomUUID } from 'node:crypto';
import { ZERO_MONEY, ZERO_QUANTITY } from '#domain/decimal.ts';
import { type OrderRole, type OrderTerms, opposite } from '#domain/order.ts';
import type { Facts, Proposal } from './facts.ts';
import { feedOf, type Line } from './line.ts';
import type { NewOrder, StoredOrder } from './order-rows.ts';
import { reachOf } from './risk-reducing.ts';
import { createOrder, transition } from './transition.ts';
import type { Valued } from './valuation.ts';

/** What a refused order reserves. */
export const NO_VALUE: Valued = { unitPrice: undefined, unitValue: ZERO_MONEY, value: ZERO_MONEY };

/**
 * The time in milliseconds and 48 random bits, 12 hexadecimal digits each. Ids that grow with time stand together in every index:
 * random ones would cost each commit a page of its own in each of them. A UUID's bits come from a store of them, at a tenth of
 * what fresh ones cost.
 */
export function newId(prefix: string, wallMs: number): string {
  const time = Math.trunc(wallMs).toString(16).padStart(12, '0');
  return `${prefix}_${time}${randomUUID().replaceAll('-', '').slice(0, 12)}`;
}

export interface OrderSeed {
  readonly who: { readonly agent: StoredOrder['agent']; readonly credential: string };
  readonly facts: Facts;
  readonly proposal: Proposal;
  readonly effect: 'adding' | 'reducing';
  readonly valued: Valued;
  readonly clientOrderId: string | null;
  readonly tag: string | null;
  /** Of an order that comes to wait for the owner. */
  readonly approvalId?: string;
}

/** A new order in its first state. Reducing orders hold nothing of the mandate. */
export function newOrder(line: Line, seed: OrderSeed): NewOrder {
  const { who, facts, proposal, effect, valued } = seed;
  const orderId = newId('ord', facts.wallMs);
  return {
    ...proposal.terms,
    orderId,
    agent: who.agent,
    credential: who.credential,
    account: facts.account,
    instrument: facts.instrument.id,
    symbol: facts.instrument.symbol,
    clientOrderId: seed.clientOrderId,
    brokerClientId: newId('pc', facts.wallMs),
    brokerOrderId: null,
    parentOrderId: null,
    role: 'entry',
    origin: proposal.origin,
    effect,
    takeProfit: proposal.takeProfit ?? null,
    stopLoss: proposal.stopLoss ?? null,
    tag: seed.tag,
    status: 'received',
    reason: null,
    filledQty: ZERO_QUANTITY,
    avgFillPrice: null,
    filledValue: ZERO_MONEY,
    unitValue: effect === 'adding' ? valued.unitValue : ZERO_MONEY,
    pending: null,
    held: false,
    run: feedOf(line, facts.account).run(),
    mandateDay: facts.mandateDay,
    approvalId: seed.approvalId ?? null,
    reach: reachOf(facts, proposal),
    createdAtMs: facts.wallMs,
    updatedAtMs: facts.wallMs,
  };
}

/** The legs of a bracket are orders of their own from the start, so that what the broker says of them finds its place. */
export function createLegs(
  line: Line,
  entry: StoredOrder,
  proposal: Proposal,
): { takeProfitClientId?: string; stopLossClientId?: string } {
  const leg = (role: OrderRole, terms: Partial<OrderTerms> & { type: OrderTerms['type'] }): string => {
    const { limitPrice: _limit, stopPrice: _stop, trail: _trail, ...base } = entry;
    const created = createOrder(
      line,
      {
        ...base,
        ...terms,
        side: opposite(entry.side),
        timeInForce: 'gtc',
        postOnly: false,
        reduceOnly: false,
        orderId: newId('ord', entry.createdAtMs),
        brokerClientId: newId('pc', entry.createdAtMs),
        clientOrderId: null,
        brokerOrderId: null,
        parentOrderId: entry.orderId,
        role,
        effect: 'reducing',
        takeProfit: null,
        stopLoss: null,
        status: 'received',
        unitValue: ZERO_MONEY,
        held: true,
      },
      'leg of a bracket',
    );
    return transition(line, created, { to: 'submitting', detail: 'sent with its entry' }).brokerClientId;
  };
  return {
    ...(proposal.takeProfit
      ? { takeProfitClientId: leg('take_profit', { type: 'limit', limitPrice: proposal.takeProfit }) }
      : {}),
    ...(proposal.stopLoss
      ? { stopLossClientId: leg('stop_loss', { type: 'stop', stopPrice: proposal.stopLoss }) }
      : {}),
  };
}
