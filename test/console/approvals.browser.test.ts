/** Approvals in a real browser, a phone first: one tap under the thumb, a card that changes by itself, and never what was not shown. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import type { ApprovalCard } from '#trading/approval-desk.ts';
import { type AskingScene, askingScene } from '../support/asking-scene.ts';
import { DESK_WIDTH, PHONE_WIDTH, useBrowser, type Window, type WindowOptions } from '../support/browser.ts';
import { goingOn } from '../support/going-on.ts';

const THUMB_HEIGHT_MIN = 44;

const browser = useBrowser();
let scene: AskingScene;
let claude: Principal;
const windows: Window[] = [];
const { during, until } = goingOn(() => scene.gate.clock);
beforeAll(async () => {
  scene = await askingScene();
  claude = scene.asking('claude');
});
afterEach(async () => {
  for (const window of windows.splice(0)) await window.close();
  for (const { id } of scene.desk.waiting()) scene.desk.reject({ id, reason: 'over', by: OWNER_CLI });
});
afterAll(() => scene.gate.close());

async function opened(path: string, options: Partial<WindowOptions> = {}): Promise<Window> {
  const window = await browser.window({
    url: scene.gate.url,
    token: scene.token,
    width: PHONE_WIDTH,
    ...options,
  });
  windows.push(window);
  await during(window.open(path));
  return window;
}
const openedCard = (card: ApprovalCard, options: Partial<WindowOptions> = {}) =>
  opened(`/admin/approvals/${card.id}`, options);
const approveButton = ({ page }: Window) => page.getByRole('button', { name: /^Approve \d+ ?: buy/ });
const statusOf = ({ id }: ApprovalCard) => scene.card(id).order.status;
const reject = ({ id }: ApprovalCard) => scene.desk.reject({ id, reason: 'Not now', by: OWNER_CLI });

describe('on a phone', () => {
  test('the card opened from a message is approved with one tap, which is under the thumb all the time', async () => {
    const card = await scene.asked(claude, { qty: '3', note: 'Band broken; target 1,500.' });
    const window = await openedCard(card);
    const { page } = window;
    const button = approveButton(window);
    for (const place of ['top', 'bottom']) {
      await page.evaluate(`scrollTo(0, '${place}' === 'top' ? 0 : document.body.scrollHeight)`);
      const box = await button.boundingBox();
      const viewport = page.viewportSize();
      if (box === null || viewport === null) throw new Error('it is nowhere');
      expect(box.height).toBeGreaterThanOrEqual(THUMB_HEIGHT_MIN);
      // In the lower third, where a thumb is.
      expect(box.y).toBeGreaterThan((viewport.height * 2) / 3);
      expect(box.y + box.height).toBeLessThanOrEqual(viewport.height);
    }
    for (const control of await page.locator('.thumb .button, .answer button').all())
      expect((await control.boundingBox())?.height).toBeGreaterThanOrEqual(THUMB_HEIGHT_MIN);
    await during(button.click());
    await page.getByText('Approved and sent: buy 3 SPX.').waitFor();
    await until(async () => (await page.locator('.decision .s-filled').count()) === 1);
    expect(statusOf(card)).toBe('filled');
    expect(await page.locator('.thumb').count()).toBe(0);
    expect(window.trouble).toEqual([]);
  });

  test('a link in a message on another site leads to the card, with the session that is there', async () => {
    const card = await scene.asked(claude);
    const mail = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<a href="${scene.gate.url}/admin/approvals/${card.id}">claude asks</a>`);
    });
    await once(mail.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void mail.close());
    const { port } = mail.address() as AddressInfo;
    const window = await browser.window({ url: scene.gate.url, token: scene.token, width: PHONE_WIDTH });
    windows.push(window);
    // Another host to a browser, so that the cookie of the session is not sent along.
    await window.page.goto(`http://localhost:${port}/`);
    await during(window.page.getByRole('link').click());
    await during(window.page.locator('.thumb').waitFor());
    await during(approveButton(window).click());
    await window.page.getByText('Approved and sent').waitFor();
  });

  test('an impatient thumb and a second window send it once, and who came second is told', async () => {
    const card = await scene.asked(claude);
    const [one, two] = [await openedCard(card), await openedCard(card)];
    await during(
      Promise.all(
        [one, two].map(async ({ page }) => {
          await page.evaluate(`
            const form = document.querySelector('form[action$="/approve"]');
            for (let time = 0; time < 3; time++) HTMLFormElement.prototype.submit.call(form);`);
          await page.locator('.decision').waitFor();
        }),
      ),
    );
    const told = await Promise.all([one, two].map(({ page }) => page.locator('main').innerText()));
    expect(told.every((words) => words.includes('approved'))).toBe(true);
    await scene.play(5);
    const { db } = scene.gate.gateway.store;
    expect(
      db.prepare('SELECT count(*) FROM executions WHERE order_id = ?').pluck().get(card.order.orderId),
    ).toBe(1);
  });

  test('a reason is one tap; what is typed stays while the figures around it change', async () => {
    const card = await scene.asked(claude);
    const window = await openedCard(card);
    const { page } = window;
    await page.getByRole('link', { name: 'Reject' }).click();
    const own = page.getByLabel('Or in words of your own');
    await own.fill('not before');
    const price = () => page.locator('.asked-figures').innerText();
    const before = await price();
    await scene.play(10);
    await page.waitForTimeout(300);
    // Nothing is replaced under the owner's hands.
    expect(await price()).toBe(before);
    expect(await own.inputValue()).toBe('not before');
    // And nothing lies over the field that is typed in.
    expect((await page.locator('.thumb').boundingBox())?.y).toBeGreaterThanOrEqual(844);
    await own.blur();
    await until(async () => (await price()) !== before);
    expect(await own.inputValue()).toBe('not before');
    await during(page.getByRole('button', { name: 'Too large' }).click());
    await page.getByText('Rejected: nothing was sent').waitFor();
    expect(scene.card(card.id)).toMatchObject({ decision: 'rejected', reason: 'Too large' });
    expect(window.trouble).toEqual([]);
  });

  test('less of it, at a tighter limit', async () => {
    const card = await scene.asked(claude, {
      type: 'limit',
      limit_price: '1420',
      time_in_force: 'gtc',
      qty: '6',
    });
    const window = await openedCard(card);
    const { page } = window;
    await page.getByRole('link', { name: 'Less' }).click();
    await page.locator('#smaller-qty').fill('60');
    // The whole of it is not a tap away while another order is typed.
    expect(await approveButton(window).isVisible()).toBe(false);
    await page.getByText('Another order stands under').waitFor();
    await page.locator('#smaller-qty').fill('');
    expect(await approveButton(window).isVisible()).toBe(true);
    await page.locator('#smaller-qty').fill('60');
    await during(page.getByRole('button', { name: 'Approve the smaller order' }).click());
    await page.locator('#smaller-qty-wrong').waitFor();
    expect(await page.locator('#smaller-qty').inputValue()).toBe('60');
    expect(await window.accessibility()).toEqual([]);
    await window.screenshot('approval-too-much-light');
    await page.locator('#smaller-qty').fill('2');
    await page.locator('#smaller-limit_price').fill('1410');
    await during(page.getByRole('button', { name: 'Approve the smaller order' }).click());
    await page.getByText('You cut it down: quantity from 6 to 2, limit from 1,420 to 1,410').waitFor();
    expect(scene.card(card.id).order.qty.toFixed()).toBe('2');
    expect(window.trouble.filter((one) => !one.includes('422') && !one.includes('403'))).toEqual([]);
  });

  test('without scripts it is approved, rejected and turned over all the same, and says until when', async () => {
    const [first, second] = [await scene.asked(claude), await scene.asked(claude, { qty: '1' })];
    const window = await opened('/admin/approvals', { javaScript: false });
    const { page } = window;
    await during(page.locator('.asks').getByRole('link', { name: 'buy 2 SPX at market' }).click());
    expect(await page.locator('.left').innerText()).toMatch(/1[45] min left until \d\d:\d\d:\d\d/);
    // A bar runs down by itself.
    const width = () => page.evaluate<number>(`document.querySelector('.running rect').width.animVal.value`);
    const before = await width();
    await expect.poll(width).toBeLessThan(before);
    await during(approveButton(window).click());
    await page.getByText('Approved and sent').waitFor();
    await during(page.getByRole('link', { name: 'The next one' }).click());
    await during(page.getByRole('button', { name: 'Not this instrument' }).click());
    expect(scene.card(first.id).decision).toBe('approved');
    expect(scene.card(second.id)).toMatchObject({ decision: 'rejected', reason: 'Not this instrument' });
  });
});

describe('by itself', () => {
  test('what was decided elsewhere, while one is down at its forms, comes into sight', async () => {
    const card = await scene.asked(claude);
    const window = await openedCard(card);
    const { page } = window;
    await page.getByRole('link', { name: 'Reject' }).click();
    reject(card);
    await during(page.locator('.decision').waitFor());
    await expect.poll(() => page.evaluate<boolean>(`document.activeElement.matches('.decision')`)).toBe(true);
    const box = await page.locator('.decision').boundingBox();
    expect(box?.y).toBeGreaterThan(0);
    expect(box?.y).toBeLessThan(844);
    expect(window.trouble).toEqual([]);
  });

  test('the time counts down by the second, and goes on after the page has looked', async () => {
    const card = await scene.asked(claude);
    const { page } = await openedCard(card);
    const left = () => page.locator('[data-left-ms]').innerText();
    await expect.poll(left).toMatch(/^1[45]:\d\d$/);
    const before = await left();
    await expect.poll(left).not.toBe(before);
    // What the gateway says counts, not how long the page has been open.
    scene.gate.gateway.feed.stop();
    scene.gate.clock.advance(600_000);
    scene.gate.gateway.feed.start();
    await until(async () => /^[34]:\d\d$/.test(await left()));
    expect(await page.locator('[data-left-said]').innerText()).toMatch(/^[45] minutes left to answer$/);
  });

  test('a card that is decided elsewhere, and the inbox, change without a reload', async () => {
    const card = await scene.asked(claude);
    const [window, inbox] = [await openedCard(card), await opened('/admin/approvals')];
    for (const { page } of [window, inbox]) await page.evaluate('window.isStillHere = true');
    expect(reject(card).ok).toBe(true);
    await until(async () => (await window.page.locator('.decision').count()) === 1);
    expect(await window.page.locator('.decision').innerText()).toContain('from the command line');
    expect(await window.page.locator('.thumb').count()).toBe(0);
    await until(async () => (await inbox.page.locator('.asks').count()) === 0);
    await until(async () => (await inbox.page.locator('#bar').innerText()).includes('to approve') === false);
    // One that comes is there too.
    await scene.asked(claude, { qty: '1' });
    await until(async () => (await inbox.page.locator('.asks > li').count()) === 1);
    for (const { page, trouble } of [window, inbox]) {
      expect(await page.evaluate('window.isStillHere')).toBe(true);
      expect(trouble).toEqual([]);
    }
  });

  test('what was shown anew meanwhile is not approved by a tap that was meant for what it was', async () => {
    const card = await scene.asked(claude);
    const window = await openedCard(card);
    const { page } = window;
    // At the same price the card would be the same again.
    await until(async () => String(scene.card(card.id).referenceNow) !== String(card.referencePrice));
    scene.gate.gateway.store.db
      .prepare("UPDATE approvals SET reference_price = '1000' WHERE id = ?")
      .run(card.id);
    const moved = await during(scene.desk.approve({ id: card.id, digest: card.digest, by: OWNER_CLI }));
    expect(moved).toMatchObject({ ok: true, value: { kind: 'price_moved' } });
    await until(async () =>
      (await page.locator('.asked-figures').innerText()).includes('Price when shown anew'),
    );
    await during(approveButton(window).click());
    await page.getByText('has changed since your page showed it').waitFor();
    expect(statusOf(card)).toBe('pending_approval');
    await during(approveButton(window).click());
    await page.getByText('Approved and sent').waitFor();
    expect(statusOf(card)).not.toBe('pending_approval');
  });
});

test.each([PHONE_WIDTH, DESK_WIDTH])(
  'by keyboard at %i px: everything is reached, and nothing lies over it',
  async (width) => {
    const card = await scene.asked(claude, { note: 'x'.repeat(280) });
    const { page } = await openedCard(card, { width });
    const reached: string[] = [];
    const COVERED = `(() => {
    const at = document.activeElement;
    const { left, top, width, height } = at.getBoundingClientRect();
    const seen = document.elementFromPoint(left + width / 2, top + height / 2);
    return [at.tagName + ' ' + (at.value || at.name || at.textContent.trim().slice(0, 25)), at.contains(seen) || (seen?.contains(at) ?? false)];
  })()`;
    await page.locator('main').focus();
    for (let step = 0; step < 40; step++) {
      await page.keyboard.press('Tab');
      const [name, seen] = await page.evaluate<[string, boolean]>(COVERED);
      if (name.startsWith('BODY') || name.includes('Sign out')) break;
      reached.push(name);
      expect([name, seen]).toEqual([name, true]);
    }
    const said = reached.join('\n');
    for (const one of ['Approve', 'INPUT qty', 'Approve the smaller', 'Too large', 'Reject with these'])
      expect(said).toContain(one);
    // In the order in which they are read: the answer that sends something does not come first by accident.
    await page.locator('button', { hasText: 'Reject with these words' }).focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.type('by hand');
    await page.keyboard.press('Enter');
    await during(page.locator('.decision').waitFor());
    expect(scene.card(card.id).reason).toBe('by hand');
  },
);

test('an inbox and a card keep to WCAG, empty and full, in either theme', async () => {
  for (const theme of ['light', 'dark'] as const) {
    const empty = await opened('/admin/approvals', { theme });
    expect(await empty.accessibility()).toEqual([]);
    await empty.screenshot(`approvals-few-${theme}`);
  }
  const card = await scene.asked(claude, { qty: '3', note: 'Band broken.' });
  scene.gate.gateway.feed.stop();
  scene.gate.clock.advance(31_000);
  for (const theme of ['light', 'dark'] as const) {
    const window = await browser.window({
      url: scene.gate.url,
      token: scene.token,
      width: PHONE_WIDTH,
      theme,
    });
    windows.push(window);
    await window.open(`/admin/approvals/${card.id}`);
    expect(await window.page.locator('main').innerText()).toContain('As things stand it would be refused');
    expect(await window.accessibility()).toEqual([]);
    expect(await window.scrollsSideways()).toBe(false);
    await window.screenshot(`approval-refusable-${theme}`);
  }
  scene.gate.gateway.feed.start();
});
