/** Agents that hold something at a scripted broker, and what becomes of their orders and closes, in a word. */
import { quantity } from '#domain/decimal.ts';
import { type Principal } from '#domain/principal.ts';
import { type ScriptedBroker, scriptedBroker } from './scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  PAPER,
  place,
  reduce,
  type TradingRoom,
  tradingRoom,
} from './trading-room.ts';

const SPX = { account: PAPER, symbol: 'SPX' } as const;

export interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
}
export async function scene(): Promise<Scene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('1450', 400), adapter: () => broker });
  return { room, broker };
}
/** An agent that bought (or, with a minus, sold) so many. */
export async function holder(
  { room, broker }: Scene,
  name: string,
  qty: string,
  rules: Readonly<Record<string, unknown>> = {},
  at = '1450',
): Promise<Principal> {
  const who = room.agent(name, { allow_short: true });
  const size = qty.replace('-', '');
  const order = await place(room, who, draft({ side: qty.startsWith('-') ? 'sell' : 'buy', qty: size }));
  broker.fill(order.brokerClientId, size, at);
  room.agent(name, rules);
  await room.play(1);
  return who;
}
export async function ask(
  { room }: Scene,
  who: Principal,
  order: Parameters<typeof draft>[0],
): Promise<string> {
  const answer = await room.trading.placeOrder(who, draft(order), commit());
  if (!answer.ok) return answer.error.reason;
  return answer.value.dryRun ? 'previewed' : answer.value.order.effect;
}
export async function close({ room }: Scene, who: Principal, qty?: string): Promise<string> {
  const waiting = room.trading.closePosition(
    who,
    { ...SPX, ...(qty ? { qty: quantity(qty) } : {}) },
    reduce(),
  );
  await room.clock.advanceAsync(0);
  const answer = await waiting;
  if (!answer.ok) return answer.error.reason;
  if (answer.value.dryRun) return 'previewed';
  const { order } = answer.value;
  return order ? `${order.side} ${order.qty.toFixed()}` : 'nothing';
}
