/** The list of orders: everybody's, filtered by the address and paged by it, with cancels that say in numbers what they do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import { CONSOLE_ROWS_MAX, OWNER_SCAN_ROWS_MAX } from '#limits.ts';
import { manyOrders } from '../support/many-orders.ts';
import { formOf, rowsOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

const RESTING = {
  symbol: 'SPX',
  side: 'buy',
  qty: '1',
  type: 'limit',
  limit_price: '1380',
  time_in_force: 'gtc',
};
/** So many that the ones a filter may read through are not all of them. */
const MANY = OWNER_SCAN_ROWS_MAX * 45;
const idsOf = (html: string): readonly string[] =>
  [...html.matchAll(/<tr id="(ord_\w+)"/g)].map(([, id = '']) => id);

describe('with a few orders of two agents and of the owner', () => {
  let scene: TradingScene;
  let claude: Principal;
  let filled: string;
  let resting: string;
  let ofScalper: string;
  beforeAll(async () => {
    scene = await tradingScene();
    claude = scene.agent('claude');
    filled = await scene.placed(claude, { symbol: 'SPX', side: 'buy', qty: '2', type: 'market' });
    await scene.play(60);
    resting = await scene.placed(claude, { ...RESTING, client_order_id: 'mine-1', tag: 'momentum' });
    ofScalper = await scene.placed(scene.agent('scalper'), { ...RESTING, qty: '3' });
    await scene.during(
      scene.gate.call(
        'place_order',
        { ...RESTING, qty: '1000000', dry_run: false, idempotency_key: 'too-big' },
        claude,
      ),
    );
  });
  afterAll(() => scene.gate.close());

  test('stand newest first, with whose they are, how far they are and why they were refused', async () => {
    const { html, words } = await scene.console.get('/admin/orders');
    expect(idsOf(html).slice(1)).toEqual([ofScalper, resting, filled]);
    const [refusedRow = [], scalperRow = [], , filledRow = []] = rowsOf(html);
    expect(refusedRow.join(' | ')).toMatch(/claude.*1,000,000.*refused/);
    expect(scalperRow.slice(1, 8)).toEqual(['scalper', 'paper', 'SPX', 'buy', '3', '0', 'limit 1,380 gtc']);
    expect(filledRow.slice(4, 7)).toEqual(['buy', '2', '2']);
    expect(words).not.toContain('No order');
  });

  test.each([
    ['account=paper', 4],
    ['agent=scalper', 1],
    ['agent=owner', 0],
    ['symbol=SPX', 4],
    ['symbol=AAPL', 0],
    ['status=open', 2],
    ['status=final', 2],
    ['status=refused', 1],
    ['side=buy', 4],
    ['side=sell', 0],
    ['agent=claude&status=open&side=buy', 1],
    ['id=mine-1', 1],
    ['id=mine', 0],
    ['since=2026-01-05', 4],
    ['since=2026-01-05T12:01', 3],
    ['until=2026-01-05T12:01', 1],
    ['until=2026-01-04', 0],
    // A date as an end is the end of its day.
    ['since=2026-01-05&until=2026-01-05', 4],
    ['account=&agent=&symbol=&status=&side=&since=&until=&id=', 4],
  ])('%s finds %i', async (query, count) => {
    const { html, words } = await scene.console.get(`/admin/orders?${query}`);
    expect(idsOf(html)).toHaveLength(count);
    if (count === 0) expect(words).toContain('No order fits');
  });

  test.each([
    ['symbol=spx', 'SPX'],
    ['agent=cluade', 'claude'],
    ['status=opne', 'open'],
    ['side=bye', 'buy'],
    ['account=papr', 'paper'],
    ['since=yesterday', '2026-01-31'],
    ['until=2026-02-30', '2026-01-31'],
  ])('%s is named as wrong, with what is near, and lists nothing', async (query, near) => {
    const { html, words } = await scene.console.get(`/admin/orders?${query}`);
    expect(idsOf(html)).toEqual([]);
    expect(words).toContain('the filter can not be read');
    expect(words).toContain(near);
    expect(words).not.toContain('No order fits');
    expect(html).not.toContain('/admin/cancel-orders');
  });

  test('what was asked for stands in the form again', async () => {
    const { html } = await scene.console.get(
      '/admin/orders?agent=claude&status=open&symbol=SPX&since=2026-01-05T10:00',
    );
    expect(html).toMatch(/<option value="claude" selected/);
    expect(html).toMatch(/<option value="open" selected/);
    expect(html).toMatch(/name="symbol"[^>]*value="SPX"/);
    expect(html).toMatch(/name="since"[^>]*value="2026-01-05T10:00"/);
  });

  test('canceling all is offered only where the list shows just what it cancels', async () => {
    const offered = async (query: string): Promise<boolean> =>
      (await scene.console.get(`/admin/orders?${query}`)).html.includes('href="/admin/cancel-orders');
    expect(await offered('')).toBe(true);
    expect(await offered('agent=claude&status=open')).toBe(true);
    expect(await offered('agent=claude&side=buy')).toBe(false);
    expect(await offered('since=2026-01-05')).toBe(false);
    expect(await offered('status=final')).toBe(false);
  });

  test('a cancel of what has ended changes nothing and says so above the same list', async () => {
    const answer = await scene.console.post('/admin/orders/cancel?agent=claude', { order_id: filled });
    expect(answer.status).toBe(409);
    expect(answer.words).toContain('ended');
    expect(idsOf(answer.html)).not.toContain(ofScalper);
    const nobodys = await scene.console.post('/admin/orders/cancel', { order_id: 'ord_none' });
    expect(nobodys.status).toBe(404);
  });

  test("all of an agent's are canceled after numbers were named, and nobody else's", async () => {
    const asked = await scene.console.get('/admin/cancel-orders?agent=claude');
    expect(asked.words).toContain('cancel 1 open order');
    expect(idsOf(asked.html)).toEqual([resting]);
    const fields = formOf(asked.html, '/admin/cancel-orders/all');
    expect(fields).toEqual({ account: '', agent: 'claude', symbol: '' });
    // Nothing has been done by looking.
    expect((await scene.console.get('/admin/orders?agent=claude&status=open')).html).toContain(resting);
    const wrong = await scene.console.post('/admin/cancel-orders/all', { ...fields, agent: 'cluade' });
    expect(wrong.status).toBe(400);
    const done = await scene.console.follow('/admin/cancel-orders/all', fields);
    expect(done.words).toContain('1 order canceled');
    expect(idsOf((await scene.console.get('/admin/orders?status=open')).html)).toEqual([ofScalper]);
    expect((await scene.console.get('/admin/cancel-orders?agent=claude')).words).toContain(
      'Nothing to cancel',
    );
  });

  test('one order is canceled by its button, and the same list says so', async () => {
    const canceled = await scene.console.post('/admin/orders/cancel?agent=scalper', { order_id: ofScalper });
    expect(canceled).toMatchObject({ status: 303, to: '/admin/orders?agent=scalper' });
    const after = await scene.console.get('/admin/orders?agent=scalper');
    expect(after.words).toContain(`${ofScalper} (SPX) is canceled`);
    expect(after.html).not.toMatch(/name="order_id"/);
  });

  test('a form has the fields that its page gave it and no others', async () => {
    const answer = await scene.console.post('/admin/orders/cancel', { order_id: filled, all: 'yes' });
    expect(answer.status).toBe(400);
    expect(answer.words).toContain('Nothing was changed');
  });
});

