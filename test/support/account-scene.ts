/** An account on a scripted broker in a market that stands still: what is bought above it is lost at once. */
import { text } from '#domain/decimal.ts';
import { OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import type { LimitBooks, LimitTexts } from '#trading/account-limits.ts';
import { type ScriptedBroker, scriptedBroker } from './scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  minuteTape,
  PAPER,
  place,
  type RoomOptions,
  type TradingRoom,
  tradingRoom,
} from './trading-room.ts';

export interface AccountScene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
}

/** 100,000 in cash, and a bid of 1450 unless the options bring another tape. */
export async function accountScene(
  limits: LimitTexts = {},
  options: RoomOptions = {},
): Promise<AccountScene> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker, ...options });
  const scene = { room, broker };
  setLimits(scene, limits);
  return scene;
}

/** So many bars of four seconds at each price. */
export const stepTape = (prices: readonly (readonly [number, string])[]): string =>
  minuteTape(prices.flatMap(([bars, at]) => Array.from({ length: bars }, () => [at, at, at, at] as const)));

export const limitsDesk = ({ room }: Pick<AccountScene, 'room'>) => room.trading.owner.accountLimits;
export const setLimits = (scene: Pick<AccountScene, 'room'>, to: LimitTexts) =>
  granted(limitsDesk(scene).change({ account: PAPER, to, by: OWNER_CONSOLE }));
export const lift = (scene: AccountScene) => limitsDesk(scene).lift(PAPER, OWNER_CONSOLE);
/** What a command has while nothing runs. */
export const booksOf = ({ room: { store, audit, access } }: AccountScene): LimitBooks => ({
  store,
  audit,
  wallMs: access.wall,
  prepare: store.db.prepare.bind(store.db),
});

/** `ACTIVE`, or the limits that were reached. */
export const stateOf = (scene: Pick<AccountScene, 'room'>, account = PAPER): string =>
  limitsDesk(scene)
    .of(account)
    .reducing.map(({ reason }) => reason)
    .join(' ') || 'ACTIVE';

export function standingOf(scene: Pick<AccountScene, 'room'>) {
  const { equity, peak, loss, drawdownPercent } = limitsDesk(scene).of(PAPER).standing;
  return { equity: text(equity), peak: text(peak), loss: text(loss), drawdown: text(drawdownPercent) };
}

/** A market order that is filled whole at this price. */
export async function trade(
  { room, broker }: AccountScene,
  who: Principal,
  [side, qty, at]: readonly ['buy' | 'sell', string, string],
): Promise<void> {
  const order = await place(room, who, draft({ side, qty }));
  broker.fill(order.brokerClientId, qty, at);
}

/** What an order that adds is answered. */
export async function askToAdd(
  { room }: Pick<AccountScene, 'room'>,
  who: Principal,
  account = 'paper',
): Promise<string> {
  const order = draft({ side: 'buy', limit: '1440', account });
  const answer = await room.trading.placeOrder(who, order, commit());
  return answer.ok ? 'granted' : answer.error.reason;
}

export const nextDay = ({ room }: AccountScene): void => room.clock.setWall(room.clock.wallMs() + 86_400_000);

/** As after a kill −9, so many seconds later. */
export async function restarted(scene: AccountScene, seconds = 2): Promise<AccountScene> {
  const room = await scene.room.restart();
  await room.play(seconds);
  return { ...scene, room };
}
