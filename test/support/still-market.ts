// A whole gateway on a tape whose price stands still, with an agent and another one, and orders to speak of.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OWNER_CLI, type Principal, SCOPES } from '#domain/principal.ts';
import { openTestGateway, type TestGateway } from './gateway.ts';

export type SceneName = 'spx' | 'yesbank' | 'bitcoin';

export interface Scene {
  readonly gate: TestGateway;
  readonly caller: Principal;
  readonly key: string;
  /** One call, with the market going on until it is answered; null: no such tool. */
  call(tool: string, args: unknown, who?: Principal): ReturnType<TestGateway['call']>;
  /** The id of a new order that rests, of the caller's or the other agent's. */
  resting(who?: Principal): Promise<string>;
  /** The id of an order that has been filled. */
  filled(): Promise<string>;
  readonly other: Principal;
  /** The id of another agent, new, with the same mandate. */
  agent(called: string): Principal;
  /** What the record says of faults, which the wire is vague about. */
  faults(): readonly string[];
  close(): Promise<void>;
}

interface Market {
  readonly symbol: string;
  readonly price: string;
  readonly below: string;
  readonly qty: string;
}

const MARKETS: { readonly [name in SceneName]: Market } = {
  spx: { symbol: 'SPX', price: '5000', below: '4900', qty: '1' },
  yesbank: { symbol: 'YESBANK', price: '20', below: '19.5', qty: '10' },
  bitcoin: { symbol: 'BTC/USD', price: '60000', below: '58000', qty: '0.01' },
};

/** A minute a bar, from 14:30 UTC on a Monday, going nowhere. */
function flatTape(price: string): string {
  const first = Date.UTC(2024, 0, 8, 14, 30);
  const rows = Array.from({ length: 380 }, (_, minute) =>
    [first + minute * 60_000, price, price, price, price, '1000000'].join(','),
  );
  return ['time_ms,open,high,low,close,volume', ...rows].join('\n');
}

/** A disk in memory where there is one: calls are under test here, not how fast a disk syncs. */
const FAST_DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Wide: what is under test is what comes before it. */
const MANDATE = {
  accounts: ['paper'],
  symbols: ['*'],
  asset_classes: ['equity', 'index', 'crypto', 'fx'],
  sides: ['buy', 'sell'],
  may_reduce: 'own',
  order_types: ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'],
  allow_short: true,
  max_order_qty: '1000',
  max_order_value: '50000',
  max_daily_value: '100000000',
  max_daily_orders: 10_000,
  max_daily_loss: '50000',
  max_open_orders: 1_000,
  max_gross_exposure: '100000000',
  trading_hours: 'any',
  expires_at: null,
  commit: 'two_step',
  approval: 'never',
};

export async function openScene(
  name: SceneName,
  mandate: Readonly<Record<string, unknown>> = {},
): Promise<Scene> {
  const market = MARKETS[name];
  const folder = mkdtempSync(join(FAST_DISK, 'pcl-scene-'));
  const tape = join(folder, 'tape.csv');
  writeFileSync(tape, flatTape(market.price));
  const gate = await openTestGateway({
    folder,
    settings: {
      PAPER_TAPE: tape,
      PAPER_SYMBOL: market.symbol,
      PAPER_PRESET: 'friendly',
      PAPER_CASH: '10000000',
      PORTCULLIS_RATE_LIMIT_READ: '10000 per minute',
      PORTCULLIS_RATE_LIMIT_WRITE: '10000 per minute',
      PORTCULLIS_THROTTLE_REFUSALS: '10000 per minute',
      PORTCULLIS_THROTTLE_EXECUTIONS: '10000 per minute',
    },
  });
  await gate.clock.advanceAsync(5_000);
  const agent = (called: string) => {
    const { key } = gate.key(called, SCOPES);
    const set = gate.gateway.access.mandates.set(called, { ...MANDATE, ...mandate }, OWNER_CLI);
    if (!set.ok) throw new Error(`${set.error.detail} ${JSON.stringify(set.error.errors)}`);
    const who = gate.gateway.access.keys.authenticate(key, { door: 'http' });
    if (!who.ok) throw new Error(who.error.detail);
    return { key, who: who.value };
  };
  const caller = agent('claude');
  const other = agent('other').who;

  async function call(tool: string, args: unknown, who = caller.who) {
    const asking = gate.gateway.dispatcher.call({ tool, args, principal: who, via: 'http' });
    return meanwhile(gate, asking);
  }
  let keys = 0;
  async function placed(args: object, who = caller.who): Promise<string> {
    // An account takes only so many orders a second.
    await gate.clock.advanceAsync(1_000);
    const preview = await call('place_order', args, who);
    const token = preview?.ok === true ? preview.output['action_token'] : undefined;
    const commit = { ...args, dry_run: false, action_token: token, idempotency_key: `scene-${++keys}` };
    const answer = await call('place_order', commit, who);
    const order = answer?.ok === true ? answer.output['order'] : undefined;
    if (typeof order !== 'object' || order === null || !('order_id' in order))
      throw new Error(`no order came of ${JSON.stringify(args)}: ${JSON.stringify([preview, answer])}`);
    return String(order.order_id);
  }
  const { symbol, qty, below } = market;
  return {
    gate,
    caller: caller.who,
    key: caller.key,
    other,
    agent: (called) => agent(called).who,
    call,
    resting: (who) =>
      placed({ symbol, side: 'buy', qty, type: 'limit', limit_price: below, time_in_force: 'gtc' }, who),
    faults() {
      const { audit, store } = gate.gateway;
      audit.flush();
      return store.db
        .prepare('SELECT line FROM audit WHERE line LIKE \'%"error":%\' ORDER BY seq DESC LIMIT 3')
        .pluck()
        .all() as readonly string[];
    },
    async close() {
      await gate.stop();
      rmSync(folder, { recursive: true, force: true });
    },
    async filled() {
      const id = await placed({ symbol, side: 'buy', qty, type: 'market' });
      await gate.clock.advanceAsync(5_000);
      return id;
    },
  };
}

/** Lets the market go on until the answer is here; most answers do not wait for the market, only for the network. */
export async function meanwhile<T>(gate: TestGateway, asking: Promise<T>): Promise<T> {
  let settled = false;
  const done = asking.finally(() => {
    settled = true;
  });
  done.catch(() => undefined);
  for (let turn = 0; turn < 50_000 && !settled; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 25 === 24) await gate.clock.advanceAsync(10);
  }
  return done;
}
