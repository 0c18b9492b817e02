/** The owner's sessions: opened by a sign-in, ended by hand, by time or by a new passphrase. */
import type { AuditLog } from '#audit/log.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { excerpt } from '#domain/refusal.ts';
import {
  SESSION_IDLE_MS,
  SESSION_TTL_MS,
  SESSIONS_MAX,
  STEP_UP_TTL_MS,
  USER_AGENT_LENGTH_MAX,
} from '#limits.ts';
import type { Store } from '#store/open.ts';
import { shownAddress } from './address.ts';
import type { Session, Visitor } from './owner-records.ts';
import { newId, newToken, tokenHash } from './owner-tokens.ts';
import type { SteadyWall } from './wall.ts';

export interface Sessions {
  /** Inside a transaction, which records the sign-in. */
  open(from: Visitor, how: { readonly steppedUp: boolean; readonly deviceId: string | null }): OpenedSession;
  find(token: string): Session | undefined;
  /** Inside a transaction: it was seen now, and from there. */
  seen(id: string, from: Visitor): void;
  list(): readonly Session[];
  stepUp(id: string): void;
  /** Proved within STEP_UP_TTL_MS. */
  isFresh(session: Session): boolean;
  /** Inside a transaction; each is on the record with why it ended. Returns how many there were. */
  end(which: (session: Session) => boolean, why: EndedBy): number;
  sweep(): void;
  onEnd(listener: (id: string) => void): () => void;
}

export interface OpenedSession {
  readonly token: string;
  readonly session: Session;
}
export type EndedBy = 'sign_out' | 'ended' | 'expired' | 'passphrase' | 'reset' | 'device' | 'crowded_out';

interface SessionRow {
  readonly id: string;
  readonly created_at: number;
  readonly last_seen_at: number;
  readonly expires_at: number;
  readonly address: string;
  readonly user_agent: string;
  readonly stepped_up_at: number | null;
  readonly device_id: string | null;
}

export function openSessions(o: {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly wall: SteadyWall;
}): Sessions {
  const { store, audit, wall } = o;
  const { db } = store;
  const columns = 'id, created_at, last_seen_at, expires_at, address, user_agent, stepped_up_at, device_id';
  const byHash = db.prepare(`SELECT ${columns} FROM owner_sessions WHERE hash = ?`);
  const all = db.prepare(`SELECT ${columns} FROM owner_sessions ORDER BY last_seen_at DESC, id`);
  const insert = db.prepare(
    `INSERT INTO owner_sessions (${columns}, hash)
     VALUES (@id, @created_at, @last_seen_at, @expires_at, @address, @user_agent, @stepped_up_at, @device_id, @hash)`,
  );
  const setSeen = db.prepare('UPDATE owner_sessions SET last_seen_at = ?, address = ? WHERE id = ?');
  const setSteppedUp = db.prepare('UPDATE owner_sessions SET stepped_up_at = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM owner_sessions WHERE id = ?');
  const listeners = new Set<(id: string) => void>();

  const everyOne = (): readonly Session[] => (all.all() as SessionRow[]).map(sessionOf);
  const isOver = (session: Session): boolean =>
    wall.hasPassed(Math.min(session.expiresAtMs, session.lastSeenAtMs + SESSION_IDLE_MS));
  function end(which: (session: Session) => boolean, why: EndedBy): number {
    const ending = everyOne().filter(which);
    for (const { id, address } of ending) {
      remove.run(id);
      const kind = why === 'sign_out' ? 'owner.signed_out' : 'owner.session_ended';
      audit.record({ kind, ...OWNER_ON_RECORD, outcome: 'ok', detail: { session: id, address, why } });
      store.afterCommit(() => listeners.forEach((listener) => listener(id)));
    }
    return ending.length;
  }

  return {
    open(from, how) {
      const crowd = everyOne().slice(SESSIONS_MAX - 1);
      end((session) => crowd.some(({ id }) => id === session.id), 'crowded_out');
      const token = newToken();
      const nowMs = wall();
      const row: SessionRow = {
        id: newId('ses'),
        created_at: nowMs,
        last_seen_at: nowMs,
        expires_at: nowMs + SESSION_TTL_MS,
        address: shownAddress(from.address),
        user_agent: excerpt(from.userAgent, USER_AGENT_LENGTH_MAX),
        stepped_up_at: how.steppedUp ? nowMs : null,
        device_id: how.deviceId,
      };
      insert.run({ ...row, hash: tokenHash(token) });
      return { token, session: sessionOf(row) };
    },
    find(token) {
      const row = byHash.get(tokenHash(token)) as SessionRow | undefined;
      const session = row && sessionOf(row);
      return session && !isOver(session) ? session : undefined;
    },
    seen: (id, from) => void setSeen.run(wall(), shownAddress(from.address), id),
    list: () => everyOne().filter((session) => !isOver(session)),
    stepUp: (id) => void setSteppedUp.run(wall(), id),
    isFresh: ({ steppedUpAtMs }) => steppedUpAtMs !== null && !wall.hasPassed(steppedUpAtMs + STEP_UP_TTL_MS),
    end,
    sweep: () => void end(isOver, 'expired'),
    onEnd(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** How the owner in a browser stands on the record. */
export const OWNER_ON_RECORD = { credential: OWNER_CONSOLE.credential, door: OWNER_CONSOLE.door } as const;

const sessionOf = (row: SessionRow): Session => ({
  id: row.id,
  createdAtMs: row.created_at,
  lastSeenAtMs: row.last_seen_at,
  expiresAtMs: row.expires_at,
  address: row.address,
  userAgent: row.user_agent,
  steppedUpAtMs: row.stepped_up_at,
  deviceId: row.device_id,
});
