/** A whole gateway with an Alpaca account: an agent reads its market, trades in it over MCP, and nothing secret shows anywhere. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { auditQuery } from '#audit/query.ts';
import { add, credentials } from '#cli/account-acts.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { accountId, OWNER_CLI } from '#domain/principal.ts';
import { openTestGateway, type TestGateway } from '../../support/gateway.ts';
import { handClock } from '../../support/hand-clock.ts';
import { WIDE_MANDATE } from '../../support/trading-room.ts';
import { mustBeLawful } from './openapi-judge.ts';
import { openSimulator, type Simulator } from './simulator/simulator.ts';

// A Monday, eleven in the morning in New York.
const OPEN_MS = Date.UTC(2026, 0, 5, 16);
const clock = handClock(OPEN_MS);
let sim: Simulator;
let gate: TestGateway;
beforeEach(async () => {
  sim = await openSimulator(() => clock.wallMs());
  sim.quote('AAPL', '190.00', '190.10');
  sim.book.autoFill = true;
  gate = await openTestGateway({ clock });
});
afterEach(async () => {
  await gate.close();
  await sim.close();
  mustBeLawful(sim.exchanges);
});

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
    sim.quote('AAPL', '190.00', '190.10');
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

it('lets an agent look, buy, be filled, rest an order and cancel it', async () => {
  const { keyId, secret } = sim.state;
  const added = await passing(
    carryOut(add, gate.gateway, {
      input: {
        broker: 'alpaca',
        name: 'alpaca-1',
        settings: { endpoints: sim.url },
        credentials: { key_id: keyId, secret_key: secret },
      },
    }),
  );
  expect(added).toMatchObject({ ok: true, value: { broker: 'alpaca', mode: 'paper', currency: 'USD' } });
  const { access } = gate.gateway;
  access.agents.create('claude', ['alpaca-1'], OWNER_CLI);
  const { key } = gate.key('claude');
  await eventually(async () => call(key, 'search_instruments', { query: 'AAPL' })).toMatchObject({
    instruments: [{ symbol: 'AAPL' }],
  });
  const set = access.mandates.set(
    'claude',
    { ...WIDE_MANDATE, accounts: ['alpaca-1'], symbols: ['AAPL'] },
    OWNER_CLI,
  );
  expect(set).toMatchObject({ ok: true });

  await eventually(async () => call(key, 'get_quotes', { symbols: ['AAPL'] })).toMatchObject({
    quotes: [{ symbol: 'AAPL', bid: '190', ask: '190.1', source: 'live' }],
  });
  const order = { account: 'alpaca-1', symbol: 'AAPL', side: 'buy', dry_run: false };
  await eventually(async () =>
    call(key, 'place_order', {
      ...order,
      qty: '3',
      type: 'market',
      time_in_force: 'day',
      idempotency_key: 'buy',
    }),
  ).toMatchObject({ order: { symbol: 'AAPL' } });
  expect(sim.state.orders).toMatchObject([{ symbol: 'AAPL', qty: '3', status: 'filled' }]);
  await eventually(async () => call(key, 'get_positions', { account: 'alpaca-1' })).toMatchObject({
    positions: [{ symbol: 'AAPL', qty: '3', own_qty: '3' }],
  });

  const resting = await call(key, 'place_order', {
    ...order,
    qty: '2',
    type: 'limit',
    limit_price: '185.50',
    time_in_force: 'gtc',
    idempotency_key: 'rest',
  });
  expect(resting).toMatchObject({ order: { status: 'open' } });
  const { order_id } = resting['order'] as { order_id: string };
  await call(key, 'cancel_order', { order_id });
  await eventually(async () => call(key, 'get_order', { order_id })).toMatchObject({
    order: { status: 'canceled', filled_qty: '0' },
  });
  expect(sim.state.orders.map(({ status }) => status)).toEqual(['filled', 'canceled']);
  expect(gate.logged.join('\n')).not.toContain(secret);
});

it.each([
  ['at once', false],
  ['at the end of the day', true],
])(
  'sells the whole of the coins it bought, whose fee is kept in the coin %s',
  async (_when, feesAtDaysEnd) => {
    sim.quote('BTC/USD', '60000', '60010');
    sim.state.feesAtDaysEnd = feesAtDaysEnd;
    const { keyId, secret } = sim.state;
    const input = {
      broker: 'alpaca',
      name: 'alpaca-1',
      settings: { endpoints: sim.url },
      credentials: { key_id: keyId, secret_key: secret },
    };
    expect(await passing(carryOut(add, gate.gateway, { input }))).toMatchObject({ ok: true });
    const { access } = gate.gateway;
    access.agents.create('claude', ['alpaca-1'], OWNER_CLI);
    const { key } = gate.key('claude');
    await eventually(async () => call(key, 'search_instruments', { query: 'BTC' })).toMatchObject({
      instruments: [{ symbol: 'BTC/USD' }, ...(sim.state.assets.has('ETH/BTC') ? [{}] : [])],
    });
    const mandate = { ...WIDE_MANDATE, accounts: ['alpaca-1'], symbols: ['BTC/USD'] };
    expect(access.mandates.set('claude', mandate, OWNER_CLI)).toMatchObject({ ok: true });
    const coins = { account: 'alpaca-1', symbol: 'BTC/USD' };
    await eventually(async () => {
      sim.quote('BTC/USD', '60000', '60010');
      return call(key, 'place_order', {
        ...coins,
        side: 'buy',
        qty: '0.5',
        type: 'market',
        time_in_force: 'gtc',
        dry_run: false,
        idempotency_key: 'buy',
      });
    }).toMatchObject({ order: { symbol: 'BTC/USD' } });
    // 0.25 % of what was bought is nobody's to sell.
    await eventually(async () => call(key, 'get_positions', { account: 'alpaca-1' })).toMatchObject({
      positions: [{ symbol: 'BTC/USD', qty: '0.49875', own_qty: '0.49875' }],
    });
    await passing(clock.advanceAsync(70_000));
    const { audit } = gate.gateway;
    audit.flush();
    expect(
      auditQuery(gate.gateway.store, gate.gateway.keyring).tail(5, { kind: 'reconcile.mismatch' }),
    ).toEqual([]);
    await call(key, 'close_position', { ...coins, dry_run: false, idempotency_key: 'close' });
    await eventually(async () =>
      Promise.resolve(sim.state.orders.map(({ side, qty, status }) => [side, qty, status])),
    ).toEqual([
      ['buy', '0.5', 'filled'],
      ['sell', '0.49875', 'filled'],
    ]);
    await eventually(async () => call(key, 'get_positions', { account: 'alpaca-1' })).toMatchObject({
      positions: [],
    });
    const cash = gate.gateway.store.db
      .prepare("SELECT amount FROM ledger_balances WHERE account_id = 'alpaca-1' AND entry = 'cash'")
      .pluck()
      .get();
    // What the sale costs is told in money, and Alpaca takes it later.
    expect(Number(sim.state.cash) - Number(cash)).toBeCloseTo(74.82, 2);
  },
);

it('takes other credentials of the same account alone, whether or not those before still open it', async () => {
  const { keyId } = sim.state;
  const name = 'alpaca-1';
  const given = () => ({ key_id: sim.state.keyId, secret_key: sim.state.secret });
  const input = { broker: 'alpaca', name, settings: { endpoints: sim.url }, credentials: given() };
  expect(await passing(carryOut(add, gate.gateway, { input }))).toMatchObject({ ok: true });
  const changed = () =>
    passing(carryOut(credentials, gate.gateway, { input: { name, credentials: given() } }));
  const mine = sim.state.accountId;

  Object.assign(sim.state, {
    keyId: 'PKSIMULATED000000002',
    accountId: '00000000-0000-4000-8000-000000000009',
  });
  expect(await changed()).toMatchObject({
    ok: false,
    error: {
      detail:
        'The credentials were not changed. They open another account at Alpaca than those before. Add that one under a name of its own.',
    },
  });
  expect(gate.gateway.secrets.read(accountId(name), 'credentials')).toContain(keyId);

  sim.state.accountId = mine;
  expect(await changed()).toMatchObject({ ok: true });
  expect(gate.gateway.secrets.read(accountId(name), 'credentials')).toContain('PKSIMULATED000000002');
});
