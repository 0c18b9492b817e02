/** The keys that access tokens are signed with: one signs, those before it verify until their last token has expired. */
import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import type { SteadyWall } from '#access/wall.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Owner } from '#domain/principal.ts';
import {
  SIGNING_KEY_KEPT_MS,
  SIGNING_KEY_LOOK_INTERVAL_MS,
  SIGNING_KEY_TTL_MS,
  SIGNING_KEYS_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import type { SigningDesk, SigningJwk } from './parts.ts';
import type { SigningKeyView } from './records.ts';

export interface SigningKeys extends SigningDesk {
  /** undefined: no key of ours, or none any more. */
  publicKey(kid: string): KeyObject | undefined;
  /** Rotates by the schedule from here on, and lets go of what verifies nothing any more; told of what fails then. */
  start(onFault: (cause: unknown) => void): void;
  close(): void;
}

export interface SigningKeyOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly wall: SteadyWall;
  readonly keyring: Pick<Keyring, 'rsaKey' | 'makeRsaKey' | 'removeRsaKey' | 'rsaKeyNames'>;
}

const PREFIX = 'oauth-';
const KID_BYTES = 8;
type Why = 'first' | 'schedule' | 'owner' | 'lost';

interface Held extends SigningKeyView {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Throws StoreError when a key's file is there and can not be used. Nothing is made before it is asked for. */
export function openSigningKeys(o: SigningKeyOptions): SigningKeys {
  const { store, audit, clock, wall, keyring } = o;
  const table = signingKeyTable(store);
  const listeners: (() => void)[] = [];
  let held = heldOf(table, keyring);
  let stopLooking: (() => void) | undefined;

  const signing = (): Held | undefined => held.find(({ retiredAtMs }) => retiredAtMs === null);

  /** The file first, then the commit: a crash between the two leaves a file that nobody knows, and the next start removes it. */
  function make(why: Why, by?: Owner): void {
    const kid = randomBytes(KID_BYTES).toString('hex');
    keyring.makeRsaKey(PREFIX + kid);
    try {
      announce(kid, why, by);
    } catch (fault) {
      // Not when it is committed and only what was to follow has failed.
      if (!table.list().some((key) => key.kid === kid)) keyring.removeRsaKey(PREFIX + kid);
      throw fault;
    }
    letGo();
  }
  function announce(kid: string, why: Why, by?: Owner): void {
    const before = signing();
    const nowMs = wall();
    store.transaction(() => {
      for (const { kid: lost } of table.list()) if (!held.some((key) => key.kid === lost)) table.remove(lost);
      if (before) table.retire(before.kid, nowMs);
      table.insert(kid, nowMs);
      audit.record({
        kind: 'oauth.keys_rotated',
        ...(by ? { credential: by.credential, door: by.door } : {}),
        outcome: 'ok',
        detail: { signs: kid, before: before?.kid ?? null, why },
      });
      store.afterCommit(changed);
    });
  }
  function changed(): void {
    held = heldOf(table, keyring);
    for (const listener of listeners) listener();
  }
  function letGo(): void {
    const retired = held.filter(({ retiredAtMs }) => retiredAtMs !== null);
    const over = retired.filter(
      ({ retiredAtMs }, place) =>
        place >= SIGNING_KEYS_MAX - 1 || wall.hasPassed((retiredAtMs ?? 0) + SIGNING_KEY_KEPT_MS),
    );
    if (over.length === 0) return;
    store.transaction(() => {
      for (const { kid } of over) table.remove(kid);
      store.afterCommit(changed);
    });
    for (const { kid } of over) keyring.removeRsaKey(PREFIX + kid);
  }
  function look(): void {
    const current = signing();
    if (current && wall.hasPassed(current.createdAtMs + SIGNING_KEY_TTL_MS)) make('schedule');
    else letGo();
  }
  function keepLooking(onFault: (cause: unknown) => void): void {
    try {
      look();
    } catch (fault) {
      // The key before goes on signing, and the next look tries again: a folder of keys that takes no file ends no gateway.
      onFault(fault);
    }
    stopLooking = clock.after(SIGNING_KEY_LOOK_INTERVAL_MS, () => keepLooking(onFault));
  }

  return {
    list: () =>
      held.map(({ kid, createdAtMs, retiredAtMs }): SigningKeyView => ({ kid, createdAtMs, retiredAtMs })),
    rotate(by) {
      make('owner', by);
      return required(signing());
    },
    jwks() {
      if (!signing()) make(table.list().some(({ retiredAtMs }) => retiredAtMs === null) ? 'lost' : 'first');
      return held.map(jwkOf);
    },
    publicKey: (kid) => held.find((key) => key.kid === kid)?.publicKey,
    onChange: (listener) => void listeners.push(listener),
    start(onFault) {
      for (const name of keyring.rsaKeyNames(PREFIX))
        if (!table.list().some(({ kid }) => name === PREFIX + kid)) keyring.removeRsaKey(name);
      keepLooking(onFault);
    },
    close: () => stopLooking?.(),
  };
}

/** The one that signs first. A row without its file (a backup holds no keys) is of no use to anybody. */
function heldOf(table: SigningKeyTable, keyring: SigningKeyOptions['keyring']): readonly Held[] {
  return table.list().flatMap((view) => {
    const privateKey = keyring.rsaKey(PREFIX + view.kid);
    return privateKey ? [{ ...view, privateKey, publicKey: createPublicKey(privateKey) }] : [];
  });
}

function required(key: Held | undefined): SigningKeyView {
  if (!key) throw new Error('the key that was made a moment ago does not sign');
  const { kid, createdAtMs, retiredAtMs } = key;
  return { kid, createdAtMs, retiredAtMs };
}

const jwkOf = ({ kid, privateKey }: Held): SigningJwk => ({
  ...privateKey.export({ format: 'jwk' }),
  kty: 'RSA',
  kid,
  alg: 'RS256',
  use: 'sig',
});

interface SigningKeyTable {
  /** The one that signs, then the others, the latest first. */
  list(): readonly SigningKeyView[];
  insert(kid: string, createdAtMs: number): void;
  retire(kid: string, atMs: number): void;
  remove(kid: string): void;
}

function signingKeyTable({ db }: Store): SigningKeyTable {
  const all = db.prepare(
    `SELECT kid, created_at AS createdAtMs, retired_at AS retiredAtMs FROM oauth_signing_keys
     ORDER BY retired_at IS NOT NULL, rowid DESC`,
  );
  const insert = db.prepare('INSERT INTO oauth_signing_keys (kid, created_at) VALUES (?, ?)');
  const retire = db.prepare('UPDATE oauth_signing_keys SET retired_at = ? WHERE kid = ?');
  const remove = db.prepare('DELETE FROM oauth_signing_keys WHERE kid = ?');
  return {
    list: () => all.all() as readonly SigningKeyView[],
    insert: (kid, createdAtMs) => void insert.run(kid, createdAtMs),
    retire: (kid, atMs) => void retire.run(atMs, kid),
    remove: (kid) => void remove.run(kid),
  };
}
