/** Keeps what the authorization server's library wants kept, under our rules: by epoch, by hash, rotation and reuse included. */
import { createHash, randomBytes } from 'node:crypto';
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { isReadScope } from '#domain/principal.ts';
import { REFRESH_GRACE_MS, REFRESH_TOKENS_FORGOTTEN_EVERY, REFRESH_TOKENS_KEPT_MAX } from '#limits.ts';
import { storeFault } from '#store/fault.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import type { Crowd } from './crowd.ts';
import { UNAVAILABLE } from './error-answers.ts';
import { type Exchange, UsedMeanwhile } from './exchange.ts';
import type { GrantLedger, RemoteClients } from './parts.ts';
import type { Living, PayloadRow, PayloadTable } from './payload-table.ts';
import type { GrantEnding } from './records.ts';

export interface AdapterParts {
  readonly store: Store;
  readonly table: PayloadTable;
  readonly wallMs: () => number;
  readonly clients: Pick<RemoteClients, 'payload'>;
  readonly crowd: Pick<Crowd, 'makeRoom'>;
  readonly grants: Pick<GrantLedger, 'issuable' | 'find'>;
  readonly current: () => Exchange;
  /** Where a browser goes on after the page of an interaction. */
  readonly resumeUrl: (uid: string) => string;
  readonly onFault: (cause: unknown) => void;
  /** Ends a grant with everything of it. */
  readonly end: (grantId: string, reason: GrantEnding) => void;
}

/** Knowing the id of one of these is a right to something: the database has its hash alone. */
const SECRET_KINDS: ReadonlySet<string> = new Set([
  'AuthorizationCode',
  'RefreshToken',
  'Session',
  'Interaction',
]);
const hash = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** The library demands a secret for comparing; ours is compared by its hash, elsewhere, so this one is nobody's. */
const NOBODYS_SECRET = randomBytes(32).toString('base64url');

export function storeAdapter(parts: AdapterParts): (kind: string) => Adapter {
  return (kind) => {
    if (kind === 'Client') return telling(clientAdapter(parts), parts);
    const kept = keeping(kind, parts);
    return telling(kind === 'Grant' ? { ...kept, find: (id) => findGrant(id, parts, kept) } : kept, parts);
  };
}

/** A store that takes or gives nothing is no fault of the request's: RFC 6749, 4.1.2.1 has a word for that. */
function telling(adapter: Adapter, { onFault }: AdapterParts): Adapter {
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (thrown) {
      const cause = storeFault(thrown);
      if (!(cause instanceof StoreUnavailable)) throw cause;
      onFault(cause);
      const refusal = new errors.OIDCProviderError(503, UNAVAILABLE.error);
      throw Object.assign(refusal, { expose: true, error_description: UNAVAILABLE.error_description });
    }
  };
  return {
    upsert: (id, payload, ttl) => told(adapter.upsert(id, payload, ttl)),
    find: (id) => told(adapter.find(id)),
    findByUid: (uid) => told(adapter.findByUid(uid)),
    findByUserCode: (code) => told(adapter.findByUserCode(code)),
    consume: (id) => told(adapter.consume(id)),
    destroy: (id) => told(adapter.destroy(id)),
    revokeByGrantId: (grantId) => told(adapter.revokeByGrantId(grantId)),
  };
}

const unused = async (): Promise<never> => {
  throw new Error('nothing of this kind is kept');
};
const found = async (): Promise<undefined> => undefined;

/** Clients are registered, approved and removed elsewhere; here they are looked up. */
function clientAdapter({ clients }: AdapterParts): Adapter {
  return {
    async find(id) {
      const client = clients.payload(id);
      if (!client) return undefined;
      const secret = client.token_endpoint_auth_method === 'none' ? {} : { client_secret: NOBODYS_SECRET };
      return structuredClone({ ...client, ...secret }) as unknown as AdapterPayload;
    },
    upsert: unused,
    findByUid: found,
    findByUserCode: found,
    consume: unused,
    destroy: unused,
    revokeByGrantId: unused,
  };
}

/** A grant that tokens may not be made for now is none: that is asked before any code or token is used up. */
async function findGrant(
  id: string,
  { grants }: AdapterParts,
  kept: Adapter,
): Promise<AdapterPayload | undefined> {
  const issuable = grants.issuable(id);
  const payload = issuable.ok ? await kept.find(id) : undefined;
  if (!issuable.ok || !payload) return undefined;
  // As the ledger has it: what its client lost since is no part of it any more.
  const has = (scope: string): boolean => issuable.value.scopes.some((one) => one === scope);
  const given = (payload['resources'] ?? {}) as Readonly<Record<string, string>>;
  const resources = Object.entries(given).map(([resource, scopes]) => [
    resource,
    scopes.split(' ').filter(has).join(' '),
  ]);
  return { ...payload, resources: Object.fromEntries(resources) };
}

