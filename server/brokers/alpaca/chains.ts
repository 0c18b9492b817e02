/**
 * One order of ours, many of Alpaca's: a change makes a new order there, with ids of its own, that names what it replaces. Here they
 * are one again, under the ids of the first.
 */
import type { RequestKind } from '#brokers/request-budget.ts';
import { add, compare, type Quantity, quantity, ZERO_QUANTITY } from '#domain/decimal.ts';
import { CHANGES_MAX, ORDERS_REMEMBERED_MAX } from './bounds.ts';
import { isOver } from './terms.ts';
import { msOf, type OrderPayload } from './wire.ts';

export interface Chain {
  /** The first one: its ids are the order's. */
  readonly root: OrderPayload;
  /** The one that counts now. */
  readonly head: OrderPayload;
  /** Filled in those that were replaced: Alpaca begins to count anew in each. */
  readonly filledBefore: Quantity;
  readonly changes: number;
  /** It was replaced by one that Alpaca does not tell of, or not yet: what counts now is not known. */
  readonly isCut: boolean;
}

export interface Chains {
  /** Takes in what was told of an order; word that is older than what is known changes nothing. */
  learn(order: OrderPayload): void;
  /** The id of the first, by its client id, as far as it is in memory. */
  idOf(clientId: string): string | undefined;
  /** The whole chain that an order belongs to, asking for what is not known of it. Throws when Alpaca can not say. */
  of(orderId: string, urgency?: RequestKind): Promise<Chain | undefined>;
  /** By the client id of the first, and as it stands now. */
  byClientId(clientId: string, urgency?: RequestKind): Promise<Chain | undefined>;
}

export interface ChainSource {
  byId(orderId: string, urgency: RequestKind): Promise<OrderPayload | undefined>;
  byClientId(clientId: string, urgency: RequestKind): Promise<OrderPayload | undefined>;
}

export function openChains(source: ChainSource): Chains {
  const orders = new Map<string, OrderPayload>();
  const ids = new Map<string, string>();
  /** Told by the later one: the earlier may not have heard of it yet. */
  const successors = new Map<string, string>();

  function learn(order: OrderPayload): void {
    const before = orders.get(order.id);
    const now = before === undefined || isNewer(order, before) ? order : before;
    orders.delete(order.id);
    orders.set(order.id, now);
    ids.set(order.client_order_id, order.id);
    if (isId(order.replaces)) successors.set(order.replaces, order.id);
    for (const [id, oldest] of orders) {
      if (orders.size <= ORDERS_REMEMBERED_MAX) break;
      orders.delete(id);
      ids.delete(oldest.client_order_id);
      if (isId(oldest.replaces)) successors.delete(oldest.replaces);
    }
  }
  /** What is over and was replaced never changes again, so it need not be asked for twice. */
  async function ask(orderId: string, urgency: RequestKind): Promise<OrderPayload | undefined> {
    const found = await source.byId(orderId, urgency);
    if (found !== undefined) learn(found);
    return found === undefined ? undefined : (orders.get(orderId) ?? found);
  }
  const look = async (orderId: string, urgency: RequestKind): Promise<OrderPayload | undefined> =>
    orders.get(orderId) ?? (await ask(orderId, urgency));

  async function of(orderId: string, urgency: RequestKind = 'order'): Promise<Chain | undefined> {
    const start = await look(orderId, urgency);
    if (start === undefined) return undefined;
    const line = [start];
    for (let first = start; isId(first.replaces); ) {
      const earlier = await look(first.replaces, urgency);
      // Before what Alpaca still has of it: the ids that are left are the order's.
      if (earlier === undefined) break;
      bounded(line.unshift(earlier));
      first = earlier;
    }
    const next = (one: OrderPayload): string | undefined => one.replaced_by ?? successors.get(one.id);
    for (let last = start, id = next(last); isId(id); id = next(last)) {
      const later = await look(id, urgency);
      if (later === undefined) break;
      bounded(line.push(later));
      last = later;
    }
    return chainOf(line);
  }

  return {
    learn,
    idOf: (clientId) => ids.get(clientId),
    of,
    async byClientId(clientId, urgency = 'order') {
      const told = await source.byClientId(clientId, urgency);
      if (told === undefined) return undefined;
      learn(told);
      const chain = await of(told.id, urgency);
      // A head from memory may be old; what the question was about must not be.
      if (chain === undefined || chain.head.id === told.id || isOver(chain.head.status)) return chain;
      await ask(chain.head.id, urgency);
      return of(told.id, urgency);
    },
  };
}

function chainOf(line: readonly OrderPayload[]): Chain | undefined {
  const [root] = line;
  const newest = line.at(-1);
  if (root === undefined || newest === undefined) return undefined;
  const before = line.at(-2);
  // A change that was refused in the end: what it was to replace goes on, or was filled meanwhile.
  const stands = newest.status === 'rejected' && before !== undefined && before.status !== 'replaced';
  const head = stands ? before : newest;
  const earlier = line.slice(0, line.indexOf(head));
  return {
    root,
    head,
    filledBefore: earlier.reduce((sum, one) => add(sum, filledOf(one)), ZERO_QUANTITY),
    changes: line.length - 1,
    isCut: head.status === 'replaced' && isId(head.replaced_by),
  };
}

const filledOf = (order: OrderPayload): Quantity => quantity(order.filled_qty ?? '0');
const isId = (id: string | null | undefined): id is string => typeof id === 'string' && id !== '';

function bounded(length: number): void {
  if (length > CHANGES_MAX)
    throw new Error('Alpaca tells of more changes of one order than can be followed.');
}

/** Events and answers overtake each other: what is filled stays filled, what is over stays over. */
function isNewer(now: OrderPayload, before: OrderPayload): boolean {
  const more = compare(filledOf(now), filledOf(before));
  if (more !== 0) return more > 0;
  if (isOver(now.status) !== isOver(before.status)) return isOver(now.status);
  return msOf(now.updated_at ?? now.created_at) >= msOf(before.updated_at ?? before.created_at);
}
