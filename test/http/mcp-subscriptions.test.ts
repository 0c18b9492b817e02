/** Being told of changes: what each client hears, and above all what it does not. */
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addPaperAccount } from '#cli/account-book.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { serveConnection } from '#http/stdio.ts';
import { MCP_NOTICE_DELAY_MS, MCP_QUOTE_NOTICE_MS } from '#limits.ts';
import { type Follower, followerOf, followerOver, KINDS, type Kind } from '../support/followers.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { socketPair, until } from '../support/streams.ts';
import { marketOrder, restingOrder, setMandate, type Trader, trader } from '../support/traders.ts';

let gate: TestGateway;
let mine: Trader;
let other: Trader;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  gate = await openTestGateway({ settings: { PAPER_PRESET: 'friendly' } });
  await gate.clock.advanceAsync(2_000);
  mine = trader(gate, 'mine');
  other = trader(gate, 'other');
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close().catch(() => undefined);
  await gate.close();
});

type Door = 'http' | 'stdio';
const EVERY_WAY: readonly (readonly [Kind, Door])[] = [
  ['modern', 'http'],
  ['modern', 'stdio'],
  ['legacy', 'http'],
  ['legacy', 'stdio'],
  ['older', 'http'],
];

async function follower(kind: Kind, who: Trader, door: Door): Promise<Follower> {
  const made =
    door === 'http' ? await followerOf(kind, gate.url, who.key) : await followerOver(kind, await pipe(who));
  closers.push(() => made.close());
  return made;
}
/** A connection as `stdio` has it, with the key presented. */
async function pipe(who: Trader): Promise<Duplex> {
  const { near, far } = await socketPair();
  const { access, mcp } = gate.gateway;
  const served = serveConnection({
    stream: near,
    principal: () => access.keys.authenticate(who.key, { door: 'stdio' }),
    stillLive: (principal) => access.stillLive(principal).ok,
    mcp,
    clock: gate.clock,
    version: 'test',
  });
  closers.push(() => served.close());
  return far;
}
/** Turns the clock past the next beat, and lets what was sent arrive. */
async function beat(ms = MCP_NOTICE_DELAY_MS): Promise<void> {
  await gate.clock.advanceAsync(ms);
  for (let turn = 0; turn < 40; turn++) await new Promise((done) => setImmediate(done));
}
async function hears(who: Follower, ...expected: readonly string[]): Promise<void> {
  const heard: string[] = [];
  await until(() => {
    heard.push(...who.take());
    return heard.length >= expected.length;
  });
  await beat();
  expect([...new Set([...heard, ...who.take()])].sort()).toEqual([...expected].sort());
}

const ORDERS = 'portcullis://orders';
const POSITIONS = 'portcullis://positions';
const MANDATE = 'portcullis://mandate';
const QUOTE = 'portcullis://quotes/SPX';

