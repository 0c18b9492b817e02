/** The owner's sessions: how long they last, how they end, and that nobody is told of what did not happen. */
import { afterEach, describe, expect, test } from 'vitest';
import {
  DEVICES_MAX,
  SESSION_IDLE_MS,
  SESSION_SEEN_SAVE_INTERVAL_MS,
  SESSION_TTL_MS,
  SESSIONS_MAX,
} from '#limits.ts';
import { type AccessRoom, granted } from '../support/access-room.ts';
import { enroll, from, HOME, ownerRoom, signIn } from '../support/owner-room.ts';

let room: AccessRoom;
afterEach(() => room.close());

const rows = (table: string): number =>
  Number(room.store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());

describe('a session', () => {
  test('ends when nobody uses it for twelve hours, and not while somebody does', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token } = granted(await signIn(room));
    for (let n = 0; n < 3; n++) {
      room.clock.advance(SESSION_IDLE_MS - 1);
      expect(owner.session(token, HOME)).toBeDefined();
    }
    room.clock.advance(SESSION_IDLE_MS);
    expect(owner.session(token, HOME)).toBeUndefined();
    expect(owner.sessions()).toEqual([]);
  });

  test('ends after seven days however much it is used', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token, session } = granted(await signIn(room));
    for (let hours = 0; hours < 7 * 24 - 1; hours++) {
      room.clock.advance(3_600_000);
      expect(owner.session(token, HOME), `after ${hours} h`).toBeDefined();
    }
    room.clock.advance(3_600_000 - 1);
    expect(owner.session(token, HOME)).toBeDefined();
    expect(room.access.wall()).toBe(session.createdAtMs + SESSION_TTL_MS - 1);
    room.clock.advance(1);
    expect(owner.session(token, HOME)).toBeUndefined();
  });

  test('that has ended does not come back with the clock, nor with a restart', async () => {
    room = await ownerRoom();
    const { token, session } = granted(await signIn(room));
    room.clock.advance(SESSION_IDLE_MS);
    expect(room.access.owner.session(token, HOME)).toBeUndefined();
    room = room.restart({ wallMs: session.createdAtMs });
    expect(room.access.owner.session(token, HOME)).toBeUndefined();
  });

  test('goes on over a restart', async () => {
    room = await ownerRoom();
    const { token, session } = granted(await signIn(room));
    room = room.restart();
    expect(room.access.owner.session(token, HOME)).toEqual(session);
  });

  test('is noted to be seen once a minute, with where from', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token, session } = granted(await signIn(room));
    const commits = (): unknown => room.store.db.prepare('SELECT total_changes()').pluck().get();
    room.clock.advance(SESSION_SEEN_SAVE_INTERVAL_MS - 1);
    room.access.wall();
    const before = commits();
    for (let n = 0; n < 50; n++) owner.session(token, from('198.51.100.7'));
    expect(commits()).toBe(before);
    expect(owner.sessions()).toEqual([session]);
    room.clock.advance(1);
    owner.session(token, from('198.51.100.7'));
    expect(owner.sessions()).toMatchObject([
      { address: '198.51.100.7', lastSeenAtMs: session.lastSeenAtMs + SESSION_SEEN_SAVE_INTERVAL_MS },
    ]);
  });

  test('is served while the store can not write', async () => {
    room = await ownerRoom();
    const { token } = granted(await signIn(room));
    room.clock.advance(2 * SESSION_SEEN_SAVE_INTERVAL_MS);
    room.store.db.pragma('query_only = ON');
    expect(room.access.owner.session(token, HOME)).toBeDefined();
    await expect(signIn(room)).rejects.toThrow();
    room.store.db.pragma('query_only = OFF');
    expect(room.access.owner.sessions()).toHaveLength(1);
  });

  test('keeps of the browser what may be shown, and of the address an address', async () => {
    room = await ownerRoom();
    const hostile = { address: 'evil\u001b[31m', userAgent: `\u202eBrowser\u001b[2J${'x'.repeat(5_000)}` };
    const { session } = granted(await signIn(room, { from: hostile }));
    expect(session.address).toBe('unreadable');
    expect(session.userAgent).toMatch(/^Browserx+$/);
    expect(session.userAgent).toHaveLength(200);
  });
});

