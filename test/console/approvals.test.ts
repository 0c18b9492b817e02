/** The inbox over plain HTTP: what waits, what was decided, and where else the console says so. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import { CONSOLE_ROWS_MAX } from '#limits.ts';
import { type AskingScene, askingScene } from '../support/asking-scene.ts';
import { rowsOf } from '../support/trading-scene.ts';

let scene: AskingScene;
let claude: Principal;
beforeAll(async () => {
  scene = await askingScene();
  claude = scene.asking('claude');
});
afterAll(() => scene.gate.close());

const reject = (id: string, reason: string) => scene.desk.reject({ id, reason, by: OWNER_CONSOLE });

test('an empty inbox says what comes there, how, and in how long it has to be answered', async () => {
  const { words, html } = await scene.console.get('/admin/approvals');
  expect(words).toContain('Nothing waits for you');
  expect(words).toContain('You have 15 minutes to answer');
  expect(words).not.toContain('Decided');
  expect(html).not.toContain('to approve</a>');
});

test('what waits stands in the inbox, on the dashboard, at the order, at the gate and on top of every page', async () => {
  const card = await scene.asked(claude);
  const link = `href="/admin/approvals/${card.id}"`;
  const inbox = await scene.console.get('/admin/approvals');
  expect(inbox.html).toContain(link);
  expect(inbox.words).toMatch(/buy 2 SPX at market/);
  expect(inbox.words).toMatch(/% of equity claude asks in paper PAPER 1[45] min left until \d\d:\d\d:\d\d/);
  // Nothing is decided from here, before anybody has looked at it.
  expect(inbox.html).not.toMatch(/<form [^>]*approvals/);

  const board = await scene.console.get('/admin');
  expect(board.html).toContain(link);
  expect(board.words).toMatch(
    /claude asks for your approval: buy 2 SPX at market in paper, until \d\d:\d\d:\d\d/,
  );
  expect(board.html).toMatch(/href="\/admin\/approvals"[^>]*><span class="count">1<\/span> to approve/);
  // It is not counted twice.
  expect(board.html).not.toContain('</span> waiting</a>');

  const order = await scene.console.get(`/admin/orders/${card.order.orderId}`);
  expect(order.html).toContain(link);
  expect(order.words).toContain('It waits for your approval , and nothing has been sent');
  expect(order.html).not.toContain(`/admin/orders/${card.order.orderId}/cancel`);

  const gate = await scene.console.get('/admin/gate');
  expect(gate.words).toContain(
    '1 order void: what waits for your approval is refused, and does not come back',
  );

  expect(reject(card.id, 'Not now').ok).toBe(true);
  const after = await scene.console.get('/admin');
  expect(after.html).not.toContain('to approve</a>');
  expect(after.html).not.toContain(link);
  expect((await scene.console.get('/admin/gate')).words).not.toContain('void');
});

test('what expires first stands first', async () => {
  const first = await scene.asked(claude, { qty: '3' });
  await scene.play(30);
  const second = await scene.asked(claude, { qty: '4' });
  const { html } = await scene.console.get('/admin/approvals');
  expect(html.indexOf(first.id)).toBeLessThan(html.indexOf(second.id));
  reject(first.id, 'Too large');
  reject(second.id, 'Too large');
});

test('what was decided stands below with whose decision it was and why, and leads to its card', async () => {
  const card = await scene.asked(claude, { qty: '5' });
  reject(card.id, 'Not before the <b>numbers</b>');
  const { html } = await scene.console.get('/admin/approvals');
  const [row = []] = rowsOf(html);
  expect(row.join(' ')).toContain('buy 5 SPX at market claude paper rejected refused by you, in the console');
  expect(row.join(' ')).toContain('Not before the &lt;b&gt;numbers&lt;/b&gt;');
  expect(html).toContain(`href="/admin/approvals/${card.id}"`);
});

test('a long past is turned over a page at a time, with a way back', async () => {
  const already = scene.desk.decided({ limit: CONSOLE_ROWS_MAX }).items.length;
  // An account takes only so many orders a second; ten may wait at once.
  for (let made = already; made <= CONSOLE_ROWS_MAX; made++)
    reject((await scene.asked(claude)).id, `no ${made}`);
  const first = await scene.console.get('/admin/approvals');
  expect(rowsOf(first.html)).toHaveLength(CONSOLE_ROWS_MAX);
  const older = /href="([^"]*before=[^"]*)">Older/.exec(first.html)?.[1] ?? '';
  const second = await scene.console.get(older.replaceAll('&amp;', '&'));
  expect(rowsOf(second.html)).toHaveLength(1);
  expect(second.words).toContain('Newer');
});
