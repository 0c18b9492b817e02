/** The card of an order that waits, over plain HTTP as a browser without scripts has it: facts, and three answers. */
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OWNER_CLI, OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { APPROVAL_TTL_MS, QUOTE_AGE_MAX_MS, REASON_LENGTH_MAX, STEP_UP_TTL_MS } from '#limits.ts';
import type { ApprovalCard } from '#trading/approval-desk.ts';
import { type AskingScene, askingScene } from '../support/asking-scene.ts';
import { OWNER } from '../support/browser.ts';
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

const pathOf = ({ id }: ApprovalCard): string => `/admin/approvals/${id}`;
const pageOf = (card: ApprovalCard) => scene.console.get(pathOf(card));
/** What the form of the card as it stands sends. */
const formFor = async (card: ApprovalCard, action: 'approve' | 'smaller') =>
  formOf((await pageOf(card)).html, `${pathOf(card)}/${action}`);
const approve = async (card: ApprovalCard) =>
  scene.console.post(`${pathOf(card)}/approve`, await formFor(card, 'approve'));
const LIMIT = { type: 'limit', limit_price: '1450', time_in_force: 'gtc', qty: '6' };
/** What the broker was ever asked to do with it. */
const wasSent = ({ order }: ApprovalCard): boolean =>
  scene.gate.gateway.store.db
    .prepare(
      "SELECT count(*) FROM order_timeline WHERE order_id = ? AND status NOT IN ('received', 'pending_approval', 'refused', 'canceled')",
    )
    .pluck()
    .get(order.orderId) !== 0;

describe('the card', () => {
  test('shows the facts as the gateway knows them, and the agent’s words apart from them', async () => {
    const card = await scene.asked(claude, {
      qty: '3',
      note: 'Band broken; target 1,500.',
      tag: 'mean-reversion',
      client_order_id: 'mr-0001',
      stop_loss: '1300',
    });
    const { words, html, status } = await pageOf(card);
    expect(status).toBe(200);
    expect(words).toContain('claude asks for your approval in paper PAPER buy 3 SPX at market');
    expect(words).toMatch(/1[45] min left until/);
    expect(words).toMatch(/Value [\d,]+\.\d\d USD \d\.\d\d % of the equity/);
    expect(words).toMatch(/Price now 1,\d{3}\.\d\d? Price when asked 1,\d{3}\.\d\d?/);
    expect(words).toContain('Its position 0 Its position after +3');
    expect(words).toContain('Stop loss 1,300');
    expect(words).toMatch(/Shown anew when the price leaves 1,\d{3}\.\d+ to 1,\d{3}\.\d+ 5 % around 1,/);
    expect(words).toMatch(/Value of one order [^]*Gross exposure/);
    const said = html.slice(
      html.indexOf('Written by the agent, not checked'),
      html.indexOf('What the gateway knows'),
    );
    for (const words of ['Band broken; target 1,500.', 'mean-reversion', 'mr-0001']) {
      expect(said).toContain(words);
      expect(html.split(words)).toHaveLength(2);
    }
    expect(words).not.toContain('would be refused');
  });

  test('shows hostile words as words, with nothing invisible among them', async () => {
    const card = await scene.asked(claude);
    scene.gate.gateway.store.db
      .prepare('UPDATE approvals SET note = ? WHERE id = ?')
      .run(`<img src=x onerror=alert(1)>‮evil​\u001b[31m{{ 7*7 }}`, card.id);
    const { html } = await pageOf(card);
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html).not.toContain('<img src=x');
    expect(html).not.toContain('evil49');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(html).not.toMatch(/[\u202E\u200B\u001b]/);
  });

  test('says what stands in the way now', async () => {
    const small = scene.asking('small');
    const card = await scene.asked(small, { qty: '3' });
    scene.gate.gateway.feed.stop();
    scene.gate.clock.advance(QUOTE_AGE_MAX_MS + 5_000);
    const { words } = await pageOf(card);
    expect(words).toMatch(/As things stand it would be refused: [^]*\(stale price\)/);
    // It can be approved all the same: what is in the way may have passed by then.
    const refused = await approve(card);
    expect(refused.words).toContain('it still waits');
    expect(scene.card(card.id).decision).toBeNull();
    scene.gate.gateway.feed.start();
    await scene.play(5);
    expect((await pageOf(card)).words).not.toContain('would be refused');
    expect((await approve(card)).status).toBe(303);
  });

  test('that there is not is no page, and is approved by no address that is only looked at', async () => {
    expect((await scene.console.get('/admin/approvals/apr_nothing')).status).toBe(404);
    const card = await scene.asked(claude);
    const { digest } = await formFor(card, 'approve');
    expect((await scene.console.get(`${pathOf(card)}/approve?digest=${digest}`)).status).toBe(404);
    expect(scene.card(card.id).decision).toBeNull();
  });
});

