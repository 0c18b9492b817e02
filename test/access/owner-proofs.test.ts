/** What spares a proof and what asks for one: trusted devices, the step-up, the command line. */
import { afterEach, describe, expect, test } from 'vitest';
import { DEVICE_TTL_MS, STEP_UP_TTL_MS } from '#limits.ts';
import { type AccessRoom, granted, refused } from '../support/access-room.ts';
import { enroll, from, HOME, ownerRoom, PASSPHRASE, signIn } from '../support/owner-room.ts';

let room: AccessRoom;
afterEach(() => room.close());

describe('a trusted device', () => {
  test('is asked for no code until its time is over; another one is', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const authenticator = enroll(room, 'sign_in');
    const trusted = granted(await signIn(room, { code: authenticator.next(), trustDevice: true }));
    const device = from(HOME.address, trusted.deviceToken);
    expect(owner.asksForCode(device)).toBe(false);
    expect(owner.asksForCode(from(HOME.address, 'made up'))).toBe(true);
    const again = granted(await signIn(room, { from: device, trustDevice: true }));
    expect(again.deviceToken).toBeUndefined();
    expect(again.session.deviceId).toBe(owner.devices()[0]?.id);
    // It spares the code, and nothing else: what is dangerous there asks for one.
    expect(owner.isSteppedUp(again.session)).toBe(false);
    refused(await signIn(room, { from: device, passphrase: 'not the passphrase' }));
    room.clock.advance(DEVICE_TTL_MS);
    expect(owner.asksForCode(device)).toBe(true);
    expect(owner.devices()).toEqual([]);
  });

  test('that was trusted without a code is asked for one when there is one to ask for', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const early = granted(await signIn(room, { trustDevice: true }));
    const device = from(HOME.address, early.deviceToken);
    const authenticator = enroll(room, 'sign_in');
    expect(owner.asksForCode(device)).toBe(true);
    refused(await signIn(room, { from: device }));
    const proved = granted(
      await signIn(room, { from: device, code: authenticator.next(), trustDevice: true }),
    );
    expect(owner.devices()).toHaveLength(1);
    expect(owner.asksForCode(from(HOME.address, proved.deviceToken))).toBe(false);
    expect(owner.asksForCode(device)).toBe(true);
  });

  test('that was trusted while no code was asked for is asked for one when that is switched on', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    enroll(room);
    const { deviceToken } = granted(await signIn(room, { trustDevice: true }));
    granted(owner.setPurposes(new Set(['sign_in'])));
    expect(owner.asksForCode(from(HOME.address, deviceToken))).toBe(true);
  });

  test('has to show a code of the new authenticator once the old one is replaced', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const old = enroll(room, 'sign_in');
    const { deviceToken } = granted(await signIn(room, { code: old.next(), trustDevice: true }));
    enroll(room, 'sign_in');
    expect(owner.asksForCode(from(HOME.address, deviceToken))).toBe(true);
  });

  test('that is forgotten is a stranger, and its sessions are over but the one that forgot it', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const authenticator = enroll(room, 'sign_in');
    const first = granted(await signIn(room, { code: authenticator.next(), trustDevice: true }));
    const device = from(HOME.address, first.deviceToken);
    const second = granted(await signIn(room, { from: device }));
    const elsewhere = granted(await signIn(room, { code: authenticator.next() }));
    const ended: string[] = [];
    owner.onSessionEnd((id) => ended.push(id));
    owner.forgetDevice(owner.devices()[0]?.id ?? '', second.session.id);
    expect(owner.asksForCode(device)).toBe(true);
    expect(ended).toEqual([first.session.id]);
    expect(owner.session(second.token, device)?.deviceId).toBeNull();
    expect(owner.session(elsewhere.token, HOME)).toBeDefined();
    expect(room.events('owner.device_trusted')).toHaveLength(1);
    expect(room.events('owner.device_forgotten')).toHaveLength(1);
  });
});

describe('a step-up', () => {
  test('lasts five minutes', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const authenticator = enroll(room);
    const { token, session } = granted(await signIn(room));
    expect(owner.isSteppedUp(session)).toBe(false);
    granted(await owner.stepUp(token, authenticator.next(), HOME));
    const look = () => owner.session(token, HOME) ?? session;
    expect(owner.isSteppedUp(look())).toBe(true);
    room.clock.advance(STEP_UP_TTL_MS - 1);
    expect(owner.isSteppedUp(look())).toBe(true);
    room.clock.advance(1);
    expect(owner.isSteppedUp(look())).toBe(false);
    expect(room.events('owner.stepped_up')).toMatchObject([{ detail: { session: session.id } }]);
  });

  test('asks for the passphrase where there is no authenticator, and never where there is one', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token } = granted(await signIn(room));
    room.clock.advance(STEP_UP_TTL_MS);
    refused(await owner.stepUp(token, 'not the passphrase', HOME));
    granted(await owner.stepUp(token, PASSPHRASE, HOME));
    const authenticator = enroll(room);
    refused(await owner.stepUp(token, PASSPHRASE, HOME));
    granted(await owner.stepUp(token, authenticator.recoveryCodes[0] ?? '', HOME));
    refused(await owner.stepUp(token, authenticator.recoveryCodes[0] ?? '', HOME));
  });

  test('by passphrase is none when an authenticator is enrolled while it is being checked', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token, session } = granted(await signIn(room));
    room.clock.advance(STEP_UP_TTL_MS);
    const late = owner.stepUp(token, PASSPHRASE, HOME);
    enroll(room);
    expect(refused(await late).reason).toBe('unauthenticated');
    expect(owner.isSteppedUp(owner.session(token, HOME) ?? session)).toBe(false);
  });

  test('takes a code once, also when two sessions show it at once', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const authenticator = enroll(room);
    const one = granted(await signIn(room));
    const other = granted(await signIn(room));
    const code = authenticator.next();
    const both = await Promise.all([
      owner.stepUp(one.token, code, HOME),
      owner.stepUp(other.token, code, HOME),
    ]);
    expect(both.filter((answer) => answer.ok)).toHaveLength(1);
  });

  test('is of its session alone, and of a session that is still there', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token, session } = granted(await signIn(room));
    room.clock.advance(STEP_UP_TTL_MS);
    const { session: other } = granted(await signIn(room));
    expect(owner.isSteppedUp(owner.session(token, HOME) ?? other)).toBe(false);
    const late = owner.stepUp(token, PASSPHRASE, HOME);
    owner.endSession(session.id);
    expect(refused(await late)).toMatchObject({ detail: expect.stringContaining('no longer signed in') });
    refused(await owner.stepUp('made up', PASSPHRASE, HOME));
  });
});

test('the command line proves it by passphrase, and by a code where an authenticator is enrolled', async () => {
  room = await ownerRoom();
  const { owner } = room.access;
  granted(await owner.confirm({ passphrase: PASSPHRASE, from: HOME }));
  const authenticator = enroll(room);
  const code = authenticator.next();
  refused(await owner.confirm({ passphrase: PASSPHRASE, from: HOME }));
  refused(await owner.confirm({ passphrase: 'not the passphrase', code, from: HOME }));
  granted(await owner.confirm({ passphrase: PASSPHRASE, code, from: HOME }));
  refused(await owner.confirm({ passphrase: PASSPHRASE, code, from: HOME }));
  granted(
    await owner.confirm({ passphrase: PASSPHRASE, code: authenticator.recoveryCodes[3] ?? '', from: HOME }),
  );
  expect(room.events('owner.recovery_used')).toMatchObject([{ detail: { left: 9 } }]);
  expect(owner.sessions()).toEqual([]);
});
