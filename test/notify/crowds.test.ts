/** Many messages, none, a stop, and a store that takes nothing: what telling the owner costs, and where it is bounded. */
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
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

describe('many at once', () => {
  const fill = (qty: string, price: string, agent = 'claude') => ({
    kind: 'order.executed',
    agent,
    account: 'paper',
    detail: { order_id: 'o', side: 'buy', symbol: 'SPX', qty, price },
  });

  test('fills of ten seconds are one message, added up exactly', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.happens(fill('0.1', '1411.20'));
    await room.clock.advanceAsync(1_000);
    room.happens(fill('0.2', '1411.40'));
    room.happens(fill('7', '1412', 'owner'));
    await room.clock.advanceAsync(7_000);
    expect(receiver.received).toEqual([]);
    await room.until(() => receiver.received.length === 1);
    room.happens(fill('1', '1500'));
    await room.until(() => receiver.received.length === 2, { steps: 200 });
    const texts = receiver.received.map(
      ({ body }) => (JSON.parse(body) as { data: { text: string } }).data.text,
    );
    expect(texts).toEqual([
      'claude bought 0.3 SPX in 2 fills, the last at 1411.40 (paper)\nYou bought 7 SPX at 1412 (paper)',
      'claude bought 1 SPX at 1500 (paper)',
    ]);
  });

  test('a fill that comes as the message leaves is in the next one', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.happens(fill('1', '1411'));
    await room.clock.advanceAsync(10_100);
    room.happens(fill('2', '1412'));
    await room.until(() => receiver.received.length === 2, { steps: 150 });
    expect(titlesIn(receiver)).toEqual([
      'claude bought 1 SPX at 1411 (paper)',
      'claude bought 2 SPX at 1412 (paper)',
    ]);
  });

  test('five refused orders of an agent within a minute are told, and then not again for a while', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    const refused = (agent: string, detail: object = {}, scope = 'write:orders') =>
      room.happens({
        kind: 'tool.call',
        agent,
        scope,
        tool: 'place_order',
        outcome: 'refused',
        detail: { reason: 'max_order_value', ...detail },
      });
    for (let n = 0; n < 4; n++) refused('claude');
    for (let n = 0; n < 9; n++) refused('reader', {}, 'read:market');
    await room.clock.advanceAsync(61_000);
    refused('claude');
    await room.clock.advanceAsync(5_000);
    expect(receiver.received).toEqual([]);
    // Counted together by the record under flood.
    refused('claude', { reason: 'throttled', count: 40 });
    await room.until(() => receiver.received.length === 1);
    expect(titlesIn(receiver)).toEqual(['Orders of claude are being refused']);
    expect(receiver.received[0]?.body).toMatch(/within 60 s: throttled/);
    for (let n = 0; n < 20; n++) refused('claude');
    await room.clock.advanceAsync(30_000);
    expect(receiver.received).toHaveLength(1);
  });

  test('a flood is held back at its bound and said in one message; what is urgent comes through', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.store.transaction(() => {
      for (let n = 0; n < 300; n++) room.happens({ ...HALTED, agent: `agent-${n}` });
    });
    await room.until(() => receiver.received.length >= 41, { steps: 2_000 });
    room.store.transaction(() => {
      for (let n = 0; n < 300; n++)
        room.happens({ ...UNCLEAR, detail: { ...UNCLEAR.detail, order_id: `ord_${n}` } });
    });
    await room.until(() => receiver.received.length >= 82, { steps: 4_000 });
    await room.clock.advanceAsync(30_000);
    await realTurn(20);
    const all = titlesIn(receiver);
    expect(all.filter((title) => title.endsWith('has halted itself'))).toHaveLength(40);
    expect(all.filter((title) => title.startsWith('Unclear'))).toHaveLength(40);
    expect(all.filter((title) => /^(?:Many|Too many) messages/.test(title))).toEqual([
      'Many messages: what is not urgent is held back',
      'Too many messages of one kind: An unclear order',
    ]);
    await room.clock.advanceAsync(3_600_000);
    room.happens(HALTED);
    await room.until(() => receiver.received.length === 83);
    expect(room.rows(`SELECT * FROM notify_jobs WHERE state = 'waiting'`)).toEqual([]);
  });
});

describe('stopping', () => {
  test('with a job in flight is quick, and the job is delivered after the next start under its id', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    receiver.answer = () => undefined;
    room.happens(HALTED);
    await room.until(() => receiver.received.length === 1);
    await room.notify.stop();
    room.happens({ ...HALTED, agent: 'other' });
    await room.clock.advanceAsync(60_000);
    expect(receiver.received).toHaveLength(1);
    expect(jobsOf(room)).toEqual([{ label: 'webhook', state: 'waiting' }]);
    receiver.answer = (response) => void response.writeHead(200).end();
    const next = openNotifyRoom({ root: room.root, start: false });
    await next.clock.advanceAsync(120_000);
    next.notify.start();
    await next.until(() => receiver.received.length === 3);
    expect(idsIn(receiver)[1]).toBe(idsIn(receiver)[0]);
  });

  test('is quick after a destination that changes the protocol instead of answering', async () => {
    const room = openNotifyRoom();
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
      );
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    room.destination({ channel: 'webhook', fields: { secret_url: `http://127.0.0.1:${port}` } });
    room.happens(HALTED);
    const tried = () => room.rows('SELECT state, tries, last_error FROM notify_jobs');
    await room.until(() => tried()[0]?.['tries'] === 1);
    expect(tried()).toEqual([{ state: 'waiting', tries: 1, last_error: 'The server answered 101.' }]);
    await room.notify.stop();
    expect(room.faults).toEqual([]);
  });
});

