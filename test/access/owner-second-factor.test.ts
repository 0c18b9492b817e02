/** The second factor: an authenticator that is proved before it counts, recovery codes in its place, and what it is asked for. */
import jsqr from 'jsqr';
import { afterEach, describe, expect, test } from 'vitest';
import { type AccessRoom, accessRoom, granted, refused } from '../support/access-room.ts';
import {
  CHEAP,
  codeAt,
  enroll,
  from,
  HOME,
  NAME,
  ownerRoom,
  PASSPHRASE,
  signIn,
} from '../support/owner-room.ts';

let room: AccessRoom;
afterEach(() => room.close());

describe('an authenticator', () => {
  test('is offered as text, as a link and as a picture that a phone reads', async () => {
    room = await ownerRoom();
    const { secret, uri, qrSvg } = room.access.owner.beginTotp();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(new URL(uri)).toMatchObject({ protocol: 'otpauth:', host: 'totp' });
    expect(new URL(uri).searchParams.get('secret')).toBe(secret);
    expect(uri).toContain(`Portcullis:${NAME}`);
    expect(scanned(qrSvg)).toBe(uri);
    expect(qrSvg).not.toMatch(/<script|style=|href|on\w+=/);
  });

  test('counts once its code was shown, and not before', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { secret } = owner.beginTotp();
    expect(owner.record()?.totp).toBe(false);
    expect(refused(owner.confirmTotp('000000'))).toMatchObject({
      reason: 'invalid_input',
      errors: [{ field: 'code', value: '' }],
    });
    expect(refused(owner.setPurposes(new Set(['sign_in']))).reason).toBe('invalid_input');
    const { recoveryCodes } = granted(owner.confirmTotp(codeAt(secret, room.clock.wallMs())));
    expect(recoveryCodes).toHaveLength(10);
    expect(owner.record()).toMatchObject({ totp: true, recoveryCodesLeft: 10, purposes: new Set() });
    // Begun once, confirmed once.
    refused(owner.confirmTotp(codeAt(secret, room.clock.wallMs() + 30_000)));
    expect(room.events('owner.totp_enrolled')).toHaveLength(1);
  });

  test('is enrolled by a session that has just proved itself, and by no other', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token, session } = granted(await signIn(room));
    room.clock.advance(5 * 60_000);
    const { secret } = owner.beginTotp();
    const confirm = (id: string) => owner.confirmTotp(codeAt(secret, room.clock.wallMs()), id);
    expect(refused(confirm(session.id)).reason).toBe('unauthenticated');
    expect(refused(confirm('ses_made_up')).reason).toBe('unauthenticated');
    expect(owner.record()?.totp).toBe(false);
    granted(await owner.stepUp(token, PASSPHRASE, HOME));
    room.clock.advance(4 * 60_000);
    granted(confirm(session.id));
    room.clock.advance(4 * 60_000);
    expect(owner.isSteppedUp(owner.session(token, HOME) ?? session)).toBe(true);
  });

  test('that was begun again, or too long ago, can not be confirmed', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const first = owner.beginTotp();
    const second = owner.beginTotp();
    expect(second.secret).not.toBe(first.secret);
    refused(owner.confirmTotp(codeAt(first.secret, room.clock.wallMs())));
    room.clock.advance(30 * 60_000);
    refused(owner.confirmTotp(codeAt(second.secret, room.clock.wallMs())));
    expect(owner.record()?.totp).toBe(false);
  });

  test('stays the one that counts while another is begun, and is replaced when that one is proved', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const old = enroll(room, 'sign_in');
    const { secret } = owner.beginTotp();
    granted(await signIn(room, { code: old.next() }));
    const { recoveryCodes } = granted(owner.confirmTotp(codeAt(secret, room.clock.wallMs())));
    refused(await signIn(room, { code: old.next() }));
    refused(await signIn(room, { code: old.recoveryCodes[0] ?? '' }));
    granted(await signIn(room, { code: codeAt(secret, room.clock.wallMs()) }));
    granted(await signIn(room, { code: recoveryCodes[0] ?? '' }));
    expect(owner.record()?.purposes).toEqual(new Set(['sign_in']));
  });

  test('that is removed takes recovery codes and purposes along', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const authenticator = enroll(room, 'sign_in', 'remote_write', 'password_reset');
    owner.removeTotp();
    expect(owner.record()).toMatchObject({ totp: false, recoveryCodesLeft: 0, purposes: new Set() });
    expect(owner.asksForCode(HOME)).toBe(false);
    granted(await signIn(room));
    expect(owner.confirmRecoveryCode(authenticator.recoveryCodes[0] ?? '')).toBe(false);
    owner.removeTotp();
    expect(room.events('owner.totp_removed')).toMatchObject([
      { detail: { purposes: ['sign_in', 'remote_write', 'password_reset'] } },
    ]);
  });

  test('needs an owner', () => {
    room = accessRoom({ passphraseCost: CHEAP });
    const { owner } = room.access;
    expect(() => owner.beginTotp()).toThrow('no owner');
    expect(() => owner.removeTotp()).toThrow('no owner');
    expect(() => owner.newRecoveryCodes()).toThrow('no owner');
    expect(() => owner.setPurposes(new Set())).toThrow('no owner');
    expect(refused(owner.confirmTotp('000000')).reason).toBe('invalid_input');
  });
});

