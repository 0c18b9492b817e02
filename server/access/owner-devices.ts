/** Browsers that the owner trusts: no code is asked for there, and their tries count in a bucket of their own. */
import type { AuditLog } from '#audit/log.ts';
import { excerpt } from '#domain/refusal.ts';
import { DEVICE_TTL_MS, DEVICES_MAX, USER_AGENT_LENGTH_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { shownAddress } from './address.ts';
import type { Device, Visitor } from './owner-records.ts';
import { OWNER_ON_RECORD } from './owner-sessions.ts';
import { newId, newToken, tokenHash } from './owner-tokens.ts';
import type { SteadyWall } from './wall.ts';

export interface KnownDevice extends Device {
  /** It was trusted together with a code. One trusted before there was an authenticator is asked for a code all the same. */
  readonly proved: boolean;
}

/** Changes happen inside a transaction, and are on the record. */
export interface Devices {
  of(from: Visitor): KnownDevice | undefined;
  list(): readonly Device[];
  trust(from: Visitor, proved: boolean): { readonly token: string; readonly id: string };
  seen(id: string): void;
  /** How many there were. */
  forget(which: (device: Device) => boolean, why: ForgottenBy): number;
  /** Another authenticator, or none: what they proved no longer counts. */
  unproveAll(): void;
  sweep(): void;
}

type ForgottenBy = 'forgotten' | 'replaced' | 'expired' | 'crowded_out' | 'passphrase' | 'reset';

interface DeviceRow {
  readonly id: string;
  readonly proved: number;
  readonly created_at: number;
  readonly last_seen_at: number;
  readonly expires_at: number;
  readonly user_agent: string;
}

export function openDevices(o: {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly wall: SteadyWall;
}): Devices {
  const { audit, wall } = o;
  const { db } = o.store;
  const columns = 'id, proved, created_at, last_seen_at, expires_at, user_agent';
  const byHash = db.prepare(`SELECT ${columns} FROM owner_devices WHERE hash = ?`);
  const all = db.prepare(`SELECT ${columns} FROM owner_devices ORDER BY last_seen_at DESC, id`);
  const insert = db.prepare(
    `INSERT INTO owner_devices (${columns}, hash)
     VALUES (@id, @proved, @created_at, @last_seen_at, @expires_at, @user_agent, @hash)`,
  );
  const setSeen = db.prepare('UPDATE owner_devices SET last_seen_at = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM owner_devices WHERE id = ?');
  const unprove = db.prepare('UPDATE owner_devices SET proved = 0');
  const everyOne = (): readonly Device[] => (all.all() as DeviceRow[]).map(deviceOf);
  const isOver = (device: Device): boolean => wall.hasPassed(device.expiresAtMs);
  function forget(which: (device: Device) => boolean, why: ForgottenBy): number {
    const forgotten = everyOne().filter(which);
    for (const { id } of forgotten) {
      remove.run(id);
      const detail = { device: id, why };
      audit.record({ kind: 'owner.device_forgotten', ...OWNER_ON_RECORD, outcome: 'ok', detail });
    }
    return forgotten.length;
  }

  return {
    of({ device }) {
      if (device === undefined) return undefined;
      const row = byHash.get(tokenHash(device)) as DeviceRow | undefined;
      const known = row && { ...deviceOf(row), proved: row.proved === 1 };
      return known && !isOver(known) ? known : undefined;
    },
    list: () => everyOne().filter((device) => !isOver(device)),
    trust(from, proved) {
      const crowd = everyOne().slice(DEVICES_MAX - 1);
      forget(({ id }) => crowd.some((one) => one.id === id), 'crowded_out');
      const token = newToken();
      const nowMs = wall();
      const row: DeviceRow = {
        id: newId('dev'),
        proved: proved ? 1 : 0,
        created_at: nowMs,
        last_seen_at: nowMs,
        expires_at: nowMs + DEVICE_TTL_MS,
        user_agent: excerpt(from.userAgent, USER_AGENT_LENGTH_MAX),
      };
      insert.run({ ...row, hash: tokenHash(token) });
      const detail = { device: row.id, address: shownAddress(from.address), proved };
      audit.record({ kind: 'owner.device_trusted', ...OWNER_ON_RECORD, outcome: 'ok', detail });
      return { token, id: row.id };
    },
    seen: (id) => void setSeen.run(wall(), id),
    forget,
    unproveAll: () => void unprove.run(),
    sweep: () => void forget(isOver, 'expired'),
  };
}

const deviceOf = (row: DeviceRow): Device => ({
  id: row.id,
  createdAtMs: row.created_at,
  lastSeenAtMs: row.last_seen_at,
  expiresAtMs: row.expires_at,
  userAgent: row.user_agent,
});
