/** From the record to a destination: at least once, with one id, in the owner's order, whatever dies in between. */
import { describe, expect, test } from 'vitest';
import {
  HALTED,
  idsIn,
  jobsOf,
  openNotifyRoom,
  openReceiver,
  realTurn,
  titlesIn,
  UNCLEAR,
  webhookTo,
} from '../support/notify-room.ts';

const CLEAR = {
  ...UNCLEAR,
  outcome: 'ok',
  detail: { ...UNCLEAR.detail, from: 'unknown', to: 'filled', filled_qty: '5' },
} as const;
const ASKED = {
  kind: 'approval.requested',
  agent: 'claude',
  account: 'paper',
  detail: {
    approval_id: 'apr_1',
    order_id: 'ord_1',
    symbol: 'SPX',
    side: 'buy',
    qty: '5',
    value: '7056.10',
    currency: 'USD',
    expires_at: '2026-01-05T12:15:00.000Z',
  },
};

describe('what is on the record', () => {
  test('comes to a webhook once, with an id and a link', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.happens(HALTED);
    await room.until(() => jobsOf(room).some(({ state }) => state === 'sent'));
    const [got] = receiver.received;
    expect(JSON.parse(got?.body ?? '')).toEqual({
      type: 'agent',
      timestamp: '2026-01-05T12:00:00.200Z',
      data: {
        id: got?.headers['webhook-id'],
        urgent: false,
        subject: 'claude',
        title: 'claude has halted itself',
        text: 'Its adding orders are canceled, and it sends nothing until you lift it.\nWritten by the agent, not checked: “it is late”',
        url: 'http://127.0.0.1:7800/admin/agents/claude',
      },
    });
    await room.clock.advanceAsync(3_600_000);
    await realTurn();
    expect(receiver.received).toHaveLength(1);
    expect(room.faults).toEqual([]);
  });

  test('before there was a destination is nobody’s news, and what a destination did not choose neither', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    room.happens(HALTED);
    room.destination({ channel: 'webhook', kinds: ['unknown'], fields: { secret_url: receiver.url } });
    room.happens({ ...HALTED, agent: 'other' });
    room.happens(UNCLEAR);
    await room.until(() => receiver.received.length > 0, { steps: 200 });
    await room.clock.advanceAsync(60_000);
    expect(titlesIn(receiver)).toEqual(['Unclear: an order of claude on paper']);
    expect(room.rows('SELECT * FROM notify_messages')).toHaveLength(1);
  });

  test('is told when it was not recorded with a change of state, too', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.log.recordDeferred({ kind: 'kill', outcome: 'error', detail: { by: 'file', why: 'disk' } });
    await room.until(() => receiver.received.length > 0);
    expect(titlesIn(receiver)).toEqual(['Everything is halted, by the file KILL']);
  });
});

describe('a crash', () => {
  test('between the event and the look loses nothing', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.happens(HALTED);
    // Dies before the look that would have come 200 ms later.
    room.crash();
    const next = openNotifyRoom({ root: room.root });
    await next.until(() => receiver.received.length > 0);
    expect(titlesIn(receiver)).toEqual(['claude has halted itself']);
  });

  test('between the answer and what is noted of it tells again, with the same id', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    // The receiver has it, and the process dies before the answer is noted.
    receiver.answer = () => room.store.db.close();
    room.happens(HALTED);
    await room.until(() => receiver.received.length > 0);
    receiver.answer = (response) => void response.writeHead(200).end();
    const next = openNotifyRoom({ root: room.root });
    await next.until(() => jobsOf(next).some(({ state }) => state === 'sent'));
    expect(idsIn(receiver)).toHaveLength(2);
    expect(new Set(idsIn(receiver)).size).toBe(1);
  });

  test('makes no message of the same line twice, however often it is looked at', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.store.transaction(() => {
      for (let n = 0; n < 450; n++) room.happens({ kind: 'order.executed', agent: 'claude' });
      room.happens(HALTED);
    });
    await room.until(() => receiver.received.length > 0);
    const next = openNotifyRoom({ root: room.root });
    next.happens({ kind: 'order.created', agent: 'claude' });
    await next.clock.advanceAsync(5_000);
    await realTurn();
    expect(titlesIn(receiver).filter((title) => title.includes('halted'))).toHaveLength(1);
    expect(next.rows('SELECT * FROM notify_messages')).toHaveLength(2);
  });
});

describe('a destination that does not take it', () => {
  test('is tried again after longer and longer waits, and given up on the record', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    const { id } = webhookTo(room, receiver);
    receiver.answer = (response) => void response.writeHead(500).end();
    room.happens(HALTED);
    await room.until(() => receiver.received.length === 1);
    for (const [index, waitS] of [5, 15, 60, 300, 900, 1_800, 3_600].entries()) {
      await room.until(() => room.notify.desk.deliveries()[0]?.tries === index + 1);
      await room.clock.advanceAsync(waitS * 1_000 - 1_000);
      await realTurn();
      expect(receiver.received).toHaveLength(index + 1);
      await room.until(() => receiver.received.length === index + 2, { steps: 30 });
    }
    await room.until(() => jobsOf(room).every(({ state }) => state === 'given_up'));
    await room.clock.advanceAsync(86_400_000);
    expect(receiver.received).toHaveLength(8);
    expect(new Set(idsIn(receiver)).size).toBe(1);
    room.log.flush();
    const [line = ''] = room.lines().filter((text) => text.includes('notify.given_up'));
    expect(line).toContain(id);
    expect(line).not.toContain('127.0.0.1');
    expect(room.notify.desk.deliveries()[0]).toMatchObject({
      state: 'given_up',
      error: 'The server answered 500.',
    });
  });

  test('and hangs is left after ten seconds, while others are told at once', async () => {
    const room = openNotifyRoom();
    const [hanging, other] = [await openReceiver(), await openReceiver()];
    hanging.answer = () => undefined;
    webhookTo(room, hanging, 'hanging');
    webhookTo(room, other, 'other');
    room.happens(HALTED);
    await room.until(() => hanging.received.length === 1);
    const beganMs = room.clock.wallMs();
    await room.until(() => room.notify.desk.deliveries().some(({ error }) => error !== null));
    expect(room.clock.wallMs() - beganMs).toBeLessThanOrEqual(10_500);
    expect(other.received).toEqual([]);
    await room.until(() => other.received.length === 1, { steps: 400 });
    expect(room.clock.wallMs() - beganMs).toBeLessThanOrEqual(31_000);
    while (hanging.connections() > 1) await realTurn();
  });
});

