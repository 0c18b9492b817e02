/** The trading pages in a real browser: charts under the policy, orders that appear as they fill, a ticket that is sent once. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import { DESK_WIDTH, PHONE_WIDTH, useBrowser, type Window, type WindowOptions } from '../support/browser.ts';
import { goingOn } from '../support/going-on.ts';
import { type TradingScene, tradingScene } from '../support/trading-scene.ts';

const browser = useBrowser();
let scene: TradingScene;
let claude: Principal;
const windows: Window[] = [];
const { during, until } = goingOn(() => scene.gate.clock);
beforeAll(async () => {
  scene = await tradingScene({ settings: { PAPER_BAR_SECONDS: '2' } });
  claude = scene.agent('claude');
  await scene.placed(claude, { symbol: 'SPX', side: 'buy', qty: '12', type: 'market', stop_loss: '1000' });
  await scene.play(40);
});
afterEach(async () => {
  for (const window of windows.splice(0)) await window.close();
});
afterAll(() => scene.gate.close());

async function opened(path: string, options: Partial<WindowOptions> = {}): Promise<Window> {
  const window = await browser.window({ url: scene.gate.url, token: scene.token, ...options });
  windows.push(window);
  await during(window.open(path));
  return window;
}
/** A whole price that a sale waits for. */
function above(): string {
  const { feed } = scene.gate.gateway;
  const [spx] = feed.instruments();
  const ask = spx === undefined ? undefined : feed.quote(spx.id)?.ask;
  return String(Math.ceil(Number(ask?.toFixed()) * 1.03));
}
/** Pixels of a chart that are not its ground. */
const painted = (window: Window, chart: string): Promise<number> =>
  window.page.evaluate<number>(`
    [...document.querySelectorAll('${chart} canvas')].reduce((sum, canvas) => {
      if (canvas.width === 0 || canvas.height === 0) return sum;
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let at = 3; at < data.length; at += 4) if (data[at] > 40) count++;
      return sum + count;
    }, 0)`);

describe.each([
  ['equity and drawdown', '/admin', '#equity-chart'],
  ['candles', '/admin/market/INDEX%3ASPX', '#candles'],
])('the chart of %s', (_what, path, chart) => {
  test.each([
    [DESK_WIDTH, 'light'],
    [PHONE_WIDTH, 'dark'],
  ] as const)('is drawn at %i px, %s, within the policy and the page', async (width, theme) => {
    const window = await opened(path, { width, theme });
    await expect.poll(() => painted(window, chart)).toBeGreaterThan(500);
    expect(await window.scrollsSideways()).toBe(false);
    expect(window.trouble).toEqual([]);
  });

  test('is there again after the page has looked, with the new figures', async () => {
    const window = await opened(path);
    await expect.poll(() => painted(window, chart)).toBeGreaterThan(500);
    await window.page.evaluate(`document.querySelector('${chart}').firstElementChild.dataset.mine = 'yes'`);
    const data = () =>
      window.page.evaluate<string>(`JSON.stringify({ ...document.querySelector('${chart}').dataset })`);
    const before = await data();
    await until(async () => (await data()) !== before);
    await expect.poll(() => painted(window, chart)).toBeGreaterThan(500);
    // The same drawing with new figures: what the owner points at or has moved stays where it was.
    expect(await window.page.locator(`${chart} [data-mine]`).count()).toBe(1);
    expect(window.trouble).toEqual([]);
  });

  test('is drawn where the browser names a language that Intl refuses', async () => {
    const window = await browser.window({ url: scene.gate.url, token: scene.token });
    windows.push(window);
    await window.context.addInitScript({
      content: `Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix', configurable: true })`,
    });
    await during(window.open(path));
    await expect.poll(() => painted(window, chart)).toBeGreaterThan(500);
    expect(window.trouble).toEqual([]);
  });

  test('takes no room without scripts, where its figures stand in a table', async () => {
    const window = await opened(path, { javaScript: false });
    expect(await window.page.locator(chart).isVisible()).toBe(false);
    expect(await window.page.locator('table tbody tr').count()).toBeGreaterThan(5);
  });
});

