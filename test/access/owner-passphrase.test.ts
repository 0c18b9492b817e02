/** The passphrase: how it is kept, how many are checked at once, and how it is changed by who knows it and by who forgot it. */
import { argon2Sync } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { openPassphrases } from '#access/owner-passphrase.ts';
import {
  ONE_TIME_LINK_TTL_MS,
  PASSPHRASE_COST,
  PASSPHRASE_HASHES_WAITING_MAX,
  PASSPHRASE_LENGTH_MAX,
} from '#limits.ts';
import { type AccessRoom, granted, refused } from '../support/access-room.ts';
import { CHEAP, enroll, from, HOME, ownerRoom, PASSPHRASE, signIn } from '../support/owner-room.ts';

const NEXT = 'an altogether different one';
let room: AccessRoom;

describe('the hash', () => {
  test('is argon2id at full cost unless a test says otherwise', async () => {
    room = await ownerRoom({ passphraseCost: PASSPHRASE_COST });
    const stored = room.store.db.prepare('SELECT passphrase FROM owner').pluck().get();
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    granted(await signIn(room));
    room.close();
    const byItself = granted(await openPassphrases().hash(PASSPHRASE, 'known'));
    const [, , , parameters, salt = '', hash] = byItself.split('$');
    expect(parameters).toBe('m=65536,t=3,p=1');
    const again = argon2Sync('argon2id', {
      message: PASSPHRASE,
      nonce: Buffer.from(salt, 'base64'),
      parallelism: 1,
      tagLength: 32,
      memory: 65_536,
      passes: 3,
    });
    expect(again.toString('base64').replace('=', '')).toBe(hash);
  });

  test('is another one each time, and fits its passphrase alone', async () => {
    const passphrases = openPassphrases(CHEAP);
    const one = granted(await passphrases.hash(PASSPHRASE, 'known'));
    const other = granted(await passphrases.hash(PASSPHRASE, 'known'));
    expect(one).not.toBe(other);
    for (const stored of [one, other]) {
      expect(granted(await passphrases.matches(PASSPHRASE, stored, 'stranger'))).toBe(true);
      expect(granted(await passphrases.matches(NEXT, stored, 'stranger'))).toBe(false);
    }
    expect(granted(await passphrases.matches('', undefined, 'stranger'))).toBe(false);
  });

  test('fits no longer passphrase, however it begins', async () => {
    const passphrases = openPassphrases(CHEAP);
    const longest = 'x'.repeat(PASSPHRASE_LENGTH_MAX);
    const stored = granted(await passphrases.hash(longest, 'known'));
    expect(granted(await passphrases.matches(longest, stored, 'known'))).toBe(true);
    expect(granted(await passphrases.matches(`${longest}x`, stored, 'known'))).toBe(false);
  });

  test('is made of two at a time: a quick third waits for one of two slow ones', async () => {
    const slow = granted(await openPassphrases().hash(PASSPHRASE, 'known'));
    const quick = granted(await openPassphrases(CHEAP).hash(PASSPHRASE, 'known'));
    const passphrases = openPassphrases();
    const ended: string[] = [];
    const check = async (name: string, stored: string, lane: 'known' | 'stranger'): Promise<void> => {
      granted(await passphrases.matches(PASSPHRASE, stored, lane));
      ended.push(name);
    };
    await Promise.all([
      check('slow', slow, 'stranger'),
      check('slow', slow, 'stranger'),
      check('stranger', quick, 'stranger'),
      check('owner', quick, 'known'),
    ]);
    expect(ended[0]).toBe('slow');
    // Who is known goes first, however long strangers have waited.
    expect(ended.indexOf('owner')).toBeLessThan(ended.indexOf('stranger'));
  });

  test('that fails leaves its place to the next', async () => {
    const passphrases = openPassphrases(CHEAP);
    for (let n = 0; n < 5; n++)
      await expect(passphrases.matches(PASSPHRASE, 'nonsense', 'known')).rejects.toThrow('not an argon2id');
    granted(await passphrases.hash(PASSPHRASE, 'known'));
  });

  test('of strangers a few wait, the others are sent away; whom the gateway knows has room', async () => {
    const passphrases = openPassphrases(CHEAP);
    const many = Array.from({ length: PASSPHRASE_HASHES_WAITING_MAX + 2 }, () =>
      passphrases.matches(PASSPHRASE, undefined, 'stranger'),
    );
    expect(refused(await passphrases.matches(PASSPHRASE, undefined, 'stranger'))).toMatchObject({
      reason: 'rate_limited',
      retry_after: 1,
    });
    expect(passphrases.busy('known')).toBeUndefined();
    for (const one of await Promise.all(many)) expect(one.ok).toBe(true);
    expect(passphrases.busy('stranger')).toBeUndefined();
  });
});

