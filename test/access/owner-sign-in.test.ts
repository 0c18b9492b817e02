/** Signing in: what opens a session, and that nothing else does. */
import { afterEach, describe, expect, test } from 'vitest';
import { PASSPHRASE_LENGTH_MAX } from '#limits.ts';
import { type AccessRoom, accessRoom, granted, refused } from '../support/access-room.ts';
import { CHEAP, enroll, from, HOME, ownerRoom, PASSPHRASE, signIn } from '../support/owner-room.ts';

let room: AccessRoom;
afterEach(() => room.close());

describe('signing in', () => {
  test('takes name and passphrase, and gives a session that its token opens', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    expect(owner.asksForCode(HOME)).toBe(false);
    const { token, session, ...rest } = granted(await signIn(room));
    expect(rest).toEqual({ usedRecoveryCode: false });
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(owner.session(token, HOME)).toEqual(session);
    expect(session).toMatchObject({ address: HOME.address, userAgent: HOME.userAgent, deviceId: null });
    expect(room.events('owner.signed_in')).toMatchObject([
      { credential: 'owner', outcome: 'ok', detail: { session: session.id, how: 'passphrase' } },
    ]);
    expect(JSON.stringify(room.events())).not.toContain(token);
  });

  test('takes the name however it is capitalised, and the passphrase only as it is', async () => {
    room = await ownerRoom();
    granted(await signIn(room, { name: ' Ada ' }));
    for (const passphrase of [PASSPHRASE.toUpperCase(), `${PASSPHRASE} `, '', PASSPHRASE.slice(0, -1)])
      expect(refused(await signIn(room, { passphrase })).reason).toBe('unauthenticated');
  });

  test('answers the same to everything that is wrong, and before there is an owner', async () => {
    room = accessRoom({ passphraseCost: CHEAP });
    const nobody = refused(await signIn(room));
    room.close();
    room = await ownerRoom();
    const authenticator = enroll(room, 'sign_in');
    const overs = [
      { name: 'eve', code: authenticator.next() },
      { passphrase: 'not the passphrase', code: authenticator.next() },
      { code: '000000' },
      {},
    ];
    for (const over of overs) expect(refused(await signIn(room, over))).toEqual(nobody);
    expect(nobody).toMatchObject({ reason: 'unauthenticated', status: 401 });
    expect(room.access.owner.sessions()).toEqual([]);
  });

  test('a passphrase that is longer than any is wrong, however it begins', async () => {
    room = await ownerRoom();
    const long = PASSPHRASE.padEnd(PASSPHRASE_LENGTH_MAX + 1, 'x');
    expect(refused(await signIn(room, { passphrase: long })).reason).toBe('unauthenticated');
    expect(refused(await signIn(room, { passphrase: 'x'.repeat(1_000_000) })).reason).toBe('unauthenticated');
  });

  test('gives a new token each time: what a browser came with is never made a session', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const planted = 'A'.repeat(43);
    expect(owner.session(planted, HOME)).toBeUndefined();
    const tokens = new Set<string>();
    for (let n = 0; n < 5; n++) tokens.add(granted(await signIn(room)).token);
    expect(tokens.size).toBe(5);
    expect(owner.session(planted, HOME)).toBeUndefined();
    expect(owner.session('', HOME)).toBeUndefined();
  });

  test('by two browsers at once is two sessions; with the same code it is one', async () => {
    room = await ownerRoom();
    const both = await Promise.all([signIn(room), signIn(room, { from: from('192.0.2.77') })]);
    expect(both.map((one) => one.ok)).toEqual([true, true]);
    expect(room.access.owner.sessions()).toHaveLength(2);
    const authenticator = enroll(room, 'sign_in');
    const code = authenticator.next();
    const again = await Promise.all([
      signIn(room, { code }),
      signIn(room, { code, from: from('192.0.2.77') }),
      signIn(room, { code, from: from('192.0.2.78') }),
    ]);
    expect(again.filter((one) => one.ok)).toHaveLength(1);
    expect(room.access.owner.sessions()).toHaveLength(3);
  });

  test('is void when the passphrase was changed while it was being checked', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { session } = granted(await signIn(room));
    const change = { current: PASSPHRASE, next: 'another passphrase', keepSessionId: session.id };
    const slow = Array.from({ length: 4 }, (_, n) => signIn(room, { from: from(`192.0.2.${n}`) }));
    const changed = owner.changePassphrase(change);
    const late = signIn(room, { from: from('192.0.2.99') });
    granted(await changed);
    await Promise.all([...slow, late]);
    expect(owner.sessions().map(({ id }) => id)).toEqual([session.id]);
  });
});

