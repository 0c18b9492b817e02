/** The keyed side of the record: the HMAC that chains lines, the HMAC of arguments, and the seal of their copies. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { AUDIT_ARGUMENTS_REMEMBERED_LENGTH_MAX, AUDIT_ARGUMENTS_REMEMBERED_MAX } from '#limits.ts';
import type { Keyring } from '#store/keyring.ts';

/** Names of the key files in `keys/`; each purpose has its own, so that showing one proves nothing about another. */
export const AUDIT_KEYS = { chain: 'audit', arguments: 'audit-arguments', seal: 'audit-seal' } as const;

export interface Chain {
  /** HMAC-SHA256 of a line without its hash, which holds the hash before it; lowercase hex. */
  hashOf(body: string | Buffer): string;
  argumentsHmac(canonical: string): string;
  /** The arguments of each of these lines, null where one has none. */
  seal(lines: Lines, canonical: readonly (string | null)[]): Buffer;
  /** Throws StoreError when the copy was altered or belongs to other lines. */
  unseal(lines: Lines, sealed: Buffer): readonly (string | null)[];
}

/** Lines that follow each other, by their seq. */
export interface Lines {
  readonly first: number;
  readonly last: number;
}

export function openChain(keyring: Keyring): Chain {
  // Key objects are prepared once; raw bytes would be with every line, at five times the cost of the hash.
  const chainKey = createSecretKey(keyring.secret(AUDIT_KEYS.chain));
  let argumentsKey: KeyObject | undefined;
  // An agent that watches asks the same thing again and again.
  const latest = new Map<string, string>();
  return {
    hashOf: (body) => createHmac('sha256', chainKey).update(body).digest('hex'),
    argumentsHmac(canonical) {
      const known = latest.get(canonical);
      if (known !== undefined) return known;
      argumentsKey ??= createSecretKey(keyring.secret(AUDIT_KEYS.arguments));
      const hmac = createHmac('sha256', argumentsKey).update(canonical).digest('hex');
      if (latest.size >= AUDIT_ARGUMENTS_REMEMBERED_MAX) latest.clear();
      if (canonical.length <= AUDIT_ARGUMENTS_REMEMBERED_LENGTH_MAX) latest.set(canonical, hmac);
      return hmac;
    },
    seal: (lines, canonical) =>
      keyring.seal(
        AUDIT_KEYS.seal,
        Buffer.from(canonical.map((one) => one ?? '').join('\n')),
        contextOf(lines),
      ),
    unseal: (lines, sealed) =>
      keyring
        .open(AUDIT_KEYS.seal, sealed, contextOf(lines))
        .toString('utf8')
        // Canonical JSON has no line break of its own.
        .split('\n')
        .map((one) => (one === '' ? null : one)),
  };
}

/** Binds a sealed copy to its lines: moved to another row it does not open. */
const contextOf = ({ first, last }: Lines): string =>
  first === last ? `audit arguments ${first}` : `audit arguments ${first}-${last}`;