describe('a second destination', () => {
  test('is told after 30 s when the first has not taken it, and not when it has', async () => {
    const room = openNotifyRoom();
    const [first, second] = [await openReceiver(), await openReceiver()];
    webhookTo(room, first, 'first');
    webhookTo(room, second, 'second');
    room.happens(HALTED);
    await room.until(() => first.received.length === 1);
    await room.clock.advanceAsync(29_000);
    await room.until(() => jobsOf(room).every(({ state }) => state !== 'waiting'));
    expect(jobsOf(room)).toEqual([
      { label: 'first', state: 'sent' },
      { label: 'second', state: 'not_needed' },
    ]);
    expect(second.received).toEqual([]);

    first.answer = (response) => void response.writeHead(503).end();
    room.happens({ ...HALTED, agent: 'scalper' });
    await room.until(() => second.received.length === 1, { steps: 400 });
    expect(idsIn(second)).toEqual([idsIn(first).at(-1)]);
    // And when the first comes back, it is not told what another took.
    first.answer = (response) => void response.writeHead(200).end();
    const before = first.received.length;
    await room.until(() => jobsOf(room).every(({ state }) => state !== 'waiting'), {
      steps: 100,
      stepMs: 2_000,
    });
    expect(first.received).toHaveLength(before);
  });

  test('is told of what needs the owner although the first took it, while it stands', async () => {
    const room = openNotifyRoom();
    const [first, second] = [await openReceiver(), await openReceiver()];
    webhookTo(room, first, 'first');
    webhookTo(room, second, 'second');
    room.happens(ASKED);
    await room.until(() => second.received.length === 1, { steps: 400 });
    expect(titlesIn(first)).toEqual(['claude asks: buy 5 SPX']);
    expect(idsIn(second)).toEqual(idsIn(first));

    const [one, two] = [
      { ...ASKED.detail, approval_id: 'apr_2' },
      { ...ASKED.detail, approval_id: 'apr_3' },
    ];
    room.happens({ ...ASKED, detail: one });
    await room.until(() => first.received.length === 2);
    room.happens({ ...ASKED, kind: 'approval.approved', detail: one });
    room.happens({ ...ASKED, detail: two });
    await room.until(() => first.received.length === 3);
    await room.until(() => second.received.length === 2, { steps: 400 });
    expect(idsIn(second)[1]).toBe(idsIn(first)[2]);
    expect(room.faults).toEqual([]);
  });

  test('is told at once when the first will never take it', async () => {
    const room = openNotifyRoom();
    const [first, second] = [await openReceiver(), await openReceiver()];
    webhookTo(room, first, 'first');
    webhookTo(room, second, 'second');
    first.answer = (response) => void response.writeHead(410).end();
    room.happens(HALTED);
    await room.until(() => second.received.length === 1, { steps: 20 });
  });
});

describe('what is over', () => {
  test('is told once where it was told of: an unclear order that is clear again, a kill that is lifted', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.happens(CLEAR);
    room.happens({ kind: 'resume' });
    room.happens(UNCLEAR);
    room.happens({ ...UNCLEAR, detail: { ...UNCLEAR.detail, from: 'unknown' } });
    await room.until(() => receiver.received.length === 1, { steps: 200 });
    room.happens(CLEAR);
    room.happens(CLEAR);
    room.happens({ kind: 'kill', detail: { by: 'console' } });
    room.happens({ kind: 'resume' });
    await room.until(() => receiver.received.length === 4);
    await room.clock.advanceAsync(60_000);
    expect(titlesIn(receiver)).toEqual([
      'Unclear: an order of claude on paper',
      'Clear again: an order of claude is filled',
      'Everything is halted, by you (console)',
      'Trading goes on',
    ]);
  });

  test('an order that is clear again within seconds is nobody’s news, neither way', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.happens(UNCLEAR);
    await room.clock.advanceAsync(9_000);
    await realTurn();
    expect(receiver.received).toEqual([]);
    room.happens(CLEAR);
    await room.clock.advanceAsync(60_000);
    await realTurn();
    expect(receiver.received).toEqual([]);
    expect(room.rows(`SELECT * FROM notify_jobs WHERE state = 'waiting'`)).toEqual([]);
  });

  test('an approval that ended before anybody was told is told by its end alone', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    receiver.answer = (response) => void response.writeHead(500).end();
    room.happens(ASKED);
    await room.until(() => receiver.received.length === 1);
    room.happens({ ...ASKED, kind: 'approval.expired', outcome: 'refused' });
    await room.clock.advanceAsync(400);
    const got: string[] = [];
    receiver.answer = (response, { body }) => {
      got.push((JSON.parse(body) as { data: { title: string } }).data.title);
      response.writeHead(200).end();
    };
    await room.until(() => jobsOf(room).every(({ state }) => state !== 'waiting'), { steps: 400 });
    expect(got).toEqual(['Not decided in time: buy 5 SPX']);
  });
});