describe('what is kept', () => {
  test('is the newest thousand, and what waits to be delivered however old it is', async () => {
    const room = openNotifyRoom();
    const [slow, other] = [await openReceiver(), await openReceiver()];
    slow.answer = (response) => void response.writeHead(500).end();
    webhookTo(room, slow, 'slow');
    room.happens({ ...HALTED, agent: 'first' });
    await room.until(() => slow.received.length > 0);
    const [first] = room.rows('SELECT message_id, destination_id FROM notify_jobs');
    room.store.db.exec(
      `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1200)
       INSERT INTO notify_messages SELECT 'm' || value, kind, subject, title, body, path, urgent, needs_owner, standing, gathered, created_at
         FROM notify_messages, n;
       INSERT INTO notify_jobs SELECT id, '${String(first?.['destination_id'])}', 0, 1, 'sent', NULL, 0
         FROM notify_messages WHERE id LIKE 'm%' AND id NOT LIKE 'msg%'`,
    );
    webhookTo(room, other, 'other');
    room.happens({ ...HALTED, agent: 'last' });
    await room.until(() => other.received.length > 0);
    expect(room.rows('SELECT count(*) AS count FROM notify_messages')).toEqual([{ count: 1_001 }]);
    slow.answer = (response) => void response.writeHead(200).end();
    await room.until(() => jobsOf(room).every(({ state }) => state !== 'waiting'), { stepMs: 30_000 });
    expect(idsIn(slow)).toContain(first?.['message_id']);
  });
});

describe('rest', () => {
  test('costs nothing: between commits there is no timer, without a destination not even after one', async () => {
    const room = openNotifyRoom();
    let timers = 0;
    const after = room.clock.after.bind(room.clock);
    room.clock.after = (delayMs, call) => {
      timers++;
      return after(delayMs, call);
    };
    for (let n = 0; n < 5; n++) room.store.transaction(() => undefined);
    expect(timers).toBe(0);
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.happens(HALTED);
    await room.until(() => jobsOf(room).some(({ state }) => state === 'sent'));
    await room.clock.advanceAsync(5_000);
    timers = 0;
    await room.clock.advanceAsync(86_400_000);
    expect(timers).toBe(0);
    // Ten commits in a row are one look.
    for (let n = 0; n < 10; n++) room.store.transaction(() => undefined);
    expect(timers).toBe(1);
  });

  test('a store that takes nothing sends nothing twice, and what came is noted once it does', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    receiver.answer = (response) => {
      room.store.db.pragma('query_only = ON');
      response.writeHead(200).end();
    };
    room.happens(HALTED);
    await room.until(() => receiver.received.length === 1);
    await room.clock.advanceAsync(60_000);
    await realTurn(10);
    expect(receiver.received).toHaveLength(1);
    room.store.db.pragma('query_only = OFF');
    await room.until(() => jobsOf(room).some(({ state }) => state === 'sent'));
    expect(receiver.received).toHaveLength(1);
  });
});

describe('trouble with the record itself', () => {
  test('a database that takes nothing is said from memory, once, to the first that takes it', async () => {
    const room = openNotifyRoom();
    const [down, first, second] = [await openReceiver(), await openReceiver(), await openReceiver()];
    webhookTo(room, down);
    webhookTo(room, first);
    webhookTo(room, second);
    await down.close();
    room.store.db.pragma('query_only = ON');
    room.notify.storeBroken();
    room.notify.storeBroken();
    await room.until(() => first.received.length > 0);
    await room.clock.advanceAsync(60_000);
    room.notify.storeBroken();
    await realTurn(10);
    expect(titlesIn(first)).toEqual(['The database of the gateway can not be written']);
    expect(second.received).toEqual([]);
    room.store.db.pragma('query_only = OFF');
  });

  test('a file that does not follow is told, and that it follows again', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    webhookTo(room, receiver);
    room.log.flush();
    renameSync(room.folder, `${room.folder}.away`);
    writeFileSync(room.folder, '');
    room.happens({ kind: 'order.created' });
    await room.clock.advanceAsync(2_000);
    room.happens({ kind: 'order.created' });
    await room.until(() => receiver.received.length === 1);
    rmSync(room.folder);
    renameSync(`${room.folder}.away`, room.folder);
    await room.clock.advanceAsync(10_000);
    room.happens({ kind: 'order.created' });
    await room.until(() => receiver.received.length === 2);
    expect(titlesIn(receiver)).toEqual([
      'The file of the record can not be written',
      'The file of the record is written again',
    ]);
  });
});
