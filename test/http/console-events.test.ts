// What an open page is told: that something it shows has changed, once a second at most, as long as its session lives.
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStream } from '#http/console-events.ts';
import {
  CONSOLE_BEAT_MS,
  CONSOLE_EVENT_INTERVAL_MS,
  CONSOLE_STREAM_BYTES_MAX,
  CONSOLE_STREAMS_MAX,
  CONSOLE_STREAMS_PER_SESSION_MAX,
  SESSION_IDLE_MS,
} from '#limits.ts';
import { sessionCookie, signedIn } from '../support/browser.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';

interface Told {
  readonly event: string;
  readonly data: unknown;
}
interface Listener {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly told: Told[];
  readonly ended: Promise<void>;
  /** Of `change` events, what each names. */
  changes(): readonly unknown[];
  pause(): void;
  close(): void;
}

let gate: TestGateway;
let token: string;
const open: ClientRequest[] = [];
beforeEach(async () => {
  gate = await openTestGateway();
  token = await signedIn(gate);
});
afterEach(async () => {
  for (const one of open.splice(0)) one.destroy();
  await gate.close();
});

function listen(topics: string, as: string | undefined = token): Promise<Listener> {
  const { port, host } = new URL(gate.url);
  const cookie = as === undefined ? {} : { cookie: `${sessionCookie(gate.url)}=${as}` };
  return new Promise((resolve, reject) => {
    const asked = request(
      { port, host: '127.0.0.1', path: `/admin/events?topics=${topics}`, headers: { host, ...cookie } },
      (answer) => {
        const told: Told[] = [];
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
            const [, event = '', data = 'null'] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
            told.push({ event, data: JSON.parse(data) });
            text = text.slice(end + 2);
          }
        });
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          told,
          ended: new Promise((ended) => void answer.once('close', () => ended())),
          changes: () => told.filter(({ event }) => event === 'change').map(({ data }) => data),
          pause: () => void answer.pause(),
          close: () => void asked.destroy(),
        });
      },
    );
    asked.on('error', reject).end();
    open.push(asked);
  });
}
const soon = () => new Promise<void>((resolve) => setImmediate(resolve));
async function pass(ms: number): Promise<void> {
  await gate.clock.advanceAsync(ms);
  for (let n = 0; n < 20; n++) await soon();
}
const halt = (): void => {
  gate.gateway.console.trading.owner.haltAgent('claude');
};
const lift = (): void => {
  gate.gateway.console.trading.owner.liftAgent('claude');
};

