/** One data folder, a real engine, `kill -9` while orders flow, again and again; what must hold is looked at after every restart. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Books, openBooks } from './crashed-books.ts';
import { type Call, type CrashingClient, crashingClient } from './crashing-client.ts';
import { copyOfTheClone, MANDATE, type Portcullis, type Running } from './portcullis.ts';
import { seededNumbers } from './random-trader.ts';

export interface KillNineOptions {
  readonly seed: number;
  readonly cycles: number;
  /** No new cycle begins after this. */
  readonly minutes: number;
}

export interface KillNineFigures {
  cycles: number;
  calls: number;
  /** Calls that a kill left without an answer. */
  unanswered: number;
  repeats: number;
  orders: number;
  executions: number;
  /** Orders whose answer of the broker a kill cut off. */
  interrupted: number;
  slowestReadyMs: number;
  lines: number;
  answers: Readonly<Record<string, number>>;
}

const READY_WITHIN_MS = 5_000;
const SETTLED_WITHIN_MS = 5_000;
const WIDE = {
  ...MANDATE,
  max_order_qty: '1000',
  max_order_value: '1000000000',
  max_daily_value: '1000000000',
  max_daily_orders: 1_000_000,
  max_daily_loss: '1000000000',
  max_open_orders: 100_000,
  max_gross_exposure: '1000000000',
  commit: 'one_step',
};

interface Scene {
  readonly gate: Portcullis;
  readonly url: string;
  readonly port: string;
  readonly client: CrashingClient;
  readonly random: () => number;
  readonly figures: KillNineFigures;
  /** Close orders when the cycle before began. */
  readonly seen: { closes: number };
}

export async function killNine({ seed, cycles, minutes }: KillNineOptions): Promise<KillNineFigures> {
  const clone = copyOfTheClone();
  const beganMs = performance.now();
  try {
    const scene = await openScene(clone, seed);
    let books: Books | undefined;
    try {
      for (let cycle = 0; cycle < cycles && performance.now() - beganMs < minutes * 60_000; cycle++) {
        const engine = await startEngine(scene, cycle);
        books ??= openBooks(scene.gate.dataFolder);
        await askAgain(scene, books, cycle);
        await settled(books, `cycle ${cycle} of seed ${seed}`);
        await fireAndKill(scene, engine, cycle);
        scene.figures.cycles++;
      }
      const engine = await startEngine(scene, 0);
      books ??= openBooks(scene.gate.dataFolder);
      await askAgain(scene, books, cycles);
      await end(scene, books, seed);
      expect(await engine.stop()).toMatchObject({ code: 0 });
      await verify(scene, books);
    } finally {
      books?.close();
    }
    return scene.figures;
  } finally {
    await clone.close();
  }
}