describe('approving', () => {
  test('takes one press: it is sent, filled, and the card says whose word it was', async () => {
    const card = await scene.asked(claude, { qty: '3' });
    expect(wasSent(card)).toBe(false);
    const answered = await approve(card);
    expect(answered).toMatchObject({ status: 303, to: pathOf(card) });
    await scene.play(10);
    const { words, html } = await pageOf(card);
    expect(words).toContain('Approved and sent: buy 3 SPX.');
    expect(words).toMatch(/approved \d{4}-\d\d-\d\d [\d:]+ , by you, in the console\./);
    expect(words).toMatch(/The order is filled , 3 filled at 1,/);
    expect(html).not.toContain('/approve"');
    const order = await scene.console.get(`/admin/orders/${card.order.orderId}`);
    expect(order.words).toContain('Approval approved by you, in the console');
  });

  test('twice sends it once, and says so', async () => {
    const card = await scene.asked(claude);
    const fields = await formFor(card, 'approve');
    const both = await Promise.all([
      scene.console.post(`${pathOf(card)}/approve`, fields),
      scene.console.post(`${pathOf(card)}/approve`, fields),
    ]);
    expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([303, 409]);
    const told = both.find(({ status }) => status === 409);
    expect(told?.words).toMatch(/approved already|decided before/);
    await scene.play(10);
    expect(scene.card(card.id).order).toMatchObject({ status: 'filled' });
    const { db } = scene.gate.gateway.store;
    expect(
      db.prepare('SELECT count(*) FROM executions WHERE order_id = ?').pluck().get(card.order.orderId),
    ).toBe(1);
  });

  test('what another window or the command line has rejected sends nothing', async () => {
    const card = await scene.asked(claude);
    const fields = await formFor(card, 'approve');
    scene.desk.reject({ id: card.id, reason: 'Not now', by: OWNER_CLI });
    const { status, words } = await scene.console.post(`${pathOf(card)}/approve`, fields);
    expect(status).toBe(409);
    expect(words).toContain('Nothing was sent by this: it had been decided before');
    expect(words).toContain('by you, from the command line');
    expect(words).toContain('The agent is told: Not now');
    expect(wasSent(card)).toBe(false);
  });

  test('at a price that has gone too far shows it at the new price first, and sends it when it is approved again', async () => {
    const card = await scene.asked(claude);
    const { db } = scene.gate.gateway.store;
    db.prepare("UPDATE approvals SET reference_price = '1000' WHERE id = ?").run(card.id);
    const before = await pageOf(card);
    expect(before.words).toContain('Price when asked 1,000');
    const first = await scene.console.follow(
      `${pathOf(card)}/approve`,
      formOf(before.html, `${pathOf(card)}/approve`),
    );
    expect(first.words).toMatch(/Nothing was sent: the price went from 1000 to 1\d{3}/);
    expect(first.words).toMatch(/Price when shown anew 1,[1-9]/);
    expect(wasSent(card)).toBe(false);
    expect((await approve(card)).to).toBe(pathOf(card));
    expect(wasSent(card)).toBe(true);
  });

  test('a card that was shown anew meanwhile is not approved as it was shown before', async () => {
    const card = await scene.asked(claude);
    const fields = await formFor(card, 'approve');
    const { status, words } = await scene.console
      .post(`${pathOf(card)}/approve`, { digest: `${fields['digest']}x` })
      .then(async (answer) => ({ ...answer, ...(await pageOf(card)), status: answer.status }));
    expect(status).toBe(303);
    expect(words).toContain('has changed since your page showed it');
    expect(scene.card(card.id).decision).toBeNull();
  });

  test('what no longer fits the mandate ends it, with the figures', async () => {
    const other = scene.asking('other');
    const card = await scene.asked(other, { qty: '3' });
    const fields = await formFor(card, 'approve');
    // As a mandate from a time when nobody looked at what waits.
    scene.gate.gateway.store.db
      .prepare("UPDATE mandates SET document = json_set(document, '$.max_order_qty', '2') WHERE agent_id = ?")
      .run(other.agent);
    const { status, words } = await scene.console.post(`${pathOf(card)}/approve`, fields);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(scene.card(card.id).decision).not.toBeNull();
    expect(words).toMatch(
      /void .*, it did not pass when you approved it\. Why: Quantity of one order: at most 2/,
    );
    expect(words).not.toContain('left until');
    expect(wasSent(card)).toBe(false);
  });

  test('is done by a form of this console alone, with its fields and no others', async () => {
    const card = await scene.asked(claude);
    const fields = await formFor(card, 'approve');
    const path = `${pathOf(card)}/approve`;
    expect((await scene.console.post(path, {})).status).toBe(400);
    expect((await scene.console.post(path, { ...fields, qty: '100' })).status).toBe(400);
    const stranger = await fetch(scene.gate.url + path, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(fields),
    });
    expect([303, 403]).toContain(stranger.status);
    expect(scene.card(card.id).decision).toBeNull();
  });
});

