/** The keyed side of the record: the HMAC that chains lines, the HMAC of arguments, and the seal of their copies. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Keyring } from '#store/keyring.ts';

/** Names of the key files in `keys/`; each purpose has its own, so that showing one proves nothing about another. */
export const AUDIT_KEYS = { chain: 'audit', arguments: 'audit-arguments', seal: 'audit-seal' } as const;

export interface Chain {
  /** HMAC-SHA256 of a line without its hash, which holds the hash before it; lowercase hex. */
  hashOf(body: string | Buffer): string;
  argumentsHmac(canonical: string): string;
  seal(seq: number, canonical: string): Buffer;
  /** Throws StoreError when the copy was altered or belongs to another line. */
  unseal(seq: number, sealed: Buffer): string;
}

export function openChain(keyring: Keyring): Chain {
  // Key objects are prepared once; raw bytes would be with every line, at five times the cost of the hash.
  const chainKey = createSecretKey(keyring.secret(AUDIT_KEYS.chain));
  let argumentsKey: KeyObject | undefined;
  return {
    hashOf: (body) => createHmac('sha256', chainKey).update(body).digest('hex'),
    argumentsHmac(canonical) {
      argumentsKey ??= createSecretKey(keyring.secret(AUDIT_KEYS.arguments));
      return createHmac('sha256', argumentsKey).update(canonical).digest('hex');
    },
    seal: (seq, canonical) => keyring.seal(AUDIT_KEYS.seal, Buffer.from(canonical), contextOf(seq)),
    unseal: (seq, sealed) => keyring.open(AUDIT_KEYS.seal, sealed, contextOf(seq)).toString('utf8'),
  };
}

/** Binds a sealed copy to its line: moved to another row it does not open. */
const contextOf = (seq: number): string => `audit arguments ${seq}`;