function keeping(kind: string, parts: AdapterParts): Adapter {
  const { store, table, wallMs, current, end, crowd } = parts;
  const secret = SECRET_KINDS.has(kind);
  const keyOf = (id: string): string => (secret ? hash(id) : id);
  const living = (): Living => ({ epoch: current().epoch, nowMs: wallMs() });
  /** At once; at the token endpoint together with everything else that it does. */
  function write(work: () => void): void {
    const { endpoint, writes } = current();
    if (endpoint === 'token') writes.push(work);
    else store.transaction(work);
  }
  return {
    async upsert(id, payload, ttlSeconds) {
      const { endpoint, epoch, network, browser } = current();
      const isInteraction = kind === 'Interaction';
      if (ttlSeconds === undefined) throw new Error(`a ${kind} without an end can not be kept`);
      const row = {
        kind,
        id: keyOf(id),
        payload: JSON.stringify({ ...stripped(payload, secret), ...(isInteraction && { browser }) }),
        grant_id: kind === 'Grant' ? id : (payload.grantId ?? null),
        client_id: payload.clientId ?? clientOf(payload),
        uid: payload.uid ?? null,
        address: isInteraction ? network : null,
        epoch,
        expires_at: wallMs() + ttlSeconds * 1_000,
      };
      // What goes on after a page takes the place of what that page was of.
      const isNewcomer = isInteraction && endpoint === 'authorize';
      write(() => {
        if (isNewcomer) crowd.makeRoom({ ...living(), clientId: row.client_id ?? undefined, network });
        table.put(row);
        const { grantId, rotations = 0 } = payload;
        // What was used up so many renewals ago is worth nobody's room: a client that renews without end fills no disk.
        if (kind === 'RefreshToken' && grantId && rotations % REFRESH_TOKENS_FORGOTTEN_EVERY === 0)
          table.forgetRotated(grantId, rotations - REFRESH_TOKENS_KEPT_MAX);
      });
    },
    async find(id) {
      const row = table.find(kind, keyOf(id), living());
      const payload = row && payloadOf(row, id, parts);
      // Whoever else has its cookies was given them by somebody.
      if (kind === 'Interaction' && payload?.['browser'] !== current().browser) return undefined;
      return payload;
    },
    async findByUid(uid) {
      const row = table.findByUid(kind, uid, living());
      return row && payloadOf(row, undefined, parts);
    },
    findByUserCode: found,
    async consume(id) {
      const key = keyOf(id);
      write(() => {
        if (table.consume(kind, key, wallMs())) return;
        const row = table.find(kind, key, living());
        if (!row || !inGrace(row, parts)) throw new UsedMeanwhile(row?.grant_id ?? '');
      });
    },
    async destroy(id) {
      const { endpoint } = current();
      const ends = endpoint === 'revoke' || endpoint === 'token';
      store.transaction(() => {
        const grantId = ends ? table.find(kind, keyOf(id), living())?.grant_id : undefined;
        table.drop(kind, keyOf(id));
        // The library ends the grant after its token: if it never came to that, nobody could present the token again to end it.
        if (grantId) end(grantId, endingOf(current()));
      });
    },
    async revokeByGrantId(grantId) {
      end(grantId, endingOf(current()));
    },
  };
}

/** Of a request that waits in a browser: whose it is. */
function clientOf({ params }: AdapterPayload): string | null {
  const clientId: unknown = params?.['client_id'];
  return typeof clientId === 'string' ? clientId : null;
}

/** What makes the library give up a grant: only these. */
function endingOf({ endpoint, grantType }: Exchange): GrantEnding {
  if (endpoint !== 'token') return 'token_revoked';
  return grantType === 'refresh_token' ? 'token_reused' : 'code_replayed';
}

/** Without the secret that finds it, and others that stand in it only for convenience. */
function stripped(payload: AdapterPayload, secret: boolean): AdapterPayload {
  if (!secret) return payload;
  const { jti: _jti, returnTo: _returnTo, session, ...rest } = payload;
  if (session === undefined) return rest;
  const { cookie: _cookie, ...known } = session;
  return { ...rest, session: known };
}

/** `id` undefined: found by what is no secret, it does not tell the secret either. */
function payloadOf(row: PayloadRow, id: string | undefined, parts: AdapterParts): AdapterPayload {
  const payload = JSON.parse(row.payload) as AdapterPayload;
  if (id !== undefined) payload.jti = id;
  if (id !== undefined && row.kind === 'Interaction') payload.returnTo = parts.resumeUrl(id);
  if (row.consumed_at !== null && !inGrace(row, parts)) payload.consumed = true;
  return payload;
}

/**
 * Several processes of one client refresh with the token they share: for a grant that can not write, one that was used a moment
 * ago is taken again, as long as nobody has used what came of it.
 */
function inGrace(row: PayloadRow, { table, wallMs, grants }: AdapterParts): boolean {
  if (row.kind !== 'RefreshToken' || row.grant_id === null || row.consumed_at === null) return false;
  if (wallMs() - row.consumed_at > REFRESH_GRACE_MS) return false;
  const grant = grants.find(row.grant_id);
  if (!grant?.scopes.every(isReadScope)) return false;
  const { rotations = 0 } = JSON.parse(row.payload) as AdapterPayload;
  return !table.usedSince(row.grant_id, rotations);
}
