/** Child of a test: an owner who signs in, proves, enrols and changes without end, until it is killed. */
import { join } from 'node:path';
import { generateSync } from 'otplib/functional';
import { openAccess } from '#access/access.ts';
import type { Visitor } from '#access/owner.ts';
import { openAuditLog } from '#audit/log.ts';
import { wallClock } from '#clock.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { BUILT_IN } from '#market/master.ts';
import { scopedSymbols } from '#market/scoped-symbols.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore } from '#store/open.ts';

const [root = ''] = process.argv.slice(2);
const store = openStore(join(root, 'data'));
const keyring = openKeyring(join(root, 'keys'));
const { owner } = openAccess({
  store,
  audit: openAuditLog({ store, clock: wallClock, folder: join(root, 'log'), keyring }),
  clock: wallClock,
  keyring,
  timezone: 'UTC',
  instruments: scopedSymbols(instrumentBook(BUILT_IN)),
  accounts: { currencyOf: () => undefined },
  passphraseCost: { memoryKib: 64, passes: 1 },
});
const PASSPHRASES = ['the first of two passphrases', 'the second of two passphrases'] as const;
const from: Visitor = { address: '127.0.0.1', userAgent: 'child' };

/** The passphrase that counts may be either: the life before was ended between two of them. */
async function signedIn(code?: string) {
  for (const passphrase of PASSPHRASES) {
    const answer = await owner.signIn({ name: 'ada', passphrase, code, trustDevice: true, from });
    if (answer.ok) return { ...answer.value, passphrase };
  }
  throw new Error('neither passphrase opens');
}

async function live(): Promise<void> {
  owner.removeTotp();
  const first = await signedIn();
  const { secret } = owner.beginTotp();
  const enrolled = owner.confirmTotp(generateSync({ secret }));
  if (!enrolled.ok) throw new Error(enrolled.error.detail);
  owner.setPurposes(new Set(['sign_in', 'remote_write']));
  for (const [n, code] of enrolled.value.recoveryCodes.slice(0, 6).entries()) {
    const { token, session } = n % 2 === 0 ? await signedIn(code) : first;
    if (n % 2 === 1) await owner.stepUp(token, code, from);
    if (n === 2) owner.endSession(session.id);
    if (n === 4) owner.forgetDevice(owner.devices()[0]?.id ?? '');
    process.stdout.write('.\n');
  }
  owner.newRecoveryCodes();
  const next = PASSPHRASES.find((one) => one !== first.passphrase) ?? '';
  await owner.changePassphrase({ current: first.passphrase, next, keepSessionId: first.session.id });
  const link = owner.redeemResetCode(owner.issueResetLink().code, from);
  if (!link.ok) throw new Error(link.error.detail);
  await owner.resetPassphrase({ ticket: link.value.ticket, next: first.passphrase, from });
}

if (!owner.record()) await owner.create({ name: 'ada', passphrase: PASSPHRASES[0], by: OWNER_CLI });
for (;;) await live();
