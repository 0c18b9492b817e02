/** /api/v1/stream: what programs are told as it happens; once, in order, across reconnects; and never what is not theirs. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CLI, type Principal, type Scope } from '#domain/principal.ts';
import {
  STREAM_ACCOUNT_INTERVAL_MS,
  STREAM_BEAT_MS,
  STREAM_HEARTBEAT_MS,
  STREAMS_PER_KEY_MAX,
  STREAMS_RETRY_AFTER_SECONDS,
} from '#limits.ts';
import { type EventStream, followStream, type ToldEvent } from '../support/event-stream.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { meanwhile } from '../support/still-market.ts';
import { until } from '../support/streams.ts';
import { granted, WIDE_MANDATE } from '../support/trading-room.ts';

interface Agent {
  readonly who: Principal;
  readonly id: string;
  readonly key: string;
}

let gate: TestGateway;
let claude: Agent;
const open: EventStream[] = [];
beforeEach(async () => {
  gate = await openTestGateway({
    settings: { PAPER_PRESET: 'friendly', PORTCULLIS_RATE_LIMIT_READ: '10000 per minute' },
  });
  await gate.clock.advanceAsync(5_000);
  claude = agent('claude');
});
afterEach(async () => {
  for (const stream of open.splice(0)) stream.hangUp();
  await gate.close();
});

function agent(name: string, scopes?: readonly Scope[]): Agent {
  const { id, key } = gate.key(name, scopes);
  const { keys, mandates } = gate.gateway.access;
  granted(mandates.set(name, WIDE_MANDATE, OWNER_CLI));
  return { id, key, who: granted(keys.authenticate(key, { door: 'rest', address: '127.0.0.1' })) };
}
async function follow(query: string, lastEventId?: string, key = claude.key): Promise<EventStream> {
  const stream = await followStream({ url: gate.url, key, query, lastEventId });
  open.push(stream);
  return stream;
}
let placed = 0;
async function place(order: object, by = claude.who): Promise<string> {
  await gate.clock.advanceAsync(1_000);
  const args = {
    symbol: 'SPX',
    side: 'buy',
    ...order,
    dry_run: false,
    idempotency_key: `stream-${++placed}`,
  };
  const answer = await meanwhile(gate, gate.call('place_order', args, by));
  const made = answer?.ok === true ? (answer.output['order'] as { readonly order_id: string }) : undefined;
  if (made === undefined) throw new Error(JSON.stringify(answer));
  return made.order_id;
}
const told = ({ event, data }: ToldEvent): string => {
  if (event === 'execution') return `execution ${String(data['execution_id'])}`;
  const { order, change } = data as {
    readonly order: { readonly order_id: string };
    readonly change: { readonly status: string };
  };
  return `${order.order_id} ${change.status}`;
};
const ofOrders = (stream: EventStream): readonly ToldEvent[] =>
  stream.events().filter(({ event }) => event === 'order' || event === 'execution');
/** The clock goes on until it holds. */
async function during(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !holds(); turn++) await gate.clock.advanceAsync(STREAM_BEAT_MS);
  await until(holds);
}

