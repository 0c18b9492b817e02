/** The hub behind subscriptions: bounded for whoever does not read, in turns for a crowd, silent to whoever has ended. */
import type { ServerEvent } from '@modelcontextprotocol/server';
import { describe, expect, test } from 'vitest';
import { agentId, type Principal, SCOPES, type Scope } from '#domain/principal.ts';
import {
  MCP_NOTICE_DELAY_MS,
  MCP_NOTICES_PER_TURN_MAX,
  MCP_QUOTE_NOTICE_MS,
  MCP_STREAM_CHECK_MS,
  MCP_STREAM_STALLED_MS,
  MCP_SUBSCRIPTIONS_MAX,
} from '#limits.ts';
import { topic } from '#tools/change-feed.ts';
import { handClock } from '../support/hand-clock.ts';
import { scriptedChanges } from '../support/scripted-changes.ts';

const principal = (scopes: readonly Scope[] = SCOPES): Principal => ({
  kind: 'agent',
  agent: agentId('agt_1'),
  agentName: 'claude',
  credential: 'key_1',
  door: 'http',
  scopes: new Set(scopes),
  epoch: 1,
});

function hub() {
  const clock = handClock();
  return { clock, ...scriptedChanges(clock) };
}

function recipient() {
  const heard: ServerEvent[] = [];
  const ended: string[] = [];
  const is: { state: 'closed' | 'busy' | 'ready'; live: Principal | undefined } = {
    state: 'ready',
    live: principal(),
  };
  return {
    is,
    heard,
    ended,
    side: {
      live: () => is.live,
      state: () => is.state,
      send: (event: ServerEvent) => void heard.push(event),
      end: (why: string) => void ended.push(why),
    },
  };
}
const by = { principal: principal(), via: 'http' } as const;
const updated = (uri: string): ServerEvent => ({ kind: 'resource_updated', uri });

