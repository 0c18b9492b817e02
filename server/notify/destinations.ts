/** Where the owner is told, in the order they are told: a table whose addresses and secrets are sealed. */
import { randomBytes } from 'node:crypto';
import type { Keyring } from '#store/keyring.ts';
import { type Store, StoreError } from '#store/open.ts';
import type { ChannelId, Target } from './channel.ts';
import { channelOf } from './channels.ts';
import { isNotifyKind, type NotifyKind } from './kinds.ts';

export interface Destination {
  readonly id: string;
  readonly channel: ChannelId;
  /** The owner's own words for it. */
  readonly label: string;
  readonly kinds: ReadonlySet<NotifyKind>;
  readonly createdAtMs: number;
  /** undefined: it does not open under this key, so nothing is sent there until it is entered anew. */
  readonly target: Target | undefined;
}

export interface NewDestination {
  readonly channel: ChannelId;
  readonly label: string;
  readonly kinds: readonly NotifyKind[];
  readonly target: Target;
}

export interface Destinations {
  /** First told first. */
  list(): readonly Destination[];
  byId(id: string): Destination | undefined;
  /** Inside a transaction, as everything below. */
  add(given: NewDestination, nowMs: number): string;
  change(id: string, to: Pick<NewDestination, 'label' | 'kinds'> & { readonly target?: Target }): void;
  /** In the order they are to be told. */
  setOrder(ids: readonly string[]): void;
  /** What it was called stays for the list of what was sent; where it led is gone. */
  remove(id: string, nowMs: number): void;
}

const SEAL = 'notify';
const contextOf = (id: string): string => `destination ${id}`;

interface Row {
  readonly id: string;
  readonly channel: ChannelId;
  readonly label: string;
  readonly sealed: Buffer;
  readonly kinds: string;
  readonly created_at: number;
}

export function openDestinations(store: Store, keyring: Keyring): Destinations {
  const { db } = store;
  const select = db.prepare<[], Row>(
    `SELECT id, channel, label, sealed, kinds, created_at FROM notify_destinations
     WHERE removed_at IS NULL ORDER BY place, created_at`,
  );
  const insert = db.prepare(
    `INSERT INTO notify_destinations (id, channel, label, place, sealed, kinds, created_at)
     VALUES (?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM notify_destinations), ?, ?, ?)`,
  );
  const update = db.prepare('UPDATE notify_destinations SET label = ?, kinds = ? WHERE id = ?');
  const updateSealed = db.prepare('UPDATE notify_destinations SET sealed = ? WHERE id = ?');
  const updatePlace = db.prepare('UPDATE notify_destinations SET place = ? WHERE id = ?');
  const remove = db.prepare(`UPDATE notify_destinations SET removed_at = ?, sealed = x'' WHERE id = ?`);
  const sealed = (id: string, target: Target): Buffer =>
    keyring.seal(SEAL, Buffer.from(JSON.stringify(target)), contextOf(id));

  function opened({ id, channel, sealed: bytes }: Row): Target | undefined {
    try {
      const parsed: unknown = JSON.parse(keyring.open(SEAL, bytes, contextOf(id)).toString('utf8'));
      const target = channelOf(channel).parse(parsed as Target);
      return target.ok ? target.value : undefined;
    } catch (cause) {
      // Another key folder than the one it was sealed under: the page says so.
      if (cause instanceof StoreError) return undefined;
      throw cause;
    }
  }
  const read = (): readonly Destination[] =>
    select.all().map((row) => ({
      id: row.id,
      channel: row.channel,
      label: row.label,
      kinds: new Set((JSON.parse(row.kinds) as string[]).filter(isNotifyKind)),
      createdAtMs: row.created_at,
      target: opened(row),
    }));
  /** Looked at with every commit; everything that changes them passes here. */
  let known: readonly Destination[] | undefined;
  /** What this transaction has changed may still be taken back. */
  let unsure = false;
  store.onBegin(() => {
    unsure = false;
  });
  function list(): readonly Destination[] {
    if (store.inTransaction() && unsure) return read();
    known ??= read();
    return known;
  }
  function changed(): void {
    if (!store.inTransaction()) throw new Error('destinations change only inside a transaction');
    unsure = true;
    known = undefined;
  }

  return {
    list,
    byId: (id) => list().find((one) => one.id === id),
    add({ channel, label, kinds, target }, nowMs) {
      changed();
      const id = `dst_${randomBytes(6).toString('hex')}`;
      insert.run(id, channel, label, sealed(id, target), JSON.stringify(kinds), nowMs);
      return id;
    },
    change(id, { label, kinds, target }) {
      changed();
      update.run(label, JSON.stringify(kinds), id);
      if (target !== undefined) updateSealed.run(sealed(id, target), id);
    },
    setOrder(ids) {
      changed();
      for (const [index, id] of ids.entries()) updatePlace.run(index + 1, id);
    },
    remove(id, nowMs) {
      changed();
      remove.run(nowMs, id);
    },
  };
}
