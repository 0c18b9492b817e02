/** Recording what the broker shows of an unclear order: only while it makes sense, with the owner's proof each time, and nothing is sent. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { accountId, type Principal } from '#domain/principal.ts';
import { OWNER } from '../support/browser.ts';
import { formOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

let scene: TradingScene;
let claude: Principal;
let id: string;
let sent = 0;
let orders = 0;

/** An order that nothing reaches soon, whose outcome is unclear because its broker does not answer for orders. */
async function unclearOrder(): Promise<string> {
  const { engine, feed, store } = scene.gate.gateway;
  const adapter = engine.adapters.get(accountId('paper'));
  const [spx] = feed.instruments();
  const bid = spx === undefined ? undefined : feed.quote(spx.id)?.bid;
  if (adapter === undefined) throw new Error('no adapter');
  const order = await scene.placed(claude, {
    symbol: 'SPX',
    side: 'buy',
    qty: '4',
    type: 'limit',
    // The same intent is not taken twice while the first is unclear.
    limit_price: `${Math.floor(Number(bid?.toFixed()) * 0.97)}.${String(++orders).padStart(2, '0')}`,
  });
  const deaf = (): Promise<never> => Promise.reject(new Error('the venue did not answer'));
  Object.assign(adapter, { openOrders: deaf, historySince: deaf, orderByClientId: deaf });
  store.db
    .prepare(`UPDATE orders SET status = 'unknown', broker_order_id = NULL WHERE order_id = ?`)
    .run(order);
  return order;
}

beforeAll(async () => {
  scene = await tradingScene();
  claude = scene.agent('claude');
  const adapter = scene.gate.gateway.engine.adapters.get(accountId('paper'));
  if (adapter === undefined) throw new Error('no adapter');
  const place = adapter.place.bind(adapter);
  const counted: typeof place = (order) => {
    sent += 1;
    return place(order);
  };
  Object.assign(adapter, { place: counted });
});
afterAll(() => scene.gate.close());
beforeEach(async () => {
  id = await unclearOrder();
});

const path = (): string => `/admin/orders/${id}/evidence`;
const form = async (fields: Readonly<Record<string, string>>): Promise<Record<string, string>> => ({
  ...formOf((await scene.console.get(path())).html, `${path()}/record`),
  outcome: 'canceled',
  source: 'the page Orders of the broker',
  text: 'Canceled 14:05 by exchange',
  ...fields,
});
const statusOf = (): unknown =>
  scene.gate.gateway.store.db.prepare('SELECT status FROM orders WHERE order_id = ?').pluck().get(id);

test('an unclear order leads to the form; what is entered there, with the proof, settles it and is shown', async () => {
  const before = sent;
  const order = await scene.console.get(`/admin/orders/${id}`);
  expect(order.html).toContain(`href="${path()}"`);
  const page = await scene.console.get(path());
  expect(page.words).toMatch(/buy 4 SPX limit .* in paper, of claude: unknown/);
  expect(page.words).toContain('Id at the broker never told');
  const fields = await form({ filled: '3', price: '1,400.25', fee: '0.75', execution_id: 'S-1' });
  const after = await scene.console.follow(`${path()}/record`, fields, OWNER.passphrase);
  expect(after.words).toContain('Recorded: the order is canceled, 3 of 4 filled. Nothing was sent.');
  expect(after.words).toContain('Recorded by you');
  expect(after.words).toMatch(
    /canceled Canceled 14:05 by exchange \(the page Orders of the broker; recorded .{1,20}; the broker has said nothing of it yet\)/,
  );
  expect(after.words).toContain('S-1');
  expect(after.html).not.toContain(`href="${path()}"`);
  expect(sent).toBe(before);
  const [line] = scene.gate.gateway.store.db
    .prepare(`SELECT line FROM audit WHERE kind = 'evidence.recorded' ORDER BY seq DESC`)
    .pluck()
    .all() as readonly string[];
  expect(line).toContain('"door":"console"');
  // Sent again, as from a second window: told, and nothing changes.
  const again = await scene.console.post(`${path()}/record`, fields, OWNER.passphrase);
  expect(again.words).toContain('Nothing was recorded. The order is canceled');
});

