/** The record in a real browser: proved by a click, opened, with hostile words on it, on a phone, and without scripts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DESK_WIDTH, PHONE_WIDTH, useBrowser, type WindowOptions } from '../support/browser.ts';
import { type TradingScene, tradingScene } from '../support/trading-scene.ts';

const browser = useBrowser();
let scene: TradingScene;
const CANARY = `<img src=x onerror=portcullisTrouble('canary')>\u202Eevil\u200B`;

beforeAll(async () => {
  scene = await tradingScene();
  const claude = scene.agent('claude');
  const scalper = scene.agent('scalper-with-a-rather-long-name');
  for (const who of [claude, scalper]) {
    await scene.placed(who, { symbol: 'SPX', side: 'buy', qty: '12', type: 'market', tag: 'momentum' });
    await scene.gate.call('get_quotes', { symbols: ['SPX'] }, who);
    await scene.play(20);
  }
  await scene.gate.call(
    'place_order',
    { symbol: 'SPX', side: 'buy', qty: '9999999', type: 'market' },
    scalper,
  );
  await scene.gate.call(CANARY, { note: CANARY }, claude);
  await scene.gate.call('get_quotes', { symbols: [CANARY] }, claude);
  await scene.play(60);
  scene.gate.gateway.audit.flush();
}, 60_000);
afterAll(() => scene?.gate.close());

/** The line of the call that had the canary for an argument. */
const hostileLine = () => {
  const rows = scene.gate.gateway.store.db
    .prepare<[], number>(`SELECT max(seq) FROM audit WHERE tool = 'get_quotes' AND agent = 'claude'`)
    .pluck();
  return Number(rows.get());
};
const windowOf = (options: Omit<WindowOptions, 'url' | 'token'>) =>
  browser.window({ url: scene.gate.url, token: scene.token, ...options });

test.each([
  ['light', DESK_WIDTH],
  ['dark', PHONE_WIDTH],
] as const)(
  'in %s at %d px: proved, opened, empty, wrongly asked, and nothing hostile runs',
  async (theme, width) => {
    const window = await windowOf({ theme, width });
    const { page } = window;
    const states: Readonly<Record<string, [string, (() => Promise<unknown>)?]>> = {
      verified: [
        '/admin/audit',
        async () => {
          await page.getByRole('button', { name: /Verify/ }).click();
          await page.getByText('Whole up to line').waitFor();
        },
      ],
      opened: [
        `/admin/audit/${hostileLine()}`,
        async () => {
          await page.getByRole('button', { name: 'Open what is sealed' }).click();
          await page.getByText('That you opened it').waitFor();
        },
      ],
      empty: ['/admin/audit?agent=nobody'],
      wrong: ['/admin/audit?outcome=oka&kind=Ord%20er'],
      'no-traffic': ['/admin/traffic?window=1y'],
    };
    for (const [state, [path, act]] of Object.entries(states)) {
      await window.open(path);
      await act?.();
      await window.screenshot(`audit-${state}-${theme}-${width}`);
      expect(await window.accessibility(), state).toEqual([]);
      expect(await window.scrollsSideways(), state).toBe(false);
      expect(await page.content(), state).not.toMatch(/[\u202E\u200B]/);
      expect(window.trouble, state).toEqual([]);
    }
    await window.close();
  },
  60_000,
);

test('a verification that goes on shows its end by itself', async () => {
  const window = await windowOf({});
  const { page } = window;
  // As the page is while a long record is being read.
  let running = true;
  await page.route('**/admin/audit', async (route) => {
    const answer = await route.fetch();
    const html = await answer.text();
    const body = running ? html.replace(/class="verified \w+"/, 'class="verified running"') : html;
    await route.fulfill({ response: answer, body });
  });
  await window.open('/admin/audit');
  await page.locator('#badge.running').waitFor();
  running = false;
  await page.locator('#badge:not(.running)').waitFor();
  expect(await page.locator('#badge').getByRole('button').count()).toBe(1);
  expect(window.trouble).toEqual([]);
  await window.close();
});

test('works without scripts: filtered by its form, from line to line, and an order from its line', async () => {
  const window = await windowOf({ javaScript: false });
  const { page } = window;
  await window.open('/admin/audit');
  await page.getByLabel('Agent', { exact: true }).selectOption('claude');
  await page.getByLabel('Kind').selectOption('order.*');
  await page.getByRole('button', { name: 'Show' }).click();
  expect(new URL(page.url()).search).toContain('agent=claude');
  expect(new URL(page.url()).search).toContain('kind=order.*');
  const rows = page.locator('table.record tbody tr');
  expect(await rows.count()).toBeGreaterThan(1);
  for (const text of await rows.allInnerTexts()) expect(text).toMatch(/claude[^]*order\./);
  await rows.first().locator('td[data-label="Line"] a').click();
  await page.getByRole('link', { name: /^ord_/ }).click();
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain('SPX');
  expect(window.trouble).toEqual([]);
  await window.close();
});
