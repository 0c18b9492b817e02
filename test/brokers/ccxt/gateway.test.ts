/** A whole gateway with an account at an exchange through ccxt: an agent finds a coin, buys it, rests an order, cancels it and closes. */
import { afterEach, expect, it } from 'vitest';
import { openPublicMarket } from '#brokers/ccxt/public-market.ts';
import { add } from '#cli/account-acts.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { openTestGateway, type TestGateway } from '../../support/gateway.ts';
import { handClock } from '../../support/hand-clock.ts';
import { WIDE_MANDATE } from '../../support/trading-room.ts';
import { BINANCE_KEY, BINANCE_SECRET, type BinanceSim, openBinanceSim } from './binance-sim.ts';

const clock = handClock();
let sim: BinanceSim;
let gate: TestGateway;
afterEach(async () => {
  await gate.close();
  await sim.close();
});

async function opened(): Promise<void> {
  sim = await openBinanceSim(clock);
  const endpoints = { rest: sim.server.rest, stream: sim.server.stream };
  gate = await openTestGateway({
    clock,
    openPublic: (exchange) => openPublicMarket(exchange, clock, { endpoints }),
  });
}
/** One call as an agent's host makes it, time passing. */
async function call(key: string, name: string, args: object): Promise<Record<string, unknown>> {
  const answer = fetch(`${gate.url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  }).then(
    (response) => response.json() as Promise<{ result: { structuredContent: Record<string, unknown> } }>,
  );
  const { result } = await passing(answer);
  return result.structuredContent;
}
async function passing<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  while (!settled) {
    await new Promise((turn) => setTimeout(turn, 1));
    await clock.advanceAsync(20);
    // The venue goes on quoting.
    sim.quote('50000.00', '50000.10');
  }
  return promise;
}
function eventually(check: () => Promise<unknown>) {
  const look = async (): Promise<unknown> => {
    await passing(new Promise((turn) => setTimeout(turn, 5)));
    return check();
  };
  return expect.poll(look, { timeout: 15_000, interval: 1 });
}
const added = (input: Parameters<typeof add.input.parse>[0]) =>
  passing(carryOut(add, gate.gateway, { input }));

/** An agent with a mandate for the one coin there. */
async function trader(account: string): Promise<string> {
  const { access } = gate.gateway;
  access.agents.create('claude', [account], OWNER_CLI);
  const { key } = gate.key('claude');
  await eventually(() => call(key, 'search_instruments', { query: 'BTC' })).toMatchObject({
    instruments: [{ symbol: 'BTC/USDT' }, { symbol: 'BTC/USDT:USDT', asset_class: 'perpetual' }],
  });
  const mandate = { ...WIDE_MANDATE, accounts: [account], symbols: ['BTC/USDT'], allow_short: false };
  expect(access.mandates.set('claude', mandate, OWNER_CLI)).toMatchObject({ ok: true });
  await eventually(() => call(key, 'get_quotes', { symbols: ['BTC/USDT'] })).toMatchObject({
    quotes: [{ symbol: 'BTC/USDT', bid: '50000', ask: '50000.1', source: 'live' }],
  });
  return key;
}

it('lets an agent look, preview, buy, be filled, rest an order, cancel it and close', async () => {
  await opened();
  sim.book.wallet.set('BTC', '0');
  expect(
    await added({
      broker: 'ccxt',
      name: 'coins',
      settings: {
        exchange: 'binance',
        kind: 'spot',
        currency: 'USDT',
        'endpoints.rest': sim.server.rest,
        'endpoints.stream': sim.server.stream,
      },
      credentials: { apiKey: BINANCE_KEY, secret: BINANCE_SECRET },
    }),
  ).toMatchObject({ ok: true, value: { broker: 'ccxt', mode: 'paper', currency: 'USDT' } });
  const key = await trader('coins');
  const order = { account: 'coins', symbol: 'BTC/USDT', side: 'buy', time_in_force: 'gtc' };

  await eventually(() => call(key, 'preview_order', { ...order, qty: '0.01', type: 'market' })).toMatchObject(
    { preview: { estimated_price: '50000.1', fees: '0.500001' } },
  );
  expect(sim.book.orders).toEqual([]);

  const buy = { ...order, qty: '0.01', type: 'market', dry_run: false, idempotency_key: 'buy' };
  await eventually(() => call(key, 'place_order', buy)).toMatchObject({ order: { symbol: 'BTC/USDT' } });
  await eventually(() => call(key, 'get_positions', { account: 'coins' })).toMatchObject({
    positions: [{ symbol: 'BTC/USDT', qty: '0.01', own_qty: '0.01' }],
  });

  const rest = { ...order, qty: '0.02', type: 'limit', limit_price: '49000', dry_run: false };
  const resting = await call(key, 'place_order', { ...rest, idempotency_key: 'rest' });
  expect(resting).toMatchObject({ order: { status: 'open' } });
  const { order_id } = resting['order'] as { order_id: string };
  await call(key, 'cancel_order', { order_id });
  await eventually(() => call(key, 'get_order', { order_id })).toMatchObject({
    order: { status: 'canceled', filled_qty: '0' },
  });

  await call(key, 'close_position', {
    account: 'coins',
    symbol: 'BTC/USDT',
    dry_run: false,
    idempotency_key: 'close',
  });
  await eventually(() => call(key, 'get_positions', { account: 'coins' })).toMatchObject({ positions: [] });
  expect(sim.book.orders.map(({ side, qty, status }) => `${side} ${qty} ${status}`)).toEqual([
    'buy 0.01 filled',
    'buy 0.02 canceled',
    'sell 0.01 filled',
  ]);
  expect(sim.book.wallet.get('BTC')).toBe('0');
  for (const secret of [BINANCE_KEY, BINANCE_SECRET]) expect(gate.logged.join('\n')).not.toContain(secret);
});

it('lets a paper account trade on its public prices, without a key and without sending it an order', async () => {
  await opened();
  expect(
    await added({ broker: 'paper', name: 'practice', market: 'public:binance', currency: 'USDT' }),
  ).toMatchObject({ ok: true, value: { broker: 'paper', currency: 'USDT' } });
  const key = await trader('practice');
  const order = { account: 'practice', symbol: 'BTC/USDT', side: 'buy', type: 'market', qty: '0.01' };
  await eventually(() =>
    call(key, 'place_order', { ...order, dry_run: false, idempotency_key: 'buy' }),
  ).toMatchObject({ order: { symbol: 'BTC/USDT' } });
  await eventually(() => call(key, 'get_positions', { account: 'practice' })).toMatchObject({
    positions: [{ symbol: 'BTC/USDT', qty: '0.01' }],
  });
  await eventually(() => call(key, 'get_trades', { account: 'practice' })).toMatchObject({
    trades: [{ symbol: 'BTC/USDT', price: '50000.1', qty: '0.01' }],
  });
  expect(sim.book.orders).toEqual([]);
  expect(sim.server.asked.filter(({ request }) => request.headers['x-mbx-apikey'] !== undefined)).toEqual([]);
});
