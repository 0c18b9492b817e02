// Two hundred and more hostile strings wherever an agent, a client or a broker may write: no order outside the mandate, nothing widened,
// and nothing that steers a reader on a page, in a terminal or in a message.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditLine } from '#audit/query.ts';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import { bodyText, titleText } from '#notify/message.ts';
import { taleOf } from '#notify/tales.ts';
import { environmentIn } from '../support/gateway.ts';
import { runProgram } from '../support/run-program.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { draft, now, place, tradingRoom, WIDE_MANDATE } from '../support/trading-room.ts';
import { type TradingScene, tradingScene } from '../support/trading-scene.ts';
import { CORPUS, rawMarkup, STEERS } from './corpus.ts';

const LAUNCHER = new URL('../../bin/portcullis.mjs', import.meta.url).pathname;
const MANDATE = { ...WIDE_MANDATE, symbols: ['SPX'], max_order_qty: '1', approval: 'always' };
const BUY = {
  symbol: 'SPX',
  side: 'buy',
  qty: '1',
  type: 'limit',
  limit_price: '1440',
  time_in_force: 'gtc',
};
const FIELDS = ['symbol', 'account', 'side', 'idempotency_key', 'action_token', 'client_order_id'] as const;
/** What nobody but the owner changes, and what a fill would change. */
const UNTOUCHED: ReadonlySet<string> = new Set([
  'mandates',
  'agents',
  'agent_reducing',
  'account_reducing',
  'account_limits',
  'accounts',
  'executions',
  'holdings',
  'usage',
  'paper_orders',
]);

let scene: TradingScene;
let claude: Principal;
let limitPrice: string;
let untouched: string;

const rows = <T>(sql: string): readonly T[] => scene.gate.gateway.store.db.prepare<[], T>(sql).all();
function snapshot(): string {
  const tables = rows<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'`)
    .map(({ name }) => name)
    .filter((name) => UNTOUCHED.has(name));
  expect(tables).toHaveLength(UNTOUCHED.size);
  return JSON.stringify(tables.map((name) => [name, rows(`SELECT * FROM ${name}`)]));
}
const steering = (text: string): string | undefined => STEERS.exec(text)?.[0].codePointAt(0)?.toString(16);

/** A page as the owner gets it: nothing that steers, no markup and no template of an agent's. */
async function look(path: string, texts: readonly string[]): Promise<void> {
  const { status, html } = await scene.console.get(path);
  expect(status, path).toBe(200);
  expect(steering(html), path).toBeUndefined();
  expect(html).not.toContain('1787569');
  for (const tag of texts.flatMap(rawMarkup)) expect(html, path).not.toContain(tag);
}

beforeAll(async () => {
  scene = await tradingScene({
    settings: {
      PORTCULLIS_RATE_LIMIT_WRITE: '100000 per minute',
      PORTCULLIS_RATE_LIMIT_READ: '100000 per minute',
      PORTCULLIS_THROTTLE_REFUSALS: '100000 per minute',
    },
  });
  claude = scene.agent('claude');
  const set = scene.gate.gateway.access.mandates.set('claude', MANDATE, OWNER_CLI);
  if (!set.ok) throw new Error(set.error.detail);
  const [instrument] = scene.gate.gateway.feed.instruments();
  const quote = instrument && scene.gate.gateway.feed.quote(instrument.id);
  limitPrice = quote?.bid.toFixed() ?? '';
  untouched = snapshot();
});
afterAll(() => scene.gate.close());

let number = 0;
const ask = (fields: object) =>
  scene.gate.call(
    'place_order',
    { ...BUY, limit_price: limitPrice, dry_run: false, idempotency_key: `key-${++number}`, ...fields },
    claude,
  );

/** Everything that an agent may say, with these words in it. */
async function sayEverywhere(text: string): Promise<void> {
  for (const field of FIELDS) await ask({ [field]: text, qty: '2' });
  await ask({ note: text, tag: text.slice(0, 40) });
  await ask({ note: text });
  await scene.gate.call('cancel_order', { order_id: text }, claude);
  await scene.gate.call(text, {}, claude);
}