async function openScene(clone: Portcullis, seed: number): Promise<Scene> {
  const gate = clone.fresh();
  const port = String(await freePort());
  const made = ['keys', 'create', '--agent', 'claude', '--scopes', 'read:market,read:account,write:orders'];
  const settings = { PAPER_CASH: '10000000' };
  const { key } = (await gate.json(made, settings)) as { key: string };
  const file = join(gate.folder, 'mandate.json');
  writeFileSync(file, JSON.stringify(WIDE));
  await gate.json(['mandates', 'set', 'claude', '--file', file], settings);
  const url = `http://127.0.0.1:${port}`;
  const client = crashingClient(url, key);
  const figures: KillNineFigures = {
    cycles: 0,
    calls: 0,
    unanswered: 0,
    repeats: 0,
    orders: 0,
    executions: 0,
    interrupted: 0,
    slowestReadyMs: 0,
    lines: 0,
    answers: {},
  };
  return { gate, url, port, client, random: seededNumbers(seed), figures, seen: { closes: 0 } };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => void server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** From the spawn until the health check answers. */
async function startEngine(scene: Scene, cycle: number): Promise<Running> {
  const beganMs = performance.now();
  const engine = scene.gate.start(['serve'], {
    PORT: scene.port,
    PAPER_BAR_SECONDS: '0.4',
    PAPER_PRESET: cycle % 2 === 0 ? 'friendly' : 'realistic',
    PAPER_CASH: '10000000',
    PORTCULLIS_RATE_LIMIT_WRITE: '10000 per minute',
    PORTCULLIS_THROTTLE_REFUSALS: '10000 per minute',
    PORTCULLIS_THROTTLE_EXECUTIONS: '10000 per minute',
    PORTCULLIS_RATE_LIMIT_READ: '10000 per minute',
  });
  for (;;) {
    const healthy = await fetch(`${scene.url}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    );
    const tookMs = performance.now() - beganMs;
    if (healthy) {
      scene.figures.slowestReadyMs = Math.max(scene.figures.slowestReadyMs, Math.round(tookMs));
      return engine;
    }
    const said = `${engine.stdout()}${engine.stderr()}`;
    expect(engine.child.exitCode, `cycle ${cycle}: the engine ended: ${said}`).toBeNull();
    expect(tookMs, `cycle ${cycle}: not ready: ${said}`).toBeLessThan(READY_WITHIN_MS);
    await pause(10);
  }
}

/** What a client does after a crash: every call without an answer again, twice at once; and some with one, for the same answer. */
async function askAgain({ client, figures, seen }: Scene, books: Books, cycle: number): Promise<void> {
  const lost = [...client.unanswered];
  const told = client.answered.slice(0, 3);
  client.forget();
  const repeats = [...lost, ...lost.filter((call) => call.path === '/orders'), ...told];
  const answers = await Promise.all(repeats.map((call) => client.call(call)));
  figures.repeats += repeats.length;
  figures.unanswered += lost.length;
  expect(client.wrong, `repeats of cycle ${cycle - 1}`).toEqual([]);
  expect(
    answers.filter((answer) => answer === undefined),
    `cycle ${cycle}`,
  ).toEqual([]);
  for (const call of [...lost, ...told]) {
    if (call.path !== '/orders' || call.key === undefined) continue;
    const ids = books.orderOfTag(call.key);
    expect(ids, `key ${call.key}`).toEqual([client.orderOfKey.get(call.key)]);
  }
  // A cycle asks for one close, under one key: however often it is repeated, it has made one order at most.
  const closes = books.closes();
  expect(closes - seen.closes, `closes of cycle ${cycle - 1}`).toBeLessThanOrEqual(1);
  seen.closes = closes;
  client.forget();
}

const CLOSE = '/positions/close';
async function settled(books: Books, when: string): Promise<void> {
  const deadlineMs = performance.now() + SETTLED_WITHIN_MS;
  let faults = books.faults();
  while (faults.length > 0 && performance.now() < deadlineMs) {
    await pause(50);
    faults = books.faults();
  }
  expect(faults, when).toEqual([]);
}

/** A burst at once, and another one just before the end, so that the kill meets calls at work. */
async function fireAndKill(scene: Scene, engine: Running, cycle: number): Promise<void> {
  const { client, random } = scene;
  const quoted = await client.call({ method: 'GET', path: '/quotes?symbols=SPX' });
  const quotes = quoted?.body['quotes'] as readonly { bid: string }[];
  const bid = Number(quotes[0]?.bid);
  const open = await client.call({ method: 'GET', path: '/orders?status=open' });
  const orders = (open?.body['orders'] ?? []) as readonly { order_id: string }[];
  const killAtMs = 20 + Math.floor(random() * 381);
  const plan = planOf({ random, cycle, bid, working: orders.map((one) => one.order_id), killAtMs });
  const beganMs = performance.now();
  const sent = plan.map(async ({ atMs, call }) => {
    await pause(Math.max(0, atMs - (performance.now() - beganMs)));
    if (engine.child.killed) return;
    scene.figures.calls++;
    await client.call(call);
  });
  await pause(killAtMs);
  engine.signal('SIGKILL');
  await engine.ended();
  await Promise.all(sent);
  expect(client.wrong, `cycle ${cycle}`).toEqual([]);
}

interface Plan {
  readonly random: () => number;
  readonly cycle: number;
  readonly bid: number;
  readonly working: readonly string[];
  readonly killAtMs: number;
}

function planOf({ random, cycle, bid, working, killAtMs }: Plan): readonly { atMs: number; call: Call }[] {
  const below = 4 + Math.floor(random() * 9);
  const late = (): number => Math.max(0, killAtMs - Math.floor(random() * 12));
  const places = Array.from({ length: 9 }, (_, index) => ({
    atMs: index < below - 3 ? 0 : late(),
    call: place(`c${cycle}-${index}`, orderOf(random, bid)),
  }));
  const key = `c${cycle}-close`;
  const part = random() < 0.7 ? { qty: '1' } : {};
  const close: Call = {
    method: 'POST',
    path: CLOSE,
    key,
    body: { symbol: 'SPX', idempotency_key: key, ...part },
  };
  const cancels = working
    .slice(0, 3)
    .map((id) => ({ atMs: late(), call: { method: 'DELETE', path: `/orders/${id}` } as const }));
  const cancelAll: Call = { method: 'POST', path: '/orders/cancel-all', body: {} };
  const all = cycle % 10 === 9 ? [{ atMs: late(), call: cancelAll }] : [];
  return [...places, { atMs: late(), call: close }, ...cancels, ...all];
}

const place = (key: string, order: object): Call => ({
  method: 'POST',
  path: '/orders',
  key,
  body: { symbol: 'SPX', dry_run: false, idempotency_key: key, tag: key, ...order },
});

function orderOf(random: () => number, bid: number): object {
  const at = (part: number): string => (bid * part).toFixed(2);
  const qty = String(1 + Math.floor(random() * 3));
  const drawn = random();
  if (drawn < 0.4) return { side: 'buy', qty, type: 'market', time_in_force: 'gtc' };
  if (drawn < 0.55) return { side: 'sell', qty: '1', type: 'market', time_in_force: 'gtc' };
  if (drawn < 0.75) return { side: 'buy', qty, type: 'limit', limit_price: at(0.99), time_in_force: 'gtc' };
  if (drawn < 0.85) return { side: 'buy', qty, type: 'limit', limit_price: at(1.01), time_in_force: 'ioc' };
  const legs = { take_profit: at(1.03), stop_loss: at(0.97) };
  return { side: 'buy', qty, type: 'market', time_in_force: 'gtc', ...legs };
}

/** Cancels and closes everything: then nothing works, nothing is held and nothing stays reserved. */
async function end({ client }: Scene, books: Books, seed: number): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  const done = (): readonly string[] => [...books.leftovers(), ...books.faults()];
  let left = done();
  while (left.length > 0 && performance.now() < deadlineMs) {
    await client.call({ method: 'POST', path: '/orders/cancel-all', body: {} });
    await pause(300);
    await client.call({ method: 'POST', path: CLOSE, body: { symbol: 'SPX' } });
    await pause(1_000);
    left = done();
  }
  expect(left, `at the end of seed ${seed}`).toEqual([]);
  for (const [key, orderId] of client.orderOfKey)
    if (!key.endsWith('close')) expect(books.orderOfTag(key), `key ${key}`).toEqual([orderId]);
}

async function verify({ gate, client, figures }: Scene, books: Books): Promise<void> {
  const report = (await gate.json(['audit', 'verify'])) as { ok: boolean; lines: number; last_seq: number };
  const rows = books.count('audit');
  expect(report).toMatchObject({ ok: true, lines: rows, last_seq: rows });
  figures.lines = report.lines;
  figures.orders = books.count('orders');
  figures.executions = books.count('executions');
  figures.interrupted = books.interrupted();
  figures.answers = Object.fromEntries(client.reasons);
}
