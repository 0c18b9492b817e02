/** An Alpaca account over its simulator: the real adapter, a hand-turned clock, the list of instruments in memory. */
import { alpaca } from '#brokers/alpaca/index.ts';
import { listingOf } from '#brokers/alpaca/listings.ts';
import { assetPayload } from '#brokers/alpaca/wire.ts';
import type { BrokerDirectory, WireGate } from '#brokers/broker.ts';
import { accountId } from '#domain/principal.ts';
import type { BrokerAdapter, BrokerEvent, BrokerListing } from '#ports.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { mustBeLawful } from './openapi-judge.ts';
import { openSimulator, type Simulator } from './simulator/simulator.ts';
import type { SimState } from './simulator/state.ts';

export function directoryOf(state: SimState): BrokerDirectory {
  const listings = (): readonly BrokerListing[] =>
    [...state.assets.values()].flatMap((asset) => listingOf(assetPayload.parse(asset)) ?? []);
  return {
    byId: (id) => listings().find(({ instrument }) => instrument.id === id),
    bySymbol: (symbol) => listings().find(({ brokerSymbol }) => brokerSymbol === symbol),
  };
}

export interface ConnectOptions {
  readonly gate?: WireGate;
  readonly mode?: 'paper' | 'live';
  readonly dataFeed?: 'iex' | 'sip';
}

export function connectTo(sim: Simulator, clock: HandClock, options: ConnectOptions = {}): BrokerAdapter {
  const connection = {
    account: {
      id: accountId('alpaca-1'),
      mode: options.mode ?? 'paper',
      currency: 'USD',
      settings: alpaca.settings.parse({ endpoints: sim.url, data_feed: options.dataFeed ?? 'iex' }),
    },
    credentials: { key_id: sim.state.keyId, secret_key: sim.state.secret },
    session: { read: () => undefined, write: () => undefined },
    directory: directoryOf(sim.state),
    gate: options.gate ?? (() => undefined),
    clock,
  };
  // Without what is for brokers that keep books here, or trade on a feed that they were given.
  return alpaca.connect(connection as unknown as Parameters<typeof alpaca.connect>[0]);
}

export interface TestAccount {
  readonly sim: Simulator;
  readonly clock: HandClock;
  readonly adapter: BrokerAdapter;
  readonly events: readonly BrokerEvent[];
  /** Turns for the network, and a little time with each. */
  readonly until: (check: () => unknown, what: string) => Promise<void>;
  readonly soon: <T>(promise: Promise<T>) => Promise<T>;
  reopen(): Promise<TestAccount>;
  close(): Promise<void>;
}

const STEP_MS = 40;
const PATIENCE_MS = 90_000;

/** Connected, unless told not to wait. */
export async function openAccount(
  options: ConnectOptions & { readonly prepare?: (sim: Simulator) => void; readonly wait?: false } = {},
): Promise<TestAccount> {
  const clock = handClock();
  const sim = await openSimulator(() => clock.wallMs());
  sim.quote('AAPL', '190.00', '190.10');
  sim.quote('BTC/USD', '60000', '60010');
  options.prepare?.(sim);
  const opened = begun(sim, clock, options);
  if (options.wait !== false) await opened.until(() => opened.adapter.connected(), 'the account connects');
  return opened;
}

function begun(sim: Simulator, clock: HandClock, options: ConnectOptions): TestAccount {
  const adapter = connectTo(sim, clock, options);
  const events: BrokerEvent[] = [];
  adapter.onEvents((told) => void events.push(...told));
  adapter.start();
  const until: TestAccount['until'] = async (check, what) => {
    const byMs = clock.monotonicMs() + PATIENCE_MS;
    while (!check()) {
      if (clock.monotonicMs() >= byMs) throw new Error(`waited in vain until ${what}`);
      await new Promise((turn) => setTimeout(turn, 1));
      if (!check()) await clock.advanceAsync(STEP_MS);
    }
  };
  return {
    sim,
    clock,
    adapter,
    events,
    until,
    async soon(promise) {
      let settled = false;
      const mark = (): void => {
        settled = true;
      };
      promise.then(mark, mark);
      await until(() => settled, 'it is settled');
      return promise;
    },
    async reopen() {
      await adapter.close();
      const again = begun(sim, clock, options);
      await again.until(() => again.adapter.connected(), 'the account connects again');
      return again;
    },
    async close() {
      await adapter.close();
      await sim.close();
      // Witness C: whatever a test is about, all that was said in it is held to the published documents.
      mustBeLawful(sim.exchanges);
    },
  };
}
