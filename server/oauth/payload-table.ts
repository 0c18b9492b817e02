/** The table of what the authorization server keeps: codes, refresh tokens, interactions, sessions and its side of the grants. */
import { ACCESS_TOKEN_TTL_MAX_MS } from '#limits.ts';
import type { Store } from '#store/open.ts';

export interface PayloadRow {
  readonly kind: string;
  /** A hash, where knowing it is a right to something. */
  readonly id: string;
  readonly payload: string;
  readonly grant_id: string | null;
  readonly client_id: string | null;
  readonly uid: string | null;
  readonly address: string | null;
  readonly epoch: number;
  readonly expires_at: number;
  readonly consumed_at: number | null;
}

/** What lives: of this epoch, and not expired. */
export interface Living {
  readonly epoch: number;
  readonly nowMs: number;
}

/** A request for authorization that waits for a person. */
export interface WaitingRequest {
  readonly id: string;
  /** That began it. */
  readonly network: string;
}

export interface PayloadTable {
  /** A row that is there already keeps its epoch, its address and its end. */
  put(row: Omit<PayloadRow, 'consumed_at'>): void;
  find(kind: string, id: string, living: Living): PayloadRow | undefined;
  findByUid(kind: string, uid: string, living: Living): PayloadRow | undefined;
  /** False when it was consumed before, or is gone: of two that try, one succeeds. */
  consume(kind: string, id: string, atMs: number): boolean;
  drop(kind: string, id: string): void;
  /** Requests for authorization that wait for a person, the oldest first: of clients that are approved now, or of all others. */
  requests(ofApproved: boolean, living: Living): readonly WaitingRequest[];
  /** Whether somebody has signed in on the page of that request. */
  isSignedIn(requestId: string): boolean;
  /** Whether a refresh token that came of the one of that rotation, or of a later one, has been used. */
  usedSince(grantId: string, rotation: number): boolean;
  /** Refresh tokens of rotations before that one; presented again, one is then unknown rather than used twice. */
  forgetRotated(grantId: string, rotation: number): void;
  /** At most `rowsMax` that are dead; gives how many. */
  purge(living: Living, rowsMax: number): number;
}

export function payloadTable({ db }: Store): PayloadTable {
  const live = 'epoch = ? AND expires_at > ?';
  const put = db.prepare(`
    INSERT INTO oauth_payloads (kind, id, payload, grant_id, client_id, uid, address, epoch, expires_at)
    VALUES (:kind, :id, :payload, :grant_id, :client_id, :uid, :address, :epoch, :expires_at)
    ON CONFLICT (kind, id) DO UPDATE SET
      payload = excluded.payload, grant_id = excluded.grant_id, client_id = excluded.client_id, uid = excluded.uid,
      expires_at = min(expires_at, excluded.expires_at)`);
  const find = db.prepare<[string, string, number, number], PayloadRow>(
    `SELECT * FROM oauth_payloads WHERE kind = ? AND id = ? AND ${live}`,
  );
  const findByUid = db.prepare<[string, string, number, number], PayloadRow>(
    `SELECT * FROM oauth_payloads WHERE uid = ? AND kind = ? AND ${live}`,
  );
  const consume = db.prepare(
    'UPDATE oauth_payloads SET consumed_at = ? WHERE kind = ? AND id = ? AND consumed_at IS NULL',
  );
  const drop = db.prepare('DELETE FROM oauth_payloads WHERE kind = ? AND id = ?');
  const requests = db.prepare<[number, number, 0 | 1], WaitingRequest>(
    `SELECT id, address AS network FROM oauth_payloads
     WHERE kind = 'Interaction' AND ${live}
       AND (client_id IN (SELECT client_id FROM oauth_clients WHERE state = 'approved')) IS ?
     ORDER BY expires_at, id`,
  );
  // The library keeps what a page was answered with in `result`, and hands it on to the page that follows.
  const isSignedIn = db
    .prepare<[string], 0 | 1>(
      `SELECT payload ->> '$.result.login' IS NOT NULL OR payload ->> '$.lastSubmission.login' IS NOT NULL
       FROM oauth_payloads WHERE kind = 'Interaction' AND id = ?`,
    )
    .pluck();
  const usedSince = db
    .prepare(
      `SELECT 1 FROM oauth_payloads
       WHERE grant_id = ? AND kind = 'RefreshToken' AND consumed_at IS NOT NULL AND payload ->> '$.rotations' > ? LIMIT 1`,
    )
    .pluck();
  const forgetRotated = db.prepare(
    `DELETE FROM oauth_payloads
     WHERE grant_id = ? AND kind = 'RefreshToken' AND coalesce(payload ->> '$.rotations', 0) < ?`,
  );
  // A refresh token outlives its end for as long as an access token that came with it can: its grant is in use until then.
  const expired = db.prepare(
    `DELETE FROM oauth_payloads WHERE (kind, id) IN (
       SELECT kind, id FROM oauth_payloads
       WHERE expires_at <= @nowMs AND (kind <> 'RefreshToken' OR expires_at <= @nowMs - ${ACCESS_TOKEN_TTL_MAX_MS}) LIMIT @rowsMax
     )`,
  );
  const outlived = db.prepare(
    'DELETE FROM oauth_payloads WHERE (kind, id) IN (SELECT kind, id FROM oauth_payloads WHERE epoch < ? LIMIT ?)',
  );

  return {
    put: (row) => void put.run(row),
    find: (kind, id, { epoch, nowMs }) => find.get(kind, id, epoch, nowMs),
    findByUid: (kind, uid, { epoch, nowMs }) => findByUid.get(uid, kind, epoch, nowMs),
    consume: (kind, id, atMs) => consume.run(atMs, kind, id).changes === 1,
    drop: (kind, id) => void drop.run(kind, id),
    requests: (ofApproved, { epoch, nowMs }) => requests.all(epoch, nowMs, ofApproved ? 1 : 0),
    isSignedIn: (requestId) => isSignedIn.get(requestId) === 1,
    usedSince: (grantId, rotation) => usedSince.get(grantId, rotation) !== undefined,
    forgetRotated: (grantId, rotation) => void forgetRotated.run(grantId, rotation),
    purge({ epoch, nowMs }, rowsMax) {
      const { changes } = expired.run({ nowMs, rowsMax });
      return changes + outlived.run(epoch, rowsMax - changes).changes;
    },
  };
}
