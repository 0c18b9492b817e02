/** A simulated Alpaca in a process of its own, which notes when an order reached its socket and when it said each quote. */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { openSimulator } from '../test/brokers/alpaca/simulator/simulator.ts';
import { nowMs } from './time.ts';

/** What is said to it, and what it answers. */
export type Asked =
  | { readonly ask: 'orders' }
  | { readonly ask: 'quotes'; readonly everyMs: number; readonly seconds: number };
export type Told =
  | {
      readonly kind: 'ready';
      readonly url: string;
      readonly keyId: string;
      readonly secret: string;
    }
  /** In the order in which they came. */
  | { readonly kind: 'orders'; readonly clientIds: readonly string[]; readonly arrivedMs: readonly number[] }
  /** By the number that each bears. */
  | { readonly kind: 'quotes'; readonly saidMs: readonly number[] };

/** Trades around the clock, and is quoted all the time, so that its price is fresh. */
const COIN = 'BTC/USD';
const COIN_EVERY_MS = 200;

export const SHARES: readonly string[] = Array.from(
  { length: 50 },
  (_, n) => `Q${String.fromCodePoint(65 + Math.floor(n / 26), 65 + (n % 26))}`,
);

/** The number of a quote is in its price. */
const bidOf = (n: number): string => (100 + n / 100).toFixed(2);
export const numberOf = (bid: string): number => Math.round(Number(bid) * 100) - 10_000;

const tell = (told: Told): void => void process.send?.(told);

async function serve(): Promise<void> {
  const sim = await openSimulator(() => Date.now());
  sim.state.cash = '100000000';
  const model = sim.state.assets.get('AAPL');
  if (model === undefined) throw new Error('the simulator lists no AAPL');
  for (const symbol of SHARES) {
    sim.state.assets.set(symbol, { ...model, id: symbol, symbol, name: `${symbol} Inc.` });
    sim.quote(symbol, bidOf(0), bidOf(1));
  }
  const arrivedMs: number[] = [];
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    if (request.method === 'POST' && request.url === '/v2/orders') arrivedMs.push(nowMs());
  });
  setInterval(() => sim.quote(COIN, '60000', '60010'), COIN_EVERY_MS);

  function clientIds(): readonly string[] {
    const placed = sim.exchanges.filter(({ method, url }) => method === 'POST' && url === '/v2/orders');
    return placed.map(
      ({ body }) => (JSON.parse(body) as { readonly client_order_id: string }).client_order_id,
    );
  }
  /** Every share once in each turn, as evenly as timers go: who is late catches up. */
  function say(everyMs: number, seconds: number): void {
    const saidMs: number[] = [];
    const beganMs = nowMs();
    const timer = setInterval(() => {
      const due = Math.min((seconds * 1_000) / everyMs, Math.floor((nowMs() - beganMs) / everyMs));
      while (saidMs.length < due * SHARES.length) {
        const n = saidMs.length;
        saidMs.push(nowMs());
        sim.quote(SHARES[n % SHARES.length] ?? '', bidOf(n), bidOf(n + 1));
      }
      if (saidMs.length < (seconds * 1_000 * SHARES.length) / everyMs) return;
      clearInterval(timer);
      tell({ kind: 'quotes', saidMs });
    }, 1);
  }

  process.on('message', (asked: Asked) => {
    if (asked.ask === 'orders') tell({ kind: 'orders', clientIds: clientIds(), arrivedMs });
    else say(asked.everyMs, asked.seconds);
  });
  // Nobody is left to ask.
  process.once('disconnect', () => process.exit(1));
  process.once('SIGTERM', () => process.exit(0));
  const { keyId, secret } = sim.state;
  tell({ kind: 'ready', url: sim.url, keyId, secret });
}

// Who measures reads the names above; only a process that was started for it serves.
if (process.send !== undefined && process.argv[1] === import.meta.filename) await serve();
