/** Claiming the gateway: by a link that opens once, and never twice. */
import { afterEach, describe, expect, test } from 'vitest';
import { OWNER_CLI, OWNER_CONSOLE } from '#domain/principal.ts';
import { ONE_TIME_LINK_TTL_MS, PASSPHRASE_LENGTH_MAX, PASSPHRASE_LENGTH_MIN } from '#limits.ts';
import { type AccessRoom, accessRoom, granted, refused } from '../support/access-room.ts';
import { CHEAP, HOME, NAME, ownerRoom, PASSPHRASE } from '../support/owner-room.ts';

let room: AccessRoom;
afterEach(() => room.close());
const unclaimed = (): AccessRoom => accessRoom({ passphraseCost: CHEAP });
const byConsole = (ticket?: string) => ({ name: NAME, passphrase: PASSPHRASE, by: OWNER_CONSOLE, ticket });

describe('the setup code', () => {
  test('opens the setup once: its ticket makes the owner, and is void afterwards', async () => {
    room = unclaimed();
    const { owner } = room.access;
    expect(owner.record()).toBeUndefined();
    const { code } = owner.issueSetupCode();
    const { ticket } = granted(owner.redeemSetupCode(code, HOME));
    expect(owner.setupTicketLive(ticket)).toBe(true);
    expect(refused(owner.redeemSetupCode(code, HOME)).reason).toBe('not_found');
    const made = granted(await owner.create(byConsole(ticket)));
    expect(made).toMatchObject({ name: NAME, totp: false, recoveryCodesLeft: 0, purposes: new Set() });
    expect(owner.setupTicketLive(ticket)).toBe(false);
    expect(refused(await owner.create(byConsole(ticket))).reason).toBe('not_found');
    expect(room.events('owner.created')).toMatchObject([{ outcome: 'ok', detail: { name: NAME } }]);
  });

  test('lasts fifteen minutes to the millisecond, and so does its ticket', () => {
    room = unclaimed();
    const { owner } = room.access;
    const first = owner.issueSetupCode();
    expect(first.expiresAtMs - room.access.wall()).toBe(ONE_TIME_LINK_TTL_MS);
    room.clock.advance(ONE_TIME_LINK_TTL_MS);
    expect(refused(owner.redeemSetupCode(first.code, HOME)).reason).toBe('not_found');
    const second = owner.issueSetupCode();
    room.clock.advance(ONE_TIME_LINK_TTL_MS - 1);
    const { ticket, expiresAtMs } = granted(owner.redeemSetupCode(second.code, HOME));
    room.clock.advance(expiresAtMs - room.access.wall() - 1);
    expect(owner.setupTicketLive(ticket)).toBe(true);
    room.clock.advance(1);
    expect(owner.setupTicketLive(ticket)).toBe(false);
  });

  test('is void with a new one, and so is the ticket of who followed it', () => {
    room = unclaimed();
    const { owner } = room.access;
    const first = owner.issueSetupCode();
    const second = owner.issueSetupCode();
    expect(refused(owner.redeemSetupCode(first.code, HOME)).reason).toBe('not_found');
    const { ticket } = granted(owner.redeemSetupCode(second.code, HOME));
    owner.issueSetupCode();
    expect(owner.setupTicketLive(ticket)).toBe(false);
  });

  test('holds over a restart, and a clock that is set back does not bring it back', () => {
    room = unclaimed();
    const { code } = room.access.owner.issueSetupCode();
    room = room.restart();
    const { ticket, expiresAtMs } = granted(room.access.owner.redeemSetupCode(code, HOME));
    room.clock.advance(ONE_TIME_LINK_TTL_MS);
    expect(room.access.owner.setupTicketLive(ticket)).toBe(false);
    room = room.restart({ wallMs: expiresAtMs - ONE_TIME_LINK_TTL_MS });
    expect(room.access.owner.setupTicketLive(ticket)).toBe(false);
  });

  test('says nothing about why it opens nothing', () => {
    room = unclaimed();
    const { owner } = room.access;
    const none = refused(owner.redeemSetupCode('never issued', HOME));
    const { code } = owner.issueSetupCode();
    const wrong = refused(owner.redeemSetupCode(`${code.slice(0, -1)}!`, HOME));
    granted(owner.redeemSetupCode(code, HOME));
    const used = refused(owner.redeemSetupCode(code, HOME));
    expect(wrong).toEqual(none);
    expect(used).toEqual(none);
  });

  test('is no way in once there is an owner, whoever holds a code or a ticket', async () => {
    room = unclaimed();
    const { owner } = room.access;
    const { ticket } = granted(owner.redeemSetupCode(owner.issueSetupCode().code, HOME));
    const row = room.store.db.prepare('SELECT * FROM owner_links').get();
    granted(await owner.create({ name: NAME, passphrase: PASSPHRASE, by: OWNER_CLI }));
    expect(owner.setupTicketLive(ticket)).toBe(false);
    expect(room.store.db.prepare('SELECT count(*) FROM owner_links').pluck().get()).toBe(0);
    // Not even with the row that was there before.
    room.store.db.prepare('INSERT INTO owner_links VALUES (@purpose, @code, @ticket, @expires_at)').run(row);
    expect(owner.setupTicketLive(ticket)).toBe(false);
    expect(refused(await owner.create({ ...byConsole(ticket), name: 'eve' })).reason).toBe('not_found');
    expect(() => owner.issueSetupCode()).toThrow('has an owner already');
    expect(owner.record()?.name).toBe(NAME);
  });

  test('is no use to guess: a few are answered, and none keeps who has the right one out', () => {
    room = unclaimed();
    const { owner } = room.access;
    const reasons = Array.from({ length: 7 }, () => refused(owner.redeemSetupCode('guess', HOME)).reason);
    expect(reasons).toEqual([...Array(5).fill('not_found'), 'rate_limited', 'rate_limited']);
    expect(refused(owner.redeemSetupCode('guess', HOME))).toMatchObject({ retry_after: 300 });
    // A right one can not be a guess: whoever floods the setup does not keep the owner out of it.
    granted(owner.redeemSetupCode(owner.issueSetupCode().code, HOME));
    expect(refused(owner.redeemSetupCode('guess', HOME)).reason).toBe('rate_limited');
    expect(room.events('owner.sign_in_refused')[0]).toMatchObject({
      detail: { for: 'setup_code', why: 'link', address: HOME.address },
    });
  });
});

