/** Each channel against a real server on loopback: what it sends, what it never says, and what it makes of every answer. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ChannelId, Sent } from '#notify/channel.ts';
import { channelOf } from '#notify/channels.ts';
import { type Letter, quoted } from '#notify/message.ts';
import { isSigned, openReceiver, realTurn } from '../support/notify-room.ts';

const LETTER: Letter = {
  id: 'msg_abc-DEF_123',
  kind: 'fill',
  subject: null,
  title: 'claude bought 5 SPX at 1411.20',
  body: 'claude bought 5 SPX at 1411.20 (paper)\n*not bold* <b>nor this</b>',
  path: '/admin/orders',
  urgent: true,
  createdAtMs: Date.UTC(2026, 0, 5, 12),
  url: 'https://gateway.example/admin/orders',
};
const PASSWORD = 'hunter2-canary';
const TOKEN = '123456:AAcanaryCANARYcanaryCANARYcan';

async function send(
  id: ChannelId,
  fields: Readonly<Record<string, string>>,
  o: { readonly letter?: Letter; readonly signal?: AbortSignal } = {},
): Promise<Sent> {
  const target = channelOf(id).parse(fields);
  if (!target.ok) throw new Error(JSON.stringify(target.error));
  const { letter = LETTER, signal = new AbortController().signal } = o;
  return channelOf(id).send(target.value, { letter, wallMs: letter.createdAtMs + 5_000, signal });
}
const refusedFields = (id: ChannelId, fields: Readonly<Record<string, string>>): readonly string[] => {
  const parsed = channelOf(id).parse(fields);
  return parsed.ok ? [] : (parsed.error.errors ?? []).map(({ field }) => field);
};

describe('a webhook', () => {
  test('is signed anew with each try, under the same id', async () => {
    const receiver = await openReceiver();
    const target = channelOf('webhook').parse({ secret_url: receiver.url });
    if (!target.ok) throw new Error('no target');
    const secret = channelOf('webhook').reveal(target.value) ?? '';
    expect(secret).toMatch(/^whsec_/);
    for (const wallMs of [5_000, 900_000]) {
      const signal = new AbortController().signal;
      await channelOf('webhook').send(target.value, { letter: LETTER, wallMs, signal });
    }
    expect(receiver.received.map(({ headers }) => headers['webhook-timestamp'])).toEqual(['5', '900']);
    for (const one of receiver.received) {
      expect(one.headers['webhook-id']).toBe(LETTER.id);
      expect(isSigned(one, secret)).toBe(true);
    }
  });

  test('follows no redirect, reads nothing of an answer, and leaves no connection behind', async () => {
    const [receiver, elsewhere] = [await openReceiver(), await openReceiver()];
    receiver.answer = (response) => void response.writeHead(302, { location: elsewhere.url }).end();
    expect(await send('webhook', { secret_url: receiver.url })).toMatchObject({
      kind: 'never',
      why: expect.stringContaining('redirect (302)') as unknown,
    });
    expect(elsewhere.received).toEqual([]);
    let written = 0;
    receiver.answer = (response) => {
      response.writeHead(200);
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536;
      };
      response.on('drain', pour).on('error', () => undefined);
      pour();
    };
    expect(await send('webhook', { secret_url: receiver.url })).toEqual({ kind: 'sent' });
    while (receiver.connections() > 0) await realTurn();
    expect(written).toBeLessThan(50_000_000);
  });

  test('is tried again after whatever a receiver says, but for what is gone', async () => {
    const receiver = await openReceiver();
    const answers: [number, Sent['kind']][] = [
      [204, 'sent'],
      [404, 'later'],
      [401, 'later'],
      [410, 'never'],
      [500, 'later'],
    ];
    for (const [status, kind] of answers) {
      receiver.answer = (response) => void response.writeHead(status).end('canary of the receiver');
      const sent = await send('webhook', { secret_url: `${receiver.url}/?k=${PASSWORD}` });
      expect(sent.kind, String(status)).toBe(kind);
      expect(JSON.stringify(sent)).not.toMatch(/canary|127\.0\.0\.1/);
    }
    receiver.answer = (response) => void response.writeHead(429, { 'retry-after': '120' }).end();
    expect(await send('webhook', { secret_url: receiver.url })).toMatchObject({ afterMs: 120_000 });
    receiver.answer = (response) => void response.writeHead(429, { 'retry-after': '99999999' }).end();
    expect(await send('webhook', { secret_url: receiver.url })).toMatchObject({ afterMs: 900_000 });
  });

  test('that hangs or is down says so without its address', async () => {
    const receiver = await openReceiver();
    receiver.answer = () => undefined;
    const ending = new AbortController();
    const hanging = send('webhook', { secret_url: receiver.url }, { signal: ending.signal });
    while (receiver.received.length === 0) await realTurn();
    ending.abort('The server did not answer within 10 s.');
    expect(await hanging).toEqual({ kind: 'later', why: 'The server did not answer within 10 s.' });
    await receiver.close();
    expect(await send('webhook', { secret_url: `${receiver.url}/${PASSWORD}` })).toEqual({
      kind: 'later',
      why: 'The connection was refused: nothing listens there.',
    });
  });

  test.each([
    [101, 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
    [200, 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc'],
  ])('that answers %i and then nothing more has answered', async (status, head) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write(head));
      socket.once('close', () => server.close());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sent = await send('webhook', { secret_url: `http://127.0.0.1:${port}` });
    expect(sent).toEqual(
      status === 200 ? { kind: 'sent' } : { kind: 'later', why: 'The server answered 101.' },
    );
    await once(server, 'close');
  });

  test('goes over TLS, or to this machine', () => {
    for (const secret_url of [
      'http://example.com/',
      'http://127.0.0.1.example.com/',
      'http://10.0.0.1/',
      'ftp://127.0.0.1/',
      'file:///etc/passwd',
      'https://ann:secret@example.com/',
      'example.com',
      '',
    ])
      expect(refusedFields('webhook', { secret_url }), secret_url).toEqual(['secret_url']);
    for (const secret_url of ['https://example.com/a?b', 'http://localhost:1/', 'http://[::1]:1/'])
      expect(refusedFields('webhook', { secret_url }), secret_url).toEqual([]);
  });
});

describe('ntfy', () => {
  test('gets everything as JSON, and its token in a header', async () => {
    const receiver = await openReceiver();
    const fields = { server: receiver.url, secret_topic: 'desk-7', secret_token: 'tk_canary' };
    expect(await send('ntfy', fields)).toEqual({ kind: 'sent' });
    const [got] = receiver.received;
    expect(got?.headers.authorization).toBe('Bearer tk_canary');
    expect(got?.headers['title']).toBeUndefined();
    expect(JSON.parse(got?.body ?? '')).toEqual({
      topic: 'desk-7',
      title: LETTER.title,
      message: `${LETTER.body}\n\nPortcullis, message ${LETTER.id}`,
      priority: 4,
      click: LETTER.url,
    });
    receiver.answer = (response) => void response.writeHead(403).end();
    expect((await send('ntfy', fields)).kind).toBe('never');
    expect(channelOf('ntfy').mask(fields)).toMatch(/^de… on 127\.0\.0\.1:\d+$/);
  });

  test('takes no topic or token that could become another header or path', () => {
    const server = 'https://ntfy.sh';
    expect(refusedFields('ntfy', { server, secret_topic: 'a/b' })).toEqual(['secret_topic']);
    expect(refusedFields('ntfy', { server, secret_topic: 'a', secret_token: 'a\r\nx: y' })).toEqual([
      'secret_token',
    ]);
  });
});

describe('Telegram', () => {
  test('gets plain text without a parse mode, and previews no link', async () => {
    const receiver = await openReceiver();
    const fields = { secret_token: TOKEN, chat: '-1001234', api: receiver.url };
    expect(await send('telegram', fields)).toEqual({ kind: 'sent' });
    expect(receiver.received[0]?.path).toBe(`/bot${TOKEN}/sendMessage`);
    expect(JSON.parse(receiver.received[0]?.body ?? '')).toEqual({
      chat_id: '-1001234',
      text: `${LETTER.title}\n\n${LETTER.body}\n\n${LETTER.url}\n\nPortcullis, message ${LETTER.id}`,
      link_preview_options: { is_disabled: true },
      disable_notification: false,
    });
    receiver.answer = (response) => void response.writeHead(401).end(`{"description":"${TOKEN}"}`);
    expect(JSON.stringify(await send('telegram', fields))).not.toContain(TOKEN);
  });

  test('is at its own address, and nowhere else but on this machine', () => {
    const fields = { secret_token: TOKEN, chat: '1' };
    const target = channelOf('telegram').parse(fields);
    expect(target.ok && target.value['api']).toBe('https://api.telegram.org');
    expect(refusedFields('telegram', { ...fields, api: 'https://evil.example' })).toEqual(['api']);
    expect(refusedFields('telegram', { secret_token: '1:short/../x', chat: '1&x=y' })).toEqual([
      'secret_token',
      'chat',
    ]);
  });
});

describe('e-mail', () => {
  const mail = { host: '127.0.0.1', security: 'none', from: 'gate@example.com', to: 'ann@example.org' };

  test('is plain text with the id of the message, whatever the words are', async () => {
    const server = await mailServer({ user: 'ann', password: PASSWORD });
    const letter = {
      ...LETTER,
      title: 'hello\r\nBcc: eve@example.net',
      body: 'ä line\r\n.\r\nMAIL FROM:<x@y.z>',
    };
    const fields = { ...mail, port: server.port, username: 'ann', secret_password: PASSWORD };
    expect(await send('email', fields, { letter })).toEqual({ kind: 'sent' });
    const [got] = server.received;
    if (got === undefined) throw new Error('no mail');
    expect(got.to).toEqual(['ann@example.org']);
    const [head = '', text = ''] = got.raw.split(/\r\n\r\n([^]*)/);
    expect(head).toMatch(/^Message-ID: <msg_abc-DEF_123@portcullis>$/m);
    expect(head).toMatch(/^Content-Type: text\/plain/m);
    expect(head).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(head).toMatch(/^Subject: hello ?Bcc: eve@example\.net$/m);
    expect(head).not.toMatch(/^bcc:/im);
    expect(head).not.toContain('html');
    expect(text).toContain('MAIL FROM');
    expect(server.received).toHaveLength(1);
  });

  test('says what a server made of it, without its words', async () => {
    const server = await mailServer({ user: 'ann', password: PASSWORD, rejects: true });
    const fields = { ...mail, port: server.port, username: 'ann' };
    expect(await send('email', { ...fields, secret_password: 'wrong-canary' })).toEqual({
      kind: 'never',
      why: 'The mail server did not take the user name and password (535).',
    });
    const refused = await send('email', { ...fields, secret_password: PASSWORD });
    expect(refused).toEqual({
      kind: 'never',
      why: 'The mail server does not take a message from or for these addresses (550).',
    });
    expect(await send('email', { ...mail, port: '1' })).toEqual({
      kind: 'later',
      why: 'The connection was refused: nothing listens there.',
    });
  });

  test('goes over TLS with a certificate that somebody vouches for, or not at all', async () => {
    const plain = await mailServer({ tls: false });
    expect(await send('email', { ...mail, port: plain.port, security: 'starttls' })).toMatchObject({
      why: expect.stringContaining('could not be encrypted') as unknown,
    });
    const selfSigned = await mailServer({});
    const sent = await send('email', { ...mail, port: selfSigned.port, security: 'starttls' });
    expect(sent).toMatchObject({ kind: 'later', why: expect.stringContaining('ertificate') as unknown });
    expect([...plain.received, ...selfSigned.received]).toEqual([]);
    expect(refusedFields('email', { ...mail, host: 'smtp.example.com', port: '25' })).toEqual(['security']);
  });

  test('to a server that hangs ends when it is told to', async () => {
    const server = await mailServer({ hangs: true });
    const ending = new AbortController();
    const hanging = send('email', { ...mail, port: server.port }, { signal: ending.signal });
    while (!server.isAsked()) await realTurn();
    ending.abort('The gateway stopped.');
    expect(await hanging).toEqual({ kind: 'later', why: 'The gateway stopped.' });
  });

  test('takes one address, and nothing that is two or a header', () => {
    for (const to of ['a@b.c, d@e.f', 'a@b.c\r\nBcc: d@e.f', 'Ann <a@b.c>', 'a b@c.d', '@b.c', 'a'])
      expect(refusedFields('email', { ...mail, port: '25', to }), to).toEqual(['to']);
    expect(refusedFields('email', { ...mail, port: '70000' })).toEqual(['port']);
    expect(refusedFields('email', { ...mail, port: '25', host: 'a b' })).toContain('host');
  });
});

describe('words of an agent', () => {
  test('are said to be theirs, and are nothing that can be tapped', () => {
    const words = quoted('see https://evil.example/x and pay.evil.com \u202Enow\u200B\u001B[31m “ok”');
    expect(words).toBe("“see https: //evil . example/x and pay . evil . com now 'ok'”");
    expect(quoted('at 1411.20, half 0.5.')).toBe('“at 1411.20, half 0.5.”');
    for (const [said, shown] of [
      ['ask @evil_bot or x@evil.example', 'ask @ evil_bot or x@ evil . example'],
      ['/start pay, (/buy) at 1/2', '/ start pay, (/ buy) at 1/2'],
      ['1.2.3.4/x, http://10.0.0.1:80/', '1 . 2 . 3 . 4/x, http: //10 . 0 . 0 . 1:80/'],
      ['evil。example evil．example evil｡example', 'evil . example evil . example evil . example'],
      ['tg://resolve?domain=x', 'tg: //resolve?domain=x'],
    ])
      expect(quoted(said ?? '')).toBe(`“${shown}”`);
    expect(quoted('x'.repeat(1_000)).length).toBeLessThan(300);
  });
});

interface Mail {
  readonly to: readonly string[];
  readonly raw: string;
}

async function mailServer(o: {
  readonly user?: string;
  readonly password?: string;
  readonly rejects?: boolean;
  readonly hangs?: boolean;
  /** False: the server offers none. */
  readonly tls?: boolean;
}) {
  const received: Mail[] = [];
  let asked = false;
  const server = new SMTPServer({
    authOptional: o.user === undefined,
    allowInsecureAuth: true,
    disabledCommands: o.tls === false ? ['STARTTLS'] : [],
    logger: false,
    onConnect(_session, done) {
      asked = true;
      if (o.hangs !== true) done();
    },
    onAuth: ({ username, password }, _session, done) =>
      username === o.user && password === o.password
        ? done(null, { user: username })
        : done(new Error(`no ${String(password)}`)),
    onRcptTo: (_address, _session, done) =>
      done(o.rejects === true ? Object.assign(new Error('canary'), { responseCode: 550 }) : null),
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        received.push({ to, raw: Buffer.concat(chunks).toString() });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  const at = listening.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  return { port: String(at.port), received, isAsked: () => asked };
}
