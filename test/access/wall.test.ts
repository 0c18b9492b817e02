/** Wall time never goes back: not with the machine's clock, not across a restart. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, granted, refused } from '../support/access-room.ts';

const DAY_MS = 86_400_000;
let room: AccessRoom;
afterEach(() => room.close());

describe('steady wall time', () => {
  test('is the time of the machine while that goes forward', () => {
    room = accessRoom();
    const start = room.clock.wallMs();
    expect(room.access.wall()).toBe(start);
    room.clock.advance(1_234);
    expect(room.access.wall()).toBe(start + 1_234);
    room.clock.setWall(start + 2 * DAY_MS);
    expect(room.access.wall()).toBe(start + 2 * DAY_MS);
  });

  test('goes on at half the pace after the clock was set back, until the two meet', () => {
    room = accessRoom();
    const start = room.clock.wallMs();
    room.access.wall();
    room.clock.setWall(start - 10_000);
    expect(room.access.wall()).toBe(start);
    room.clock.advance(4_000);
    expect(room.access.wall()).toBe(start + 2_000);
    room.clock.advance(20_000);
    expect(room.access.wall()).toBe(start + 14_000);
    expect(room.access.wall()).toBe(room.clock.wallMs());
  });

  test('never answers less than before, whatever is done to the clock and however often it restarts', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 5_000 }) }),
      fc.record({ kind: fc.constant('set' as const), ms: fc.integer({ min: -2 * DAY_MS, max: 2 * DAY_MS }) }),
    );
    room = accessRoom();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let highest = room.access.wall();
        for (const { kind, ms } of steps) {
          if (kind === 'advance') room.clock.advance(ms);
          else room.clock.setWall(room.clock.wallMs() + ms);
          const now = room.access.wall();
          expect(now).toBeGreaterThanOrEqual(highest);
          expect(Number.isInteger(now)).toBe(true);
          highest = now;
        }
      }),
    );
  });

  test('is saved at most once a second, and a restart loses less than that', () => {
    room = accessRoom();
    const saved = (): number =>
      Number(
        room.store.db.prepare(`SELECT value FROM settings WHERE name = 'wall_high_water_ms'`).pluck().get(),
      );
    const start = room.access.wall();
    room.clock.advance(999);
    room.access.wall();
    expect(saved()).toBe(start);
    room.clock.advance(1);
    room.access.wall();
    expect(saved()).toBe(start + 1_000);
    room.clock.advance(900);
    const last = room.access.wall();
    room = room.restart({ wallMs: start - 2 * DAY_MS });
    expect(last - room.access.wall()).toBeLessThan(1_000);
  });

  test('is not saved by a transaction that is rolled back', () => {
    room = accessRoom();
    room.access.wall();
    room.clock.advance(5_000);
    expect(() =>
      room.store.transaction(() => {
        room.access.wall();
        throw new Error('something else');
      }),
    ).toThrow('something else');
    const now = room.access.wall();
    room = room.restart({ wallMs: now - DAY_MS });
    expect(room.access.wall()).toBe(now);
  });
});

describe('what has expired', () => {
  test('stays expired, at any moment, through clocks two days off and a restart', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 10_000 }),
        fc.integer({ min: 0, max: 3_000 }),
        fc.integer({ min: -2 * DAY_MS, max: 2 * DAY_MS }),
        fc.integer({ min: -2 * DAY_MS, max: 2 * DAY_MS }),
        (expiresInMs, lateMs, jumpMs, restartJumpMs) => {
          room = accessRoom();
          try {
            const request = { agent: 'claude', scopes: ['read:market'], expiresInMs, by: OWNER_CLI };
            const { key } = granted(room.access.keys.create(request));
            const present = () => room.access.keys.authenticate(key, { door: 'http', address: '127.0.0.1' });
            room.clock.advance(expiresInMs - 1);
            expect(present().ok).toBe(true);
            room.clock.advance(1 + lateMs);
            expect(refused(present()).reason).toBe('credential_revoked');
            room.clock.setWall(room.clock.wallMs() + jumpMs);
            expect(refused(present()).reason).toBe('credential_revoked');
            room = room.restart({ wallMs: room.clock.wallMs() + restartJumpMs });
            expect(refused(present()).reason).toBe('credential_revoked');
          } finally {
            room.close();
          }
        },
      ),
      { numRuns: 25 },
    );
    room = accessRoom();
  });

  test('by a clock two days ahead does not come back when the clock is put right', () => {
    room = accessRoom();
    const start = room.clock.wallMs();
    const request = { agent: 'claude', scopes: ['read:market'], expiresInMs: DAY_MS, by: OWNER_CLI };
    const { key } = granted(room.access.keys.create(request));
    room.clock.setWall(start + 2 * DAY_MS);
    expect(room.access.keys.authenticate(key, { door: 'http' }).ok).toBe(false);
    room.clock.setWall(start);
    expect(room.access.keys.authenticate(key, { door: 'http' }).ok).toBe(false);
    room = room.restart({ wallMs: start });
    expect(room.access.keys.authenticate(key, { door: 'http' }).ok).toBe(false);
  });
});
