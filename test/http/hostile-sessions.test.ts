/** Who opens sessions without end loses their own oldest ones; memory stays bounded, and nobody else notices. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MCP_SESSION_IDLE_MS, MCP_SESSIONS_MAX, MCP_SESSIONS_PER_AGENT_MAX } from '#limits.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { collectGarbage } from '../support/garbage.ts';
import { openSession, useSession } from '../support/hoarder.ts';

let doors: Doors;
beforeEach(async () => {
  doors = await openDoors({ logLevel: 'silent' });
});
afterEach(() => doors.close());

const keysOf = (agents: number): readonly string[] =>
  Array.from({ length: agents }, (_, n) => doors.key(undefined, `hoarder-${n}`).key);
async function hoard(keys: readonly string[], each: number): Promise<readonly string[]> {
  const opened: string[] = [];
  for (let n = 0; n < each; n++) for (const key of keys) opened.push(await openSession(doors.app, key));
  return opened;
}
async function placeOrder(key: string): Promise<void> {
  const answer = await doors.app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { host: '127.0.0.1', authorization: `Bearer ${key}` },
    payload: {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'slow_order', arguments: { name: 'x', dry_run: false } },
    },
  });
  expect(answer.json()).toMatchObject({ result: { structuredContent: { placed: 'x' } } });
}

test('an agent that opens one session after another keeps its newest, and takes nobody else’s', async () => {
  const honest = doors.key(undefined, 'honest').key;
  const session = await openSession(doors.app, honest);
  const [hoarder = ''] = keysOf(1);
  const opened = await hoard([hoarder], 3 * MCP_SESSIONS_PER_AGENT_MAX);
  const statuses = await Promise.all(opened.map((id) => useSession(doors.app, hoarder, id)));
  expect(statuses.filter((status) => status === 200).length).toBe(MCP_SESSIONS_PER_AGENT_MAX);
  expect(statuses.slice(-MCP_SESSIONS_PER_AGENT_MAX).every((status) => status === 200)).toBe(true);
  expect(await useSession(doors.app, honest, session)).toBe(200);
});

test('over the bound of all agents together the one unused for longest goes, and memory with it', async () => {
  const honest = doors.key(undefined, 'honest').key;
  const keys = keysOf(40);
  const each = Math.ceil(MCP_SESSIONS_MAX / keys.length) + 2;
  const first = await hoard(keys, each);
  const full = collectGarbage();
  await placeOrder(honest);
  await hoard(keys, each);
  await placeOrder(honest);
  expect(collectGarbage() - full).toBeLessThan(4 * 1024 * 1024);
  expect(await useSession(doors.app, keys[0] ?? '', first[0] ?? '')).toBe(404);
  // They are let go when nobody has used them for long enough, whoever they were.
  await doors.clock.advanceAsync(2 * MCP_SESSION_IDLE_MS);
  const empty = collectGarbage();
  expect(empty).toBeLessThan(full - MCP_SESSIONS_MAX * 1_024);
  await placeOrder(honest);
});