describe('hostile words of an agent', () => {
  it('are two hundred and more', () => {
    expect(CORPUS.length).toBeGreaterThanOrEqual(200);
  });

  it('as notes, tags, ids and symbols: every order waits for the owner, nothing is widened, every page is clean', async () => {
    for (let from = 0; from < CORPUS.length; from += 4) {
      const texts = CORPUS.slice(from, from + 4);
      for (const text of texts) await sayEverywhere(text);
      const waiting = rows<{ id: string; order_id: string }>(
        'SELECT id, order_id FROM approvals WHERE decision IS NULL ORDER BY requested_at DESC',
      );
      for (const { id } of waiting) await look(`/admin/approvals/${id}`, texts);
      for (const { order_id } of waiting.slice(0, 1)) await look(`/admin/orders/${order_id}`, texts);
      await look('/admin/approvals', texts);
      await scene.gate.call('cancel_all_orders', {}, claude);
    }
    // Most of them did come through as notes, or nothing was looked at.
    expect(rows('SELECT DISTINCT note FROM approvals').length).toBeGreaterThan(100);
    for (const path of ['/admin', '/admin/orders', '/admin/audit', '/admin/traffic', '/admin/agents/claude'])
      await look(path, CORPUS);
    expect(snapshot()).toBe(untouched);
    expect(scene.gate.gateway.access.gatewayState()).toBe('ACTIVE');
    for (const order of rows(`SELECT DISTINCT status, symbol FROM orders`))
      expect(order).toEqual({ symbol: 'SPX', status: expect.stringMatching(/^(?:refused|canceled)$/) });
    expect(rows(`SELECT DISTINCT qty FROM orders WHERE status <> 'refused'`)).toEqual([{ qty: '1' }]);
    expect(rows(`SELECT DISTINCT decision FROM approvals`)).toEqual([{ decision: 'withdrawn' }]);
  }, 120_000);

  it('in what the owner is sent', () => {
    let told = 0;
    for (const { line } of rows<{ line: string }>('SELECT line FROM audit')) {
      const tale = taleOf(JSON.parse(line) as AuditLine);
      if (tale?.kind !== 'tell') continue;
      told += 1;
      expect(titleText(tale.draft.title)).not.toMatch(STEERS);
      expect(bodyText(tale.draft.body)).not.toMatch(STEERS);
    }
    expect(told).toBeGreaterThan(100);
  });

  it('in the owner’s terminal', async () => {
    for (const text of CORPUS.slice(60, 68)) await ask({ note: text });
    const { folder } = scene.gate;
    for (const args of [
      ['approvals', 'list'],
      ['audit', 'tail'],
    ]) {
      const { code, stdout, stderr } = await runProgram(LAUNCHER, args, {
        home: folder,
        timeoutMs: 20_000,
        env: environmentIn(folder),
      });
      expect({ args, code, stderr }).toMatchObject({ code: 0 });
      expect(stdout).toContain('claude');
      expect(steering(stdout), args.join(' ')).toBeUndefined();
    }
  });
});

it('a client’s name and its User-Agent open nothing and steer nobody', async () => {
  const { key } = scene.gate.key('claude');
  const before = snapshot();
  for (const text of CORPUS) {
    const agent = Array.from(text, (char) => (/[\x20-\x7e]/.test(char) ? char : '?')).join('');
    const clientInfo = { name: text, version: text, title: text };
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
    const answer = await fetch(`${scene.gate.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'user-agent': agent.trim() || 'x',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    });
    await answer.body?.cancel();
    expect(answer.status, JSON.stringify(text.slice(0, 60))).toBeLessThan(500);
  }
  await look('/admin/traffic', CORPUS);
  await look('/admin/audit', CORPUS);
  await look('/admin/agents/claude', CORPUS);
  expect(snapshot()).toBe(before);
});

it('words of a broker reach an order’s reason and timeline without what steers, and change nothing else', async () => {
  const broker = scriptedBroker();
  const room = await tradingRoom({ adapter: () => broker });
  const who = room.agent('claude');
  for (const text of CORPUS) {
    await room.clock.advanceAsync(250);
    const order = await place(room, who, draft({ side: 'buy', limit: room.bid().toFixed() }));
    const told = broker.order(order.brokerClientId);
    if (told === undefined) throw new Error('the venue has no such order');
    broker.emit({ kind: 'order', order: { ...told, status: 'rejected', reason: text } });
    const after = await now(room, who, order);
    expect(after.status).toBe('rejected');
    expect(steering(after.reason ?? '')).toBeUndefined();
    const story = room.trading.owner.order(order.orderId);
    if (!story.ok) throw new Error(story.error.detail);
    expect(steering(story.value.timeline.map(({ detail }) => detail).join('\n'))).toBeUndefined();
  }
  expect(room.access.gatewayState()).toBe('ACTIVE');
});

it('an agent can not be called so that its name steers anybody, is markup, or is somebody else’s', () => {
  const { agents } = scene.gate.gateway.access;
  let refused = 0;
  for (const text of CORPUS) {
    if (!agents.create(text, ['paper'], OWNER_CLI).ok) refused += 1;
    else expect(text).toMatch(/^[a-zA-Z0-9][\w.-]*$/);
  }
  expect(refused).toBeGreaterThan(190);
  for (const nobody of ['owner', 'external', '*']) expect(agents.byName(nobody)).toBeUndefined();
});
