/** The gateway in a process of its own with an account at a simulated Alpaca, and Alpaca's own SDK beside it. */
import { Alpaca } from '@alpacahq/alpaca-trade-api';
import { addBrokerAccount } from '#cli/account-adding.ts';
import { ACTS } from '#cli/acts.ts';
import { openGateway } from '#compose.ts';
import { loadConfig, ownEnvironment } from '#config.ts';
import { OWNER_CLI, SCOPES } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { nowMs, pause } from './time.ts';

/** Where the venue is, as the only argument: JSON. */
export interface Venue {
  readonly url: string;
  readonly keyId: string;
  readonly secret: string;
}
export interface Asked {
  readonly pairs: number;
}
export type Told =
  | { readonly kind: 'ready'; readonly url: string; readonly key: string }
  /** Of each pair: the broker's names of both orders, and when each was asked for. */
  | {
      readonly kind: 'pairs';
      readonly pairs: readonly {
        readonly ours: string;
        readonly oursMs: number;
        readonly theirs: string;
        readonly theirsMs: number;
      }[];
    };

const SYMBOL = 'BTC/USD';
const LIMIT = '59000';
const CONNECT_MAX_MS = 30_000;
/**
 * Alpaca takes two hundred requests a minute. The SDK's order is one from another screen to the gateway, after which it asks for the
 * balance by itself, once a second at most.
 */
const PAIR_EVERY_MS = 1_200;

const MANDATE = {
  accounts: ['alpaca'],
  symbols: [SYMBOL],
  sides: ['buy'],
  may_reduce: 'own',
  order_types: ['limit'],
  max_order_qty: '1',
  max_order_value: '100000',
  max_daily_value: '100000000',
  max_daily_orders: 100_000,
  max_daily_loss: '100000',
  max_open_orders: 10_000,
  max_gross_exposure: '100000000',
  trading_hours: 'any',
  expires_at: null,
  commit: 'one_step',
  approval: 'never',
};

const venue = JSON.parse(process.argv[2] ?? '{}') as Venue;
const tell = (told: Told): void => void process.send?.(told);

function granted<T>(result: Result<T, Refusal>): T {
  if (!result.ok) throw new Error(`${result.error.detail} ${JSON.stringify(result.error.errors ?? [])}`);
  return result.value;
}
async function until(what: string, holds: () => boolean): Promise<void> {
  const byMs = nowMs() + CONNECT_MAX_MS;
  while (!holds()) {
    if (nowMs() > byMs) throw new Error(`${what} in vain`);
    await pause(20);
  }
}

const gateway = await openGateway(loadConfig({ environment: ownEnvironment() }), { acts: ACTS });
await gateway.start();
const given = {
  broker: 'alpaca',
  name: 'alpaca',
  mode: 'paper',
  settings: { data_feed: 'sip', endpoints: venue.url },
  credentials: { key_id: venue.keyId, secret_key: venue.secret },
};
granted(await addBrokerAccount(gateway, given, { by: OWNER_CLI, code: false }));
await until('waited for the connection', () =>
  [...gateway.engine.adapters.values()].some((one) => one.broker === 'alpaca' && one.connected()),
);
await until('waited for the list of instruments', () => gateway.book.resolve(SYMBOL, ['alpaca']).ok);
const { access, dispatcher, store } = gateway;
granted(access.agents.create('bench', ['alpaca'], OWNER_CLI));
granted(access.mandates.set('bench', MANDATE, OWNER_CLI));
const { key } = granted(access.keys.create({ agent: 'bench', scopes: SCOPES, by: OWNER_CLI }));
const principal = granted(access.keys.authenticate(key, { door: 'rest', address: '127.0.0.1' }));
const sdk = new Alpaca({
  keyId: venue.keyId,
  secret: venue.secret,
  paper: true,
  // It knows Alpaca's hosts; its requests go to the simulator as they are.
  fetchApi(input, init) {
    const { pathname, search } = new URL(input);
    return fetch(`${venue.url}${pathname}${search}`, init);
  },
});
const brokersName = store.db
  .prepare<[string], string>('SELECT broker_client_id FROM orders WHERE order_id = ?')
  .pluck();

/** Through the whole line, as a call of the tool. */
async function placeOurs(n: number) {
  const args = {
    symbol: SYMBOL,
    side: 'buy',
    type: 'limit',
    // Never the same order twice, which would be held back as a repetition.
    qty: `0.${String(1_000 + n)}`,
    limit_price: LIMIT,
    time_in_force: 'gtc',
    dry_run: false,
    idempotency_key: `bench-${n}`,
  };
  const atMs = nowMs();
  const answer = await dispatcher.call({ tool: 'place_order', args, principal, via: 'rest' });
  if (answer?.ok !== true) throw new Error(`an order was refused: ${JSON.stringify(answer)}`);
  const { order_id } = answer.output['order'] as { readonly order_id: string };
  return { id: brokersName.get(order_id) ?? '', atMs };
}
async function placeTheirs(n: number) {
  const clientOrderId = `sdk-${n}`;
  const order = { symbol: SYMBOL, qty: '0.1', side: 'buy', limitPrice: LIMIT, timeInForce: 'gtc' } as const;
  const atMs = nowMs();
  await sdk.trading.orders.limit({ ...order, clientOrderId });
  return { id: clientOrderId, atMs };
}

let orders = 0;
process.on('message', ({ pairs: wanted }: Asked) => {
  void (async () => {
    const pairs = [];
    for (let pair = 0; pair < wanted; pair++) {
      const n = ++orders;
      await pause(PAIR_EVERY_MS / 2);
      // Each goes first as often as the other.
      const oursFirst = n % 2 === 0 ? await placeOurs(n) : undefined;
      const theirs = await placeTheirs(n);
      await pause(PAIR_EVERY_MS / 2);
      const ours = oursFirst ?? (await placeOurs(n));
      pairs.push({ ours: ours.id, oursMs: ours.atMs, theirs: theirs.id, theirsMs: theirs.atMs });
    }
    tell({ kind: 'pairs', pairs });
  })();
});
// Nobody is left to ask.
process.once('disconnect', () => process.exit(1));
process.once('SIGTERM', () => void gateway.stop().then(() => process.exit(0)));
tell({ kind: 'ready', url: gateway.url() ?? '', key });
