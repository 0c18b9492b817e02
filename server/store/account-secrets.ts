/** The table `account_secrets`: what opens an account at its broker, sealed; read by whoever connects it, listed nowhere. */
import type { AccountId } from '#domain/principal.ts';
import { StoreError } from './fault.ts';
import type { Keyring } from './keyring.ts';
import type { Store } from './open.ts';

/** `credentials` are the owner's, `session` is what an adapter made of them (a daily token). */
export type SecretSlotName = 'credentials' | 'session';

export interface AccountSecrets {
  /** undefined: there is none. Throws StoreError, in one sentence, when it does not open under the key in keys/. */
  read(account: AccountId, slot: SecretSlotName): string | undefined;
  /** In place of the one before. Joins the transaction it is called in, as everything below does. */
  write(account: AccountId, slot: SecretSlotName, secret: string, nowMs: number): void;
  remove(account: AccountId, slot: SecretSlotName): void;
  removeAll(account: AccountId): void;
}

const SEAL = 'brokers';
/** A sealed value that is moved to another account or slot does not open there. Names of accounts have no space in them. */
const contextOf = (account: AccountId, slot: SecretSlotName): string => `account ${account} ${slot}`;

export function accountSecrets(store: Store, keyring: Keyring): AccountSecrets {
  const { db } = store;
  const select = db
    .prepare<[string, string]>('SELECT sealed FROM account_secrets WHERE account_id = ? AND slot = ?')
    .pluck();
  const upsert = db.prepare(
    `INSERT INTO account_secrets (account_id, slot, sealed, changed_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (account_id, slot) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at`,
  );
  const remove = db.prepare('DELETE FROM account_secrets WHERE account_id = ? AND slot = ?');
  const removeAll = db.prepare('DELETE FROM account_secrets WHERE account_id = ?');
  return {
    read(account, slot) {
      const sealed: unknown = select.get(account, slot);
      if (!(sealed instanceof Buffer)) return undefined;
      // A new key would be made otherwise, and the old one, put back, would find its file taken.
      if (!keyring.exists(SEAL))
        throw new StoreError(
          `The key file ${keyring.folder}/${SEAL}.key is missing; put it back from a backup, or give the account its credentials anew.`,
        );
      return keyring.open(SEAL, sealed, contextOf(account, slot)).toString('utf8');
    },
    write(account, slot, secret, nowMs) {
      const sealed = keyring.seal(SEAL, Buffer.from(secret), contextOf(account, slot));
      store.transaction(() => upsert.run(account, slot, sealed, nowMs));
    },
    remove: (account, slot) => void store.transaction(() => remove.run(account, slot)),
    removeAll: (account) => void store.transaction(() => removeAll.run(account)),
  };
}