test('without the proof nothing is recorded', async () => {
  const asked = await scene.console.post(`${path()}/record`, await form({}));
  expect(asked.words).toContain('Confirm that it is you');
  expect(asked.words).toContain('Record that buy 4 SPX in paper is canceled, with nothing more filled.');
  const wrong = await scene.console.post(`${path()}/record`, await form({}), 'not the passphrase');
  expect(wrong.words).toContain('Confirm that it is you');
  expect(statusOf()).toBe('unknown');
});

test.each([
  [{ outcome: '' }, 'choose what the broker shows'],
  [{ outcome: 'filled', filled: '3', price: '1400' }, 'the 4 that the books lack of it'],
  [{ filled: '1e3', price: '1400' }, 'a plain number such as 12.5'],
  [{ filled: '1' }, 'needed beside what was filled'],
  [{ price: '1400' }, 'how much was filled'],
  [
    { filled: '1', price: '1400,25' },
    'Price: commas only between thousands, and a point before decimals: write 1400.25',
  ],
  [{ filled: '1', price: '140025' }, 'Price: 140025 is above the limit of the order'],
  [{ filled: '1', price: '14' }, 'This is what the statement says'],
  [{ source: ' ' }, 'Where you read it: where you read it, 1 to'],
  [{ at: 'yesterday' }, 'a date and a time'],
  [{ at: '2999-01-01T00:00' }, 'not in the future'],
])('%j is refused in words, with what was entered still there', async (fields, why) => {
  // Before anybody is asked for a proof.
  const refused = await scene.console.post(`${path()}/record`, await form(fields));
  expect(refused.words).toContain('Nothing was recorded; see the fields.');
  expect(refused.words).toContain(why);
  expect(refused.html).toContain('Canceled 14:05 by exchange');
  expect(statusOf()).toBe('unknown');
});

test('a price that looks wrong is recorded with the box alone that then appears', async () => {
  const fields = await form({ filled: '1', price: '14' });
  expect((await scene.console.get(path())).html).not.toContain('price_confirmed');
  const refused = await scene.console.post(`${path()}/record`, fields);
  expect(refused.html).toContain('name="price_confirmed"');
  const confirmed = { ...fields, price_confirmed: 'yes' };
  const after = await scene.console.follow(`${path()}/record`, confirmed, OWNER.passphrase);
  expect(after.words).toContain('Recorded: the order is canceled, 1 of 4 filled.');
});

test('the time is told to the second, and the minute of the order itself is late enough', async () => {
  const at = (await form({}))['at'] ?? '';
  expect(at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  const fields = await form({ at: at.slice(0, -3) });
  await scene.console.follow(`${path()}/record`, fields, OWNER.passphrase);
  expect(statusOf()).toBe('canceled');
});

test('words of the form are shown as words, wherever they stand', async () => {
  const nasty = '<img src=x onerror=alert(1)>\u202e\u200b';
  const fields = await form({ text: nasty, source: nasty });
  const after = await scene.console.follow(`${path()}/record`, fields, OWNER.passphrase);
  expect(after.html).not.toContain('<img src=x');
  expect(after.html).not.toMatch(/[\u202e\u200b]/);
  expect(after.html).toContain('&lt;img src=x onerror=alert(1)&gt;');
});

test('an order that is clear has no form, and says why', async () => {
  scene.gate.gateway.store.db.prepare(`UPDATE orders SET status = 'canceled' WHERE order_id = ?`).run(id);
  const page = await scene.console.get(path());
  expect(page.words).toContain('The order is canceled; nothing of it is unclear.');
  expect(page.html).not.toContain('<textarea');
  expect((await scene.console.get('/admin/orders/ord_none/evidence')).status).toBe(404);
});
