/** Everybody's orders and trades as the owner looks through them, and the whole story of one order. */
import { money, price, quantity } from '#domain/decimal.ts';
import { FINAL_STATES, type FinalState, type OrderStatus, type Side } from '#domain/order.ts';
import { type AgentId, accountId, agentId, OWNER_HOLDER } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { PAGE_MAX } from '#limits.ts';
import type { Page } from './desk.ts';
import { whyNoEvidence } from './evidence.ts';
import { evidenceOf } from './evidence-rows.ts';
import { EXTERNAL_HOLDER } from './holdings.ts';
import { agentNameOf, type Line } from './line.ts';
import { fromRow, type OrderRow, type StoredOrder, WORKING } from './order-rows.ts';
import type {
  OwnerFilter,
  OwnerOrder,
  OwnerOrderFilter,
  OwnerOrderStory,
  OwnerTrade,
  OwnerTradeFilter,
} from './owner-desk.ts';
import { type Lead, look } from './owner-look.ts';

const ENDED = `status IN ('filled', 'canceled', 'rejected', 'refused', 'expired')`;

/** What finds its rows by an index of its own. */
const ORDER_LEADS = {
  // By id: at most one, and one an agent.
  text: {
    from: `(SELECT * FROM orders WHERE order_id = @text UNION
            SELECT * FROM orders INDEXED BY orders_by_client_id WHERE client_order_id = @text)`,
    where: 'TRUE',
  },
  agent: { from: 'orders INDEXED BY orders_by_agent', where: 'agent_id = @agent' },
  account: { from: 'orders INDEXED BY orders_by_account', where: 'account_id = @account' },
  symbol: { from: 'orders INDEXED BY orders_by_symbol', where: 'symbol = @symbol' },
  open: { from: 'orders INDEXED BY orders_open', where: WORKING },
  ended: { from: 'orders INDEXED BY orders_ended', where: `${ENDED} AND status = @status` },
} as const satisfies Record<string, Lead>;

const TRADE_LEADS = {
  order: { from: 'executions INDEXED BY executions_by_order', where: 'order_id = @order' },
  agent: { from: 'executions INDEXED BY executions_by_agent', where: 'agent_id = @agent' },
} as const satisfies Record<string, Lead>;

const OF_BOTH = `(@agent IS NULL OR agent_id = @agent) AND (@account IS NULL OR account_id = @account)
  AND (@symbol IS NULL OR symbol = @symbol) AND (@side IS NULL OR side = @side)`;

export function ordersPage(line: Line, filter: OwnerOrderFilter): Page<OwnerOrder> {
  const holder = holderNamed(line, filter.agent);
  if (holder === 'nobody') return { items: [], nextBeforeSeq: null };
  const { status } = filter;
  const group = status === 'open' || status === 'final' ? status : undefined;
  const { seqs, nextBeforeSeq } = look(line, {
    table: 'orders',
    writtenAt: 'created_at',
    leads: filter.text === undefined ? orderLeads(filter) : [ORDER_LEADS.text],
    filters: `${OF_BOTH} AND (@status IS NULL OR status = @status)
      AND (@group IS NULL OR (@group = 'open') = (${WORKING}))`,
    columns: ['agent_id', 'account_id', 'symbol', 'side', 'status'],
    values: {
      ...valuesOf(filter, holder),
      status: group === undefined ? (status ?? null) : null,
      group: group ?? null,
      ...(filter.text === undefined ? {} : { text: filter.text }),
    },
    sinceMs: filter.sinceMs,
    untilMs: filter.untilMs,
    beforeSeq: filter.beforeSeq,
    limit: filter.limit,
  });
  const row = line.prepare<[number], OrderRow>('SELECT * FROM orders WHERE seq = ?');
  return { items: rowsOf(seqs, row).map((one) => ownerOrder(line, fromRow(one))), nextBeforeSeq };
}

function orderLeads({ agent, account, symbol, status }: OwnerOrderFilter): readonly Lead[] {
  return [
    ...(agent === undefined ? [] : [ORDER_LEADS.agent]),
    ...(account === undefined ? [] : [ORDER_LEADS.account]),
    ...(symbol === undefined ? [] : [ORDER_LEADS.symbol]),
    ...(status === undefined || status === 'final'
      ? []
      : [isEnd(status) ? ORDER_LEADS.ended : ORDER_LEADS.open]),
  ];
}

const isEnd = (status: 'open' | OrderStatus): status is FinalState =>
  (FINAL_STATES as readonly string[]).includes(status);

