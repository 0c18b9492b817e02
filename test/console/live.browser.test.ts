// What scripts may do to an open page: replace what changed, and nothing else, whatever stands in the page or in an answer.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useBrowser, type Window } from '../support/browser.ts';
import { type TradingScene, tradingScene } from '../support/trading-scene.ts';

const browser = useBrowser();
let scene: TradingScene;
let beats: NodeJS.Timeout;
beforeAll(async () => {
  scene = await tradingScene();
  scene.agent('claude');
  // Streams go by the gateway's clock, browsers by theirs.
  beats = setInterval(() => void scene.gate.clock.advanceAsync(100), 100);
});
afterAll(async () => {
  clearInterval(beats);
  await scene.gate.close();
});
async function open(path: string): Promise<Window> {
  const window = await browser.window({ url: scene.gate.url, token: scene.token });
  const listens = window.page.waitForRequest(/\/admin\/events/);
  await window.open(path);
  await listens;
  await window.page.evaluate(`
    globalThis.looks = 0;
    document.addEventListener('portcullis:looked', () => looks++);
  `);
  return window;
}
const looks = ({ page }: Window) => page.evaluate<number>('looks');
const desk = () => scene.gate.gateway.console.trading.owner;
/** Something that the page of agents shows has changed, and the page has it. */
async function change(window: Window): Promise<void> {
  const before = await looks(window);
  desk().haltAgent('claude');
  desk().liftAgent('claude');
  await expect.poll(() => looks(window), { timeout: 10_000 }).toBeGreaterThan(before);
}

test('an attribute of htmx in a page asks for nothing and runs nothing', async () => {
  const window = await open('/admin/agents');
  const asked: string[] = [];
  window.page.on('request', (request) => asked.push(request.url()));
  await window.page.evaluate(`(() => {
    const planted = document.createElement('div');
    for (const [name, value] of [
      ['hx-get', '/admin/planted'], ['hx-trigger', 'load'], ['hx-on:click', 'portcullisTrouble("ran")'], ['id', 'planted'],
      ['data-hx-get', '/admin/planted'], ['hx-boost', 'true'], ['hx-vals', 'js:portcullisTrouble("ran")'],
    ]) planted.setAttribute(name, value);
    document.documentElement.removeAttribute('hx-ignore');
    document.getElementById('live').append(planted);
    htmx.process(document.body);
    planted.click();
  })()`);
  await change(window);
  expect(asked.filter((url) => url.includes('planted'))).toEqual([]);
  expect(window.trouble).toEqual([]);
  await window.close();
});

test.each([
  [
    'a piece for elsewhere',
    '<div id="live"><p id="planted">x</p></div><nav hx-swap-oob="outerHTML:nav.pages">gone</nav>',
  ],
  ['a partial', '<div id="live">x</div><hx-partial hx-target=".pages">gone</hx-partial>'],
  [
    'a script',
    '<div id="live"><script>portcullisTrouble("ran")</script><img src=x onerror="portcullisTrouble(1)"></div>',
  ],
])('%s in an answer is not let in', async (_what, html) => {
  const window = await open('/admin/agents');
  await window.page.route('**/admin/agents', (route) =>
    route.fulfill({ status: 200, contentType: 'text/html', body: `<html><body>${html}</body></html>` }),
  );
  await change(window);
  expect(await window.page.locator('nav.pages a').count()).toBeGreaterThan(5);
  expect(window.trouble.filter((what) => what.includes('ran') || what.startsWith('script'))).toEqual([]);
  await window.close();
});

test('markup out of text is refused to everything but the one policy', async () => {
  const window = await open('/admin/agents');
  const thrown = await window.page.evaluate<readonly string[]>(`[
    () => { document.body.innerHTML = '<b>x</b>'; },
    () => { document.createElement('script').text = '1'; },
    () => { document.createElement('iframe').srcdoc = '<b>x</b>'; },
    () => { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); },
    () => { trustedTypes.createPolicy('another', {}); },
  ].map((attempt) => { try { attempt(); return 'done'; } catch (error) { return error.name; } })`);
  expect(thrown).not.toContain('done');
  await window.close();
});

test('a look leaves what the owner has folded out, and what is being filled in', async () => {
  const window = await open('/admin/agents');
  const { page } = window;
  await page.locator('details.add summary').click();
  await page.locator('details.add').getByLabel('Name').fill('half-way');
  await page.getByRole('heading', { name: 'Agents' }).click();
  await page.locator('body').evaluate<void, never>('document.activeElement?.blur()');
  await change(window);
  expect(await page.locator('details.add').getAttribute('open')).not.toBeNull();
  expect(await page.locator('details.add').getByLabel('Name').inputValue()).toBe('half-way');
  // In the field itself, nothing is replaced until the owner has left it.
  await page.locator('details.add').getByLabel('Name').focus();
  const before = await looks(window);
  desk().haltAgent('claude');
  await page.waitForTimeout(1_500);
  expect(await looks(window)).toBe(before);
  await page.getByRole('link', { name: 'Kill switch' }).focus();
  await expect.poll(() => looks(window), { timeout: 10_000 }).toBe(before + 1);
  desk().liftAgent('claude');
  await window.close();
});

test('the page of a session that has ended leads to signing in by itself', async () => {
  const { owner } = scene.gate.gateway.access;
  const { token, session } = owner.openSession({ address: '127.0.0.1', userAgent: 'test' });
  const window = await browser.window({ url: scene.gate.url, token });
  const listens = window.page.waitForRequest(/\/admin\/events/);
  await window.open('/admin/agents');
  await listens;
  owner.endSession(session.id);
  await window.page.waitForURL(/\/admin\/login\?next=%2Fadmin%2Fagents/, { timeout: 15_000 });
  await window.close();
});

test('a form is sent once, however often it is pressed', async () => {
  const window = await open('/admin/gate');
  const sent = await window.page.evaluate<number>(`(() => {
    let sent = 0;
    document.addEventListener('submit', (event) => {
      if (!event.defaultPrevented) sent++;
      event.preventDefault();
    });
    const button = document.querySelector('button.big');
    for (let n = 0; n < 3; n++) button.click();
    return sent;
  })()`);
  expect(sent).toBe(1);
  await window.close();
});

test("the owner's theme and colours go before the device's", async () => {
  const { preferences } = scene.gate.gateway.console;
  preferences.save({ timezone: 'Asia/Kolkata', theme: 'dark', colours: 'blue_orange' });
  const window = await open('/admin/agents');
  const { page } = window;
  const look = () =>
    page.evaluate<readonly string[]>(`[
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.documentElement).getPropertyValue('--up'),
    ]`);
  expect(await look()).toEqual(['rgb(19, 22, 25)', '#8fc1f5']);
  expect(await page.locator('.foot').innerText()).toContain('times in Asia/Kolkata');
  preferences.save({ timezone: 'UTC', theme: 'light', colours: 'red_green' });
  await page.emulateMedia({ colorScheme: 'dark' });
  await window.open('/admin/agents');
  expect(await look()).toEqual(['rgb(247, 247, 244)', '#a3242b']);
  await window.close();
});
