/** The story of the demo: two agents trade recorded prices within their mandates, and the owner drops the gate on them. */
import { z } from 'zod';
import { price, quantity, ratio, roundDownTo, scale, text } from '#domain/decimal.ts';
import { MandateShape, PlaceShape, PositionShape } from '#tools/shapes.ts';
import { dropTheGate } from './drop-the-gate.ts';
import { lookAtTheMarket, type Market, quoteOf } from './market.ts';
import { commit, type Order, place, untilFilled } from './ordering.ts';
import { anAgentOverHttp } from './owner.ts';
import { type Agent, DemoError, type Stage } from './stage.ts';
import type { Teller } from './teller.ts';
import { type Bracket, watchStops } from './watch-stops.ts';

export async function tell(stage: Stage, teller: Teller): Promise<void> {
  theGateway(stage, teller);
  const local = await anAgentOverStdio(stage, teller);
  const market = await lookAtTheMarket(stage, teller, local);
  const first = await askThenAct(stage, teller, local, market);
  const scalper = await anAgentOverHttp(stage, teller, market);
  const bracket = await aBracket(stage, teller, scalper, market);
  await beyondTheMandate(teller, scalper, market);
  const trailing = await aTrailingStop(teller, local, market, first);
  await watchStops({ stage, teller, local, scalper, market, trailing, bracket });
  await dropTheGate({ stage, teller, local, scalper, market });
}

function theGateway({ gateway, url, folder }: Stage, { chapter, line }: Teller): void {
  const { tape, feed } = gateway;
  chapter('A gateway of your own');
  line(`It listens on ${url} and on a socket, with its books in ${folder}.`);
  line(
    `Its paper account starts with ${gateway.config.PAPER_CASH} ${tape.instrument.currency}; its market is ${tape.instrument.name}, ${tape.length} recorded`,
  );
  line(
    `bars from ${tape.bar(0).sessionDate} to ${tape.bar(tape.length - 1).sessionDate}, played at ${feed.timing().barSeconds} s a bar (real prices, fast forward).`,
  );
}

async function anAgentOverStdio(stage: Stage, { chapter, line }: Teller): Promise<Agent> {
  chapter('An agent connects over stdio, as Claude Desktop or Claude Code would');
  const agent = await stage.overStdio();
  line(
    `An MCP client started \`portcullis stdio\`: protocol ${agent.protocol}, ${agent.tools} tools, as the agent "${agent.name}".`,
  );
  const { mandate } = await agent.ask('get_mandate', MandateShape);
  const most = (key: string): string => String(mandate?.[key]);
  line(
    `Its mandate: at most ${most('max_order_value')} an order, ${most('max_daily_value')} a day, ${most('max_open_orders')} open orders, ${most('max_daily_loss')} loss a day.`,
  );
  return agent;
}

async function askThenAct(
  stage: Stage,
  { chapter, line }: Teller,
  agent: Agent,
  { symbol, size }: Market,
): Promise<Order> {
  chapter('It previews an order, then commits it');
  const wish = { symbol, side: 'buy', ...size, type: 'market', time_in_force: 'gtc' };
  const previewed = await agent.ask('place_order', PlaceShape, wish);
  if (!previewed.dry_run) throw new DemoError('place_order acted without being told to.');
  const { preview } = previewed;
  line(
    `Preview: buy ${preview.qty} ${symbol} at about ${preview.estimated_price}, worth ${preview.value}, leaving ${preview.buying_power_after} of buying power.`,
  );
  line(
    'Nothing was sent. To send it, it repeats the order with the token of the preview and a key of its own.',
  );
  const order = await commit(agent, wish, previewed.action_token, 'demo-1');
  line(`Committed: ${order.order_id} is ${order.status}.`);
  const filled = await untilFilled(stage, agent, order.order_id);
  line(
    `Filled: ${filled.filled_qty} at ${filled.avg_fill_price ?? '?'}, ${Math.round(Date.parse(filled.updated_at) - Date.parse(order.created_at))} ms later, at the ask of that moment: the tape does not wait.`,
  );
  return filled;
}

async function aBracket(
  stage: Stage,
  { chapter, line }: Teller,
  agent: Agent,
  market: Market,
): Promise<Bracket> {
  chapter('It buys with a bracket: a target and a stop come with the order');
  const { symbol, range, tick, size } = market;
  const quote = await quoteOf(agent, symbol);
  const takeProfit = text(roundDownTo(price(price(quote.ask).plus(range).toFixed()), tick));
  const stopLoss = text(roundDownTo(price(price(quote.bid).minus(range).toFixed()), tick));
  const wish = {
    symbol,
    side: 'buy',
    ...size,
    type: 'market',
    time_in_force: 'gtc',
    take_profit: takeProfit,
    stop_loss: stopLoss,
  };
  const { order_id: id } = await place(agent, wish, 'demo-bracket');
  const entry = await untilFilled(stage, agent, id);
  line(
    `Bought ${entry.filled_qty} ${symbol} at ${entry.avg_fill_price ?? '?'}; target ${takeProfit}, stop ${stopLoss}, one cancels the other.`,
  );
  return { entry, takeProfit, stopLoss };
}

async function beyondTheMandate({ chapter, line }: Teller, agent: Agent, { symbol }: Market): Promise<void> {
  chapter('It tries an order beyond its mandate');
  const refusal = await agent.refusedAt('place_order', {
    symbol,
    side: 'buy',
    notional: '8000',
    type: 'market',
  });
  if (refusal.reason !== 'max_order_value')
    throw new DemoError(`The refusal should be max_order_value and is ${refusal.reason}.`);
  line(`Refused (${refusal.reason}): ${refusal.detail}`);
  const figure = refusal.limits?.find(({ limit }) => limit === refusal.reason);
  if (figure)
    line(
      `In figures, so that it can do better: this order ${figure.order} ${figure.unit}, at most ${figure.max} ${figure.unit}.`,
    );
}

async function aTrailingStop(
  { chapter, line }: Teller,
  agent: Agent,
  market: Market,
  bought: Order,
): Promise<Order> {
  chapter('The first agent lets a trailing stop follow its position');
  const distance = text(roundDownTo(scale(market.range, ratio('0.8')), market.tick));
  const { positions } = await agent.ask('get_positions', z.object({ positions: z.array(PositionShape) }));
  const held = positions.find(({ symbol }) => symbol === market.symbol)?.own_qty ?? '0';
  if (quantity(held).lt(bought.filled_qty))
    throw new DemoError(`The position is ${held} instead of ${bought.filled_qty}.`);
  const wish = {
    symbol: market.symbol,
    side: 'sell',
    qty: bought.filled_qty,
    type: 'trailing_stop',
    trail_price: distance,
    time_in_force: 'gtc',
  };
  const order = await place(agent, wish, 'demo-trailing');
  line(
    `Sell ${order.qty} ${market.symbol} when it falls ${distance} from its best: ${order.order_id} is ${order.status}.`,
  );
  return order;
}
