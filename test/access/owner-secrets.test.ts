/** Nothing that opens anything is on the record, in the plain database or in an answer: canaries through every act. */
import { afterEach, expect, test } from 'vitest';
import type { OwnerAccess } from '#access/owner.ts';
import { OWNER_CLI, OWNER_CONSOLE } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, granted, refused } from '../support/access-room.ts';
import { CHEAP, codeAt, enroll, from, HOME, NAME, signIn } from '../support/owner-room.ts';

let room: AccessRoom;
afterEach(() => room.close());

const FIRST = 'canary passphrase number one';
const SECOND = 'canary passphrase number two';
const THIRD = 'canary passphrase number three';

test('a whole life of an owner leaves hashes, seals and words, and no secret', async () => {
  room = accessRoom({ passphraseCost: CHEAP });
  const { owner } = room.access;
  const secrets: string[] = [FIRST, SECOND, THIRD];
  const keep = (...more: readonly (string | undefined)[]): void =>
    void secrets.push(...more.filter((one) => one !== undefined));

  const setup = owner.issueSetupCode();
  const { ticket } = granted(owner.redeemSetupCode(setup.code, HOME));
  granted(await owner.create({ name: NAME, passphrase: FIRST, by: OWNER_CONSOLE, ticket }));
  keep(setup.code, ticket, owner.openSession(HOME).token);

  const shown = owner.beginTotp();
  refused(owner.confirmTotp('123'));
  const enrolled = granted(owner.confirmTotp(codeAt(shown.secret, room.clock.wallMs())));
  const pending = owner.beginTotp();
  keep(shown.secret, pending.secret, ...enrolled.recoveryCodes);
  granted(owner.setPurposes(new Set(['sign_in', 'password_reset'])));
  for (const code of enrolled.recoveryCodes) keep(code.replaceAll('-', ''));

  room.clock.advance(30_000);
  const code = codeAt(shown.secret, room.clock.wallMs());
  const signedIn = granted(await signIn(room, { passphrase: FIRST, code, trustDevice: true }));
  keep(signedIn.token, signedIn.deviceToken);
  const [recovery = ''] = enrolled.recoveryCodes;
  granted(await owner.stepUp(signedIn.token, recovery, HOME));
  keep(...owner.newRecoveryCodes());
  await mistakes(owner, signedIn.token);
  granted(await owner.changePassphrase({ current: FIRST, next: SECOND, keepSessionId: signedIn.session.id }));
  const reset = owner.issueResetLink();
  const link = granted(owner.redeemResetCode(reset.code, HOME));
  keep(reset.code, link.ticket);
  room.clock.advance(60_000);
  const last = codeAt(shown.secret, room.clock.wallMs());
  granted(await owner.resetPassphrase({ ticket: link.ticket, next: THIRD, code: last, from: HOME }));
  room.clock.advance(2_000);

  const written = room.everythingWritten();
  expect(secrets.length).toBeGreaterThan(40);
  for (const secret of secrets) {
    expect(written).not.toContain(secret);
    expect(written).not.toContain(Buffer.from(secret).toString('base64'));
    expect(written).not.toContain(Buffer.from(secret).toString('hex'));
  }
  const record = JSON.stringify(room.events().map(({ detail }) => detail));
  for (const typed of [code, last, '246810', 'typed into']) expect(record).not.toContain(typed);
});

/** What was typed goes nowhere, least of all what was typed into the wrong field. */
async function mistakes(owner: OwnerAccess, token: string): Promise<void> {
  const elsewhere = from('198.51.100.1', SECOND);
  const answers = [
    await owner.signIn({ name: FIRST, passphrase: SECOND, code: THIRD, from: elsewhere }),
    await owner.signIn({ name: NAME, passphrase: `${FIRST} typed into`, code: '246810', from: elsewhere }),
    await owner.stepUp(token, SECOND, elsewhere),
    await owner.stepUp(FIRST, '246810', elsewhere),
    await owner.confirm({ passphrase: SECOND, code: FIRST, from: elsewhere }),
    await owner.changePassphrase({ current: SECOND, next: THIRD, keepSessionId: '' }),
    await owner.changePassphrase({ current: FIRST, next: 'typed into', keepSessionId: '' }),
    await owner.resetPassphrase({ ticket: FIRST, next: SECOND, code: THIRD, from: elsewhere }),
    await owner.create({ name: FIRST, passphrase: 'typed into', by: OWNER_CLI }),
    owner.redeemResetCode(FIRST, elsewhere),
    owner.redeemSetupCode(SECOND, elsewhere),
    owner.confirmTotp('246810'),
  ];
  const said = answers.map((answer) => JSON.stringify(refused<unknown>(answer))).join('\n');
  for (const typed of [FIRST, SECOND, THIRD, '246810', 'typed into']) expect(said).not.toContain(typed);
}

test('two gateways with the same passphrase and name keep nothing alike', async () => {
  room = accessRoom({ passphraseCost: CHEAP });
  const other = accessRoom({ passphraseCost: CHEAP });
  try {
    for (const one of [room, other])
      granted(await one.access.owner.create({ name: NAME, passphrase: FIRST, by: OWNER_CLI }));
    const [a, b] = [room, other].map(
      ({ store }) => store.db.prepare('SELECT passphrase FROM owner').pluck().get() as string,
    );
    expect(a?.split('$')[4]).not.toBe(b?.split('$')[4]);
    expect(a?.split('$')[5]).not.toBe(b?.split('$')[5]);
  } finally {
    other.close();
  }
});

test('a seed that is carried to another gateway, or to another place in the database, does not open', async () => {
  room = accessRoom({ passphraseCost: CHEAP });
  granted(await room.access.owner.create({ name: NAME, passphrase: FIRST, by: OWNER_CLI }));
  enroll(room, 'sign_in');
  room.access.owner.beginTotp();
  // What was begun and not proved must not become what counts by a change of columns.
  room.store.db.prepare('UPDATE owner SET totp_seed = pending_seed').run();
  await expect(signIn(room, { passphrase: FIRST, code: '123456' })).rejects.toThrow('does not open');
});