describe.each(EVERY_WAY)('a %s client over %s', (kind, door) => {
  test('hears of its own orders, and of the one it follows', async () => {
    const order = await restingOrder(gate, mine);
    const one = await follower(kind, mine, door);
    const ofOrder = `portcullis://orders/${order}`;
    expect(await one.follow(ORDERS, ofOrder, MANDATE)).toEqual([ORDERS, ofOrder, MANDATE]);
    await restingOrder(gate, mine);
    await beat();
    await hears(one, ORDERS, MANDATE);
    await gate.call('cancel_order', { order_id: order }, mine.principal);
    await beat();
    await hears(one, ORDERS, ofOrder, MANDATE);
  });

  test('hears nothing of what others do, but what they change in an account of both', async () => {
    const one = await follower(kind, mine, door);
    await one.follow(ORDERS, 'portcullis://orders/open', MANDATE, POSITIONS);
    await restingOrder(gate, other);
    await beat();
    await beat();
    expect(one.take()).toEqual([]);
    await marketOrder(gate, other);
    await beat(1_000);
    await hears(one, POSITIONS);
  });

  test('may not follow what it may not read', async () => {
    const order = await restingOrder(gate, other);
    const one = await follower(kind, mine, door);
    expect(
      await one.follow(
        ORDERS,
        `portcullis://orders/${order}`,
        'portcullis://accounts/other',
        'portcullis://nothing',
        'file:///etc/passwd',
      ),
    ).toEqual([ORDERS]);
    await gate.call('cancel_order', { order_id: order }, other.principal);
    await beat();
    expect(one.take()).toEqual([]);
  });

  test('hears of prices once a beat, however many there were', async () => {
    const one = await follower(kind, mine, door);
    await one.follow(QUOTE);
    await beat(MCP_QUOTE_NOTICE_MS * 5);
    await until(() => one.take().length > 0);
    await beat();
    one.take();
    await beat(MCP_QUOTE_NOTICE_MS);
    expect(one.take().length).toBeLessThanOrEqual(2);
  });

  test('hears no more once it has stopped following', async () => {
    const one = await follower(kind, mine, door);
    await one.follow(ORDERS);
    await one.unfollow(ORDERS);
    await beat();
    await restingOrder(gate, mine);
    await beat();
    expect(one.take()).toEqual([]);
  });

  test('hears nothing after its key was revoked, and its stream ends at once', async () => {
    const [one, sound] = [await follower(kind, mine, door), await follower(kind, other, door)];
    await one.follow(ORDERS);
    await sound.follow(ORDERS);
    gate.gateway.access.keys.revoke(mine.id, OWNER_CLI);
    // No time passes: nothing waits for a watch to come round.
    if (kind === 'modern') await until(() => one.ended() !== undefined);
    await gate.call('cancel_all_orders', {}, mine.principal);
    await restingOrder(gate, other);
    await beat();
    await hears(sound, ORDERS);
    expect(one.take()).toEqual([]);
  });

  test('hears nothing after the kill switch, not even of the kill', async () => {
    await restingOrder(gate, mine);
    const one = await follower(kind, mine, door);
    await one.follow(ORDERS, MANDATE, 'portcullis://status');
    await gate.gateway.trading.kill({ cancel: 'all', flatten: false, by: 'owner' });
    if (kind === 'modern') await until(() => one.ended() !== undefined);
    await beat(1_000);
    expect(one.take()).toEqual([]);
  });

  test('hears that a list of its changed when it was given an account, and others do not', async () => {
    const [one, another] = [await follower(kind, mine, door), await follower(kind, other, door)];
    await one.follow(ORDERS, POSITIONS);
    await another.follow(ORDERS);
    expect(await addPaperAccount(gate.gateway, { name: 'second' }, OWNER_CLI)).toMatchObject({ ok: true });
    setMandate(gate, 'mine', { accounts: ['paper', 'second'] });
    await beat();
    await hears(one, 'resources');
    expect(another.take()).toEqual([]);
    const { resources } = await one.client.listResources();
    expect(resources.map(({ uri }) => uri)).toContain('portcullis://accounts/second');
    // What it followed before is about the new account too.
    const order = { account: 'second', symbol: 'SPX', side: 'buy', qty: '1', type: 'market', dry_run: false };
    const bought = await gate.call('place_order', { ...order, idempotency_key: 'second' }, mine.principal);
    expect(bought).toMatchObject({ ok: true });
    await beat(1_000);
    await hears(one, ORDERS, POSITIONS);
    expect(another.take()).toEqual([]);
  });

  test('is told nothing of its lists when its mandate changed and they did not', async () => {
    const one = await follower(kind, mine, door);
    await one.follow(ORDERS);
    setMandate(gate, 'mine', { max_open_orders: 3 });
    await beat();
    await beat();
    expect(one.take()).toEqual([]);
  });
});

describe.each(KINDS)('a %s client over stdio, whose connection outlives the kill switch,', (kind) => {
  test('hears after the resume that there are lists again, and of what it follows anew', async () => {
    const one = await follower(kind, mine, 'stdio');
    await one.follow(ORDERS);
    await gate.gateway.trading.kill({ cancel: 'all', flatten: false, by: 'owner' });
    await beat(1_000);
    expect(one.take()).toEqual([]);
    await expect(one.client.listTools()).rejects.toThrow();
    expect(gate.gateway.trading.resume('owner')).toMatchObject({ ok: true });
    await beat();
    // A stream of the modern era was ended by the kill, and nobody listens to it any more.
    if (kind === 'modern') expect(one.ended()).toBe('graceful');
    else await hears(one, 'prompts', 'resources', 'tools');
    mine = trader(gate, 'mine');
    await restingOrder(gate, mine);
    await beat();
    expect(one.take()).toEqual([]);
    expect(await one.follow(ORDERS)).toEqual([ORDERS]);
    await restingOrder(gate, mine);
    await beat();
    await hears(one, ORDERS);
  });
});