export function tradesPage(line: Line, filter: OwnerTradeFilter): Page<OwnerTrade> {
  const holder = holderNamed(line, filter.agent);
  if (holder === 'nobody') return { items: [], nextBeforeSeq: null };
  const { seqs, nextBeforeSeq } = look(line, {
    table: 'executions',
    writtenAt: 'posted_at',
    leads: [
      ...(filter.orderId === undefined ? [] : [TRADE_LEADS.order]),
      ...(holder === undefined ? [] : [TRADE_LEADS.agent]),
    ],
    filters: `${OF_BOTH} AND (@order IS NULL OR order_id = @order)`,
    columns: ['agent_id', 'account_id', 'symbol', 'side', 'order_id'],
    values: {
      ...valuesOf(filter, holder),
      order: filter.orderId ?? null,
    },
    sinceMs: filter.sinceMs,
    untilMs: filter.untilMs,
    beforeSeq: filter.beforeSeq,
    limit: filter.limit,
  });
  const row = line.prepare<[number], TradeRow>('SELECT * FROM executions WHERE seq = ?');
  return { items: rowsOf(seqs, row).map((one) => ownerTrade(line, one)), nextBeforeSeq };
}

function rowsOf<T>(seqs: readonly number[], row: { get(seq: number): T | undefined }): readonly T[] {
  return seqs.flatMap((seq) => row.get(seq) ?? []);
}

const valuesOf = (
  { account, symbol, side }: OwnerOrderFilter | OwnerTradeFilter,
  holder: AgentId | undefined,
) => ({
  agent: holder ?? null,
  account: account ?? null,
  symbol: symbol ?? null,
  side: side ?? null,
});

/** Whose orders a name stands for; undefined: everybody's. */
export function holderNamed(line: Line, name: string | undefined): AgentId | 'nobody' | undefined {
  if (name === undefined) return undefined;
  if (name === OWNER_HOLDER || name === EXTERNAL_HOLDER) return agentId(name);
  return line.access.agents.byName(name)?.id ?? 'nobody';
}

export const ownerOrder = (line: Line, order: StoredOrder): OwnerOrder => ({
  ...order,
  agentName: agentNameOf(line, order.agent),
});

interface TradeRow {
  readonly seq: number;
  readonly execution_id: string;
  readonly order_id: string;
  readonly agent_id: string;
  readonly account_id: string;
  readonly symbol: string;
  readonly side: Side;
  readonly qty: string;
  readonly price: string;
  readonly fee: string;
  readonly realised: string;
  readonly market_time: number;
}

function ownerTrade(line: Line, row: TradeRow): OwnerTrade {
  const agent = agentId(row.agent_id);
  return {
    seq: row.seq,
    executionId: row.execution_id,
    orderId: row.order_id,
    agent,
    agentName: agentNameOf(line, agent),
    account: accountId(row.account_id),
    symbol: row.symbol,
    side: row.side,
    qty: quantity(row.qty),
    price: price(row.price),
    fee: money(row.fee),
    realised: money(row.realised),
    timeMs: row.market_time,
  };
}

/** An order with all that happened to it. An id that is not there is refused, whoever's it would be. */
export function orderStory(line: Line, orderId: string): Result<OwnerOrderStory, Refusal> {
  const order = anyOrder(line, orderId);
  if (!order.ok) return order;
  const entry = order.value.parentOrderId;
  const group =
    entry === null
      ? line.orders.legsOf(orderId)
      : [line.orders.byId(entry) ?? [], ...line.orders.legsOf(entry)].flat();
  return ok({
    order: ownerOrder(line, order.value),
    timeline: line.orders.timeline(orderId),
    trades: tradesPage(line, { orderId, limit: PAGE_MAX }).items.toReversed(),
    legs: group.filter((one) => one.orderId !== orderId).map((one) => ownerOrder(line, one)),
    evidence: evidenceOf(line, orderId),
    whyNoEvidence: whyNoEvidence(line, order.value) ?? null,
    changePending: order.value.pending !== null,
  });
}

export function anyOrder(line: Line, orderId: string): Result<StoredOrder, Refusal> {
  const order = line.orders.byId(orderId);
  return order === undefined
    ? err(refuse('not_found', `There is no order ${orderId.slice(0, 40)}.`))
    : ok(order);
}

/** Working orders of a filter, for canceling them. */
export function workingOf(line: Line, filter: OwnerFilter): readonly StoredOrder[] {
  const holder = holderNamed(line, filter.agent);
  if (holder === 'nobody') return [];
  return line.orders
    .working({
      ...(holder === undefined ? {} : { agent: holder }),
      ...(filter.account === undefined ? {} : { account: filter.account }),
    })
    .filter((order) => filter.symbol === undefined || order.symbol === filter.symbol);
}
