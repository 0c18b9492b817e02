// The kill switch under the owner's hands: by mouse, by keyboard, without scripts, and what the rest of the console shows of it.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PHONE_WIDTH, useBrowser, type Window } from '../support/browser.ts';
import { type TradingScene, tradingScene } from '../support/trading-scene.ts';

const browser = useBrowser();
let scene: TradingScene;
let beats: NodeJS.Timeout;
beforeAll(async () => {
  scene = await tradingScene();
  scene.agent('claude');
  // Streams and the switch itself go by the gateway's clock, browsers by theirs.
  beats = setInterval(() => void scene.gate.clock.advanceAsync(100), 100);
});
afterAll(async () => {
  clearInterval(beats);
  await scene.gate.close();
});
afterEach(() => {
  if (state() === 'HALTED') scene.gate.gateway.console.gate.resume();
});
const state = (): string => scene.gate.gateway.access.gatewayState();
const open = (options: { readonly javaScript?: boolean; readonly width?: number } = {}): Promise<Window> =>
  browser.window({ url: scene.gate.url, token: scene.token, ...options });

test.each([
  { how: 'by mouse', javaScript: true },
  { how: 'without scripts', javaScript: false },
  { how: 'on a phone', javaScript: true, width: PHONE_WIDTH },
])('$how: one press, one confirmation, nothing to type', async ({ javaScript, width = 1_280 }) => {
  const window = await open({ javaScript, width });
  await window.open('/admin/orders');
  await window.page.getByRole('link', { name: 'Kill switch' }).click();
  await window.page.getByRole('button', { name: 'Drop the gate now' }).click();
  await window.page.getByRole('heading', { name: 'The gate is down' }).waitFor();
  expect(state()).toBe('HALTED');
  await window.page.locator('.bar[data-state="HALTED"]').waitFor();
  expect(window.trouble).toEqual([]);
  await window.close();
});

test('by keyboard alone: a few tabs from the top of any page, Enter, Enter', async () => {
  const window = await open();
  await window.open('/admin/orders');
  const button = window.page.getByRole('link', { name: 'Kill switch' });
  // Browsers have the key; which other keys go with it differs, and a driven one has none.
  expect(await button.getAttribute('accesskey')).toBe('k');
  for (let tabs = 0; tabs < 5; tabs++) {
    await window.page.keyboard.press('Tab');
    if ((await window.page.evaluate<string>('document.activeElement.textContent')) === 'Kill switch') break;
  }
  await window.page.keyboard.press('Enter');
  await window.page.waitForURL('**/admin/gate');
  // A person presses when the page stands there; the button that drops the gate is where the keyboard is then.
  await window.page.locator('button:focus', { hasText: 'Drop the gate now' }).waitFor();
  await window.page.keyboard.press('Enter');
  await window.page.getByRole('heading', { name: 'The gate is down' }).waitFor();
  expect(state()).toBe('HALTED');
  await window.close();
});

test('whoever goes through a page by keyboard always sees where they are: nothing is behind the top', async () => {
  const window = await open({ width: PHONE_WIDTH });
  await window.open('/admin/settings');
  const hidden = `(() => {
    const at = document.activeElement;
    if (at === document.body || at.closest('#bar')) return null;
    const covered = document.getElementById('bar').getBoundingClientRect().bottom;
    const { top, bottom } = at.getBoundingClientRect();
    return top < covered - 1 || bottom > innerHeight + 1 ? at.outerHTML.slice(0, 120) : null;
  })()`;
  const found: (string | null)[] = [];
  for (const key of ['Tab', 'Shift+Tab'])
    for (let n = 0; n < 30; n++) {
      await window.page.keyboard.press(key);
      found.push(await window.page.evaluate<string | null>(hidden));
    }
  expect(found.filter((one) => one !== null && !one.includes('class="skip"'))).toEqual([]);
  await window.close();
});

test('a page that is open says it without being asked, and takes it back', async () => {
  const window = await open();
  await window.open('/admin/connect');
  await window.page.locator('.bar[data-state="ACTIVE"]').waitFor();
  await scene.during(scene.gate.gateway.trading.kill({ cancel: 'none', flatten: false, by: 'cli' }));
  await window.page.locator('.bar[data-state="HALTED"]').waitFor({ timeout: 10_000 });
  await window.page.getByRole('link', { name: 'Resume …' }).waitFor();
  scene.gate.gateway.console.gate.resume();
  await window.page.locator('.bar[data-state="ACTIVE"]').waitFor({ timeout: 10_000 });
  expect(window.trouble).toEqual([]);
  await window.close();
});

test('ages at the top go on, and when the gateway is gone the page says so', async () => {
  const window = await open();
  await window.open('/admin/connect');
  const ages = window.page.locator('#bar [data-ages]');
  const before = await ages.textContent();
  await expect.poll(() => ages.textContent(), { timeout: 10_000 }).not.toBe(before);
  expect(await window.page.locator('#stale').isVisible()).toBe(false);
  await window.context.setOffline(true);
  scene.gate.gateway.access.owner.endOtherSessions('none');
  await window.page.locator('#stale').waitFor({ timeout: 10_000 });
  await window.close();
});