describe('a subscriber', () => {
  test('is told once a beat, however often something changed within it', async () => {
    const { clock, subscriptions, change } = hub();
    const { side, heard } = recipient();
    const subscriber = subscriptions.connect(side);
    await subscriber.subscribe('x:a', by);
    for (let n = 0; n < 1_000; n++) change('x:a');
    change('x:b');
    clock.advance(MCP_NOTICE_DELAY_MS - 1);
    expect(heard).toEqual([]);
    clock.advance(1);
    expect(heard).toEqual([updated('x:a')]);
    change('x:a', 'market');
    clock.advance(MCP_QUOTE_NOTICE_MS - 1);
    expect(heard).toHaveLength(1);
    clock.advance(1);
    expect(heard).toHaveLength(2);
  });
  test('that does not read holds one notice an address, and gets it when it reads on', async () => {
    const { clock, subscriptions, change } = hub();
    const { side, heard, is } = recipient();
    const subscriber = subscriptions.connect(side);
    await subscriber.subscribe('x:a', by);
    await subscriber.subscribe('x:b', by);
    is.state = 'busy';
    for (let n = 0; n < 1_000; n++) {
      change('x:a');
      change('x:b');
      clock.advance(MCP_NOTICE_DELAY_MS);
    }
    expect(heard).toEqual([]);
    expect(subscriber.mailbox.holds).toBe(2);
    is.state = 'ready';
    subscriber.resume();
    expect(heard).toEqual([updated('x:a'), updated('x:b')]);
  });
  test('that has not read for long is ended, and one that merely has no stream is not', async () => {
    const { clock, subscriptions } = hub();
    const [stuck, away, slow] = [recipient(), recipient(), recipient()];
    for (const { side } of [stuck, away, slow]) subscriptions.connect(side);
    [stuck.is.state, away.is.state, slow.is.state] = ['busy', 'closed', 'busy'];
    clock.advance(MCP_STREAM_STALLED_MS);
    slow.is.state = 'ready';
    clock.advance(MCP_STREAM_CHECK_MS);
    slow.is.state = 'busy';
    clock.advance(MCP_STREAM_CHECK_MS);
    expect(stuck.ended).toContain('stalled');
    expect(away.ended).toEqual([]);
    expect(slow.ended).toEqual([]);
  });
  test('whose credential has ended is told nothing and ended at once, and by the watch where there is no event', async () => {
    const { clock, subscriptions, change } = hub();
    const [revoked, expired] = [recipient(), recipient()];
    for (const { side } of [revoked, expired]) await subscriptions.connect(side).subscribe('x:a', by);
    change('x:a');
    revoked.is.live = undefined;
    change(topic.credentials);
    expect(revoked.ended).toEqual(['ended']);
    expect(expired.ended).toEqual([]);
    clock.advance(MCP_NOTICE_DELAY_MS);
    expect(revoked.heard).toEqual([]);
    expect(expired.heard).toEqual([updated('x:a')]);
    expired.is.live = undefined;
    clock.advance(MCP_STREAM_CHECK_MS);
    expect(expired.ended).toEqual(['ended']);
  });
  test('may not follow what it may not read, nor hear what it may read no more', async () => {
    const { clock, subscriptions, change, forbid } = hub();
    const { side, heard } = recipient();
    const subscriber = subscriptions.connect(side);
    expect(await subscriber.subscribe('x:secret', by)).toMatchObject({ error: { reason: 'not_found' } });
    change('x:secret');
    await subscriber.subscribe('x:a', by);
    change('x:a');
    forbid();
    clock.advance(MCP_NOTICE_DELAY_MS);
    expect(heard).toEqual([]);
  });
  test('may follow so many, counts none twice, and has room again when it lets one go', async () => {
    const { subscriptions } = hub();
    const subscriber = subscriptions.connect(recipient().side);
    const uris = Array.from({ length: MCP_SUBSCRIPTIONS_MAX }, (_, n) => `x:${n}`);
    const all = await Promise.all([...uris, ...uris, 'x:more'].map((uri) => subscriber.subscribe(uri, by)));
    expect(all.filter(({ ok: agreed }) => !agreed)).toMatchObject([{ error: { reason: 'invalid_input' } }]);
    subscriber.unsubscribe('x:0');
    expect(await subscriber.subscribe('x:more', by)).toEqual({ ok: true, value: undefined });
    expect((await subscriber.subscribe('x:0', by)).ok).toBe(false);
  });
  test('keeps the quotes of what it follows current, until it lets that go or is closed', async () => {
    const { subscriptions, kept, changeLists, clock } = hub();
    const { side } = recipient();
    const subscriber = subscriptions.connect(side);
    for (const uri of ['x:a', 'x:b', 'x:secret']) await subscriber.subscribe(uri, by);
    expect(kept()).toEqual(['x:a', 'x:b']);
    subscriber.unsubscribe('x:a');
    expect(kept()).toEqual(['x:b']);
    // Its accounts may be others: kept anew, and once.
    changeLists();
    clock.advance(MCP_NOTICE_DELAY_MS);
    expect(kept()).toEqual(['x:b']);
    subscriber.close();
    expect(kept()).toEqual([]);
  });

  test('is told of its lists when its scopes are others, and only of those that changed', () => {
    const { clock, subscriptions, change } = hub();
    const { side, heard, is } = recipient();
    const subscriber = subscriptions.connect(side);
    change(topic.lists);
    clock.advance(MCP_NOTICE_DELAY_MS);
    subscriber.tellLists();
    expect(heard).toEqual([]);
    is.live = principal(['read:market']);
    subscriber.tellLists();
    expect(heard).toEqual([{ kind: 'tools_list_changed' }, { kind: 'prompts_list_changed' }]);
    change(topic.listsOf('claude'));
    clock.advance(MCP_NOTICE_DELAY_MS);
    expect(heard).toHaveLength(2);
  });
  test('that closed while it was being read for follows nothing', async () => {
    const { clock, subscriptions, change, isListening } = hub();
    const { side, heard } = recipient();
    const subscriber = subscriptions.connect(side);
    const asked = subscriber.subscribe('x:a', by);
    subscriber.close();
    expect((await asked).ok).toBe(false);
    expect(isListening()).toBe(false);
    change('x:a');
    clock.advance(MCP_NOTICE_DELAY_MS);
    expect(heard).toEqual([]);
    expect(subscriptions.count).toBe(0);
  });
});

test('a thousand subscribers are told in turns, and one that is busy keeps nobody waiting', async () => {
  const { clock, subscriptions, change } = hub();
  const crowd = Array.from({ length: 1_000 }, () => recipient());
  for (const { side } of crowd) await subscriptions.connect(side).subscribe('x:a', by);
  const [first] = crowd;
  if (first) first.is.state = 'busy';
  change('x:a');
  const told = (): number => crowd.filter(({ heard }) => heard.length > 0).length;
  clock.advance(MCP_NOTICE_DELAY_MS - 1);
  expect(told()).toBe(0);
  // The beat itself is one turn; the clock fires the next ones at the same time, but after whatever else was due.
  let between = 0;
  clock.after(1, () => {
    between = told();
  });
  clock.advance(1);
  expect(between).toBeLessThanOrEqual(MCP_NOTICES_PER_TURN_MAX);
  expect(between).toBeGreaterThan(0);
  clock.advance(1);
  expect(told()).toBe(999);
  for (const { heard } of crowd.slice(1)) expect(heard).toEqual([updated('x:a')]);
});
