/** The other answers to an order that waits: less of it, and no. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import { REASON_LENGTH_MAX } from '#limits.ts';
import { type AskingScene, askingScene, cardPages } from '../support/asking-scene.ts';
import { formOf } from '../support/trading-scene.ts';

let scene: AskingScene;
let claude: Principal;
beforeAll(async () => {
  scene = await askingScene();
  claude = scene.asking('claude');
});
afterEach(() => {
  // An agent may have only so many waiting.
  for (const { id } of scene.desk.waiting()) scene.desk.reject({ id, reason: 'over', by: OWNER_CONSOLE });
});
afterAll(() => scene.gate.close());

const { pathOf, pageOf, formFor, approve, wasSent } = cardPages(() => scene);
const LIMIT = { type: 'limit', limit_price: '1450', time_in_force: 'gtc', qty: '6' };

describe('approving less', () => {
  test('of the quantity and at a tighter limit is sent so, and told', async () => {
    const card = await scene.asked(claude, LIMIT);
    const fields = await formFor(card, 'smaller');
    // Empty stays as it was asked for: what is typed there is another order, and seen to be one.
    expect(fields).toMatchObject({ qty: '', limit_price: '' });
    const answered = await scene.console.follow(`${pathOf(card)}/smaller`, {
      ...fields,
      qty: '4',
      limit_price: '1449.5',
    });
    expect(answered.words).toContain('Approved and sent: buy 4 SPX.');
    expect(answered.words).toContain('You cut it down: quantity from 6 to 4, limit from 1,450 to 1,449.5');
    await scene.play(10);
    expect(scene.card(card.id).order.qty.toFixed()).toBe('4');
    const order = await scene.console.get(`/admin/orders/${card.order.orderId}`);
    expect(order.words).toContain('buy 4 SPX limit 1,449.5');
  });

  test.each([
    [{ qty: '7' }, 'qty', 'at most 6'],
    [{ limit_price: '1450.5' }, 'limit_price', 'at most 1450'],
    [{ qty: 'four' }, 'qty', 'a number of more than 0'],
    [{ qty: '0' }, 'qty', 'a number of more than 0'],
    [{ qty: '-1' }, 'qty', 'a number of more than 0'],
    [{ limit_price: '1e3' }, 'limit_price', 'a number of more than 0'],
    [{}, 'qty', 'smaller than it stands'],
    [{ qty: '', limit_price: '' }, 'qty', 'smaller than it stands'],
  ])(
    '%j: says at its field what is wrong, keeps what was entered, and still waits',
    async (change, field, rule) => {
      const card = await scene.asked(claude, LIMIT);
      const entered: Record<string, string> = { ...(await formFor(card, 'smaller')), ...change };
      const { status, html, words } = await scene.console.post(`${pathOf(card)}/smaller`, entered);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(words).toMatch(/still waits/i);
      expect(html).toMatch(new RegExp(`id="smaller-${field}-wrong">[^<]*${rule}`));
      expect(html).toContain(`<a href="#smaller-${field}">`);
      expect(formOf(html, `${pathOf(card)}/smaller`)).toMatchObject({
        qty: entered['qty'],
        limit_price: entered['limit_price'],
      });
      expect(scene.card(card.id).decision).toBeNull();
      expect(wasSent(card)).toBe(false);
    },
  );

  test('offers no limit where the order has none, and takes none', async () => {
    const card = await scene.asked(claude);
    const fields = await formFor(card, 'smaller');
    expect(fields).not.toHaveProperty('limit_price');
    const { status } = await scene.console.post(`${pathOf(card)}/smaller`, {
      ...fields,
      limit_price: '1400',
    });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(scene.card(card.id).decision).toBeNull();
  });
});

describe('rejecting', () => {
  test.each(['Too large', 'wait for <the> “numbers”'])(
    'with “%s” sends nothing, and the agent reads it',
    async (reason) => {
      const card = await scene.asked(claude);
      const { words } = await scene.console.follow(`${pathOf(card)}/reject`, { reason });
      expect(words).toContain('Rejected: nothing was sent, and claude is told why.');
      expect(scene.card(card.id)).toMatchObject({ decision: 'rejected', decidedDoor: 'console', reason });
      expect(wasSent(card)).toBe(false);
      const told = await scene.gate.call('get_order', { order_id: card.order.orderId }, claude);
      expect(JSON.stringify(told)).toContain('approval_rejected');
      expect(JSON.stringify(told?.ok === true ? told.output : {})).toContain(
        JSON.stringify(reason).slice(1, -1),
      );
    },
  );

  test('offers what is said most as one press each', async () => {
    const card = await scene.asked(claude);
    const { html } = await pageOf(card);
    const offered = [...html.matchAll(/<button type="submit" name="reason" value="([^"]+)">/g)].map(
      ([, said = '']) => said,
    );
    expect(offered).toContain('Too large');
    const { status } = await scene.console.post(`${pathOf(card)}/reject`, { reason: offered.at(-1) ?? '' });
    expect(status).toBe(303);
  });

  test.each(['', '   ', 'x'.repeat(REASON_LENGTH_MAX + 1)])(
    'with no words, or too many, does nothing',
    async (reason) => {
      const card = await scene.asked(claude);
      const { status, html, words } = await scene.console.post(`${pathOf(card)}/reject`, { reason });
      expect(status).toBe(400);
      expect(words).toContain('Nothing was decided, and the order still waits');
      expect(html).toContain('id="reject-reason-wrong"');
      expect(scene.card(card.id).decision).toBeNull();
    },
  );

  test('what was approved meanwhile is told, and goes on', async () => {
    const card = await scene.asked(claude);
    await approve(card);
    const { status, words } = await scene.console.post(`${pathOf(card)}/reject`, { reason: 'Not now' });
    expect(status).toBe(409);
    expect(words).toContain('it had been decided before');
    expect(scene.card(card.id).decision).toBe('approved');
  });
});

test('what was done is said to the owner, and not to a look for changes that came before', async () => {
  const card = await scene.asked(claude);
  await scene.console.post(`${pathOf(card)}/reject`, { reason: 'Not now' });
  const look = await scene.console.get(pathOf(card), { 'x-portcullis-live': '1' });
  expect(look.words).not.toContain('Rejected: nothing was sent');
  expect((await pageOf(card)).words).toContain('Rejected: nothing was sent');
  expect((await pageOf(card)).words).not.toContain('Rejected: nothing was sent');
});

test('an order that is canceled from the list of orders was taken back, and its card says by whom', async () => {
  const card = await scene.asked(claude);
  await scene.console.follow('/admin/orders/cancel', { order_id: card.order.orderId });
  const { words } = await pageOf(card);
  expect(words).toMatch(/withdrawn [^.]*, canceled by you\. [^]*The order is canceled/);
  expect(wasSent(card)).toBe(false);
});
