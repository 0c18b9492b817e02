/** A stretch of an account's life in minutes: quotes, fills, and a stream that breaks in every way there is, through a whole gateway. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { add } from '#cli/account-acts.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { WIDE_MANDATE } from '../support/trading-room.ts';
import { openSimulator, type Simulator } from './alpaca/simulator/simulator.ts';

// A Monday, eleven in the morning in New York.
const OPEN_MS = Date.UTC(2026, 0, 5, 16);
const STEP_MS = 1_000;
const QUOTE_EVERY_MS = 5_000;
/** A break is over, and prices are fresh again, within it. */
const HEALED_WITHIN_MS = 75_000;

export interface FeedDay {
  readonly hours: number;
  readonly breaks: number;
  readonly fills: number;
}

export interface DayTold {
  /** By their ids at the venue, and by those in the ledger, in order. */
  readonly filledThere: readonly string[];
  readonly filledHere: readonly string[];
  readonly filledQty: string;
  readonly streamsOpened: { readonly orders: number; readonly prices: number };
  /** Breaks after which no fresh quote came in time. */
  readonly stale: readonly string[];
  readonly quotesSeen: number;
  readonly placed: number;
  /** Bytes in use after a tenth of the time, and at its end, nothing being collectable. */
  readonly heap: { readonly early: number; readonly late: number };
}

type Break = (sim: Simulator) => Promise<void> | void;
const BREAKS: readonly (readonly [string, Break])[] = [
  ['both streams end', ({ streams }) => streams.drop('all')],
  ['orders freeze', ({ streams }) => streams.freeze('orders')],
  ['prices freeze', ({ streams }) => streams.freeze('prices')],
  ['prices end', ({ streams }) => streams.drop('prices')],
  ['the venue is away', (sim) => sim.listen(false)],
];