describe('changing it', () => {
  afterEach(() => room.close());

  test('takes the current one, and ends every other session and every trusted device', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const here = granted(await signIn(room));
    const there = granted(await signIn(room, { trustDevice: true }));
    const ended: string[] = [];
    owner.onSessionEnd((id) => ended.push(id));
    room.clock.advance(1_000);
    granted(
      await owner.changePassphrase({ current: PASSPHRASE, next: NEXT, keepSessionId: here.session.id }),
    );
    expect(owner.session(here.token, HOME)).toBeDefined();
    expect(owner.session(there.token, HOME)).toBeUndefined();
    expect(ended).toEqual([there.session.id]);
    expect(owner.devices()).toEqual([]);
    refused(await signIn(room));
    granted(await signIn(room, { passphrase: NEXT }));
    expect(owner.record()?.passphraseChangedAtMs).toBe(here.session.createdAtMs + 1_000);
    expect(room.events('owner.passphrase_changed')).toMatchObject([
      { outcome: 'ok', detail: { sessions_ended: 1, devices_forgotten: 1 } },
    ]);
  });

  test('changes nothing when the current one is wrong, or the new one is none', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { session, token } = granted(await signIn(room));
    const change = (current: string, next: string) =>
      owner.changePassphrase({ current, next, keepSessionId: session.id });
    expect(refused(await change('not the passphrase', NEXT)).reason).toBe('unauthenticated');
    expect(refused(await change(PASSPHRASE, 'too short'))).toMatchObject({
      errors: [{ field: 'passphrase' }],
    });
    expect(refused(await change(PASSPHRASE, PASSPHRASE)).detail).toContain('is the current one');
    granted(await signIn(room));
    expect(owner.session(token, HOME)).toBeDefined();
    expect(room.events('owner.passphrase_changed')).toEqual([]);
  });

  test('by two at once happens once', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { session } = granted(await signIn(room));
    const nexts = ['the first of two new ones', 'the second of two new ones'];
    const changes = await Promise.all(
      nexts.map((next) => owner.changePassphrase({ current: PASSPHRASE, next, keepSessionId: session.id })),
    );
    expect(changes.filter((one) => one.ok)).toHaveLength(1);
    expect(room.events('owner.passphrase_changed')).toHaveLength(1);
  });
});

describe('forgetting it', () => {
  afterEach(() => room.close());
  const ticketOf = ({ access: { owner } }: AccessRoom): string =>
    granted(owner.redeemResetCode(owner.issueResetLink().code, HOME)).ticket;

  test('a link from the command line sets a new one, once, and ends every session and device', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token } = granted(await signIn(room, { trustDevice: true }));
    const ticket = ticketOf(room);
    expect(owner.resetTicketLive(ticket)).toBe(true);
    granted(await owner.resetPassphrase({ ticket, next: NEXT, from: HOME }));
    expect(owner.session(token, HOME)).toBeUndefined();
    expect([owner.sessions(), owner.devices()]).toEqual([[], []]);
    expect(owner.resetTicketLive(ticket)).toBe(false);
    expect(refused(await owner.resetPassphrase({ ticket, next: PASSPHRASE, from: HOME })).reason).toBe(
      'not_found',
    );
    refused(await signIn(room));
    granted(await signIn(room, { passphrase: NEXT }));
    expect(room.events('owner.passphrase_reset')).toHaveLength(1);
    expect(room.events('owner.reset_link_issued')).toMatchObject([{ credential: 'owner', outcome: 'ok' }]);
  });

  test('asks for a code where the purpose is on, and a wrong one leaves the link open', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const authenticator = enroll(room, 'password_reset');
    const ticket = ticketOf(room);
    const reset = (code?: string) => owner.resetPassphrase({ ticket, next: NEXT, code, from: HOME });
    expect(refused(await reset()).reason).toBe('unauthenticated');
    expect(refused(await reset('000000')).reason).toBe('unauthenticated');
    granted(await signIn(room));
    granted(await reset(authenticator.next()));
    granted(await signIn(room, { passphrase: NEXT }));
  });

  test('takes a recovery code in its place, and asks for none where the purpose is off', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { recoveryCodes } = enroll(room, 'password_reset');
    const [code = ''] = recoveryCodes;
    granted(await owner.resetPassphrase({ ticket: ticketOf(room), next: NEXT, code, from: HOME }));
    expect(owner.record()?.recoveryCodesLeft).toBe(9);
    granted(owner.setPurposes(new Set(['sign_in', 'remote_write'])));
    granted(await owner.resetPassphrase({ ticket: ticketOf(room), next: PASSPHRASE, from: HOME }));
    // The link is no way around the code at the door.
    refused(await signIn(room));
  });

  test('of codes five are looked at, whoever holds the link', async () => {
    room = await ownerRoom();
    enroll(room, 'password_reset');
    const reasons: string[] = [];
    for (let n = 0; n < 6; n++) {
      const one = { ticket: ticketOf(room), next: NEXT, code: '000000', from: from(`192.0.2.${n}`) };
      reasons.push(refused(await room.access.owner.resetPassphrase(one)).reason);
    }
    expect(reasons).toEqual([...Array(5).fill('unauthenticated'), 'rate_limited']);
  });

  test('who locked themselves out by trying can sign in with the new one at once', async () => {
    room = await ownerRoom();
    for (let n = 0; n < 6; n++) refused(await signIn(room, { passphrase: 'what was it' }));
    granted(await room.access.owner.resetPassphrase({ ticket: ticketOf(room), next: NEXT, from: HOME }));
    granted(await signIn(room, { passphrase: NEXT }));
  });

  test('the link opens nothing after fifteen minutes, with a new one, or as a setup link', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const first = owner.issueResetLink();
    const second = owner.issueResetLink();
    expect(refused(owner.redeemResetCode(first.code, HOME)).reason).toBe('not_found');
    expect(refused(owner.redeemSetupCode(second.code, HOME)).reason).toBe('not_found');
    const { ticket } = granted(owner.redeemResetCode(second.code, HOME));
    expect(owner.setupTicketLive(ticket)).toBe(false);
    room.clock.advance(ONE_TIME_LINK_TTL_MS);
    expect(refused(await owner.resetPassphrase({ ticket, next: NEXT, from: HOME })).reason).toBe('not_found');
    granted(await signIn(room));
  });

  test('that the link ends while the hash is made leaves everything as it was', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const ticket = ticketOf(room);
    const late = owner.resetPassphrase({ ticket, next: NEXT, from: HOME });
    owner.issueResetLink();
    expect(refused(await late).reason).toBe('not_found');
    granted(await signIn(room));
  });
});
