/** What moves money: a new order, a change, a cancel. Each is sent once, and what came of it is told in three ways and no others. */
import type { BrokerDirectory, WireGate } from '#brokers/broker.ts';
import type { RequestKind } from '#brokers/request-budget.ts';
import type { ClearedOrder } from '#domain/order.ts';
import type { BrokerListing, CancelOutcome, PlaceOutcome } from '#ports.ts';
import { type AlpacaApi, at, type Reply } from './api.ts';
import { ORDER_TIMEOUT_MS, ORDERS_REMEMBERED_MAX } from './bounds.ts';
import type { Chain, Chains } from './chains.ts';
import { changeBody, changeId, isOver, isSame, objection, orderBody } from './terms.ts';
import { orderPayload } from './wire.ts';

export interface RequestOptions {
  readonly api: AlpacaApi;
  readonly chains: Chains;
  readonly directory: BrokerDirectory;
  readonly gate: WireGate;
  /** Why nothing can be sent now, or undefined. */
  readonly away: () => string | undefined;
}

type Cancelable = { readonly brokerClientId: string; readonly brokerOrderId?: string };
export interface Requests {
  submit(order: ClearedOrder): Promise<PlaceOutcome>;
  change(order: ClearedOrder): Promise<PlaceOutcome>;
  cancel(order: Cancelable): Promise<CancelOutcome>;
}

const ORDERS = '/v2/orders';

export function openRequests({ api, chains, directory, gate, away }: RequestOptions): Requests {
  /** Changes that were tried of an order, by its first id: a number is used once, whatever became of it. */
  const tried = new Map<string, number>();
  const send = (path: string, method: 'POST' | 'PATCH', order: ClearedOrder, body: unknown): Promise<Reply> =>
    api.trading(path, { method, kind: 'order', body, timeoutMs: ORDER_TIMEOUT_MS, gate: () => gate(order) });
  /** From memory where that is enough: a cancel must not wait behind a question. */
  const find = (order: Cancelable, urgency: RequestKind): Promise<Chain | undefined> => {
    const id = order.brokerOrderId ?? chains.idOf(order.brokerClientId);
    return id === undefined ? chains.byClientId(order.brokerClientId, urgency) : chains.of(id, urgency);
  };

  /** Only what is in the list now is traded; what has left it can be canceled alone. */
  function listed(order: ClearedOrder): BrokerListing | undefined {
    const listing = directory.byId(order.instrument);
    return listing && directory.bySymbol(listing.brokerSymbol);
  }

  return {
    async submit(order) {
      const listing = listed(order);
      if (listing === undefined) return notSent('Alpaca does not list it.');
      const why = objection(order, listing) ?? away();
      if (why !== undefined) return notSent(why);
      const reply = await send(ORDERS, 'POST', order, orderBody(order, listing));
      if (isDuplicate(reply)) return evidence(chains, order, listing);
      return taken(reply, chains, (made) => made.client_order_id === order.brokerClientId);
    },
    async change(order) {
      const listing = listed(order);
      if (listing === undefined) return notSent('Alpaca does not list it.');
      const why = objection(order, listing) ?? away();
      if (why !== undefined) return notSent(why);
      const chain = await quietly(find(order, 'order'));
      if (chain === undefined) return notSent('Alpaca did not say how the order stands.');
      const { root, head, filledBefore } = chain;
      if (isOver(head.status)) return { kind: 'rejected', reason: `The order is ${head.status} already.` };
      // Alpaca's new order would be for the whole quantity again, beside what is filled.
      if (filledBefore.gt('0') || Number(head.filled_qty ?? '0') > 0)
        return notSent('Alpaca changes no order that is partly filled: cancel it and place what is left.');
      const number = Math.max(chain.changes, tried.get(root.id) ?? 0) + 1;
      const body = changeBody(order, head, changeId(order.brokerClientId, number));
      if (Object.keys(body).length === 1) return { kind: 'accepted', brokerOrderId: root.id };
      remember(tried, root.id, number);
      const reply = await send(at(ORDERS, head.id), 'PATCH', order, body);
      const outcome = await taken(reply, chains, (made) => made.replaces === head.id);
      return outcome.kind === 'accepted' ? { kind: 'accepted', brokerOrderId: root.id } : outcome;
    },
    cancel: (order) => cancelChain(api, chains, () => find(order, 'cancel')),
  };
}

