/** An account at a real broker beside the paper one: a scripted venue with its own list of instruments and its own live feed. */
import { quantity } from '#domain/decimal.ts';
import { defineInstrument, type Instrument, type InstrumentId } from '#domain/instrument.ts';
import type { Principal } from '#domain/principal.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { type HandFeed, handFeed } from './hand-feed.ts';
import { type ScriptedBroker, type ScriptedOptions, scriptedBroker } from './scripted-broker.ts';
import { commit, draft, flatTape, granted, type TradingRoom, tradingRoom } from './trading-room.ts';

export const share = (symbol: string, currency = 'USD'): Instrument =>
  defineInstrument({
    id: `BROKER:${symbol}`,
    symbol,
    name: symbol,
    assetClass: 'equity',
    currency,
    tick: '0.01',
    lot: '1',
    calendar: 'us-equity',
    timezone: 'America/New_York',
    directory: 'broker',
  });
/** `SPX` is a share here, and another thing than the index of the tape. */
export const [SPX, ABC, EURO] = [share('SPX'), share('ABC'), share('EURO', 'EUR')];

export interface RealAccount {
  readonly room: TradingRoom;
  readonly clock: HandClock;
  readonly feed: HandFeed;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
}

export interface RealOptions extends ScriptedOptions {
  /** What it is before the gateway is there. */
  /** Besides the shares. */
  readonly listed?: readonly Instrument[];
  readonly before?: (venue: { readonly broker: ScriptedBroker; readonly feed: HandFeed }) => void;
}

/** The account is `second`, in dollars. */
export async function realAccount({
  before,
  listed = [],
  ...options
}: RealOptions = {}): Promise<RealAccount> {
  const clock = handClock();
  const feed = handFeed(clock, [SPX, ABC, EURO, ...listed]);
  const broker = scriptedBroker('second', { mode: 'live', ...options });
  before?.({ broker, feed });
  const room = await tradingRoom({
    csv: flatTape('1450', 300),
    clock,
    second: broker,
    secondMarket: { feed, directory: 'broker' },
    listed: [SPX, ABC, EURO, ...listed],
  });
  return { room, clock, feed, broker, claude: room.agent('claude', { accounts: ['paper', 'second'] }) };
}

export const buying = (symbol: string, account = 'second', limit = '10') =>
  draft({ side: 'buy', qty: '2', limit, symbol, account });

export async function placedAt({ room, claude }: RealAccount, order = buying('ABC')) {
  const answer = granted(await room.trading.placeOrder(claude, order, commit()));
  if (answer.dryRun) throw new Error('previewed');
  return answer.order;
}

/** What the venue holds, whatever was executed through us. */
export function holds(broker: ScriptedBroker, qtys: Readonly<Record<InstrumentId, string>>): void {
  const positions = Object.entries(qtys).map(([id, qty]) => ({
    instrument: id as InstrumentId,
    qty: quantity(qty),
  }));
  Object.assign(broker, { positions: () => Promise.resolve(positions) });
}