test('an order that fills while the page is open appears without a reload', async () => {
  const list = await opened('/admin/orders');
  const board = await opened('/admin');
  for (const { page } of [list, board]) await page.evaluate('window.isStillHere = true');
  const id = await scene.placed(claude, { symbol: 'SPX', side: 'buy', qty: '7', type: 'market' });
  const row = list.page.locator(`tr#${id}`);
  await until(async () => (await row.count()) === 1 && (await row.innerText()).includes('filled'));
  await until(async () => (await board.page.locator(`a[href="/admin/orders/${id}"]`).count()) > 0);
  const held = () => board.page.locator('section:has(#positions-title) tbody tr').first().innerText();
  await until(async () => /\b19\b/.test(await held()));
  for (const { page, trouble } of [list, board]) {
    expect(await page.evaluate('window.isStillHere')).toBe(true);
    expect(trouble).toEqual([]);
  }
});

test('the ticket by keyboard alone: previewed, then sent once by the most impatient of owners', async () => {
  const { page, trouble } = await opened('/admin/ticket?symbol=SPX');
  const count = () =>
    scene.gate.gateway.store.db.prepare("SELECT count(*) FROM orders WHERE agent_id = 'owner'").pluck().get();
  const before = Number(count());
  await page.locator('#ticket-side-sell').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.type('3');
  await page.locator('#ticket-type').focus();
  await page.keyboard.type('limit');
  await page.locator('#ticket-limit_price').fill(above());
  await page.keyboard.press('Enter');
  await page.getByText('Nothing has been sent yet').waitFor();
  expect(Number(count())).toBe(before);
  expect(await page.getByRole('button', { name: 'Sell 3 SPX' }).count()).toBe(1);
  // Faster than any page can stop: three times before the first answer.
  await page.evaluate(`
    const form = document.querySelector('form[action="/admin/ticket/place"]');
    for (let time = 0; time < 3; time++) HTMLFormElement.prototype.submit.call(form);`);
  await during(page.waitForURL('**/admin/orders/ord_*'));
  expect(await page.locator('h1').innerText()).toContain('sell 3 SPX');
  await during(page.reload());
  expect(Number(count())).toBe(before + 1);
  expect(trouble).toEqual([]);
});

test('prices that a type does not take are out of the way, unless something stands in them', async () => {
  const { page } = await opened('/admin/ticket');
  const shown = async () => ({
    limit: await page.locator('#ticket-limit_price').isVisible(),
    stop: await page.locator('#ticket-stop_price').isVisible(),
    trail: await page.locator('#ticket-trail_percent').isVisible(),
  });
  expect(await shown()).toEqual({ limit: true, stop: true, trail: true });
  await page.locator('#ticket-type').selectOption('market');
  expect(await shown()).toEqual({ limit: false, stop: false, trail: false });
  await page.locator('#ticket-type').selectOption('stop_limit');
  expect(await shown()).toEqual({ limit: true, stop: true, trail: false });
  await page.locator('#ticket-limit_price').fill('1400');
  await page.locator('#ticket-type').selectOption('trailing_stop');
  expect(await shown()).toEqual({ limit: true, stop: false, trail: true });
});

test('without scripts a position is closed by links and forms alone', async () => {
  const { page } = await opened('/admin/positions', { javaScript: false, width: PHONE_WIDTH });
  const closing = page.getByRole('link', { name: 'Close SPX of claude' });
  await during(closing.click());
  await page.locator('#part-qty').fill('2');
  await during(page.getByRole('button', { name: 'Look again' }).click());
  await during(page.getByRole('button', { name: 'Sell 2 SPX' }).click());
  await page.waitForURL('**/admin/orders/ord_*');
  expect(await page.locator('.notice').innerText()).toContain('Sent: sell 2 SPX');
});

test.each(['ticket', 'preview', 'close'])(
  'the page %s keeps to WCAG with an error and at 390 px too',
  async (which) => {
    for (const theme of ['light', 'dark'] as const) {
      const window = await opened('/admin/ticket', { width: PHONE_WIDTH, theme });
      const { page } = window;
      if (which === 'ticket') await during(page.getByRole('button', { name: 'Preview' }).click());
      if (which === 'preview') {
        await page.locator('#ticket-symbol').fill('SPX');
        await page.locator('#ticket-side-buy').check();
        await page.locator('#ticket-qty').fill('12345');
        await page.locator('#ticket-qty').fill('2');
        await page.locator('#ticket-type').selectOption('market');
        await during(page.getByRole('button', { name: 'Preview' }).click());
      }
      if (which === 'close')
        await during(
          window.open(`/admin/close-position?holder=${claude.agent}&account=paper&symbol=SPX&qty=99999`),
        );
      expect(await window.accessibility()).toEqual([]);
      expect(await window.scrollsSideways()).toBe(false);
      await window.screenshot(`trading-${which}-${theme}`);
    }
  },
);
