// A simulator's list of instruments is its own: never beside the broker's, and gone with its last account.

import { afterEach, beforeEach, expect, it } from 'vitest';
import { add, remove } from '#cli/account-acts.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { accountId } from '#domain/principal.ts';
import { openSimulator, type Simulator } from '../brokers/alpaca/simulator/simulator.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { handClock } from '../support/hand-clock.ts';

let clock: ReturnType<typeof handClock>;
let poisoned: Simulator;
let other: Simulator;
let gate: TestGateway;
beforeEach(async () => {
  clock = handClock(Date.UTC(2026, 0, 5, 16));
  poisoned = await openSimulator(() => clock.wallMs());
  other = await openSimulator(() => clock.wallMs());
  const assetOf = (symbol: string) => {
    const asset = poisoned.state.assets.get(symbol);
    if (asset === undefined) throw new Error(`the simulator lists no ${symbol}`);
    return asset;
  };
  poisoned.state.assets.set('BTC/USD', { ...assetOf('BTC/USD'), price_increment: '1000' });
  for (let n = 0; n < 30; n++)
    poisoned.state.assets.set(`EVIL${n}`, { ...assetOf('AAPL'), symbol: `EVIL${n}`, name: 'Evil' });
  gate = await openTestGateway({ clock, http: false });
});
afterEach(async () => {
  await gate.close();
  await poisoned.close();
  await other.close();
});

async function passing<T>(promise: Promise<T>): Promise<T> {
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
const at = (name: string, sim: Simulator) => ({
  broker: 'alpaca',
  name,
  settings: { endpoints: sim.url },
  credentials: { key_id: sim.state.keyId, secret_key: sim.state.secret },
});
const added = (input: Parameters<typeof add.input.parse>[0]) =>
  passing(carryOut(add, gate.gateway, { input }));
const removed = (name: string) => passing(carryOut(remove, gate.gateway, { input: { name } }));
const tickOf = (symbol: string): string | undefined => {
  const found = gate.gateway.book.resolve(symbol, ['alpaca']);
  return found.ok ? String(found.value.tick) : undefined;
};
function eventually(check: () => unknown) {
  const look = async (): Promise<unknown> => {
    await passing(new Promise((turn) => setTimeout(turn, 5)));
    return check();
  };
  return expect.poll(look);
}

it('a list goes with the last account on its simulator, and the next account has its own', async () => {
  expect(await added(at('sim', poisoned))).toMatchObject({ ok: true });
  expect(await added(at('same', poisoned))).toMatchObject({ ok: true });
  await eventually(() => tickOf('EVIL29')).toBeDefined();
  await eventually(() => gate.gateway.listings.state('alpaca')?.refreshedAtMs ?? null).not.toBeNull();
  expect(tickOf('BTC/USD')).toBe('1000');

  await removed('sim');
  expect(tickOf('EVIL1')).toBeDefined();
  await removed('same');
  expect(tickOf('EVIL1')).toBeUndefined();
  expect(gate.gateway.listings.countNow('alpaca')).toBe(0);

  expect(await added(at('next', other))).toMatchObject({ ok: true });
  await eventually(() => tickOf('BTC/USD')).toBeDefined();
  expect(tickOf('BTC/USD')).not.toBe('1000');
  expect(tickOf('EVIL1')).toBeUndefined();
});

it('what is being read when the last account goes is not written any more', async () => {
  await added(at('sim', poisoned));
  await removed('sim');
  for (let n = 0; n < 50; n++) await passing(new Promise((turn) => setTimeout(turn, 2)));
  expect(gate.gateway.listings.countNow('alpaca')).toBe(0);
  expect(gate.gateway.listings.state('alpaca')).toBeUndefined();
});

it('no account at the broker itself, nor on another simulator, stands beside one on a simulator', async () => {
  expect(await added(at('sim', poisoned))).toMatchObject({ ok: true });
  const real = { ...at('real', other), settings: {} };
  expect(await added(real)).toMatchObject({
    ok: false,
    error: {
      reason: 'invalid_input',
      detail:
        'The account was not added: sim has the list of instruments alpaca from an address on this machine, and this one would have it from the broker itself. Remove sim first, or use another data folder.',
    },
  });
  expect(await added(at('elsewhere', other))).toMatchObject({
    ok: false,
    error: {
      detail: expect.stringContaining('from an address on this machine, another one. Remove sim first'),
    },
  });
  expect(other.exchanges).toEqual([]);
  expect(gate.gateway.accounts.list().map(({ id }) => id)).toEqual(['paper', 'sim']);
});

const paper = { broker: 'paper', name: 'shadow', market: 'public:kraken', currency: 'USD' };
const settings = { exchange: 'kraken', kind: 'spot', currency: 'USD' };

it('nor beside a paper account on public prices', async () => {
  expect(await added(paper)).toMatchObject({ ok: true });
  const exchange = {
    broker: 'ccxt',
    name: 'coins',
    mode: 'live',
    settings: { ...settings, 'endpoints.rest': 'http://127.0.0.1:9' },
    credentials: { apiKey: 'k', secret: 'c2VjcmV0' },
  };
  const why = expect.stringMatching(
    /^The account was not added: shadow has .* ccxt:kraken from the broker itself/,
  );
  expect(await added(exchange)).toMatchObject({ ok: false, error: { detail: why } });
});

it('and a paper account on public prices joins none on a simulator', async () => {
  gate.gateway.accounts.insert({
    id: accountId('coins'),
    broker: 'ccxt',
    mode: 'live',
    currency: 'USD',
    settings: { ...settings, endpoints: { rest: 'http://127.0.0.1:9' } },
    createdAtMs: 0,
  });
  const why = expect.stringMatching(
    /^The account was not added: coins has .* from an address on this machine/,
  );
  expect(await added(paper)).toMatchObject({ ok: false, error: { detail: why } });
  expect(gate.gateway.accounts.byId(accountId('shadow'))).toBeUndefined();
});
