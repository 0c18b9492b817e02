/** Rate limits: never more than the limit in any window, and a restart gives no fresh one. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { parseRate, type Rate } from '#access/rate.ts';
import { agentId } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, refused } from '../support/access-room.ts';

const claude = agentId('agt_claude');
const other = agentId('agt_other');
const perMinute = (count: number): Rate => ({ count, per: 'minute' });
const rates = { read: perMinute(5), write: perMinute(2) };

let room: AccessRoom;
afterEach(() => room.close());
const take = (bucket: 'read' | 'write' | 'reduce' = 'read', agent = claude) =>
  room.access.rate.take(agent, bucket);

describe('a rate', () => {
  test.each([
    ['600 per minute', { count: 600, per: 'minute' }],
    ['10 per second', { count: 10, per: 'second' }],
    [' 5  PER  Hour ', { count: 5, per: 'hour' }],
  ])('is read from %j', (text, rate) => {
    room = accessRoom();
    expect(parseRate(text)).toEqual({ ok: true, value: rate });
  });
  test.each([
    '',
    '600',
    '0 per minute',
    '-1 per minute',
    '1.5 per minute',
    '100001 per minute',
    '5 per day',
    '5/minute',
  ])('is not read from %j', (text) => {
    room = accessRoom();
    expect(parseRate(text)).toMatchObject({ ok: false });
  });
});

describe('a window', () => {
  test('lets the limit through and refuses the next, with the wait and the figures', () => {
    room = accessRoom({ rates });
    for (let n = 1; n <= 5; n++) expect(take()).toEqual({ ok: true, value: { remaining: 5 - n } });
    room.clock.advance(10_500);
    const refusal = refused(take());
    expect(refusal).toMatchObject({ reason: 'rate_limited', status: 429, retry_after: 50, retry_safe: true });
    expect(refusal.limits).toEqual([
      { limit: 'rate_read', used: '5', order: '1', max: '5', unit: 'calls per minute' },
    ]);
  });

  test('opens again exactly when the wait is over, and not before', () => {
    room = accessRoom({ rates });
    for (let n = 0; n < 5; n++) take();
    room.clock.advance(59_999);
    expect(take().ok).toBe(false);
    room.clock.advance(1);
    expect(take().ok).toBe(true);
  });

  test('takes other limits at once, and counts the calls that were made under the old ones', () => {
    room = accessRoom({ rates });
    for (let n = 0; n < 4; n++) take();
    room.access.changeRates({ read: perMinute(3), write: perMinute(1) });
    expect(take().ok).toBe(false);
    expect(take('write').ok).toBe(true);
    expect(take('write').ok).toBe(false);
    room.access.changeRates({ read: perMinute(6), write: perMinute(1) });
    expect(take()).toEqual({ ok: true, value: { remaining: 1 } });
  });

  test('is one of each agent and each bucket', () => {
    room = accessRoom({ rates });
    for (let n = 0; n < 5; n++) take();
    expect(take().ok).toBe(false);
    expect(take('read', other).ok).toBe(true);
    expect(take('write').ok).toBe(true);
    expect(take('write').ok).toBe(true);
    expect(take('write').ok).toBe(false);
    expect(take('reduce').ok).toBe(true);
  });

  test('never holds more calls than the limit, wherever it is laid over the calls that passed', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), pauses, (count, waits) => {
        room = accessRoom({ rates: { read: perMinute(count), write: perMinute(1) } });
        try {
          const passed: number[] = [];
          for (const waitMs of waits) {
            room.clock.advance(waitMs);
            const nowMs = room.clock.monotonicMs();
            const inWindow = passed.filter((atMs) => nowMs - atMs < 60_000).length;
            const taken = take();
            expect(taken.ok).toBe(inWindow < count);
            if (taken.ok) {
              passed.push(nowMs);
              expect(taken.value.remaining).toBe(count - inWindow - 1);
            }
          }
          for (const startMs of passed) {
            const within = passed.filter((atMs) => atMs >= startMs && atMs < startMs + 60_000);
            expect(within.length).toBeLessThanOrEqual(count);
          }
        } finally {
          room.close();
        }
      }),
      { numRuns: 25 },
    );
    room = accessRoom();
  });

  test('does not notice that the wall clock is set', () => {
    room = accessRoom({ rates });
    for (let n = 0; n < 5; n++) take();
    room.clock.setWall(room.clock.wallMs() + 2 * 86_400_000);
    expect(take().ok).toBe(false);
    room.clock.setWall(room.clock.wallMs() - 4 * 86_400_000);
    expect(take().ok).toBe(false);
    room.clock.advance(60_000);
    expect(take().ok).toBe(true);
  });
});

describe('a restart', () => {
  test('gives no fresh window', () => {
    room = accessRoom({ rates });
    for (let n = 0; n < 5; n++) take();
    room.access.close();
    room = room.restart();
    expect(take().ok).toBe(false);
    room.clock.advance(60_000);
    expect(take().ok).toBe(true);
  });

  test('after a crash forgets at most the last second, and nothing when the clock was set back meanwhile', () => {
    room = accessRoom({ rates });
    for (let n = 0; n < 4; n++) take();
    room.clock.advance(1_000);
    take();
    room.clock.advance(500);
    room = room.restart({ wallMs: room.clock.wallMs() - 86_400_000 });
    expect(take().ok).toBe(true);
    expect(take().ok).toBe(false);
  });

  test('after the clock had been two days ahead for a moment gives no fresh window either', () => {
    room = accessRoom({ rates });
    const start = room.clock.wallMs();
    room.clock.setWall(start + 2 * 86_400_000);
    room.access.wall();
    room.clock.setWall(start);
    for (let n = 0; n < 5; n++) take();
    room.access.close();
    room = room.restart({ wallMs: start });
    expect(take().ok).toBe(false);
  });

  test('under a smaller limit counts the newest calls', () => {
    room = accessRoom({ rates });
    for (let n = 0; n < 5; n++) {
      take();
      room.clock.advance(10_000);
    }
    room.access.close();
    const smaller = { read: perMinute(2), write: perMinute(2) };
    const before = room;
    room = accessRoom({ rates: smaller });
    const saved = before.store.db.prepare('SELECT * FROM rate_windows').get() as Record<string, unknown>;
    room.store.transaction(() =>
      room.store.db
        .prepare('INSERT INTO rate_windows VALUES (@agent_id, @bucket, @saved_at, @ages)')
        .run(saved),
    );
    room.clock.advance(50_000);
    before.close();
    expect(refused(take()).retry_after).toBe(40);
  });

  test('is prepared for by at most one write a second', () => {
    room = accessRoom({ rates: { read: perMinute(1_000), write: perMinute(2) } });
    const { db } = room.store;
    db.exec(`CREATE TEMP TABLE writes (n); INSERT INTO writes VALUES (0);
      CREATE TEMP TRIGGER counted AFTER UPDATE ON main.rate_windows BEGIN UPDATE writes SET n = n + 1; END;`);
    const writes = (): unknown => db.prepare('SELECT n FROM writes').pluck().get();
    take();
    room.clock.advance(1_000);
    for (let n = 0; n < 300; n++) {
      take();
      room.clock.advance(10);
    }
    expect(writes()).toBe(3);
    room.clock.advance(10_000);
    expect(writes()).toBe(3);
  });
});