describe('a stream', () => {
  test('begins with what it is about and each quote as it stands, then tells each at its latest', async () => {
    const stream = await follow('symbols=SPX');
    expect(stream.status).toBe(200);
    const [ready] = await stream.heard('ready');
    expect(ready).toEqual({ event: 'ready', id: undefined, data: { topics: ['quotes'], symbols: ['SPX'] } });
    const [first] = await stream.heard('quote');
    const quoted = await gate.call('get_quotes', { symbols: ['SPX'] }, claude.who);
    expect(quoted).toMatchObject({ output: { quotes: [first?.data] } });
    await during(() => stream.events('quote').length >= 4);
    const times = stream.events('quote').map(({ data }) => String(data['time']));
    expect(times).toEqual([...new Set(times)].sort());
    expect(
      stream
        .events()
        .slice(1)
        .every(({ event }) => event === 'quote'),
    ).toBe(true);
  });

  test('tells an agent’s orders and executions with the place to go on from', async () => {
    const other = agent('other');
    const stream = await follow('topics=orders,executions');
    await stream.heard('ready');
    const theirs = await place({ type: 'market', qty: '2' }, other.who);
    const own = await place({ type: 'market', qty: '1' });
    await during(() => stream.events('order').some((event) => told(event) === `${own} filled`));
    expect(ofOrders(stream).map(({ id }) => id)).toEqual(
      ofOrders(stream).map(() => expect.stringMatching(/^\d+-\d+$/)),
    );
    expect(stream.events('execution')).toMatchObject([{ data: { order_id: own, symbol: 'SPX', qty: '1' } }]);
    expect(stream.events('order').at(-1)?.data).toMatchObject({
      order: { order_id: own, status: 'filled', filled_qty: '1' },
      change: { status: 'filled' },
    });
    expect(stream.text()).not.toContain(theirs);
    expect(stream.events('quote')).toEqual([]);
  });

  test('goes on wherever it was cut, with nothing lost and nothing twice, whatever happened in between', async () => {
    const whole = await follow('topics=orders,executions');
    const [ready] = await whole.heard('ready');
    for (let n = 0; n < 4; n++) await place({ type: 'market', qty: String(n + 1) });
    const resting = await place({ type: 'limit', limit_price: '1395', qty: '1', time_in_force: 'gtc' });
    await meanwhile(gate, gate.call('cancel_order', { order_id: resting }, claude.who));
    await during(() => ofOrders(whole).some((event) => told(event) === `${resting} canceled`));
    const all = ofOrders(whole);
    expect(all.length).toBeGreaterThan(20);
    expect(new Set(all.map(told)).size).toBe(all.length);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: all.length }), { minLength: 1, maxLength: 3 }),
        async (cuts) => {
          let id = ready?.id;
          const heard: string[] = [];
          for (const cut of [...cuts.sort((a, b) => a - b), all.length]) {
            const rest = cut - heard.length;
            const stream = await follow('topics=orders,executions', id);
            await until(() => ofOrders(stream).length >= rest);
            const events = ofOrders(stream).slice(0, rest);
            heard.push(...events.map(told));
            id = events.at(-1)?.id ?? id;
            stream.hangUp();
            await stream.ended;
          }
          expect(heard.toSorted()).toEqual(all.map(told).toSorted());
          expect(new Set(heard).size).toBe(heard.length);
        },
      ),
      { numRuns: 8 },
    );
  });

  test('says so when the place to go on from can not be followed, and begins with what comes now', async () => {
    await place({ type: 'market', qty: '1' });
    const stream = await follow('topics=orders', '999999-0');
    const [ready] = await stream.heard('ready');
    expect(ready?.data).toMatchObject({ lagged: true });
    await gate.clock.advanceAsync(1_000);
    expect(stream.events()).toHaveLength(1);
    const bad = await follow('topics=orders', 'yesterday');
    await bad.ended;
    expect([bad.status, JSON.parse(bad.text())]).toEqual([
      400,
      expect.objectContaining({
        reason: 'invalid_input',
        errors: [expect.objectContaining({ field: 'Last-Event-ID' })],
      }),
    ]);
  });

  test('tells an account when it changes, and asks its broker no more often than every few seconds', async () => {
    const stream = await follow('topics=accounts&account=paper');
    const [first] = await stream.heard('account');
    expect(first?.data).toMatchObject({ id: 'paper', cash: '100000', trading_state: 'ACTIVE' });
    await place({ type: 'market', qty: '1' });
    await place({ type: 'market', qty: '1' });
    await gate.clock.advanceAsync(2 * STREAM_ACCOUNT_INTERVAL_MS);
    await stream.heard('account', 2);
    const after = stream.events('account');
    expect(after.length).toBeLessThanOrEqual(4);
    expect(after.at(-1)?.data['cash']).not.toBe('100000');
    expect(stream.events('quote')).toEqual([]);
  });

  test('is kept alive by a comment that tells nothing', async () => {
    const stream = await follow('topics=orders');
    await stream.heard('ready');
    await gate.clock.advanceAsync(STREAM_HEARTBEAT_MS);
    await until(() => stream.text().includes(': beat\n\n'));
    expect(stream.events()).toHaveLength(1);
  });
});

