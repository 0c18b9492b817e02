/** The market: what there is, what it trades at, and one instrument's session, depth and bars. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONSOLE_BARS_LISTED } from '#limits.ts';
import { rowsOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

let scene: TradingScene;
beforeAll(async () => {
  scene = await tradingScene({ settings: { PAPER_BAR_SECONDS: '2' } });
  await scene.play(60);
});
afterAll(() => scene.gate.close());

const SPX = '/admin/market/INDEX%3ASPX';

test('every instrument is listed, with a quote where a feed carries it', async () => {
  const { html } = await scene.console.get('/admin/market');
  const rows = rowsOf(html);
  const { feed } = scene.gate.gateway;
  const [spx] = feed.instruments();
  const quote = spx && feed.quote(spx.id);
  expect(rows.map((row) => row[0])).toEqual([
    'SPX',
    'BTC/USD',
    'ETH/USD',
    'SPY',
    'AAPL',
    'EUR/USD',
    'YESBANK',
  ]);
  expect(rows[0]?.[3]?.replace(',', '')).toContain(quote?.bid.toFixed() ?? 'no quote');
  expect(rows[1]?.[3]).toBe('no feed carries it here');
});

test.each([
  ['bitcoin', ['BTC/USD']],
  ['apple', ['AAPL']],
  ['SP500', ['SPX']],
  ['<script>', []],
])('searching for %s finds %j', async (query, symbols) => {
  const { html, words } = await scene.console.get(`/admin/market?query=${encodeURIComponent(query)}`);
  expect(rowsOf(html).map((row) => row[0])).toEqual(symbols);
  expect(html).not.toContain('<script>"');
  if (symbols.length === 0) expect(words).toContain('No instrument fits');
});

test('an instrument shows its quote, its session, its depth and its last bars', async () => {
  const { html, words } = await scene.console.get(SPX);
  expect(words).toContain('S&P 500 Index');
  expect(words).toMatch(/Market (open|closed)/);
  expect(words).toMatch(/Session \d{4}-\d\d-\d\d \d\d:\d\d:\d\d to/);
  const bars = rowsOf(html);
  expect(bars).toHaveLength(CONSOLE_BARS_LISTED);
  // Open, high, low, close: each a price, the latest bar first.
  expect(bars[0]?.slice(1, 5).every((price) => /^[\d,]+\.\d\d$/.test(price))).toBe(true);
  expect((bars[0]?.[0] ?? '') > (bars[1]?.[0] ?? '')).toBe(true);
  expect(html).toMatch(/class="ask"[^]*class="bid"/);
  // Who made the chart is named beside it.
  expect(html).toContain('https://www.tradingview.com/');
  const data = /data-bars="([^"]*)"/.exec(html)?.[1]?.replaceAll('&quot;', '"') ?? '[]';
  const points = JSON.parse(data) as readonly (readonly [number, string, string, string, string])[];
  expect(points.length).toBeGreaterThan(CONSOLE_BARS_LISTED);
  expect(points.every(([, , high, low]) => Number(high) >= Number(low))).toBe(true);
});

test('a timeframe that the feed does not have falls back to its finest', async () => {
  const { html } = await scene.console.get(`${SPX}?timeframe=1m`);
  expect(html).toContain('data-timeframe="1d"');
  expect(html).toMatch(/timeframe=1d" aria-current="true"/);
});

test('an instrument without a feed says so and offers no chart', async () => {
  const { html, status, words } = await scene.console.get('/admin/market/CRYPTO%3ABTC%2FUSD');
  expect(status).toBe(200);
  expect(words).toContain('No feed carries BTC/USD here');
  expect(html).not.toContain('data-bars');
});

test('an instrument that there is not is no page', async () => {
  expect((await scene.console.get('/admin/market/NOWHERE%3AX')).status).toBe(404);
});