describe('a page that listens', () => {
  test('is told at once how the gateway is, and again every other second', async () => {
    const page = await listen('');
    expect(page.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    await expect.poll(() => page.told.length).toBe(1);
    expect(page.told[0]).toMatchObject({
      event: 'beat',
      data: {
        mode: 'PAPER',
        trading_state: 'ACTIVE',
        waiting: 0,
        accounts: [{ id: 'paper', connected: true }],
      },
    });
    await pass(CONSOLE_BEAT_MS);
    await expect.poll(() => page.told.length).toBe(2);
    expect(page.changes()).toEqual([]);
  });

  test('is told of what it asked for and of nothing else', async () => {
    gate.key('claude');
    const [agents, orders, nothing] = await Promise.all([
      listen('agents,nonsense'),
      listen('orders'),
      listen(''),
    ]);
    halt();
    await pass(200);
    await expect.poll(() => agents.changes()).toEqual([['agents']]);
    expect(orders.changes()).toEqual([]);
    expect(nothing.changes()).toEqual([]);
  });

  test('is told as it begins to listen of what has changed since it was made, and only then', async () => {
    gate.key('claude');
    const since = gate.gateway.console.audit.head().seq;
    const current = await listen(`agents&since=${since}`);
    await pass(CONSOLE_EVENT_INTERVAL_MS);
    expect(current.changes()).toEqual([]);
    halt();
    const late = await listen(`agents&since=${since}`);
    await pass(CONSOLE_EVENT_INTERVAL_MS);
    await expect.poll(() => late.changes()).toEqual([['agents']]);
  });

  test('is told of prices, and of new lines of the record', async () => {
    gate.key('claude');
    const page = await listen('quotes,audit');
    halt();
    await pass(2 * CONSOLE_BEAT_MS);
    await expect.poll(() => page.changes().flat()).toEqual(expect.arrayContaining(['quotes', 'audit']));
  });

  test('hears of it at once, and then once a second however much happens', async () => {
    gate.key('claude');
    const page = await listen('agents');
    await pass(2 * CONSOLE_EVENT_INTERVAL_MS);
    halt();
    await pass(60);
    await expect.poll(() => page.changes().length).toBe(1);
    for (let n = 0; n < 100; n++) {
      lift();
      halt();
      await gate.clock.advanceAsync(50);
    }
    await pass(CONSOLE_EVENT_INTERVAL_MS);
    await expect.poll(() => page.changes().length).toBeGreaterThan(4);
    expect(page.changes().length).toBeLessThanOrEqual(7);
  });

  test('and does not read is not written to without end, and hears all of it once it reads', async () => {
    const body = new PassThrough({ highWaterMark: CONSOLE_STREAM_BYTES_MAX });
    const options = { sessionId: 'ses_1', live: () => true, leave: () => undefined, cut: () => undefined };
    const wanted = new Set(['agents', 'orders'] as const);
    const stream = openStream({ services: gate.gateway.console, body, wanted, ...options });
    for (let n = 0; n < 1_000; n++) {
      stream.beat();
      stream.tell(n % 2 === 0 ? ['agents'] : ['orders', 'quotes']);
      gate.clock.advance(CONSOLE_EVENT_INTERVAL_MS);
    }
    expect(body.readableLength + body.writableLength).toBeLessThan(3 * CONSOLE_STREAM_BYTES_MAX);
    const told: string[] = [];
    body.setEncoding('utf8').on('data', (text: string) => void told.push(text));
    await pass(2 * CONSOLE_EVENT_INTERVAL_MS);
    expect(told.join('')).toMatch(/event: change\ndata: \["agents","orders"\]\n\n$/);
    stream.end();
  });
});

describe('a stream ends', () => {
  test('with its session, at once, and no other does', async () => {
    const mine = await listen('state');
    const other = await listen('state', await signedIn(gate));
    const { owner } = gate.gateway.access;
    const id = owner.peek(token)?.id ?? '';
    owner.endSession(id);
    await mine.ended;
    await pass(CONSOLE_BEAT_MS);
    await expect.poll(() => other.told.length).toBe(2);
  });
  test('when nobody uses its session any more: listening is no use', async () => {
    gate.gateway.feed.stop();
    await gate.gateway.trading.stop();
    gate.clock.advance(SESSION_IDLE_MS - 60_000);
    const page = await listen('state');
    gate.clock.advance(60_000 + CONSOLE_BEAT_MS);
    await page.ended;
    expect(gate.gateway.access.owner.peek(token)).toBeUndefined();
  });
  test('when the gateway stops, which does not wait for it', async () => {
    const page = await listen('state');
    await gate.stop();
    await page.ended;
  });
  test('never with the kill switch: the owner sees what it does', async () => {
    const page = await listen('state');
    await gate.gateway.trading.kill({ cancel: 'none', flatten: false, by: 'console' });
    await pass(CONSOLE_BEAT_MS);
    await expect.poll(() => page.told.at(-1)).toMatchObject({ data: { trading_state: 'HALTED' } });
    await expect.poll(() => page.changes()).toEqual([['state']]);
  });
});

describe('streams are bounded', () => {
  test('who is not signed in gets none', async () => {
    const page = await listen('state', 'A'.repeat(43));
    expect(page.status).toBe(401);
    expect((await listen('state', '')).status).toBe(401);
  });
  test('the oldest of a session leaves for its newest', async () => {
    const pages: Listener[] = [];
    for (let n = 0; n < CONSOLE_STREAMS_PER_SESSION_MAX; n++) pages.push(await listen('state'));
    const newest = await listen('state');
    await pages[0]?.ended;
    await pass(CONSOLE_BEAT_MS);
    await expect.poll(() => newest.told.length).toBe(2);
    await expect.poll(() => pages[1]?.told.length).toBe(2);
  });
  test('there is an end to all of them together', async () => {
    const statuses = [];
    for (let n = 0; n < CONSOLE_STREAMS_MAX; n++) {
      const session = n % (CONSOLE_STREAMS_PER_SESSION_MAX - 1) === 0 ? await signedIn(gate) : token;
      token = session;
      statuses.push((await listen('state', session)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect((await listen('state', await signedIn(gate))).status).toBe(503);
  });
});
