/** The card of an order that waits, over plain HTTP as a browser without scripts has it: its facts, and its approval. */
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OWNER_CLI, OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { APPROVAL_TTL_MS, QUOTE_AGE_MAX_MS, STEP_UP_TTL_MS } from '#limits.ts';
import type { ApprovalCard } from '#trading/approval-desk.ts';
import { type AskingScene, askingScene, cardPages } from '../support/asking-scene.ts';
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

const { pathOf, pageOf, formFor, approve, wasSent } = cardPages(() => scene);

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
    onTestFinished(() => scene.gate.gateway.feed.start());
    scene.gate.clock.advance(QUOTE_AGE_MAX_MS + 5_000);
    const { words } = await pageOf(card);
    expect(words).toMatch(/As things stand it would be refused: [^]*\(stale price\)/);
    // It can be approved all the same: what is in the way may have passed by then.
    const refused = await approve(card);
    expect(refused.words).toContain('still waits for you');
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
    expect(first.html).toMatch(/<p class="notice warns" role="status">Nothing was sent/);
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