export async function liveThrough({ hours, breaks, fills }: FeedDay): Promise<DayTold> {
  const clock = handClock(OPEN_MS);
  const sim = await openSimulator(() => clock.wallMs());
  // Nothing here is about a disk.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pcl-feed-'));
  const gate = await openTestGateway({ clock, folder });
  try {
    return await live({ clock, sim, gate }, { hours, breaks, fills });
  } finally {
    await gate.close();
    await sim.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Room {
  readonly clock: HandClock;
  readonly sim: Simulator;
  readonly gate: TestGateway;
}

async function live(room: Room, { hours, breaks, fills }: FeedDay): Promise<DayTold> {
  const { clock, sim } = room;
  const call = await agentOn(room, String(fills));
  const endMs = hours * 3_600_000;
  const beganMs = clock.monotonicMs();
  const orderId = sim.state.orders.at(-1)?.client_order_id ?? '';
  const stale: string[] = [];
  let [broken, filled, quotesSeen, early] = [0, 0, 0, 0];
  let awayUntilMs: number | undefined;
  let healBy: { readonly ms: number; readonly name: string } | undefined;

  // The last break may have until after the end to heal: it is looked at then.
  for (let at = 0; at < endMs || healBy !== undefined; at = clock.monotonicMs() - beganMs) {
    const [name, make] = BREAKS[broken % BREAKS.length] ?? ['', () => undefined];
    if (broken < breaks && at >= ((broken + 0.5) * endMs) / breaks) {
      await make(sim);
      broken += 1;
      if (name === 'the venue is away') awayUntilMs = at + 40_000;
      healBy = {
        ms: at + HEALED_WITHIN_MS + (awayUntilMs === undefined ? 0 : 40_000),
        name: `${broken}: ${name}`,
      };
      // News that nobody hears.
      if (filled < fills) {
        filled += 1;
        sim.fillLatest(orderId, '1', '185.50');
      }
    }
    if (awayUntilMs !== undefined && at >= awayUntilMs) {
      await sim.listen(true);
      awayUntilMs = undefined;
    }
    if (filled < fills && at >= (filled * endMs) / fills) {
      filled += 1;
      sim.fillLatest(orderId, '1', '185.50');
    }
    if (at % QUOTE_EVERY_MS < STEP_MS) {
      const cents = String((Math.floor(at / QUOTE_EVERY_MS) % 50) + 10);
      sim.quote('AAPL', `190.${cents}`, `191.${cents}`);
    }
    if (healBy !== undefined && at >= healBy.ms) {
      const fresh = await isFresh(call);
      quotesSeen += fresh ? 1 : 0;
      if (!fresh) stale.push(healBy.name);
      healBy = undefined;
    }
    if (early === 0 && at > endMs / 10) early = heapNow(sim);
    await step(clock);
  }
  for (let waited = 0; waited < 150_000; waited += STEP_MS) await step(clock);

  const trades = await tradesOf(call);
  const order = (await call('get_orders', { account: 'alpaca-1', status: 'all' })) as {
    readonly orders: readonly { readonly filled_qty: string }[];
  };
  return {
    filledThere: sim.state.fills.map(({ executionId }) => executionId),
    filledHere: trades,
    filledQty: order.orders[0]?.filled_qty ?? 'none',
    streamsOpened: { ...sim.streams.opened },
    stale,
    quotesSeen,
    placed: sim.state.orders.length,
    heap: { early, late: heapNow(sim) },
  };
}

type Call = (tool: string, args: object) => Promise<unknown>;

/** One order that rests all the time, so many shares of it. */
async function agentOn({ clock, sim, gate }: Room, qty: string): Promise<Call> {
  sim.state.cash = '10000000';
  sim.quote('AAPL', '190.00', '190.10');
  const { keyId, secret } = sim.state;
  const input = {
    broker: 'alpaca',
    name: 'alpaca-1',
    settings: { endpoints: sim.url },
    credentials: { key_id: keyId, secret_key: secret },
  };
  const added = await passing(clock, carryOut(add, gate.gateway, { input }));
  if (!added.ok) throw new Error(added.error.detail);
  for (let waited = 0; waited < 10_000; waited += STEP_MS) await step(clock);
  const { access } = gate.gateway;
  access.agents.create('claude', ['alpaca-1'], OWNER_CLI);
  const { key } = gate.key('claude');
  const set = access.mandates.set(
    'claude',
    { ...WIDE_MANDATE, accounts: ['alpaca-1'], symbols: ['AAPL'] },
    OWNER_CLI,
  );
  if (!set.ok) throw new Error(set.error.detail);
  const who = access.keys.authenticate(key, { door: 'http' });
  if (!who.ok) throw new Error(who.error.detail);
  const call: Call = async (tool, args) => {
    const answer = await passing(clock, gate.call(tool, args, who.value));
    if (answer === null || !answer.ok) throw new Error(`${tool}: ${JSON.stringify(answer)}`);
    return answer.output;
  };
  const order = {
    account: 'alpaca-1',
    symbol: 'AAPL',
    side: 'buy',
    qty,
    type: 'limit',
    limit_price: '185.50',
    time_in_force: 'gtc',
  };
  await call('place_order', { ...order, dry_run: false, idempotency_key: 'rest' });
  return call;
}

async function isFresh(call: Call): Promise<boolean> {
  const told = (await call('get_quotes', { symbols: ['AAPL'] })) as {
    readonly quotes: readonly { readonly age_ms: number }[];
  };
  return (told.quotes[0]?.age_ms ?? Number.POSITIVE_INFINITY) <= 3 * QUOTE_EVERY_MS;
}

async function tradesOf(call: Call): Promise<readonly string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = (await call('get_trades', {
      account: 'alpaca-1',
      limit: 500,
      ...(cursor === undefined ? {} : { cursor }),
    })) as {
      readonly trades: readonly { readonly execution_id: string }[];
      readonly next_cursor?: string;
    };
    ids.push(...page.trades.map(({ execution_id }) => execution_id));
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return ids;
}

async function step(clock: HandClock): Promise<void> {
  await new Promise((turn) => setTimeout(turn, 1));
  await clock.advanceAsync(STEP_MS);
}
async function passing<T>(clock: HandClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  while (!settled) {
    await new Promise((turn) => setTimeout(turn, 1));
    await clock.advanceAsync(20);
  }
  return promise;
}

/** What the simulator wrote down of its requests is the test's own. */
function heapNow(sim: Simulator): number {
  (sim.exchanges as unknown[]).length = 0;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