describe('with thousands of orders', () => {
  let scene: TradingScene;
  beforeAll(async () => {
    scene = await tradingScene();
    manyOrders(scene.gate.gateway.store, MANY);
  });
  afterAll(() => scene.gate.close());

  test('pages lead to older ones and back, and each order stands on one of them', async () => {
    const pages: (readonly string[])[] = [];
    const newer: (string | undefined)[] = [];
    const link = (html: string, rel: string): string | undefined =>
      new RegExp(`href="([^"]*)" rel="${rel}"`).exec(html)?.[1]?.replaceAll('&amp;', '&');
    let path: string | undefined = '/admin/orders?side=buy';
    for (let page = 0; page < 4 && path !== undefined; page++) {
      const { html } = await scene.console.get(path);
      pages.push(idsOf(html));
      newer.push(link(html, 'prev'));
      path = link(html, 'next');
    }
    expect(pages.map((page) => page.length)).toEqual([50, 50, 50, 50]);
    expect(CONSOLE_ROWS_MAX).toBe(50);
    expect(new Set(pages.flat()).size).toBe(200);
    const [, , third = [], fourth = []] = pages;
    expect(fourth).not.toEqual(third);
    const back = await scene.console.get(newer[3] ?? '');
    expect(idsOf(back.html)).toEqual(third);
    expect(newer[0]).toBeUndefined();
    expect(newer[1]).toBe('/admin/orders?side=buy');
  });

  test('a look that finds little in what it may read says how far back it came, and leads on', async () => {
    const { html, words } = await scene.console.get('/admin/orders?status=rejected&side=sell&agent=quiet');
    expect(idsOf(html)).toEqual([]);
    expect(words).toMatch(/Nothing was found looking back to \d{4}-\d\d-\d\d/);
    expect(words).not.toContain('No order fits');
    const on = /<a href="([^"]*)">Go on looking/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(on).toContain('before=');
    expect(on).toContain('side=sell');
    expect((await scene.console.get(on)).status).toBe(200);
  });
});
