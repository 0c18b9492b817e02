/** Remote clients that ask to be let in: told, together, and never so often that a crowd of them buries anything else. */
import { describe, expect, test } from 'vitest';
import { NOTIFY_CLIENT_LINES_MAX, NOTIFY_CLIENTS } from '#limits.ts';
import {
  idsIn,
  type NotifyRoom,
  openNotifyRoom,
  openReceiver,
  type Receiver,
  titlesIn,
  UNCLEAR,
  webhookTo,
} from '../support/notify-room.ts';

const asks = (client: string, name = 'Claude', host = 'claude.ai') => ({
  kind: 'oauth.registered',
  credential: client,
  detail: { client, name, kind: 'registered', state: 'pending', redirects: [host], address: '203.0.113.9' },
});
const decided = (kind: string, client: string) => ({ kind: `oauth.client_${kind}`, detail: { client } });

async function room(options = {}): Promise<{ readonly room: NotifyRoom; readonly receiver: Receiver }> {
  const opened = openNotifyRoom(options);
  const receiver = await openReceiver();
  webhookTo(opened, receiver);
  return { room: opened, receiver };
}
/** Each counted once, however often it was sent: the clock is turned faster than a real socket answers. */
const messages = (receiver: Receiver): number => new Set(idsIn(receiver)).size;
const textsIn = (receiver: Receiver): readonly string[] =>
  receiver.received.map(({ body }) => (JSON.parse(body) as { data: { text: string } }).data.text);

describe('a client that asks', () => {
  test('is told of after some seconds, with those that came along, in words said to be theirs', async () => {
    const { room: it, receiver } = await room();
    it.happens(asks('client_1'));
    await it.clock.advanceAsync(2_000);
    it.happens(asks('client_2', 'Cla\u202eude https://evil.example/now', 'evil.example'));
    await it.until(() => receiver.received.length === 1);
    expect(titlesIn(receiver)).toEqual(['2 remote clients ask to be let in']);
    const [text = ''] = textsIn(receiver);
    expect(text).toContain('“Claude”, answered at “claude . ai”, from 203.0.113.9');
    expect(text).not.toContain('https://evil.example');
    expect(text).not.toContain('\u202e');
  });

  test('and was answered before the message left is not told of; nobody is where nobody asks any more', async () => {
    const { room: it, receiver } = await room();
    it.happens(asks('client_1', 'One'));
    it.happens(asks('client_2', 'Two'));
    it.happens(asks('client_3', 'Three'));
    it.happens(asks('client_5', 'Five'));
    await it.clock.advanceAsync(1_000);
    it.happens(decided('approved', 'client_1'));
    it.happens(decided('deleted', 'client_3'));
    it.happens(decided('expired', 'client_5'));
    await it.until(() => receiver.received.length === 1);
    expect(titlesIn(receiver)).toEqual(['A remote client asks to be let in']);
    expect(textsIn(receiver)[0]).toContain('Two');
    it.happens(decided('revoked', 'client_2'));
    await it.clock.advanceAsync(NOTIFY_CLIENTS.quietMs);
    it.happens(asks('client_4', 'Four'));
    await it.clock.advanceAsync(1_000);
    it.happens(decided('revoked', 'client_4'));
    for (let second = 0; second < 30; second++) await it.clock.advanceAsync(1_000);
    expect(messages(receiver), JSON.stringify(textsIn(receiver))).toBe(1);
  });
});

describe('where no approval is asked for', () => {
  const unasked = () => room({ approvesClients: false });

  test('a client that signed up is told of once, as what waits for nobody', async () => {
    const { room: it, receiver } = await unasked();
    const second = await openReceiver();
    webhookTo(it, second, 'second');
    it.happens(asks('client_1'));
    await it.until(() => receiver.received.length === 1);
    expect(titlesIn(receiver)).toEqual(['A remote client signed up']);
    const [text = ''] = textsIn(receiver);
    expect(text).toContain('No approval is asked of you: your sign-in and consent');
    expect(text).toContain('“Claude”, answered at “claude . ai”, from 203.0.113.9');
    expect(text).not.toContain('Approve');
    for (let second = 0; second < 60; second++) await it.clock.advanceAsync(1_000);
    expect(messages(second), 'nothing waits').toBe(0);
  });

  test('one that was let in before the message left is not told of', async () => {
    const { room: it, receiver } = await unasked();
    it.happens(asks('client_1'));
    await it.clock.advanceAsync(1_000);
    it.happens(decided('approved', 'client_1'));
    for (let second = 0; second < 30; second++) await it.clock.advanceAsync(1_000);
    expect(messages(receiver), JSON.stringify(textsIn(receiver))).toBe(0);
  });
});

describe('a crowd of strangers', () => {
  test('is a message in ten minutes, that names a few and counts the others', async () => {
    const { room: it, receiver } = await room();
    for (let n = 0; n < 100; n++) {
      it.happens(asks(`client_${n}`, `Stranger ${n}`));
      await it.clock.advanceAsync(3_000);
    }
    expect(messages(receiver)).toBe(1);
    await it.until(() => messages(receiver) === 2, { steps: 700, stepMs: 1_000 });
    const counted = [titlesIn(receiver).at(0), titlesIn(receiver).at(-1)].map((title = '') =>
      Number(/^\d+/.exec(title)?.[0]),
    );
    expect(counted.reduce((all, count) => all + count, 0)).toBe(100);
    expect(textsIn(receiver).at(-1)?.split('\n')).toHaveLength(NOTIFY_CLIENT_LINES_MAX + 2);
    await it.clock.advanceAsync(NOTIFY_CLIENTS.quietMs);
    expect(messages(receiver), 'and then nothing').toBe(2);
  });

  test('keeps nothing else from being told', async () => {
    const { room: it, receiver } = await room();
    for (let n = 0; n < 500; n++) it.happens(asks(`client_${n}`));
    it.happens(UNCLEAR);
    await it.until(() => titlesIn(receiver).some((title) => !title.includes('remote client')), {
      steps: 300,
    });
    expect(titlesIn(receiver).filter((title) => title.includes('remote client')).length).toBeLessThanOrEqual(
      1,
    );
  });
});
