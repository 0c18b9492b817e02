/** The page of one order: terms, state, everything that happened to it, and its cancel. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import { formOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

let scene: TradingScene;
let claude: Principal;
beforeAll(async () => {
  scene = await tradingScene({ settings: { PAPER_PRESET: 'realistic' } });
  claude = scene.agent('claude');
});
afterAll(() => scene.gate.close());

/** A whole price that nothing reaches soon. */
function below(): string {
  const { feed } = scene.gate.gateway;
  const [spx] = feed.instruments();
  const bid = spx === undefined ? undefined : feed.quote(spx.id)?.bid;
  return String(Math.floor(Number(bid?.toFixed()) * 0.97));
}
const pageOf = (id: string) => scene.console.get(`/admin/orders/${id}`);

test('an order that filled tells its way from draft to fill, its executions with fees, and its lines of the record', async () => {
  const id = await scene.placed(claude, {
    symbol: 'SPX',
    side: 'buy',
    qty: '2',
    type: 'market',
    tag: 'momentum',
  });
  await scene.play(20);
  const { html, words } = await pageOf(id);
  expect(words).toMatch(/buy 2 SPX at market.*filled/);
  const states = [...html.matchAll(/<span class="badge s-([\w-]+)">[^<]*<\/span> <span class="what">/g)].map(
    ([, state]) => state,
  );
  expect(states).toEqual(['received', 'submitting', 'open', 'filled']);
  expect(words).toContain('cleared by every control');
  expect(words).toMatch(/Whose claude by key_\w+/);
  expect(words).toContain('Strategy momentum');
  expect(words).toMatch(/Fees 0?\.?\d/);
  expect(html).toContain('px-');
  // Each of its lines leads to the record.
  const lines = [...html.matchAll(/href="\/admin\/audit\/(\d+)"/g)].map(([, seq]) => Number(seq));
  expect(lines.length).toBeGreaterThan(3);
  expect(lines).toEqual([...lines].sort((a, b) => a - b));
  expect(words).toContain('order.transition');
  // It has ended: nothing is left to cancel.
  expect(html).not.toContain(`/admin/orders/${id}/cancel`);
});

test('a bracket leads from each of its orders to the others', async () => {
  const entry = await scene.placed(claude, {
    symbol: 'SPX',
    side: 'buy',
    qty: '1',
    type: 'market',
    take_profit: '1900',
    stop_loss: '1000',
  });
  await scene.play(20);
  const { html } = await pageOf(entry);
  const legs = [...html.matchAll(/<tr id="(ord_\w+)"/g)].map(([, id = '']) => id);
  expect(legs).toHaveLength(2);
  const leg = await pageOf(legs[0] ?? '');
  expect(leg.html).toContain(entry);
  expect(leg.words).toMatch(/take profit|stop loss/);
  expect(leg.words).toContain('reduces a position');
});

test('a refused order says why and what to do, in words', async () => {
  const answer = await scene.during(
    scene.gate.call(
      'place_order',
      { symbol: 'SPX', side: 'buy', qty: '900000', type: 'market', dry_run: false, idempotency_key: 'big-1' },
      claude,
    ),
  );
  const id = answer?.ok === false ? (answer.refusal.order_id ?? '') : '';
  expect(id).not.toBe('');
  const { words } = await pageOf(id);
  expect(words).toContain('Refused by the gateway');
  expect(words).toContain('The order is over the largest value of the mandate');
  expect(words).toContain('Nothing has filled');
});

test('a cancel says what it would cancel, is carried out once, and the page shows it', async () => {
  const id = await scene.placed(claude, {
    symbol: 'SPX',
    side: 'buy',
    qty: '3',
    type: 'limit',
    limit_price: below(),
    time_in_force: 'gtc',
  });
  const action = `/admin/orders/${id}/cancel`;
  const before = await pageOf(id);
  expect(before.words).toContain('Cancel 3 of 3 SPX');
  expect(formOf(before.html, action)).toEqual({});
  const after = await scene.console.follow(action);
  expect(after.words).toContain(`${id} (SPX)`);
  await scene.play(5);
  expect((await pageOf(id)).words).toMatch(/buy 3 SPX limit .*canceled/);
  // A second press changes nothing more.
  expect((await scene.console.post(action)).status).toBe(303);
});

test('an order whose outcome is unclear says what is known, here and on the dashboard', async () => {
  const id = await scene.placed(claude, { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' });
  const { store } = scene.gate.gateway;
  store.db.prepare("UPDATE orders SET status = 'unknown' WHERE order_id = ?").run(id);
  expect((await pageOf(id)).words).toContain('It is not known whether the broker has this order');
  const board = await scene.console.get('/admin');
  expect(board.words).toMatch(/An order in SPX of claude in paper has an unclear outcome/);
  expect(board.html).toContain(`href="/admin/orders/${id}"`);
});

test('what an agent wrote is shown as text, and nothing invisible comes with it', async () => {
  const id = await scene.placed(claude, {
    symbol: 'SPX',
    side: 'buy',
    qty: '1',
    type: 'market',
    tag: 'a: b/c',
  });
  const { store } = scene.gate.gateway;
  const canary = `<img src=x onerror=alert(1)>"'\u202Eevil\u200B\u001b[31m{{ 7*7 }}`;
  store.db
    .prepare(
      'UPDATE orders SET tag = @canary, client_order_id = @canary, reason = @canary, symbol = @canary WHERE order_id = @id',
    )
    .run({ canary, id });
  for (const path of [`/admin/orders/${id}`, '/admin/orders', '/admin', '/admin/positions?status=all']) {
    const { html, status } = await scene.console.get(path);
    expect(status).toBe(200);
    expect(html).not.toContain('<img src=x');
    expect(html).not.toContain('evil49');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(html).not.toMatch(/[\u202E\u200B\u001b]/);
  }
});

test('an order that there is not is no page', async () => {
  const { status, words } = await pageOf('ord_nothing');
  expect(status).toBe(404);
  expect(words).toContain('Not found');
});
