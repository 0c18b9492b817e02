/** A whole gateway with an account at Zerodha: signed in at Kite's page, traded by an agent, over the morning on which the session ends. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { accountId } from '#domain/principal.ts';
import { type KiteGateway, openKiteGateway } from './kite-gateway.ts';
import { MONDAY } from './kite-room.ts';
import { SIM_SECRET } from './kite-sim.ts';

const DAY_MS = 86_400_000;
let kite: KiteGateway;
beforeEach(async () => {
  kite = await openKiteGateway();
});
afterEach(() => kite.close());

it('is signed in, traded, refused after the session ends, and traded again after the next sign-in', async () => {
  const { clock, sim, gate, eventually } = kite;
  const signIn = () => kite.signIn();
  await kite.addAccount();
  expect(await signIn()).toMatchObject({ ok: true });

  const standing = () => gate.gateway.engine.adapters.get(accountId('kite'))?.health();
  const call = await kite.trader('claude', { accounts: ['kite'], symbols: ['NSE:INFY'] });

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

it('closes what is held as CNC and as MIS by an order of each, and not all of it as one', async () => {
  const { sim, eventually } = kite;
  await kite.addAccount();
  await kite.signIn();
  const call = await kite.trader('claude', { accounts: ['kite'], symbols: ['NSE:INFY'] });
  const buy = { account: 'kite', symbol: 'NSE:INFY', side: 'buy', type: 'market', time_in_force: 'day' };
  for (const [product, qty] of [
    ['cnc', '10'],
    ['mis', '3'],
  ])
    await eventually(() => {
      const key = `buy-${product}`;
      const order = { ...buy, product, qty, dry_run: false, idempotency_key: key };
      return call('place_order', order);
    }).toMatchObject({ output: { order: { symbol: 'NSE:INFY' } } });
  await eventually(() => call('get_positions', { account: 'kite' })).toMatchObject({
    output: { positions: [{ own_qty: '13' }] },
  });
  const close = { account: 'kite', symbol: 'NSE:INFY', idempotency_key: 'close', dry_run: false };
  expect(JSON.stringify(await call('close_position', close))).toContain('10 as cnc and 3 as mis');
  await call('close_all_positions', { account: 'kite', idempotency_key: 'all', dry_run: false });
  await eventually(() =>
    Promise.resolve(sim.books.orders.map((row) => [row.transaction_type, row.product, row.quantity])),
  ).toEqual([
    ['BUY', 'CNC', 10],
    ['BUY', 'MIS', 3],
    ['SELL', 'CNC', 10],
    ['SELL', 'MIS', 3],
  ]);
});
