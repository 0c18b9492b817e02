/** What an order needs by product and contract, through a whole gateway: at Kite by its own word, and on paper by the same rule. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BALANCE_AGE_MAX_MS, MARGIN_WAIT_MS } from '#limits.ts';
import { type KiteGateway, openKiteGateway } from './kite-gateway.ts';

const FUTURE = 'NFO:NIFTY27JAN26FUT';
const OPTION = 'NFO:NIFTY27JAN2624800CE';
let kite: KiteGateway;
beforeEach(async () => {
  kite = await openKiteGateway();
});
afterEach(() => kite.close());

let keys = 0;
const order = (words: object) => ({
  account: 'kite',
  symbol: 'NSE:INFY',
  side: 'buy',
  type: 'limit',
  limit_price: '1500',
  time_in_force: 'day',
  product: 'mis',
  dry_run: false,
  idempotency_key: `margin-${++keys}`,
  ...words,
});
const refusal = (order: string, max: string) => ({
  refusal: { reason: 'buying_power', limits: [{ limit: 'buying_power', order, max, unit: 'INR' }] },
});

it('at Kite an order takes what Kite says it needs, and its full value where Kite does not say', async () => {
  const { sim, eventually } = kite;
  await kite.addAccount();
  expect(await kite.signIn()).toMatchObject({ ok: true });
  const call = await kite.trader('claude', { accounts: ['kite'], symbols: ['*'] });
  sim.books.cash = 300_000;
  const sent = () => sim.books.orders.map((row) => [row.product, row.quantity]);

  // Five times the cash, and a share more.
  const more = order({ qty: '1001' });
  await eventually(() => call('place_order', more)).toMatchObject(refusal('300300', '300000'));
  expect(sent()).toEqual([]);
  expect(await call('place_order', order({ qty: '201', product: 'cnc' }))).toMatchObject(
    refusal('301500', '300000'),
  );
  expect(
    await call('preview_order', {
      account: 'kite',
      symbol: 'NSE:INFY',
      side: 'buy',
      qty: '1000',
      type: 'limit',
      limit_price: '1500',
      product: 'mis',
    }),
  ).toMatchObject({
    output: {
      preview: {
        margin: { required: '300000', source: 'broker' },
        buying_power_after: expect.stringMatching(/^-?\d/),
      },
    },
  });
  expect(await call('place_order', order({ qty: '1000' }))).toMatchObject({
    output: { order: { qty: '1000' } },
  });
  expect(sent()).toEqual([['MIS', 1000]]);

  // Kite says nothing about the next one: 200 shares are worth more than is left by their full value.
  sim.fault({ match: /^POST \/margins\/orders/, handled: false, does: 'hang' });
  const beganMs = kite.clock.monotonicMs();
  const unsaid = await call('place_order', order({ qty: '500' }));
  expect(unsaid).toMatchObject({
    refusal: { reason: 'buying_power', limits: [{ order: expect.stringMatching(/^75\d{4}/) }] },
  });
  expect(JSON.stringify(unsaid)).not.toContain('of margin');
  expect(kite.clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(MARGIN_WAIT_MS);
  expect(sent()).toHaveLength(1);
});

it('at Kite a bought option needs its premium, a sold one and a future their margin, in units', async () => {
  const { sim, eventually } = kite;
  await kite.addAccount();
  expect(await kite.signIn()).toMatchObject({ ok: true });
  const call = await kite.trader('claude', { accounts: ['kite'], symbols: ['*'] });
  const contract = (symbol: string, words: object) => order({ symbol, qty: '65', product: 'nrml', ...words });
  for (const symbol of [FUTURE, OPTION])
    await eventually(() => call('get_quotes', { symbols: [symbol] })).toMatchObject({
      output: { quotes: [{ symbol }] },
    });
  sim.books.cash = 6_500;
  const bought = contract(OPTION, { limit_price: '100.05' });
  await eventually(() => call('place_order', bought)).toMatchObject(refusal('6503.25', '6500'));
  expect(await call('place_order', contract(OPTION, { limit_price: '100' }))).toMatchObject({
    output: { order: { symbol: OPTION } },
  });
  // Worth 6,500 and no more; what it can cost is another figure.
  const sold = await call(
    'place_order',
    contract(OPTION, { side: 'sell', qty: '130', limit_price: '100.05' }),
  );
  expect(sold).toMatchObject({ refusal: { reason: 'buying_power', limits: [{ order: '260000' }] } });
  sim.books.cash = 322_529;
  kite.clock.advance(BALANCE_AGE_MAX_MS + 1);
  await eventually(() => call('place_order', contract(FUTURE, { limit_price: '24810' }))).toMatchObject(
    refusal('322530', '322529'),
  );
  expect(sim.books.orders.map((row) => [row.tradingsymbol, row.transaction_type, row.quantity])).toEqual([
    ['NIFTY26JAN24800CE', 'BUY', 65],
  ]);
});

it('on paper an intraday order of five times the cash passes, and its sum is no more for the next', async () => {
  const { eventually } = kite;
  await kite.addAccount();
  expect(await kite.signIn()).toMatchObject({ ok: true });
  await kite.addAccount({ broker: 'paper', name: 'practice', market: 'live:kite', cash: '100000' });
  const call = await kite.trader('claude', { accounts: ['practice'], symbols: ['*'] });
  const practice = (words: object) => order({ account: 'practice', limit_price: '1490', ...words });
  await eventually(() => call('place_order', practice({ qty: '68', product: 'cnc' }))).toMatchObject(
    refusal('101320', '100000'),
  );
  expect(await call('place_order', practice({ qty: '336' }))).toMatchObject(refusal('100128', '100000'));
  expect(await call('place_order', practice({ qty: '330' }))).toMatchObject({
    output: { order: { status: 'open' } },
  });
  expect(await call('place_order', practice({ qty: '10' }))).toMatchObject({
    refusal: { reason: 'buying_power', limits: [{ order: '2980' }] },
  });
  const preview = {
    account: 'practice',
    symbol: 'NSE:INFY',
    side: 'buy',
    qty: '2',
    type: 'limit',
    limit_price: '1490',
    product: 'mis',
  };
  expect(await call('preview_order', preview)).toMatchObject({
    output: { preview: { margin: { required: '596', source: 'computed' } } },
  });
});
