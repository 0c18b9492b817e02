// What opens an account is sealed to its account and its slot, and is in the file of the database in no other way.

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { accountId } from '#domain/principal.ts';
import { type AccountSecrets, accountSecrets } from '#store/account-secrets.ts';
import { accountTable } from '#store/accounts.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore, type Store } from '#store/open.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CANARY = 'canary-secret-of-a-broker-4711';
const [FIRST, SECOND] = [accountId('first'), accountId('second')];

function room(): { readonly store: Store; readonly secrets: AccountSecrets; readonly folder: string } {
  const folder = temporaryFolder();
  const store = openStore(folder);
  const accounts = accountTable(store);
  for (const id of [FIRST, SECOND])
    accounts.insert({ id, broker: 'alpaca', mode: 'paper', currency: 'USD', settings: {}, createdAtMs: 1 });
  return { store, folder, secrets: accountSecrets(store, openKeyring(join(folder, 'keys'))) };
}

test('a secret is what was last written to its slot, and gone when it is removed', () => {
  const { secrets } = room();
  expect(secrets.read(FIRST, 'credentials')).toBeUndefined();
  secrets.write(FIRST, 'credentials', 'one', 1);
  secrets.write(FIRST, 'credentials', CANARY, 2);
  secrets.write(FIRST, 'session', 'token', 2);
  expect([secrets.read(FIRST, 'credentials'), secrets.read(FIRST, 'session')]).toEqual([CANARY, 'token']);
  expect(secrets.read(SECOND, 'credentials')).toBeUndefined();
  secrets.remove(FIRST, 'session');
  expect(secrets.read(FIRST, 'session')).toBeUndefined();
  secrets.removeAll(FIRST);
  expect(secrets.read(FIRST, 'credentials')).toBeUndefined();
});

test('a sealed value opens for its own account and slot alone, and not when a byte of it was changed', () => {
  const { store, secrets } = room();
  secrets.write(FIRST, 'credentials', CANARY, 1);
  store.db.exec(`INSERT INTO account_secrets SELECT 'second', slot, sealed, 1 FROM account_secrets`);
  expect(() => secrets.read(SECOND, 'credentials')).toThrow(/account second credentials.*does not open/);
  store.db.exec(
    `INSERT INTO account_secrets SELECT 'first', 'session', sealed, 1 FROM account_secrets LIMIT 1`,
  );
  expect(() => secrets.read(FIRST, 'session')).toThrow(/does not open/);
  store.db.exec(
    `UPDATE account_secrets SET sealed = CAST(sealed || x'00' AS BLOB) WHERE slot = 'credentials'`,
  );
  expect(() => secrets.read(FIRST, 'credentials')).toThrow(/does not open/);
});

test('without the key it was sealed under it says so, and no new key takes its place', () => {
  const { store, secrets, folder } = room();
  secrets.write(FIRST, 'credentials', CANARY, 1);
  const [key, aside] = [join(folder, 'keys', 'brokers.key'), join(folder, 'aside')];
  renameSync(key, aside);
  const later = (): AccountSecrets => accountSecrets(store, openKeyring(join(folder, 'keys')));
  expect(() => later().read(FIRST, 'credentials')).toThrow(/brokers\.key is missing; put it back/);
  writeFileSync(key, Buffer.alloc(32, 7), { mode: 0o600 });
  expect(() => later().read(FIRST, 'credentials')).toThrow(/another key sealed it/);
  rmSync(key);
  renameSync(aside, key);
  expect(later().read(FIRST, 'credentials')).toBe(CANARY);
});

test('nothing of it is written plainly: not in the database, its log or the copy before a migration', () => {
  const { store, secrets, folder } = room();
  secrets.write(FIRST, 'credentials', CANARY, 1);
  store.db.prepare('VACUUM INTO ?').run(join(folder, 'copy.db'));
  for (const file of ['portcullis.db', 'portcullis.db-wal', 'copy.db'])
    expect(readFileSync(join(folder, file)).includes(CANARY), file).toBe(false);
});
