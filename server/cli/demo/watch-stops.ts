/** The middle of the story: the tape runs, the trailing stop follows it, the bracket waits, and each is hit in the end. */
import { z } from 'zod';
import { DEMO_WATCH_MS } from '#limits.ts';
import { AccountShape, OrderShape } from '#tools/shapes.ts';
import { type Market, quoteOf, shortTime } from './market.ts';
import { type Order, orderOf } from './ordering.ts';
import { type Agent, DemoError, type Stage } from './stage.ts';
import type { Teller } from './teller.ts';

export interface Bracket {
  readonly entry: Order;
  readonly takeProfit: string;
  readonly stopLoss: string;
}

interface Watched {
  readonly stage: Stage;
  readonly teller: Teller;
  readonly local: Agent;
  readonly scalper: Agent;
  readonly market: Market;
  readonly trailing: Order;
  readonly bracket: Bracket;
}

export async function watchStops(watched: Watched): Promise<void> {
  const { stage, teller, local, scalper, market, trailing, bracket } = watched;
  teller.chapter('The tape runs');
  let told = '';
  let trailed: Order | undefined;
  let closed: Order | undefined;
  await stage.until('The end of both stops', DEMO_WATCH_MS, async () => {
    const quote = await quoteOf(local, market.symbol);
    const when = shortTime(quote.time, market.finest);
    const notes: string[] = [];
    if (trailed === undefined) {
      const order = await orderOf(local, trailing.order_id);
      if (isOver(order)) {
        trailed = order;
        notes.push(`the trailing stop sold at ${order.avg_fill_price ?? '?'}`);
      } else if (order.stop_price !== null) notes.push(`trailing stop at ${order.stop_price}`);
    }
    if (closed === undefined) {
      closed = await hitLeg(scalper, bracket);
      if (closed)
        notes.push(
          `the ${closed.role === 'take_profit' ? 'target' : 'stop'} of the bracket sold at ${closed.avg_fill_price ?? '?'}`,
        );
    }
    if (when !== told || notes.length > 0)
      teller.line([`${when}  ${market.symbol} ${quote.bid}`, ...notes].join('  '));
    told = when;
    return trailed && closed ? true : undefined;
  });
  await otherLegEnded(stage, teller, scalper, bracket);
  const { account } = await local.ask('get_account', z.object({ account: AccountShape }));
  teller.line(`The account: ${account.cash} ${account.currency} in cash, ${account.equity} in all.`);
}

/** Throws DemoError when it ended in another way than by its fill. */
function isOver(order: Order): boolean {
  if (order.status === 'filled') return true;
  if (order.status === 'open' || order.status === 'partially_filled') return false;
  throw new DemoError(
    `${order.order_id} (${order.role}) became ${order.status}${order.reason === undefined ? '' : `: ${order.reason}`}.`,
  );
}

async function legsOf(agent: Agent, bracket: Bracket): Promise<readonly Order[]> {
  const Orders = z.object({ orders: z.array(OrderShape) });
  const { orders } = await agent.ask('get_orders', Orders, { status: 'all' });
  const legs = orders.filter((order) => order.parent_order_id === bracket.entry.order_id);
  if (legs.length !== 2) throw new DemoError(`The bracket has ${legs.length} legs instead of two.`);
  return legs;
}

const hitLeg = async (agent: Agent, bracket: Bracket): Promise<Order | undefined> =>
  (await legsOf(agent, bracket)).find((leg) => leg.status === 'filled');

async function otherLegEnded(stage: Stage, { line }: Teller, agent: Agent, bracket: Bracket): Promise<void> {
  const other = await stage.until('The end of the other leg', 2_000, async () =>
    (await legsOf(agent, bracket)).find((leg) => leg.status === 'canceled'),
  );
  line(
    `The other leg (${other.role === 'take_profit' ? 'target' : 'stop'}) was canceled with it: nothing is left to open a position by itself.`,
  );
}
