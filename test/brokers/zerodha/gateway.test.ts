/** A whole gateway with an account at Zerodha: signed in at Kite's page, traded by an agent, over the morning on which the session ends. */
import { generateSync } from 'otplib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { add } from '#cli/account-acts.ts';
import { beginSignIn, finishSignIn } from '#cli/account-sign-in.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { accountId, OWNER_CLI } from '#domain/principal.ts';
import { openTestGateway, type TestGateway } from '../../support/gateway.ts';
import { handClock } from '../../support/hand-clock.ts';
import { WIDE_MANDATE } from '../../support/trading-room.ts';
import { MONDAY } from './kite-room.ts';
import { type KiteSim, openKiteSim, SIM_KEY, SIM_SECRET } from './kite-sim.ts';

const PASSPHRASE = 'a long enough passphrase';
const DAY_MS = 86_400_000;
let clock: ReturnType<typeof handClock>;
let sim: KiteSim;
let gate: TestGateway;
beforeEach(async () => {
  clock = handClock(MONDAY);
  sim = await openKiteSim(clock);
  gate = await openTestGateway({ clock });
});
afterEach(async () => {
  await gate.close();
  await sim.close();
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
    // The exchange goes on quoting.
    sim.pushTicks();
  }
  return promise;
}
function eventually(check: () => Promise<unknown>) {
  const look = () => passing(new Promise((turn) => setTimeout(turn, 5)).then(check));
  return expect.poll(look, { timeout: 15_000, interval: 1 });
}

async function owned(): Promise<() => { readonly passphrase: string; readonly code: string }> {
  const { access } = gate.gateway;
  const made = await access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI });
  if (!made.ok) throw new Error(made.error.detail);
  const { secret } = access.owner.beginTotp();
  const code = () => generateSync({ secret, epoch: clock.wallMs() / 1_000 });
  if (!access.owner.confirmTotp(code()).ok) throw new Error('the code is wrong');
  clock.advance(30_000);
  return () => ({ passphrase: PASSPHRASE, code: code() });
}

/** Kite's page in the owner's browser, and what it brings back. */
async function signIn(): Promise<unknown> {
  const begun = beginSignIn(gate.gateway, 'kite', 'a session');
  if (!begun.ok) throw new Error(begun.error.detail);
  const page = await fetch(begun.value.url, { redirect: 'manual' });
  const query = Object.fromEntries(new URL(page.headers.get('location') ?? '').searchParams);
  return passing(finishSignIn(gate.gateway, 'kite', { session: 'a session', query, by: OWNER_CLI }));
}

it('is signed in, traded, refused after the session ends, and traded again after the next sign-in', async () => {
  const proof = await owned();
  const input = {
    broker: 'zerodha',
    name: 'kite',
    mode: 'live',
    settings: { endpoints: sim.url },
    credentials: { api_key: SIM_KEY, api_secret: SIM_SECRET },
  };
  const added = await passing(carryOut(add, gate.gateway, { input, proof: proof() }));
  expect(added).toMatchObject({ ok: true, value: { broker: 'zerodha', mode: 'live', currency: 'INR' } });
  expect(await signIn()).toMatchObject({ ok: true });

  const standing = () => gate.gateway.engine.adapters.get(accountId('kite'))?.health();
  const { access } = gate.gateway;
  access.agents.create('claude', ['kite'], OWNER_CLI);
  const who = access.keys.authenticate(gate.key('claude').key, { door: 'http' });
  if (!who.ok) throw new Error(who.error.detail);
  const call = async (tool: string, args: object) => {
    const answer = await passing(gate.call(tool, args, who.value));
    return JSON.parse(JSON.stringify(answer)) as Record<string, unknown>;
  };
  await eventually(() => call('search_instruments', { query: 'INFY' })).toMatchObject({
    output: { instruments: [{ symbol: 'NSE:INFY' }] },
  });
  const mandate = { ...WIDE_MANDATE, accounts: ['kite'], symbols: ['NSE:INFY'] };
  expect(access.mandates.set('claude', mandate, OWNER_CLI)).toMatchObject({ ok: true });
  await eventually(() => call('get_quotes', { symbols: ['NSE:INFY'] })).toMatchObject({
    output: { quotes: [{ symbol: 'NSE:INFY', bid: '1499.9', ask: '1500.1', source: 'live' }] },
  });

  const order = {
    account: 'kite',
    symbol: 'NSE:INFY',
    side: 'buy',
    qty: '3',
    type: 'market',
    time_in_force: 'day',
    product: 'mis',
    dry_run: false,
  };
  await eventually(() => call('place_order', { ...order, idempotency_key: 'buy' })).toMatchObject({
    output: { order: { symbol: 'NSE:INFY' } },
  });
  await eventually(() => call('get_positions', { account: 'kite' })).toMatchObject({
    output: { positions: [{ symbol: 'NSE:INFY', qty: '3', own_qty: '3' }] },
  });
  // Without a word of the product: the close takes the one it is held in, as a market order for the day.
  await call('close_position', {
    account: 'kite',
    symbol: 'NSE:INFY',
    idempotency_key: 'close',
    dry_run: false,
  });
  await eventually(() =>
    Promise.resolve(
      sim.books.orders.map((row) => [row.transaction_type, row.product, row.validity, row.status]),
    ),
  ).toEqual([
    ['BUY', 'MIS', 'DAY', 'COMPLETE'],
    ['SELL', 'MIS', 'DAY', 'COMPLETE'],
  ]);

  // Kite ends the session in the middle of the day.
  sim.expireToken();
  const sent = sim.sent().length;
  await eventually(async () => standing()?.signInNeeded).toBe(true);
  const refused = await call('place_order', { ...order, idempotency_key: 'late' });
  expect(JSON.stringify(refused)).toMatch(/broker_unavailable|reconciling/);
  expect(sim.sent().length).toBe(sent);
  expect(await signIn()).toMatchObject({ ok: true });
  await eventually(async () => standing()?.connected).toBe(true);
  await eventually(async () => {
    await call('place_order', { ...order, idempotency_key: 'again' });
    return sim.books.orders.length;
  }).toBe(3);

  // Kite squares it off before the end of the day, by an order that carries no tag: the agent has nothing left that it could sell short.
  await eventually(() => call('get_positions', { account: 'kite' })).toMatchObject({
    output: { positions: [{ own_qty: '3' }] },
  });
  sim.books.place('regular', {
    exchange: 'NSE',
    tradingsymbol: 'INFY',
    transaction_type: 'SELL',
    order_type: 'MARKET',
    product: 'MIS',
    quantity: '3',
    market_protection: '-1',
  });
  await eventually(() => call('get_positions', { account: 'kite' })).toMatchObject({
    output: { positions: [] },
  });
  const nothing = await call('close_position', {
    account: 'kite',
    symbol: 'NSE:INFY',
    idempotency_key: 'nothing',
    dry_run: false,
  });
  expect(JSON.stringify(nothing)).toContain('not_reducing');
  expect(sim.books.orders.length).toBe(4);
  const words = gate.logged.join('\n');
  for (const secret of [SIM_SECRET, sim.token() ?? SIM_SECRET]) expect(words).not.toContain(secret);
  expect(clock.wallMs() - MONDAY).toBeLessThan(DAY_MS);
});
