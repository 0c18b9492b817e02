/** The page Notifications over plain HTTP, and what a whole gateway tells through it: nothing secret back, nothing in an order's way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { NOTIFY_KINDS } from '#notify/kinds.ts';
import { OWNER } from '../support/browser.ts';
import { openReceiver, type Receiver, realTurn, startReceiver, titlesIn } from '../support/notify-room.ts';
import { WIDE_MANDATE } from '../support/trading-room.ts';
import { formOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

const HERE = '/admin/notifications';
const kind = NOTIFY_KINDS.map(({ id }) => id);
let scene: TradingScene;
beforeAll(async () => {
  scene = await tradingScene();
  // What the session proved when it began is too old.
  await scene.play(6 * 60);
});
afterAll(() => scene.gate.close());

const { passphrase } = OWNER;
const desk = () => scene.gate.gateway.console.notify;
const idOf = (label: string): string =>
  desk()
    .destinations()
    .find((one) => one.label === label)?.id ?? '';
async function until(done: () => boolean): Promise<void> {
  for (let n = 0; n < 400 && !done(); n++) {
    await scene.gate.clock.advanceAsync(100);
    await realTurn();
  }
  expect(done()).toBe(true);
}

describe('a destination', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
  });
  afterAll(() => receiver.close());

  test('is added after proof, its secret shown once, and masked ever after', async () => {
    const form = { label: 'Desk <b>1</b>', secret_url: `${receiver.url}/canary-address`, kind };
    const asked = await scene.console.post(`${HERE}/add-webhook`, form);
    expect(asked.status).toBe(403);
    expect(desk().destinations()).toEqual([]);
    const added = await scene.console.post(`${HERE}/add-webhook`, form, passphrase);
    const secret = /whsec_[A-Za-z0-9+/]+=/.exec(added.html)?.[0];
    expect(secret).toBeDefined();
    expect(added.words).toContain('shown this once');
    const { html, words } = await scene.console.get(HERE);
    expect(html).not.toContain('whsec_');
    expect(html).not.toContain('canary-address');
    expect(html).toContain('1. Desk &lt;b&gt;1&lt;/b&gt;');
    expect(words).toContain(`Webhook, ${new URL(receiver.url).host}/…`);
    expect(words).toContain('Told of everything.');
  });

  test('says at its fields what is wrong before a proof is asked for, and gives nothing secret back', async () => {
    await scene.play(6 * 60);
    const wrong = { label: 'x', kind, secret_token: 'canary-token', chat: '$$' };
    const refused = await scene.console.post(`${HERE}/add-telegram`, wrong);
    expect(refused.status).toBe(400);
    expect(refused.html).toContain('id="add-telegram-secret_token-wrong"');
    expect(refused.html).toContain('id="add-telegram-chat-wrong"');
    expect(refused.html).not.toContain('canary-token');
    for (const more of [{ api: 'http://127.0.0.1:1' }, { signing_secret: 'whsec_x' }]) {
      const tried = { label: 'x', kind, secret_token: '1:short', chat: '1', ...more };
      expect((await scene.console.post(`${HERE}/add-telegram`, tried)).html).not.toContain('127.0.0.1:1"');
    }
    expect(
      (await scene.console.post(`${HERE}/add-webhook`, { label: 'x', kind: 'all', secret_url: 'x' })).status,
    ).toBe(400);
    expect(desk().destinations()).toHaveLength(1);
  });

  test('is tried with a button, and the outcome is in words', async () => {
    const id = idOf('Desk <b>1</b>');
    const sent = await scene.console.follow(`${HERE}/test`, { id });
    expect(sent.words).toContain('It was taken: look for the message at Desk');
    expect(titlesIn(receiver)).toEqual(['Portcullis can reach you here']);
    receiver.answer = (response) => void response.writeHead(500).end();
    const failed = await scene.console.post(`${HERE}/test`, { id });
    expect(failed.words).toContain('The test message did not arrive. The server answered 500.');
    receiver.answer = (response) => void response.writeHead(200).end();
    expect((await scene.console.get(HERE)).words).toMatch(
      /given up Desk &lt;b&gt;1&lt;\/b&gt; after 1 try. The server answered 500/,
    );
    expect((await scene.console.post(`${HERE}/test`, { id: 'dst_none' })).status).toBe(400);
  });

  test('is changed, told earlier and removed, each after proof', async () => {
    const second = { label: 'Second', server: receiver.url, secret_topic: 'canary-topic', secret_token: '' };
    await scene.console.follow(`${HERE}/add-ntfy`, { ...second, kind: ['fill'] }, passphrase);
    const { words } = await scene.console.get(HERE);
    expect(words).toContain('Told of: Fills Not told of: An order waits for you');
    expect(words).toContain('· A remote client asks ·');
    expect(words.match(/Not told of/g), 'the one that is told of everything').toHaveLength(1);
    await scene.console.follow(`${HERE}/raise`, { id: idOf('Second') }, passphrase);
    expect(
      desk()
        .destinations()
        .map(({ label }) => label),
    ).toEqual(['Second', 'Desk <b>1</b>']);

    const page = await scene.console.get(`${HERE}?edit=${idOf('Second')}`);
    expect(page.html).not.toContain('canary-topic');
    const form = formOf(page.html, `${HERE}/change`);
    expect(form).toMatchObject({ label: 'Second', server: '', secret_topic: '', kind: 'fill' });
    await scene.console.follow(`${HERE}/change`, { ...form, label: 'Phone' }, passphrase);
    expect(desk().destinations()[0]).toMatchObject({
      label: 'Phone',
      masked: expect.stringMatching(/^ca… on/) as unknown,
    });
    // A half of another address is no address.
    const half = await scene.console.post(
      `${HERE}/change`,
      { ...form, server: 'https://ntfy.example' },
      passphrase,
    );
    expect(half.status).toBe(400);
    expect(half.html).toContain('id="change-secret_topic-wrong"');
    await scene.play(6 * 60);
    // Before anybody is asked for a proof.
    expect(
      (await scene.console.post(`${HERE}/change`, { ...form, server: 'https://ntfy.example' })).status,
    ).toBe(400);
    const moved = { ...form, label: 'Phone', server: 'https://ntfy.example', secret_topic: 'other-topic' };
    await scene.console.follow(`${HERE}/change`, moved, passphrase);
    expect(desk().destinations()[0]?.masked).toBe('ot… on ntfy.example');

    await scene.console.follow(`${HERE}/remove`, { id: idOf('Phone') }, passphrase);
    expect(desk().destinations()).toHaveLength(1);
    expect((await scene.console.post(`${HERE}/remove`, { id: idOf('Phone') }, passphrase)).status).not.toBe(
      303,
    );
  });

  test('gets links that begin as the owner says', async () => {
    for (const console_url of ['http://gateway.example', 'https://gateway.example/x', 'javascript:alert(1)'])
      expect(
        (await scene.console.post(`${HERE}/links`, { console_url }, passphrase)).status,
        console_url,
      ).toBe(400);
    await scene.console.follow(`${HERE}/links`, { console_url: 'https://gateway.example/' }, passphrase);
    expect(desk().consoleUrl()).toEqual({
      own: 'https://gateway.example',
      acting: 'https://gateway.example',
    });
  });

  test('is on the record by its id alone', () => {
    const { store, audit } = scene.gate.gateway;
    audit.flush();
    const lines = store.db
      .prepare<[], string>(`SELECT line FROM audit WHERE kind LIKE 'notify.%'`)
      .pluck()
      .all();
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.join('\n')).not.toMatch(/canary|whsec_|Desk|127\.0\.0\.1|ntfy\.example|other-topic/);
    for (const line of lines) expect(line).toContain('"credential":"owner"');
  });
});

describe('a whole gateway', () => {
  /** The only destination, told of everything. */
  async function tellOnly(receiver: Receiver): Promise<void> {
    for (const { id } of desk().destinations())
      await scene.console.follow(`${HERE}/remove`, { id }, passphrase);
    await scene.console.post(
      `${HERE}/add-webhook`,
      { label: 'Hook', secret_url: receiver.url, kind },
      passphrase,
    );
  }
  const order = { symbol: 'SPX', side: 'buy', type: 'market' };

  test('tells of an order that waits, with a link to its card, and of what was filled', async () => {
    const receiver = await openReceiver();
    await tellOnly(receiver);
    const who = scene.agent('claude');
    const set = scene.gate.gateway.access.mandates.set(
      'claude',
      { ...WIDE_MANDATE, approval: { above: '5000' } },
      OWNER_CLI,
    );
    expect(set.ok).toBe(true);
    await scene.placed(who, { ...order, qty: '1' });
    await scene.placed(who, { ...order, qty: '7' });
    await until(() => titlesIn(receiver).length === 2);
    const [asks, filled] = titlesIn(receiver).toSorted();
    expect(asks).toBe('claude asks: buy 7 SPX');
    expect(filled).toMatch(/^claude bought 1 SPX at \d+(\.\d+)?/);
    const [card] = scene.gate.gateway.trading.owner.approvals.waiting();
    const body = receiver.received.find((one) => one.body.includes('asks'))?.body ?? '';
    const { data } = JSON.parse(body) as { data: { url: string; text: string } };
    expect(data.url).toBe(`https://gateway.example/admin/approvals/${card?.id}`);
    expect(data.text).toMatch(
      /^It waits for your approval on paper, about \d+(\.\d+)? USD\.\nAsks above 5000 USD a day in SPX, .*\nWithout your word by \d\d:\d\d UTC it is refused\.$/,
    );
    const page = await scene.console.get(new URL(data.url).pathname);
    expect(page.status).toBe(200);
    expect(page.words).toContain('Approve');
  });

  test('takes an order, a cancel and a kill as fast while a destination hangs', async () => {
    const hanging = await openReceiver();
    hanging.answer = () => undefined;
    await tellOnly(hanging);
    const who = scene.agent('scalper');
    await scene.gate.call('halt_trading', { reason: 'look' }, scene.agent('halted'));
    await until(() => hanging.received.length > 0);
    const { clock } = scene.gate;
    // The answer is there before the clock of the destination's time limit has moved.
    const beganMs = clock.monotonicMs();
    const answer = await scene.gate.call(
      'place_order',
      {
        ...order,
        type: 'limit',
        limit_price: '1390',
        qty: '1',
        dry_run: false,
        idempotency_key: 'while-it-hangs',
      },
      who,
    );
    expect(answer?.ok).toBe(true);
    expect((await scene.gate.call('cancel_all_orders', {}, who))?.ok).toBe(true);
    expect(clock.monotonicMs()).toBe(beganMs);
    const report = await scene.during(
      scene.gate.gateway.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' }),
    );
    expect(report.failed).toEqual([]);
    expect(clock.monotonicMs() - beganMs).toBeLessThan(5_000);
    expect(hanging.connections()).toBe(1);
    // And so does a stop, which waits for nobody who does not answer.
    await scene.gate.stop();
    while (hanging.connections() > 0) await realTurn();
  });
});