describe('the purposes', () => {
  test('are independent of each other, and every change is on the record', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    enroll(room);
    granted(owner.setPurposes(new Set(['remote_write'])));
    granted(owner.setPurposes(new Set(['remote_write'])));
    granted(owner.setPurposes(new Set(['password_reset', 'sign_in'])));
    room = room.restart();
    expect(room.access.owner.record()?.purposes).toEqual(new Set(['sign_in', 'password_reset']));
    expect(room.events('owner.purposes_changed').map(({ detail }) => detail)).toEqual([
      { before: [], after: ['remote_write'] },
      { before: ['remote_write'], after: ['sign_in', 'password_reset'] },
    ]);
  });

  test('can be cleared, and not set, without an authenticator', async () => {
    room = await ownerRoom();
    granted(room.access.owner.setPurposes(new Set()));
    for (const purpose of ['sign_in', 'remote_write', 'password_reset'] as const)
      expect(refused(room.access.owner.setPurposes(new Set([purpose]))).reason).toBe('invalid_input');
    expect(room.access.owner.record()?.purposes.size).toBe(0);
  });
});

describe('recovery codes', () => {
  test('are eighty random bits each, ten different ones, and only hashes are kept', async () => {
    room = await ownerRoom();
    const { recoveryCodes } = enroll(room);
    expect(new Set(recoveryCodes).size).toBe(10);
    for (const code of recoveryCodes)
      expect(code).toMatch(/^(?:[0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/);
    const written = room.everythingWritten();
    for (const code of recoveryCodes) {
      expect(written).not.toContain(code);
      expect(written).not.toContain(code.replaceAll('-', ''));
    }
  });

  test('stand in for the authenticator once each, and never for the passphrase', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const [first = '', second = ''] = enroll(room, 'sign_in').recoveryCodes;
    refused(await signIn(room, { code: first, passphrase: first }));
    refused(await signIn(room, { code: first, passphrase: 'not the passphrase' }));
    const { usedRecoveryCode } = granted(await signIn(room, { code: first }));
    expect(usedRecoveryCode).toBe(true);
    refused(await signIn(room, { code: first }));
    granted(await signIn(room, { code: second }));
    expect(owner.record()?.recoveryCodesLeft).toBe(8);
    expect(room.events('owner.recovery_used').map(({ detail }) => detail)).toEqual([
      { left: 9 },
      { left: 8 },
    ]);
  });

  test('are used once, also by two who show the same one at once', async () => {
    room = await ownerRoom();
    const [code = ''] = enroll(room, 'sign_in').recoveryCodes;
    const both = await Promise.all([signIn(room, { code }), signIn(room, { code, from: from('192.0.2.7') })]);
    expect(both.filter((one) => one.ok)).toHaveLength(1);
    expect(room.access.owner.record()?.recoveryCodesLeft).toBe(9);
  });

  test('are read as a person writes them', async () => {
    room = await ownerRoom();
    const [a = '', b = '', c = ''] = enroll(room, 'sign_in').recoveryCodes;
    granted(await signIn(room, { code: ` ${a.toUpperCase().replaceAll('-', ' ')} ` }));
    granted(await signIn(room, { code: b.replaceAll('-', '') }));
    granted(await signIn(room, { code: c.replaceAll('0', 'O').replaceAll('1', 'l') }));
    for (const code of ['', '-', 'a'.repeat(16), 'x'.repeat(100_000)])
      refused(await signIn(room, { code, from: from('192.0.2.99') }));
  });

  test('can be asked for without being spent, as the setup does', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const authenticator = enroll(room, 'sign_in');
    const [code = ''] = authenticator.recoveryCodes;
    expect(owner.confirmRecoveryCode(code)).toBe(true);
    expect(owner.confirmRecoveryCode(code)).toBe(true);
    expect(owner.confirmRecoveryCode('aaaa-aaaa-aaaa-aaaa')).toBe(false);
    // A code of the authenticator is none.
    expect(owner.confirmRecoveryCode(authenticator.next())).toBe(false);
    granted(await signIn(room, { code }));
    expect(owner.confirmRecoveryCode(code)).toBe(false);
  });

  test('that are renewed void the old ones', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    expect(() => owner.newRecoveryCodes()).toThrow('no authenticator');
    const { recoveryCodes: old } = enroll(room, 'sign_in');
    granted(await signIn(room, { code: old[0] ?? '' }));
    const renewed = owner.newRecoveryCodes();
    expect(owner.record()?.recoveryCodesLeft).toBe(10);
    refused(await signIn(room, { code: old[1] ?? '' }));
    granted(await signIn(room, { code: renewed[1] ?? '' }));
    expect(room.events('owner.recovery_renewed')).toMatchObject([{ detail: { left: 10 } }]);
  });

  test('still open when the key that seals the seed is lost', async () => {
    room = await ownerRoom();
    const { recoveryCodes } = enroll(room, 'sign_in');
    room.store.db.prepare(`UPDATE owner SET totp_seed = x'01ff'`).run();
    granted(await signIn(room, { code: recoveryCodes[0] ?? '' }));
    await expect(signIn(room, { code: '123456' })).rejects.toThrow('does not open');
  });
});

/** What a phone's camera makes of it: the lines drawn on a white square, read by somebody else's decoder. */
function scanned(svg: string): string | undefined {
  const side = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]);
  const scale = 4;
  const width = side * scale;
  const pixels = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y, length] of svg.matchAll(/M(\d+) (\d+)\.5h(\d+)/g))
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row++)
      for (let column = Number(x) * scale; column < (Number(x) + Number(length)) * scale; column++)
        pixels.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
  return jsqr.default(pixels, width, width)?.data;
}