async function cancelChain(
  api: AlpacaApi,
  chains: Chains,
  find: () => Promise<Chain | undefined>,
): Promise<CancelOutcome> {
  try {
    const chain = await find();
    if (chain === undefined) return { kind: 'rejected', reason: 'Alpaca knows no such order.' };
    const first = await cancelOne(api, chain.head.id);
    if (first.kind !== 'refused') return first;
    // What was known of it may be old: it is over, or a change made another of it that is still to be canceled.
    const now = await chains.byClientId(chain.root.client_order_id, 'cancel');
    if (now === undefined) return { kind: 'rejected', reason: first.reason };
    if (now.isCut)
      return { kind: 'unknown', reason: 'Alpaca replaced the order and does not tell by which.' };
    if (isOver(now.head.status)) return { kind: 'gone', reason: first.reason };
    if (now.head.id === chain.head.id) return { kind: 'rejected', reason: first.reason };
    const second = await cancelOne(api, now.head.id);
    return second.kind === 'refused' ? { kind: 'unknown', reason: second.reason } : second;
  } catch {
    return { kind: 'unknown', reason: 'Alpaca did not say how the order stands.' };
  }
}

function remember(tried: Map<string, number>, id: string, number: number): void {
  tried.set(id, number);
  for (const oldest of tried.keys()) {
    if (tried.size <= ORDERS_REMEMBERED_MAX) break;
    tried.delete(oldest);
  }
}

const notSent = (reason: string): PlaceOutcome => ({ kind: 'not_sent', reason });

/** Questions that serve a request: no answer is no answer, and not a failure of the request. */
async function quietly<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch {
    return undefined;
  }
}

/** Alpaca's words for it, spelled in two ways over the years. */
const DUPLICATE = /client[\s_-]?order[\s_-]?id must be unique/i;
const isDuplicate = (reply: Reply): boolean =>
  reply.kind === 'told' && reply.status === 422 && DUPLICATE.test(reply.says);

/** Its id is there already: whose, is what Alpaca has under it. */
async function evidence(chains: Chains, order: ClearedOrder, listing: BrokerListing): Promise<PlaceOutcome> {
  const chain = await quietly(chains.byClientId(order.brokerClientId));
  if (chain === undefined)
    return { kind: 'unknown', reason: 'Alpaca has an order of this id already and did not say which.' };
  return isSame(order, chain, listing)
    ? { kind: 'accepted', brokerOrderId: chain.root.id }
    : { kind: 'rejected', reason: 'Alpaca has another order under this id.' };
}

/**
 * The outcome of a new order or a change. A 429 is the limiter in front of Alpaca's API: what it refuses has not been looked at. After
 * a 5xx, an odd status or an answer that can not be read, it may have been done.
 */
async function taken(
  reply: Reply,
  chains: Chains,
  isIt: (made: {
    readonly client_order_id: string;
    readonly replaces?: string | null | undefined;
  }) => boolean,
): Promise<PlaceOutcome> {
  if (reply.kind !== 'told')
    return { kind: reply.kind === 'not_sent' ? 'not_sent' : 'unknown', reason: reply.reason };
  const { status, says, body } = reply;
  if (REFUSALS.has(status)) return { kind: 'rejected', reason: says };
  if (status !== 200 && status !== 201) return { kind: 'unknown', reason: says };
  const made = orderPayload.safeParse(body);
  if (!made.success || !isIt(made.data))
    return { kind: 'unknown', reason: 'Alpaca answered something that this gateway can not read.' };
  chains.learn(made.data);
  return { kind: 'accepted', brokerOrderId: made.data.id };
}
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 409, 413, 415, 422, 429]);

type Refused = { readonly kind: 'refused'; readonly reason: string };

async function cancelOne(api: AlpacaApi, orderId: string): Promise<CancelOutcome | Refused> {
  const reply = await api.trading(at(ORDERS, orderId), {
    method: 'DELETE',
    kind: 'cancel',
    timeoutMs: ORDER_TIMEOUT_MS,
  });
  if (reply.kind !== 'told')
    return reply.kind === 'not_sent'
      ? { kind: 'rejected', reason: `not sent: ${reply.reason}` }
      : { kind: 'unknown', reason: reply.reason };
  const { status, says } = reply;
  if (status === 204) return { kind: 'accepted' };
  if (status === 404 || status === 422) return { kind: 'refused', reason: says };
  return REFUSALS.has(status) ? { kind: 'rejected', reason: says } : { kind: 'unknown', reason: says };
}
