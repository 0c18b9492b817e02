/** How the agents of the demo order: always a preview first, then the same again with its token. */
import { z } from 'zod';
import { DEMO_FILL_WAIT_MS } from '#limits.ts';
import { OrderShape, PlaceShape } from '#tools/shapes.ts';
import { type Agent, DemoError, type Stage } from './stage.ts';

export type Order = z.output<typeof OrderShape>;

/** Preview and commit in one go. */
export async function place(agent: Agent, wish: object, key: string): Promise<Order> {
  const previewed = await agent.ask('place_order', PlaceShape, wish);
  if (!previewed.dry_run) throw new DemoError('place_order acted without being told to.');
  return commit(agent, wish, previewed.action_token, key);
}

export async function commit(agent: Agent, wish: object, token: string, key: string): Promise<Order> {
  const placed = await agent.ask('place_order', PlaceShape, {
    ...wish,
    dry_run: false,
    action_token: token,
    idempotency_key: key,
  });
  if (placed.dry_run) throw new DemoError('place_order did not act.');
  return placed.order;
}

export function orderOf(agent: Agent, orderId: string): Promise<Order> {
  const One = z.object({ order: OrderShape });
  return agent.ask('get_order', One, { order_id: orderId }).then(({ order }) => order);
}

export function untilFilled(stage: Stage, agent: Agent, orderId: string): Promise<Order> {
  return stage.until(`The fill of ${orderId}`, DEMO_FILL_WAIT_MS, async () => {
    const order = await orderOf(agent, orderId);
    if (order.status === 'filled') return order;
    if (order.status === 'open' || order.status === 'partially_filled') return undefined;
    throw new DemoError(
      `${orderId} became ${order.status}${order.reason === undefined ? '' : `: ${order.reason}`}.`,
    );
  });
}