describe('who comes back to very much and does not read it', () => {
  test('keeps nobody waiting, and is told all of it once they read', async () => {
    const order = await place({ type: 'market', qty: '1' });
    const { store, trading } = gate.gateway;
    const from = trading.orderEvents.now().changes;
    const add = store.db.prepare(
      "INSERT INTO order_timeline (order_id, time, status, detail) VALUES (?, 0, 'open', ?)",
    );
    const count = 8_000;
    store.transaction(() => {
      for (let n = 0; n < count; n++) add.run(order, `${n} ${'x'.repeat(200)}`);
    });
    const stuck = await stuckReader(`${from}-0`);
    const reader = await follow('symbols=SPX');
    await during(() => reader.events('quote').length >= 3);
    // What the kernel took, and a buffer or two.
    expect(stuck.received()).toBeLessThan(count * 900);
    stuck.socket.resume();
    for (let turn = 0; turn < 5_000 && !stuck.text().includes(`${count - 1} xxx`); turn++)
      await gate.clock.advanceAsync(1);
    const details = [...stuck.text().matchAll(/"detail":"(\d+) x/g)].map(([, n]) => Number(n));
    expect(details).toEqual(Array.from({ length: count }, (_, n) => n));
    stuck.socket.destroy();
  }, 30_000);

  /** Asks, and reads no more than the head of the answer. */
  async function stuckReader(lastEventId: string) {
    const socket = connect(Number(new URL(gate.url).port), '127.0.0.1');
    const head = [
      'GET /api/v1/stream?topics=orders HTTP/1.1',
      'host: 127.0.0.1',
      `authorization: Bearer ${claude.key}`,
      `last-event-id: ${lastEventId}`,
    ];
    let text = '';
    socket.on('error', () => undefined).write(`${head.join('\r\n')}\r\n\r\n`);
    socket.setEncoding('utf8');
    await new Promise<void>((opened) => {
      socket.on('data', (chunk: string) => {
        if (text === '') socket.pause();
        text += chunk;
        opened();
      });
    });
    return { socket, received: () => text.length, text: () => text };
  }
});

describe('a stream is refused', () => {
  async function refused(query: string, key = claude.key) {
    const stream = await follow(query, undefined, key);
    await stream.ended;
    return { status: stream.status, ...(JSON.parse(stream.text()) as Record<string, unknown>) };
  }

  test('as REST refuses: without a key, a scope, a symbol, an account, or sense', async () => {
    const market = agent('market', ['read:market']);
    const account = agent('account', ['read:account']);
    expect(await refused('symbols=SPX', 'pcl_nothing')).toMatchObject({
      status: 401,
      reason: 'unauthenticated',
    });
    expect(await refused('symbols=SPX', account.key)).toMatchObject({
      status: 403,
      reason: 'insufficient_scope',
    });
    for (const topic of ['orders', 'executions', 'accounts'])
      expect(await refused(`symbols=SPX&topics=quotes,${topic}`, market.key)).toMatchObject({
        status: 403,
        reason: 'insufficient_scope',
      });
    expect(await refused('symbols=NOSUCH')).toMatchObject({ reason: 'unknown_symbol' });
    expect(await refused('topics=orders&account=nobodys')).toMatchObject({
      status: 403,
      reason: 'account_not_allowed',
    });
    for (const query of [
      '',
      'topics=quotes',
      'topics=orders&symbols=SPX',
      'topics=everything',
      'symbols=SPX&limit=3',
      'symbols=SPX&symbols=SPX',
    ])
      expect(await refused(query), query).toMatchObject({ status: 400, reason: 'invalid_input' });
  });

  test('to a key that has enough of them, until one ends; other keys have theirs', async () => {
    const streams = await Promise.all(
      Array.from({ length: STREAMS_PER_KEY_MAX }, () => follow('symbols=SPX')),
    );
    const other = agent('other');
    expect(await refused('symbols=SPX')).toMatchObject({
      status: 429,
      reason: 'rate_limited',
      retry_after: STREAMS_RETRY_AFTER_SECONDS,
    });
    expect((await follow('symbols=SPX', undefined, other.key)).status).toBe(200);
    streams[0]?.hangUp();
    await streams[0]?.ended;
    let again: EventStream | undefined;
    for (let tries = 0; tries < 50 && again?.status !== 200; tries++) again = await follow('symbols=SPX');
    expect(again?.status).toBe(200);
    await gate.clock.advanceAsync(1_100);
    gate.gateway.audit.flush();
    const line = gate.gateway.store.db
      .prepare("SELECT line FROM audit WHERE line LIKE '%stream.refused%'")
      .pluck()
      .get();
    expect(JSON.parse(String(line))).toMatchObject({
      agent: 'claude',
      outcome: 'refused',
      detail: { reason: 'rate_limited' },
    });
  });

  test('counted as a read of what it shows, and on the record as such', async () => {
    const stream = await follow('symbols=SPX&topics=quotes,orders');
    await stream.heard('ready');
    await gate.clock.advanceAsync(1_000);
    gate.gateway.audit.flush();
    const lines = gate.gateway.store.db
      .prepare("SELECT line FROM audit WHERE line LIKE '%tool.call%' ORDER BY seq")
      .pluck()
      .all()
      .map((line) => JSON.parse(String(line)) as { readonly tool: string; readonly door: string });
    expect(lines.map(({ tool, door }) => [tool, door])).toEqual([
      ['watch_market', 'rest'],
      ['get_orders', 'rest'],
    ]);
  });
});

describe('a stream ends at once', () => {
  test('with its key, and nobody else’s does', async () => {
    const own = await follow('symbols=SPX');
    const others = await follow('symbols=SPX', undefined, agent('other').key);
    await Promise.all([own.heard('quote'), others.heard('quote')]);
    granted(gate.gateway.access.keys.revoke(claude.id, OWNER_CLI));
    await own.ended;
    const before = own.text();
    const heard = others.events('quote').length;
    await during(() => others.events('quote').length > heard);
    expect(own.text()).toBe(before);
    const again = await follow('symbols=SPX');
    await again.ended;
    expect(again.status).toBe(401);
  });

  test('with the kill switch, and tells nothing of what it does', async () => {
    const stream = await follow('topics=orders,executions,accounts,quotes&symbols=SPX');
    await place({ type: 'limit', limit_price: '1395', qty: '1', time_in_force: 'gtc' });
    await during(() => stream.events('order').some((event) => told(event).endsWith(' open')));
    await meanwhile(gate, gate.gateway.trading.kill({ cancel: 'all', flatten: false, by: 'owner' }));
    await stream.ended;
    expect(ofOrders(stream).map(told).join()).not.toContain('canceled');
    const again = await follow('symbols=SPX');
    await again.ended;
    expect(again.status).toBe(401);
  });

  test('with the gateway, which waits for no reader', async () => {
    const stream = await follow('symbols=SPX');
    await stream.heard('quote');
    await gate.stop();
    await stream.ended;
  });
});
