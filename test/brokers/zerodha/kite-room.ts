// An account at the simulated Kite: its adapter, its directory from the dump, its sealed slot, and a clock turned by hand.

import type { BrokerDirectory, SecretSlot, WireGate } from '#brokers/broker.ts';
import { connectZerodha } from '#brokers/zerodha/adapter.ts';
import { listingsOf } from '#brokers/zerodha/dump.ts';
import { zerodhaSettings } from '#brokers/zerodha/settings.ts';
import { accountId } from '#domain/principal.ts';
import type { BrokerAdapter, BrokerEvent, BrokerListing, Clock } from '#ports.ts';

import { cleared, type OrderWords } from '../../support/cleared.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { type KiteSim, openKiteSim, SIM_KEY, SIM_SECRET } from './kite-sim.ts';
import { dumpOf, nextSixMs } from './kite-world.ts';

/** A Monday at half past eleven in India. */
export const MONDAY = Date.UTC(2026, 0, 5, 6);

export interface KiteRoom {
  readonly sim: KiteSim;
  readonly clock: HandClock;
  readonly directory: BrokerDirectory;
  readonly slot: SecretSlot;
  adapter: BrokerAdapter;
  readonly events: BrokerEvent[];
  listing(brokerSymbol: string): BrokerListing;
  order(
    words: Partial<OrderWords> & { readonly symbol?: string; readonly product?: 'cnc' | 'mis' | 'nrml' },
  ): ReturnType<typeof cleared>;
  /** Time passes while something is waited for. */
  readonly soon: <T>(promise: Promise<T>) => Promise<T>;
  until(check: () => unknown, what: string): Promise<void>;
  pass(ms: number): Promise<void>;
  /** Closes the adapter and opens another on what was kept. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface RoomOptions {
  readonly startMs?: number;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly gate?: WireGate;
  /** false: nobody has signed in. */
  readonly signedIn?: boolean;
  /** false: whoever opened it listens and starts the adapter. */
  readonly started?: boolean;
  /** What Kite's clock shows. */
  readonly venueClock?: (clock: Clock) => Clock;
}

export function directoryOf(csv: string): BrokerDirectory {
  const all = [...listingsOf(csv)].flat();
  const byId = new Map(all.map((listing) => [listing.instrument.id, listing]));
  const bySymbol = new Map(all.map((listing) => [listing.brokerSymbol, listing]));
  return { byId: (id) => byId.get(id), bySymbol: (symbol) => bySymbol.get(symbol) };
}

export function memorySlot(first?: string): SecretSlot {
  let kept = first;
  return {
    read: () => kept,
    write(secret) {
      kept = secret;
    },
  };
}

let made = 0;

export async function openKiteRoom(options: RoomOptions = {}): Promise<KiteRoom> {
  const clock = handClock(options.startMs ?? MONDAY);
  const sim = await openKiteSim(options.venueClock?.(clock) ?? clock);
  const directory = directoryOf(dumpOf(sim.instruments));
  const slot = memorySlot();
  const events: BrokerEvent[] = [];
  if (options.signedIn !== false) {
    const startedMs = clock.wallMs();
    const session = { token: sim.newToken(), startedMs, endsMs: nextSixMs(startedMs) };
    slot.write(JSON.stringify({ user: 'XX0000', session, ids: [], intents: [] }));
  }
  const open = (): BrokerAdapter => {
    const adapter = connectZerodha({
      account: {
        id: accountId('zerodha'),
        mode: 'live',
        currency: 'INR',
        settings: zerodhaSettings.parse({
          endpoints: sim.url,
          ...options.settings,
        }),
      },
      credentials: { api_key: SIM_KEY, api_secret: SIM_SECRET },
      session: slot,
      clock,
      directory,
      gate: options.gate ?? (() => undefined),
    });
    if (options.started === false) return adapter;
    adapter.onEvents((told) => void events.push(...told));
    adapter.start();
    return adapter;
  };
  const passes = async (over: () => boolean, forMs: number): Promise<void> => {
    const untilMs = clock.monotonicMs() + forMs;
    while (!over() && clock.monotonicMs() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (!over()) await clock.advanceAsync(Math.min(40, untilMs - clock.monotonicMs()));
    }
  };
  const room: KiteRoom = {
    sim,
    clock,
    directory,
    slot,
    events,
    adapter: open(),
    listing(brokerSymbol) {
      const found = directory.bySymbol(brokerSymbol);
      if (found === undefined) throw new Error(`no ${brokerSymbol} in the dump`);
      return found;
    },
    order({ symbol = 'NSE:INFY', product, ...words }) {
      made += 1;
      const id = `pc_${clock.wallMs().toString(16).padStart(12, '0')}${made.toString(16).padStart(12, '0')}`;
      const { instrument } = room.listing(symbol);
      const order = cleared({
        id,
        side: 'buy',
        qty: '10',
        tif: 'day',
        ...words,
        instrument: instrument.id,
        account: 'zerodha',
      });
      return product === undefined ? order : { ...order, product };
    },
    async soon(promise) {
      let settled = false;
      const mark = (): void => {
        settled = true;
      };
      promise.then(mark, mark);
      await passes(() => settled, 90_000);
      if (!settled) throw new Error('it is not settled after a minute and a half');
      return promise;
    },
    async until(check, what) {
      await passes(() => Boolean(check()), 90_000);
      if (!check()) throw new Error(`waited in vain until ${what}`);
    },
    pass: (ms) => passes(() => false, ms),
    async restart() {
      await room.soon(room.adapter.close());
      room.adapter = open();
      if (options.started === false) return;
      await room.until(() => room.adapter.connected(), 'it is connected again');
    },
    async close() {
      await room.adapter.close();
      await sim.close();
    },
  };
  if (options.signedIn !== false && options.started !== false)
    await room.until(() => room.adapter.connected(), 'the adapter connects');
  return room;
}