describe('making the owner', () => {
  test('from the console needs a ticket; the command line is the owner', async () => {
    room = unclaimed();
    const { owner } = room.access;
    expect(refused(await owner.create(byConsole())).reason).toBe('not_found');
    expect(refused(await owner.create(byConsole('a guess'))).reason).toBe('not_found');
    expect(owner.record()).toBeUndefined();
    expect(room.events('owner.sign_in_refused')[0]).toMatchObject({
      detail: { for: 'setup_code', why: 'link' },
    });
    granted(await owner.create({ name: NAME, passphrase: PASSPHRASE, by: OWNER_CLI }));
    const again = refused(await owner.create({ name: 'eve', passphrase: PASSPHRASE, by: OWNER_CLI }));
    expect(again).toMatchObject({ reason: 'invalid_input', detail: expect.stringContaining('has an owner') });
  });

  test('happens once, however many try at once with the same ticket', async () => {
    room = unclaimed();
    const { owner } = room.access;
    const { ticket } = granted(owner.redeemSetupCode(owner.issueSetupCode().code, HOME));
    const names = ['ada', 'eve', 'mallory'];
    const made = await Promise.all(names.map((name) => owner.create({ ...byConsole(ticket), name })));
    expect(made.filter((one) => one.ok)).toHaveLength(1);
    expect(room.events('owner.created')).toHaveLength(1);
  });

  test.each([
    ['ab', 'x'.repeat(PASSPHRASE_LENGTH_MIN - 1), 'passphrase'],
    ['ab', 'x'.repeat(PASSPHRASE_LENGTH_MAX + 1), 'passphrase'],
    ['long-name-of-mine', 'Long-Name-of-mine', 'passphrase'],
    ['Ada Lovelace', PASSPHRASE, 'name'],
    ['', PASSPHRASE, 'name'],
  ])('refuses the name %j with the passphrase %j for its %s', async (name, passphrase, field) => {
    room = unclaimed();
    const refusal = refused(await room.access.owner.create({ name, passphrase, by: OWNER_CLI }));
    expect(refusal).toMatchObject({ reason: 'invalid_input', errors: [{ field }] });
    // A passphrase is typed into the field of the name now and then.
    for (const typed of [name, passphrase].filter((one) => one.length > 2))
      expect(JSON.stringify(refusal)).not.toContain(typed);
    expect(room.access.owner.record()).toBeUndefined();
  });

  test('takes any characters, and the same ones however a keyboard composes them', async () => {
    room = unclaimed();
    const { owner } = room.access;
    granted(await owner.create({ name: NAME, passphrase: 'é — 龍 passw\u00f6rd', by: OWNER_CLI }));
    const signIn = { name: NAME, from: HOME };
    granted(await owner.signIn({ ...signIn, passphrase: 'e\u0301 — 龍 passwo\u0308rd' }));
    expect(refused(await owner.signIn({ ...signIn, passphrase: 'e — 龍 password' })).reason).toBe(
      'unauthenticated',
    );
  });

  test('signs its browser in without asking again, on the record', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const { token, session } = owner.openSession(HOME);
    expect(owner.session(token, HOME)).toEqual(session);
    expect(owner.isSteppedUp(session)).toBe(true);
    expect(room.events('owner.signed_in')).toMatchObject([{ detail: { how: 'setup', session: session.id } }]);
  });
});
