/** Wrong tries: five in five minutes, then each waits twice as long; and no stranger can keep the owner out. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Visitor } from '#access/owner.ts';
import { bucket, openLockout } from '#access/owner-lockout.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { OWNER_TRIES_ANYWHERE_MAX, OWNER_TRY_BUCKETS_MAX } from '#limits.ts';
import { type AccessRoom, accessRoom, granted, refused } from '../support/access-room.ts';
import { enroll, from, HOME, ownerRoom, PASSPHRASE, signIn } from '../support/owner-room.ts';

const MINUTE_MS = 60_000;
let room: AccessRoom;
afterEach(() => room.close());

const wrong = (visitor: Visitor = HOME, name?: string) =>
  signIn(room, { from: visitor, passphrase: 'not the passphrase', ...(name === undefined ? {} : { name }) });
async function tries(count: number, visitor?: Visitor): Promise<readonly string[]> {
  const reasons: string[] = [];
  for (let n = 0; n < count; n++) reasons.push(refused(await wrong(visitor)).reason);
  return reasons;
}
const waitOf = (answer: Result<unknown, Refusal>): number => refused(answer).retry_after ?? 0;
const FIVE_WRONG = Array(5).fill('unauthenticated');

describe('an address', () => {
  test('has five tries in any five minutes, and the sixth is not looked at', async () => {
    room = await ownerRoom();
    expect(await tries(4)).toEqual(FIVE_WRONG.slice(1));
    // The first of them no longer counts.
    room.clock.advance(5 * MINUTE_MS);
    expect(await tries(6)).toEqual([...FIVE_WRONG, 'rate_limited']);
    expect(refused(await signIn(room))).toMatchObject({ reason: 'rate_limited', retry_after: 300 });
    expect(room.events('owner.signed_in')).toEqual([]);
  });

  test('waits twice as long after each further try, up to fifteen minutes', async () => {
    room = await ownerRoom();
    await tries(5);
    const waits: number[] = [];
    for (let n = 0; n < 6; n++) {
      const seconds = waitOf(await signIn(room));
      waits.push(seconds);
      room.clock.advance(seconds * 1_000 - 1);
      expect(refused(await signIn(room)).reason).toBe('rate_limited');
      room.clock.advance(1);
      expect(await tries(1)).toEqual(['unauthenticated']);
    }
    expect(waits).toEqual([300, 600, 900, 900, 900, 900]);
  });

  test('begins anew when its last lockout has been over for fifteen minutes', async () => {
    room = await ownerRoom();
    await tries(5);
    room.clock.advance(5 * MINUTE_MS + 15 * MINUTE_MS);
    expect(await tries(6)).toEqual([...FIVE_WRONG, 'rate_limited']);
    expect(waitOf(await signIn(room))).toBe(300);
  });

  test('is forgiven its typing errors by a sign-in', async () => {
    room = await ownerRoom();
    await tries(4);
    granted(await signIn(room));
    expect(await tries(5)).toEqual(FIVE_WRONG);
  });

  test('is as locked after a restart, and after its clock was set back', async () => {
    room = await ownerRoom();
    await tries(5);
    room.clock.advance(30_000);
    room.access.wall();
    const wallMs = room.clock.wallMs();
    room = room.restart({ wallMs: wallMs - 86_400_000 });
    expect(waitOf(await signIn(room))).toBeGreaterThanOrEqual(270);
    room = room.restart({ wallMs });
    expect(waitOf(await signIn(room))).toBe(270);
    room.clock.advance(270_000);
    granted(await signIn(room));
  });

  test('does not get more tries by trying many at once', async () => {
    room = await ownerRoom();
    const answers = await Promise.all(Array.from({ length: 12 }, () => wrong()));
    const looked = answers.filter((one) => !one.ok && one.error.reason === 'unauthenticated');
    expect(looked).toHaveLength(5);
  });

  test('is counted whatever name it tries, so that the lockout does not tell which name is right', async () => {
    room = await ownerRoom();
    const reasons: string[] = [];
    for (const name of ['root', 'admin', 'eve', 'ada', 'owner', 'ada'])
      reasons.push(refused(await wrong(HOME, name)).reason);
    expect(reasons).toEqual([...FIVE_WRONG, 'rate_limited']);
  });

  test.each([
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['127.0.0.1', '127.8.8.8', true],
    ['127.0.0.1', '::1', true],
    ['::1', '::2', false],
  ])('%s and %s: counted as one is %s', async (one, other, together) => {
    room = await ownerRoom();
    await tries(5, from(one));
    const answer = await signIn(room, { from: from(other) });
    expect(answer.ok).toBe(!together);
  });
});

describe('strangers', () => {
  test('at other addresses do not lock the owner out of theirs', async () => {
    room = await ownerRoom();
    await tries(9, from('198.51.100.1'));
    granted(await signIn(room));
  });

  test('with many addresses have one count together, which those on this machine have no part in', async () => {
    room = await ownerRoom();
    const addresses = Array.from({ length: 30 }, (_, n) => from(`198.51.100.${n}`));
    let looked = 0;
    for (const address of addresses)
      looked += (await tries(5, address)).filter((reason) => reason === 'unauthenticated').length;
    expect(looked).toBe(OWNER_TRIES_ANYWHERE_MAX);
    expect(refused(await signIn(room, { from: from('203.0.113.5') })).reason).toBe('rate_limited');
    granted(await signIn(room, { from: from('127.0.0.1') }));
  });

  test('at the very address of the owner do not lock a trusted device out', async () => {
    room = await ownerRoom();
    const { deviceToken } = granted(await signIn(room, { trustDevice: true }));
    await tries(9);
    expect(refused(await signIn(room)).reason).toBe('rate_limited');
    granted(await signIn(room, { from: from(HOME.address, deviceToken) }));
    // Being right there opens the address to nobody.
    expect(refused(await signIn(room)).reason).toBe('rate_limited');
  });

  test('who have the cookie of a trusted device have five tries with it, and others go on', async () => {
    room = await ownerRoom();
    const { deviceToken } = granted(await signIn(room, { trustDevice: true }));
    const stolen = from('198.51.100.1', deviceToken);
    expect(await tries(6, stolen)).toEqual([...FIVE_WRONG, 'rate_limited']);
    expect(await tries(1, from('198.51.100.99', deviceToken))).toEqual(['rate_limited']);
    granted(await signIn(room));
  });

  test('leave a few lines on the record however many tries they make, with where from and what was wrong', async () => {
    room = await ownerRoom();
    await tries(40);
    room.clock.advance(1_000);
    const lines = room.events('owner.sign_in_refused');
    expect(lines.length).toBeLessThanOrEqual(4);
    const counted = lines.reduce((sum, { detail }) => sum + Number(detail?.['count'] ?? 1), 0);
    expect(counted).toBe(40);
    expect(lines[0]).toMatchObject({
      // Who guesses has not shown to be the owner.
      credential: null,
      outcome: 'refused',
      detail: { reason: 'unauthenticated', why: 'passphrase', for: 'sign_in', address: HOME.address },
    });
    expect(lines.some(({ detail }) => detail?.['why'] === 'locked')).toBe(true);
  });
});

describe('who is signed in', () => {
  test('proves themselves against one count: more sessions are not more tries', async () => {
    room = await ownerRoom();
    enroll(room);
    const { owner } = room.access;
    const reasons: string[] = [];
    for (let n = 0; n < 7; n++) {
      const { token } = granted(await signIn(room));
      reasons.push(refused(await owner.stepUp(token, '000000', HOME)).reason);
    }
    expect(reasons).toEqual([...FIVE_WRONG, 'rate_limited', 'rate_limited']);
  });

  test('is not kept from proving it by strangers who try to sign in, or who make up sessions', async () => {
    room = await ownerRoom();
    const authenticator = enroll(room);
    const { token } = granted(await signIn(room));
    await tries(9);
    for (let n = 0; n < 9; n++) await room.access.owner.stepUp('made up', '000000', HOME);
    granted(await room.access.owner.stepUp(token, authenticator.next(), HOME));
  });

  test('can not find out the passphrase by changing it', async () => {
    room = await ownerRoom();
    const { session } = granted(await signIn(room));
    const { owner } = room.access;
    const change = { next: 'another passphrase', keepSessionId: session.id };
    const reasons: string[] = [];
    for (let n = 0; n < 6; n++)
      reasons.push(refused(await owner.changePassphrase({ ...change, current: `guess number ${n}` })).reason);
    expect(reasons).toEqual([...FIVE_WRONG, 'rate_limited']);
    expect(refused(await owner.changePassphrase({ ...change, current: PASSPHRASE })).reason).toBe(
      'rate_limited',
    );
  });
});

describe('the command line', () => {
  test('has a count of its own, which no browser can fill', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const shell: Visitor = { address: 'owner.sock', userAgent: 'portcullis' };
    await tries(9, from('127.0.0.1'));
    granted(await owner.confirm({ passphrase: PASSPHRASE, from: shell }));
    for (let n = 0; n < 5; n++)
      expect(refused(await owner.confirm({ passphrase: 'wrong', from: shell })).reason).toBe(
        'unauthenticated',
      );
    expect(refused(await owner.confirm({ passphrase: PASSPHRASE, from: shell })).reason).toBe('rate_limited');
    granted(await signIn(room));
  });
});

test('what no longer counts is forgotten, so that the table does not grow', async () => {
  room = await ownerRoom();
  const rows = (): number => Number(room.store.db.prepare('SELECT count(*) FROM owner_tries').pluck().get());
  for (let n = 0; n < 20; n++) await tries(1, from(`198.51.100.${n}`));
  expect(rows()).toBe(21);
  room.clock.advance(20 * MINUTE_MS);
  await tries(1, from('203.0.113.1'));
  expect(rows()).toBe(2);
});

test('of more addresses than are counted the one that tried longest ago is forgotten', async () => {
  room = await ownerRoom();
  const { db } = room.store;
  db.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO owner_tries SELECT 'address ' || i, '[]', 1, @atMs, @atMs - 20000 + i FROM n`,
  ).run(OWNER_TRY_BUCKETS_MAX, { atMs: room.clock.wallMs() });
  await tries(1);
  expect(db.prepare('SELECT count(*) FROM owner_tries').pluck().get()).toBe(OWNER_TRY_BUCKETS_MAX);
  const kept = db.prepare(`SELECT 1 FROM owner_tries WHERE bucket = ?`).pluck();
  expect(['address 1', 'address 2', 'address 3'].map((bucket) => kept.get(bucket))).toEqual([
    undefined,
    undefined,
    1,
  ]);
});

test('however tries and pauses fall: five in any five minutes, and who has waited as told is looked at', () => {
  const step = fc.record({ pauseMs: fc.integer({ min: 0, max: 4 * MINUTE_MS }), waits: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
      room = accessRoom();
      try {
        const lockout = openLockout(room.store, room.access.wall);
        const looked: number[] = [];
        let toldMs = 0;
        for (const { pauseMs, waits } of steps) {
          room.clock.advance(waits ? toldMs : pauseMs);
          const answer = lockout.take([bucket('one')]);
          expect(answer.ok || !waits || toldMs === 0).toBe(true);
          if (answer.ok) looked.push(room.clock.wallMs());
          toldMs = answer.ok ? 0 : waitOf(answer) * 1_000;
          expect(toldMs).toBeLessThanOrEqual(15 * MINUTE_MS);
        }
        const inWindow = (from: number): number =>
          looked.filter((at) => at >= from && at < from + 5 * MINUTE_MS).length;
        expect(Math.max(...looked.map(inWindow))).toBeLessThanOrEqual(5);
      } finally {
        room.close();
      }
    }),
    { numRuns: 25 },
  );
  room = accessRoom();
});
