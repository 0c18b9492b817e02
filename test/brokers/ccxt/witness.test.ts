// The simulators against ccxt itself, used as a plain script uses it: none of our adapter, our wire or our translation is in between.

import { createHash, createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { afterEach, describe, expect, it } from 'vitest';
import { wallClock } from '../../../server/clock.ts';
import { BINANCE, KRAKEN, PERPETUALS, type Sim, type Venue } from './bench.ts';

/** As its documentation shows: methods by their names, plain objects as answers. */
type Plain = Record<string, (...given: readonly unknown[]) => Promise<Record<string, unknown>>> & {
  urls: Record<string, unknown>;
  options: Record<string, unknown>;
};
type Made = new (config: Record<string, unknown>) => Plain;

const whole = createRequire(import.meta.url)('ccxt') as Record<string, Made>;
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function script(venue: Venue): Promise<{ readonly sim: Sim; readonly plain: Plain }> {
  const sim = await venue.open(wallClock);
  open.push(() => sim.close());
  const Exchange = whole[venue.exchange];
  if (Exchange === undefined) throw new Error('ccxt lacks it');
  const plain = new Exchange({
    ...venue.credentials,
    enableRateLimit: false,
    options: {
      defaultType: venue.kind,
      ...(venue.exchange === 'binance'
        ? { fetchCurrencies: false, fetchMargins: false, fetchMarkets: { types: ['spot', 'linear'] } }
        : {}),
    },
  });
  const toSim = (address: unknown): unknown =>
    typeof address === 'string'
      ? address.replace(/^https:\/\/[^/]+/, sim.server.rest)
      : Object.fromEntries(Object.entries(address as object).map(([name, one]) => [name, toSim(one)]));
  plain.urls['api'] = toSim(plain.urls['api']);
  return { sim, plain };
}
const call = async (
  plain: Plain,
  name: string,
  ...given: readonly unknown[]
): Promise<Record<string, unknown>> => {
  const found = plain[name];
  if (found === undefined) throw new Error(`ccxt has no ${name}`);
  return found.apply(plain, [...given]);
};

describe.each([BINANCE, KRAKEN, PERPETUALS])('ccxt alone at $exchange ($kind)', (venue) => {
  it('places, finds, fills and cancels, and reads the money', async () => {
    const { sim, plain } = await script(venue);
    const { symbol } = venue;
    const placed = await call(plain, 'createOrder', symbol, 'limit', 'buy', 0.01, 49_000, {
      clientOrderId: 'witness-1',
    });
    const [order] = sim.book.orders;
    expect(placed['id']).toBe(order?.id);
    expect(order).toMatchObject({ side: 'buy', qty: '0.01', limit: '49000', clientId: 'witness-1' });

    const found = await call(plain, 'fetchOrder', placed['id'], symbol);
    expect(found).toMatchObject({ symbol, side: 'buy', status: 'open', amount: 0.01, price: 49_000 });
    if (order !== undefined) sim.book.fill(order, '0.004', '49000');
    const trades = (await call(plain, 'fetchMyTrades', symbol)) as unknown as readonly Record<
      string,
      unknown
    >[];
    expect(trades).toHaveLength(1);
    expect(trades[0]).toMatchObject({ order: placed['id'], amount: 0.004, price: 49_000, side: 'buy' });

    await call(plain, 'cancelOrder', placed['id'], symbol);
    expect(order?.status).toBe('canceled');
    await expect(call(plain, 'cancelOrder', placed['id'], symbol)).rejects.toMatchObject({
      name: 'OrderNotFound',
    });
    const balance = await call(plain, 'fetchBalance');
    expect((balance['total'] as Record<string, number>)[venue.currency]).toBeGreaterThan(999_000);
  });

  it('is refused with a wrong secret, and nothing is placed', async () => {
    const { sim, plain } = await script(venue);
    (plain as unknown as { secret: string }).secret = Buffer.from('another secret').toString('base64');
    await expect(call(plain, 'createOrder', venue.symbol, 'limit', 'buy', 0.01, 49_000)).rejects.toThrow(
      /signature|Invalid key|AuthenticationError/i,
    );
    expect(sim.book.orders).toEqual([]);
  });
});

describe('signatures, by what the exchanges publish of them', () => {
  it('of Binance are HMAC-SHA256 of the query, in hex: the published example', () => {
    const secret = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j';
    const query =
      'symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559';
    expect(createHmac('sha256', secret).update(query).digest('hex')).toBe(
      'c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71',
    );
  });

  it('of Kraken are HMAC-SHA512 over the path and a SHA-256: the published example', () => {
    const secret = 'kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==';
    const body = 'nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25';
    const digest = createHash('sha256').update(`1616492376594${body}`).digest();
    expect(
      createHmac('sha512', Buffer.from(secret, 'base64'))
        .update('/0/private/AddOrder')
        .update(digest)
        .digest('base64'),
    ).toBe('4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==');
  });
});