describe('a code', () => {
  test('is asked for where the purpose is on, and nowhere else', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const authenticator = enroll(room, 'remote_write', 'password_reset');
    expect(owner.asksForCode(HOME)).toBe(false);
    granted(await signIn(room));
    granted(owner.setPurposes(new Set(['sign_in'])));
    expect(owner.asksForCode(HOME)).toBe(true);
    refused(await signIn(room));
    granted(await signIn(room, { code: authenticator.next() }));
    expect(room.events('owner.signed_in').at(-1)?.detail).toMatchObject({ how: 'passphrase and totp' });
  });

  test('is good once: not again in its time, nor the ones before it', async () => {
    room = await ownerRoom();
    const authenticator = enroll(room, 'sign_in');
    const before = authenticator.next();
    const code = authenticator.next();
    granted(await signIn(room, { code }));
    refused(await signIn(room, { code }));
    // Its time has not passed, but a later one was used.
    refused(await signIn(room, { code: before }));
    room = room.restart();
    refused(await signIn(room, { code }));
    granted(await signIn(room, { code: authenticator.next(room) }));
  });

  test('fits again as soon as a clock that was far ahead is right, and a used one never does', async () => {
    room = await ownerRoom();
    const authenticator = enroll(room, 'sign_in');
    const used = authenticator.next();
    granted(await signIn(room, { code: used }));
    const wallMs = room.clock.wallMs();
    room.clock.setWall(wallMs + 365 * 86_400_000);
    refused(await signIn(room, { code: used }));
    room = room.restart({ wallMs });
    refused(await signIn(room, { code: used }));
    granted(await signIn(room, { code: authenticator.next(room) }));
  });

  test('that came with a wrong passphrase is not spent', async () => {
    room = await ownerRoom();
    const code = enroll(room, 'sign_in').next();
    refused(await signIn(room, { code, passphrase: 'not the passphrase' }));
    refused(await signIn(room, { code, name: 'eve' }));
    granted(await signIn(room, { code: `${code.slice(0, 3)} ${code.slice(3)}` }));
  });

  test('that enrolled the authenticator signs nobody in', async () => {
    room = await ownerRoom();
    const authenticator = enroll(room, 'sign_in');
    refused(await signIn(room, { code: authenticator.now() }));
  });

  test.each([
    ['two steps behind', -60_000, false],
    ['a step behind', -30_000, true],
    ['a step ahead', 30_000, true],
    ['two steps ahead', 60_000, false],
  ])('of a clock that is %s', async (_, offMs, fits) => {
    room = await ownerRoom();
    const authenticator = enroll(room, 'sign_in');
    room.clock.advance(300_000);
    const code = authenticator.now({ clock: { ...room.clock, wallMs: () => room.clock.wallMs() + offMs } });
    expect((await signIn(room, { code })).ok).toBe(fits);
  });

  test.each(['', '12345', '1234567', 'abcdef', '１２３４５６', '-12345', '1e5   '])(
    '%j is none',
    async (code) => {
      room = await ownerRoom();
      enroll(room, 'sign_in');
      expect(refused(await signIn(room, { code })).reason).toBe('unauthenticated');
    },
  );
});
