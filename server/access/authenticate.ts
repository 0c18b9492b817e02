/** From a presented key to a principal: who is calling, from where, and whether that still counts. */
import { timingSafeEqual } from 'node:crypto';
import type { AuditLog } from '#audit/log.ts';
import { agentId, type Door, type Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { KEY_USE_SAVE_INTERVAL_MS, KEYS_REMEMBERED_MAX } from '#limits.ts';
import type { Changes } from '#store/changes.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import { addressList, shownAddress } from './address.ts';
import type { Authority } from './authority.ts';
import { hashOf, type KeyRow, type KeyTable, rangesOf, scopesOf } from './key-table.ts';
import type { SteadyWall } from './wall.ts';

const KEY_PATTERN = /^pcl_[A-Za-z0-9_-]{43}$/;
/** A caller on a socket of this machine has no address; it counts as coming from the machine itself. */
const LOOPBACK = ['127.0.0.1', '::1'];

/** Where a credential was presented. */
export interface Presentation {
  readonly door: Door;
  /** undefined: a socket of this machine. */
  readonly address?: string;
}

export interface KeyCheck {
  /** Every denial goes on the record here, whatever door asked. */
  authenticate(presented: string, from: Presentation): Result<Principal, Refusal>;
  /** When the key expires, epoch ms, if nobody ends it before; or why it no longer opens anything. */
  standsUntil(id: string): Result<number, Refusal>;
}

interface KeyCheckOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'recordRepeated'>;
  readonly wall: SteadyWall;
  readonly authority: Authority;
  readonly table: KeyTable;
  readonly changes: Changes;
}

/** A key that was let in, and until when nothing but a change of the database can shut it out. */
interface LetIn {
  readonly principal: Result<Principal, never>;
  readonly untilMs: number;
}

export function openKeyCheck(o: KeyCheckOptions): KeyCheck {
  const { store, audit, wall, authority, table, changes } = o;
  /** By key digest, door and address; good for one state of the database. */
  const letIn = new Map<string, LetIn>();
  let letInAt = Number.NaN;

  function denied(refusal: Refusal, from: Presentation, row?: KeyRow): Result<never, Refusal> {
    audit.recordRepeated({
      kind: 'auth.denied',
      door: from.door,
      ...(row === undefined ? {} : { agent: row.agent_name, credential: row.id }),
      outcome: 'refused',
      detail: {
        reason: refusal.reason,
        address: from.address === undefined ? null : shownAddress(from.address),
      },
    });
    return err(refusal);
  }
  function ended(row: KeyRow): Refusal | undefined {
    if (row.revoked_at !== null)
      return refuse('credential_revoked', 'This key was revoked; ask the owner for a new one.');
    if (wall.hasPassed(row.expires_at))
      return refuse('credential_revoked', 'This key has expired; ask the owner for a new one.');
    return undefined;
  }
  function refusalOf(row: KeyRow, from: Presentation): Refusal | undefined {
    const end = ended(row);
    if (end) return end;
    if (!admitsFrom(row, from.address))
      return refuse('ip_not_allowed', 'This key may not be used from this address.');
    return haltedByKill(authority);
  }
  function saveUse(row: KeyRow): void {
    const nowMs = wall();
    if (row.last_used_at !== null && nowMs - row.last_used_at < KEY_USE_SAVE_INTERVAL_MS) return;
    try {
      store.transaction(() => table.used(row.id, nowMs));
    } catch (fault) {
      // A store that can not write must not keep an agent from canceling its orders.
      if (!(fault instanceof StoreUnavailable)) throw fault;
    }
  }

  function remembered(name: string, at: number): LetIn | undefined {
    if (at === letInAt) return letIn.get(name);
    letIn.clear();
    letInAt = at;
    return undefined;
  }
  /** Everything there is to look at, at the database as it stands. */
  function check(digest: Buffer, from: Presentation): Result<LetIn, Refusal> {
    const epoch = authority.epoch();
    const row = table.byHash(digest);
    if (!row || !timingSafeEqual(digest, row.hash)) return denied(unknownKey(), from);
    const refusal = refusalOf(row, from);
    if (refusal) return denied(refusal, from, row);
    saveUse(row);
    const principal = ok<Principal>({
      kind: 'agent',
      agent: agentId(row.agent_id),
      agentName: row.agent_name,
      credential: row.id,
      door: from.door,
      scopes: new Set(scopesOf(row)),
      epoch,
      ...(from.address === undefined ? {} : { address: from.address }),
    });
    const useSavedAtMs = row.last_used_at ?? Number.NEGATIVE_INFINITY;
    const untilMs = Math.min(row.expires_at, useSavedAtMs + KEY_USE_SAVE_INTERVAL_MS);
    return ok({ principal, untilMs });
  }

  return {
    authenticate(presented, from) {
      if (!KEY_PATTERN.test(presented)) return denied(unknownKey(), from);
      const digest = hashOf(presented);
      const name = `${digest.toString('latin1')} ${from.door} ${from.address ?? ''}`;
      const at = changes.now();
      const known = remembered(name, at);
      if (known && wall() < known.untilMs) return known.principal;
      const checked = check(digest, from);
      if (!checked.ok) return checked;
      if (letIn.size >= KEYS_REMEMBERED_MAX) letIn.clear();
      // Not when the check itself has written: what is remembered belongs to the state it was read from.
      if (changes.now() === at) letIn.set(name, checked.value);
      return checked.value.principal;
    },
    standsUntil(id) {
      const row = table.byId(id);
      if (!row) return err(refuse('credential_revoked', 'This credential is no longer known.'));
      const end = ended(row);
      return end ? err(end) : ok(row.expires_at);
    },
  };
}

const unknownKey = (): Refusal => refuse('unauthenticated', 'This is not a key of this gateway.');

/** While the kill switch holds, every agent credential is refused, reads too. */
export function haltedByKill(authority: Pick<Authority, 'gatewayState'>): Refusal | undefined {
  return authority.gatewayState() === 'HALTED'
    ? refuse('trading_halted', 'The owner stopped the gateway; nothing is served until the owner resumes it.')
    : undefined;
}

function admitsFrom(row: KeyRow, address: string | undefined): boolean {
  if (row.ip_allow === '') return true;
  const list = addressList(rangesOf(row));
  return (address === undefined ? LOOPBACK : [address]).some((one) => list.admits(one));
}