describe('ending sessions', () => {
  test('one, the others, or all but one: each told once, after the commit, and on the record', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const [a, b, c] = [granted(await signIn(room)), granted(await signIn(room)), granted(await signIn(room))];
    const told: string[] = [];
    const stop = owner.onSessionEnd((id) => {
      expect(room.store.inTransaction()).toBe(false);
      told.push(id);
    });
    owner.endSession(a.session.id);
    owner.endSession(a.session.id);
    expect(owner.session(a.token, HOME)).toBeUndefined();
    expect(owner.endOtherSessions(b.session.id)).toBe(1);
    expect(owner.session(c.token, HOME)).toBeUndefined();
    expect(owner.session(b.token, HOME)).toBeDefined();
    expect(told).toEqual([a.session.id, c.session.id]);
    stop();
    owner.endSession(b.session.id, 'ended');
    expect(told).toHaveLength(2);
    expect(room.events('owner.signed_out')).toMatchObject([{ detail: { session: a.session.id } }]);
    expect(room.events('owner.session_ended').map(({ detail }) => detail?.['session'])).toEqual([
      c.session.id,
      b.session.id,
    ]);
  });

  test('that is rolled back ends nothing and tells nobody', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token, session } = granted(await signIn(room));
    const told: string[] = [];
    owner.onSessionEnd((id) => told.push(id));
    const failing = (): void =>
      room.store.transaction(() => {
        owner.endSession(session.id);
        throw new Error('the disk is full');
      });
    expect(failing).toThrow('the disk is full');
    expect(told).toEqual([]);
    expect(owner.session(token, HOME)).toBeDefined();
    expect(room.events('owner.signed_out')).toEqual([]);
  });
});

describe('what has expired', () => {
  test('is gone from the tables with the next thing the owner does, and sessions leave a line', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { session } = granted(await signIn(room, { trustDevice: true }));
    owner.issueResetLink();
    owner.beginTotp();
    room.clock.advance(31 * 86_400_000);
    const { token } = granted(await signIn(room));
    expect([rows('owner_sessions'), rows('owner_devices'), rows('owner_links')]).toEqual([1, 0, 0]);
    expect(room.store.db.prepare('SELECT pending_seed FROM owner').pluck().get()).toBeNull();
    expect(room.events('owner.session_ended')).toMatchObject([
      { detail: { session: session.id, why: 'expired' } },
    ]);
    owner.issueResetLink();
    room.clock.advance(SESSION_IDLE_MS - 1);
    owner.session(token, HOME);
    expect(rows('owner_links')).toBe(0);
  });
});

describe('bounds', () => {
  test('the session that was used longest ago makes room for the next one', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const tokens: string[] = [];
    for (let n = 0; n < SESSIONS_MAX + 2; n++) {
      room.clock.advance(1_000);
      tokens.push(granted(await signIn(room)).token);
    }
    expect(owner.sessions()).toHaveLength(SESSIONS_MAX);
    expect(tokens.map((token) => owner.session(token, HOME) !== undefined).indexOf(true)).toBe(2);
    expect(room.events('owner.session_ended')).toHaveLength(2);
  });

  test('and so does the device', async () => {
    room = await ownerRoom();
    enroll(room);
    for (let n = 0; n < DEVICES_MAX + 2; n++) {
      room.clock.advance(1_000);
      granted(await signIn(room, { trustDevice: true }));
    }
    expect(room.access.owner.devices()).toHaveLength(DEVICES_MAX);
    expect(room.events('owner.device_forgotten')).toMatchObject(
      Array(2).fill({ detail: { why: 'crowded_out' } }),
    );
  });
});