describe('approving less', () => {
  test('of the quantity and at a tighter limit is sent so, and told', async () => {
    const card = await scene.asked(claude, LIMIT);
    const fields = await formFor(card, 'smaller');
    expect(fields).toMatchObject({ qty: '6', limit_price: '1450' });
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

test('a decided card leads to the next that waits', async () => {
  const card = await scene.asked(claude);
  const next = await scene.asked(claude, { qty: '1' });
  scene.desk.reject({ id: card.id, reason: 'Not now', by: OWNER_CONSOLE });
  const { html, words } = await pageOf(card);
  expect(words).toContain('The next one: 1 more waits');
  expect(html).toContain(`href="${pathOf(next)}"`);
});

describe('as time goes by', () => {
  test('in a live account takes a fresh proof, which a paper account does not; rejecting takes none', async () => {
    // The only broker there is moves no money: of its cards, nothing but the mode is changed here.
    const real = scene.desk;
    const asLive = (card: ApprovalCard): ApprovalCard => ({
      ...card,
      account: { ...card.account, mode: 'live' },
    });
    const desk = {
      ...real,
      card: (id: string) => {
        const found = real.card(id);
        return found.ok ? ok(asLive(found.value)) : found;
      },
    };
    const card = await scene.asked(claude);
    const other = await scene.asked(claude);
    Object.assign(scene.gate.gateway.trading.owner, { approvals: desk });
    onTestFinished(() => void Object.assign(scene.gate.gateway.trading.owner, { approvals: real }));
    scene.gate.gateway.feed.stop();
    scene.gate.clock.advance(STEP_UP_TTL_MS + 1_000);
    const { html, words } = await pageOf(card);
    expect(html).toMatch(/<button class="primary of-live"[^]*?<span>LIVE<\/span><\/button>/);
    expect(words).toContain('The account is live, so you are asked for a code');
    const fields = await formFor(card, 'approve');
    const asked = await scene.console.post(`${pathOf(card)}/approve`, fields);
    expect(asked.status).toBe(403);
    expect(asked.words).toContain('Confirm that it is you');
    expect(scene.card(card.id).decision).toBeNull();
    expect((await scene.console.post(`${pathOf(other)}/reject`, { reason: 'Not now' })).status).toBe(303);
    // The price has not been heard of for so long that it waits all the same.
    const proved = await scene.console.post(`${pathOf(card)}/approve`, fields, OWNER.passphrase);
    expect(proved.words).not.toContain('Confirm that it is you');
    // One that is decided asks for no code any more.
    scene.gate.clock.advance(STEP_UP_TTL_MS + 1_000);
    expect((await scene.console.post(`${pathOf(other)}/approve`, fields)).status).toBe(409);
  });

  test('after its time sends nothing', async () => {
    scene.gate.gateway.feed.start();
    await scene.play(5);
    const card = await scene.asked(claude);
    const fields = await formFor(card, 'approve');
    scene.gate.gateway.feed.stop();
    scene.gate.clock.advance(APPROVAL_TTL_MS + 1_000);
    const { status, words } = await scene.console.post(`${pathOf(card)}/approve`, fields);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(words).toContain('nobody answered in time');
    expect(wasSent(card)).toBe(false);
  });
});
