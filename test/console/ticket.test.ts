/** The owner's ticket: nothing guessed, everything shown before it is sent, and sent once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER } from '../support/browser.ts';
import { formOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

let scene: TradingScene;
beforeAll(async () => {
  scene = await tradingScene();
});
afterAll(() => scene.gate.close());

const PREVIEW = '/admin/ticket/preview';
const PLACE = '/admin/ticket/place';
const BUY = { account: 'paper', symbol: 'SPX', side: 'buy', qty: '2', type: 'market', time_in_force: 'day' };
const count = (): number =>
  scene.gate.gateway.store.db.prepare('SELECT count(*) FROM orders').pluck().get() as number;

describe('the empty form', () => {
  test('asks for a product only where an account’s broker knows products', async () => {
    expect((await scene.console.get('/admin/ticket')).html).not.toContain('name="product"');
  });

  test('guesses neither symbol, side, size, price nor type; the only account there is stands in it', async () => {
    const { html } = await scene.console.get('/admin/ticket');
    const fields = formOf(html, PREVIEW);
    expect(fields).toEqual({
      account: 'paper',
      symbol: '',
      qty: '',
      notional: '',
      type: '',
      time_in_force: 'day',
      limit_price: '',
      stop_price: '',
      trail_percent: '',
      trail_price: '',
      take_profit: '',
      stop_loss: '',
      client_order_id: '',
      tag: '',
    });
  });

  test('another page may name the symbol, and nothing else', async () => {
    const { html } = await scene.console.get('/admin/ticket?symbol=SPX&side=buy&qty=5&type=market');
    expect(formOf(html, PREVIEW)).toMatchObject({ symbol: 'SPX', qty: '', type: '' });
    expect(html).not.toMatch(/value="buy" checked/);
  });

  test('sent as it is, it names every field that is missing, and sends nothing', async () => {
    const before = count();
    const { status, html, words } = await scene.console.post(
      PREVIEW,
      formOf((await scene.console.get('/admin/ticket')).html, PREVIEW),
    );
    expect(status).toBe(400);
    expect(words).toContain('Nothing was sent: 4 fields are not right yet');
    for (const field of ['symbol', 'side', 'type', 'qty']) expect(html).toContain(`href="#ticket-${field}"`);
    expect(html.match(/aria-invalid="true"/g)).toHaveLength(3);
    expect(count()).toBe(before);
  });
});

describe('what is wrong is said at its field, and what was entered stays', () => {
  test.each([
    [{ qty: '0' }, 'qty'],
    [{ qty: '1e2' }, 'qty'],
    [{ qty: '2.5' }, 'qty'],
    [{ notional: '100' }, 'notional'],
    [{ side: 'long' }, 'side'],
    [{ account: 'nowhere' }, 'account'],
    [{ type: 'limit' }, 'limit_price'],
    [{ limit_price: '1400' }, 'limit_price'],
    [{ type: 'limit', limit_price: '1400.001' }, 'limit_price'],
    [{ type: 'stop_limit', limit_price: '1400' }, 'stop_price'],
    [{ type: 'trailing_stop' }, 'trail_percent'],
    [{ type: 'trailing_stop', trail_percent: '100' }, 'trail_percent'],
    [{ post_only: 'yes' }, 'post_only'],
    [{ tag: 'a<b' }, 'tag'],
    [{ client_order_id: 'a b' }, 'client_order_id'],
  ])('%j: %s', async (change, field) => {
    const before = count();
    const entered = { ...BUY, tag: 'kept', ...change };
    const { status, html, words } = await scene.console.post(PREVIEW, entered);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(words).toContain('Nothing was sent');
    expect(html).toContain(`href="#ticket-${field}"`);
    expect(formOf(html, PREVIEW)).toMatchObject({ symbol: 'SPX', tag: entered.tag.replace('<', '&lt;') });
    expect(html).not.toContain('name="key"');
    expect(count()).toBe(before);
  });

  test.each([
    { qty: 'ten' },
    { qty: '0' },
    { notional: '100' },
    { type: 'limit', limit_price: '1e3' },
    { post_only: 'yes' },
  ])('%j: in words for a person', async (change) => {
    const { html, words } = await scene.console.post(PREVIEW, { ...BUY, ...change });
    expect(html).toContain('class="why-wrong"');
    expect(words).not.toMatch(/JSON|decimal string|notional and|qty and|time_in_force/);
  });

  test('a symbol that nothing is written as is told with what is near', async () => {
    const { status, words } = await scene.console.post(PREVIEW, { ...BUY, symbol: 'spx' });
    expect(status).toBe(400);
    expect(words).toContain('SPX');
  });

  test('a limit that it would break comes with its figures', async () => {
    const { status, words } = await scene.console.post(PREVIEW, { ...BUY, qty: '100000' });
    expect(status).toBe(422);
    expect(words).toContain('Nothing was sent');
    expect(words).toMatch(/buying power/i);
  });

  test('a form with a field of its own making is not read', async () => {
    const before = count();
    expect((await scene.console.post(PLACE, { ...BUY, key: 'k', approved: 'yes' })).status).toBe(400);
    expect((await scene.console.post(PLACE, BUY)).status).toBe(400);
    expect(count()).toBe(before);
  });
});

describe('an order', () => {
  test('is shown in full first, sent once however often the form is, and then stands with its timeline', async () => {
    const before = count();
    const look = await scene.console.post(PREVIEW, { ...BUY, tag: 'by hand' });
    expect(look.status).toBe(200);
    expect(look.words).toContain(
      'Nothing has been sent yet. This will be sent: buy 2 SPX at market , day, in paper ( PAPER )',
    );
    expect(look.words).toMatch(/Position after 2/);
    expect(count()).toBe(before);
    const fields = formOf(look.html, PLACE);
    expect(fields).toMatchObject({ ...BUY, tag: 'by hand' });
    expect(fields['key']).toMatch(/^[\w-]{22}$/);
    const [first, again] = await scene.during(
      Promise.all([scene.console.post(PLACE, fields), scene.console.post(PLACE, fields)]),
    );
    expect(first).toMatchObject({ status: 303, to: expect.stringMatching(/^\/admin\/orders\/ord_/) });
    expect(again.to).toBe(first.to);
    await scene.play(10);
    expect((await scene.console.post(PLACE, fields)).to).toBe(first.to);
    expect(count()).toBe(before + 1);
    const order = await scene.console.get(first.to ?? '');
    expect(order.words).toMatch(/buy 2 SPX at market.*filled/);
    expect(order.words).toContain('Whose you');
  });

  test('with a key that sent something else is refused, and not sent', async () => {
    const fields = formOf((await scene.console.post(PREVIEW, BUY)).html, PLACE);
    await scene.console.post(PLACE, fields);
    const before = count();
    const { status, words } = await scene.console.post(PLACE, { ...fields, qty: '3' });
    expect(status).toBe(409);
    expect(words).toContain('Nothing was sent');
    expect(count()).toBe(before);
  });

  test('gets a key of its own with every look', async () => {
    const key = async () => formOf((await scene.console.post(PREVIEW, BUY)).html, PLACE)['key'];
    expect(await key()).not.toBe(await key());
  });

  test('can be changed after it was looked at: everything entered stands in the form again', async () => {
    const look = await scene.console.post(PREVIEW, {
      ...BUY,
      type: 'limit',
      limit_price: '1390.5',
      reduce_only: 'yes',
      side: 'sell',
    });
    const entered = look.status === 200 ? formOf(look.html, '/admin/ticket/edit') : {};
    const { html } = await scene.console.post('/admin/ticket/edit', entered);
    expect(formOf(html, PREVIEW)).toMatchObject({
      type: 'limit',
      limit_price: '1390.5',
      reduce_only: 'yes',
      qty: '2',
    });
    expect(html).toMatch(/value="sell" checked/);
  });

  test('takes every term to the broker as it was shown', async () => {
    const look = await scene.console.post(PREVIEW, {
      ...BUY,
      qty: '',
      notional: '5000',
      type: 'limit',
      limit_price: '1390.25',
      time_in_force: 'gtc',
      take_profit: '1500',
      stop_loss: '1300.50',
      post_only: 'yes',
      client_order_id: 'by-hand-1',
    });
    expect(look.words).toContain('buy 3 SPX limit 1,390.25');
    const { to } = await scene.console.post(PLACE, formOf(look.html, PLACE));
    const order = await scene.console.get(to ?? '');
    for (const said of [
      'limit, gtc',
      'Limit 1,390.25',
      'Take profit 1,500',
      'Stop loss 1,300.5',
      'by-hand-1',
      'posts',
    ])
      expect(order.words).toContain(said);
  });

  test('is refused while the gate is down, in words, and nothing is sent', async () => {
    const fields = formOf((await scene.console.post(PREVIEW, BUY)).html, PLACE);
    const { owner } = scene.gate.gateway.trading;
    await scene.during(owner.kill({ cancel: 'none', flatten: false }));
    const before = scene.gate.gateway.store.db
      .prepare("SELECT count(*) FROM orders WHERE status NOT IN ('refused')")
      .pluck()
      .get();
    const { status, words } = await scene.console.post(PLACE, fields);
    expect(status).toBe(403);
    expect(words).toContain('Nothing was sent');
    expect(
      scene.gate.gateway.store.db
        .prepare("SELECT count(*) FROM orders WHERE status NOT IN ('refused')")
        .pluck()
        .get(),
    ).toBe(before);
    owner.resume();
  });
});

test('between two accounts nothing is chosen for the owner', async () => {
  const added = { name: 'second', cash: '50000', preset: 'friendly', seed: '2', accountType: 'margin' };
  await scene.console.follow('/admin/accounts/add', added, OWNER.passphrase);
  const { html } = await scene.console.get('/admin/ticket');
  expect(formOf(html, PREVIEW)).toMatchObject({ account: '' });
  const before = count();
  const { status, words } = await scene.console.post(PREVIEW, { ...BUY, account: '' });
  expect(status).toBe(400);
  expect(words).toContain('account : one of paper, second');
  const look = await scene.console.post(PREVIEW, { ...BUY, account: 'second' });
  expect(look.words).toContain('in second ( PAPER )');
  const { to } = await scene.console.post(PLACE, formOf(look.html, PLACE));
  expect((await scene.console.get(to ?? '')).words).toContain('Account second');
  expect(count()).toBe(before + 1);
  // Where there is more than one, lists and the curve can be told apart by account.
  expect((await scene.console.get('/admin/orders?account=second')).html).toContain(to);
  const board = await scene.console.get('/admin?account=second');
  expect(board.html).toMatch(/account=second[^"]*" aria-current="true"/);
});
