/** Browsers that the owner trusts: no code is asked for there, and their tries count in a bucket of their own. */
import { excerpt } from '#domain/refusal.ts';
import { DEVICE_TTL_MS, DEVICES_MAX, USER_AGENT_LENGTH_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { Device, Visitor } from './owner-records.ts';
import { newId, newToken, tokenHash } from './owner-tokens.ts';
import type { SteadyWall } from './wall.ts';

export interface KnownDevice extends Device {
  /** It was trusted together with a code. One trusted before there was an authenticator is asked for a code all the same. */
  readonly proved: boolean;
}

/** Changes happen inside a transaction, which records them. */
export interface Devices {
  of(from: Visitor): KnownDevice | undefined;
  list(): readonly Device[];
  trust(from: Visitor, proved: boolean): { readonly token: string; readonly id: string };
  seen(id: string): void;
  /** False: there is no such device. */
  forget(id: string): boolean;
  /** How many there were. */
  forgetAll(): number;
  /** Another authenticator, or none: what they proved no longer counts. */
  unproveAll(): void;
  sweep(): void;
}

interface DeviceRow {
  readonly id: string;
  readonly proved: number;
  readonly created_at: number;
  readonly last_seen_at: number;
  readonly expires_at: number;
  readonly user_agent: string;
}

export function openDevices({ db }: Store, wall: SteadyWall): Devices {
  const columns = 'id, proved, created_at, last_seen_at, expires_at, user_agent';
  const byHash = db.prepare(`SELECT ${columns} FROM owner_devices WHERE hash = ?`);
  const all = db.prepare(`SELECT ${columns} FROM owner_devices ORDER BY last_seen_at DESC, id`);
  const insert = db.prepare(
    `INSERT INTO owner_devices (${columns}, hash)
     VALUES (@id, @proved, @created_at, @last_seen_at, @expires_at, @user_agent, @hash)`,
  );
  const setSeen = db.prepare('UPDATE owner_devices SET last_seen_at = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM owner_devices WHERE id = ?');
  const removeAll = db.prepare('DELETE FROM owner_devices');
  const unprove = db.prepare('UPDATE owner_devices SET proved = 0');
  const isOver = (row: DeviceRow): boolean => wall.hasPassed(row.expires_at);
  const rows = (): readonly DeviceRow[] => all.all() as DeviceRow[];

  return {
    of({ device }) {
      if (device === undefined) return undefined;
      const row = byHash.get(tokenHash(device)) as DeviceRow | undefined;
      return row && !isOver(row) ? { ...deviceOf(row), proved: row.proved === 1 } : undefined;
    },
    list: () =>
      rows()
        .filter((row) => !isOver(row))
        .map(deviceOf),
    trust(from, proved) {
      for (const row of rows().slice(DEVICES_MAX - 1)) remove.run(row.id);
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
      return { token, id: row.id };
    },
    seen: (id) => void setSeen.run(wall(), id),
    forget: (id) => remove.run(id).changes === 1,
    forgetAll: () => removeAll.run().changes,
    unproveAll: () => void unprove.run(),
    sweep() {
      for (const row of rows().filter(isOver)) remove.run(row.id);
    },
  };
}

const deviceOf = (row: DeviceRow): Device => ({
  id: row.id,
  createdAtMs: row.created_at,
  lastSeenAtMs: row.last_seen_at,
  expiresAtMs: row.expires_at,
  userAgent: row.user_agent,
});
