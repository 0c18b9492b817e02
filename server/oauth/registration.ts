/** Clients that register by themselves (RFC 7591): each waits for the owner, and nobody can send so many that others do not fit. */
import type { Access } from '#access/access.ts';
import { networkOf, siteOf } from '#access/address.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Scope } from '#domain/principal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import {
  CLIENT_SWEEP_INTERVAL_MS,
  CLIENTS_PENDING_MAX,
  CLIENTS_PENDING_PER_NETWORK_MAX,
  CLIENTS_PENDING_PER_SITE_MAX,
  REGISTRATION_FULL_RETRY_MS,
  REGISTRATION_REFUSALS_TOLD_PER_HOUR,
  REGISTRATIONS_PER_DAY_MAX,
  REGISTRATIONS_PER_HOUR_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import { hashOfSecret, newClientSecret } from './client-secrets.ts';
import { newClientId, type RegisteredRow, scopesText } from './client-table.ts';
import type { Clients } from './clients.ts';
import { shownSender } from './known-clients.ts';
import type { Sender } from './parts.ts';
import type { ClientMetadata, ConnectionLog } from './records.ts';
import { type Asked, parseRegistration, type RegistrationError } from './registration-metadata.ts';
import { toldPerHour } from './told-per-hour.ts';

export type { RegistrationError } from './registration-metadata.ts';

/** RFC 7591, section 3.2.1; what is absent is left out, never null. */
export interface RegistrationAnswer extends ClientMetadata {
  readonly client_id: string;
  /** Seconds since the epoch. */
  readonly client_id_issued_at: number;
  readonly grant_types: readonly ['authorization_code', 'refresh_token'];
  readonly response_types: readonly ['code'];
  readonly scope?: string;
  /** Shown this once; only its hash is kept. */
  readonly client_secret?: string;
  /** Never. */
  readonly client_secret_expires_at?: 0;
}

export interface Registration {
  /** `body` as it was parsed from JSON. */
  register(body: unknown, from: Sender): Result<RegistrationAnswer, RegistrationError>;
  /** What waits unused for too long is dropped from now on. */
  start(): void;
  close(): void;
}

export interface RegistrationOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'recordRepeated' | 'recordDeferred'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly access: Pick<Access, 'wall' | 'gatewayState'>;
  readonly clients: Pick<Clients, 'known'>;
  readonly connections: Pick<ConnectionLog, 'note'>;
  /** What remote clients may hold at all, as things stand. */
  readonly scopesEnabled: () => readonly Scope[];
  /** Our own origin: nobody's codes are sent there. */
  readonly issuer: string;
}

export function openRegistration(o: RegistrationOptions): Registration {
  const { store, access, clients, connections } = o;
  const { known } = clients;
  let cancelSweep: (() => void) | undefined;
  const refusals = toldPerHour({ ...o, linesMax: REGISTRATION_REFUSALS_TOLD_PER_HOUR });

  function judge(body: unknown, from: Sender): Result<Asked, RegistrationError> {
    if (access.gatewayState() === 'HALTED') return err(HALTED);
    const asked = parseRegistration(body, { enabled: o.scopesEnabled(), issuer: o.issuer });
    if (!asked.ok) return asked;
    const nowMs = access.wall();
    known.sweep();
    const tooMany = refusedForNumber(known.registered(), networkOf(from.address), nowMs);
    return tooMany ? err(tooMany) : asked;
  }
  function add({ metadata, scopes }: Asked, from: Sender): RegistrationAnswer {
    const clientId = newClientId();
    const nowMs = access.wall();
    const secret = metadata.token_endpoint_auth_method === 'none' ? undefined : newClientSecret();
    store.transaction(() =>
      known.add({
        client_id: clientId,
        credential: clientId,
        kind: 'registered',
        name: metadata.client_name,
        metadata: JSON.stringify(metadata),
        secret_hash: secret === undefined ? null : hashOfSecret(secret),
        state: 'pending',
        agent_id: null,
        asked_scopes: scopesText(scopes),
        ceiling: '',
        ...shownSender(from),
        created_at: nowMs,
        decided_at: null,
      }),
    );
    return {
      client_id: clientId,
      client_id_issued_at: Math.floor(nowMs / 1_000),
      ...metadata,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...(scopes.length === 0 ? {} : { scope: scopesText(scopes) }),
      ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    };
  }

  function sweep(): void {
    cancelSweep = o.clock.after(CLIENT_SWEEP_INTERVAL_MS, sweep);
    try {
      known.sweep();
    } catch (cause) {
      // It waits for the disk, and for the next look.
      if (!(cause instanceof StoreUnavailable)) throw cause;
    }
  }

  return {
    register(body, from) {
      const asked = judge(body, from);
      if (asked.ok) {
        const answer = add(asked.value, from);
        connections.note('registration', { clientId: answer.client_id, address: from.address }, 'ok');
        return ok(answer);
      }
      const { error, description } = asked.error;
      connections.note('registration', { address: from.address }, error);
      const detail = { reason: error, why: description, address: networkOf(from.address) };
      refusals.tell({ kind: 'oauth.registration_refused', door: 'http', outcome: 'refused', detail });
      return asked;
    },
    start: sweep,
    close() {
      cancelSweep?.();
      refusals.close();
    },
  };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const HALTED: RegistrationError = {
  status: 503,
  error: 'temporarily_unavailable',
  description: 'The gateway is halted and takes no registrations; its owner has to resume it first.',
};

/**
 * Counted from the rows themselves, so that a restart is no fresh budget and what does not exist costs nothing. Nobody's client is
 * ever dropped to make room for another: who comes when there is none is refused.
 */
function refusedForNumber(
  rows: readonly RegisteredRow[],
  network: string,
  nowMs: number,
): RegistrationError | undefined {
  const waiting = rows.filter(({ state }) => state === 'pending');
  const own = rows.filter(({ address }) => networkOf(address) === network);
  const waitMs = Math.max(
    waitForWindow(own, { nowMs, windowMs: HOUR_MS, max: REGISTRATIONS_PER_HOUR_MAX }),
    waitForWindow(own, { nowMs, windowMs: DAY_MS, max: REGISTRATIONS_PER_DAY_MAX }),
  );
  if (waitMs > 0)
    return tooMany('Too many clients were registered from this network; try again later.', waitMs);
  const waitingFrom = (isFrom: (other: string) => boolean): number =>
    waiting.filter(({ address }) => isFrom(networkOf(address))).length;
  if (
    waitingFrom((other) => other === network) >= CLIENTS_PENDING_PER_NETWORK_MAX ||
    waitingFrom((other) => siteOf(other) === siteOf(network)) >= CLIENTS_PENDING_PER_SITE_MAX
  )
    return tooMany(
      'Too many clients from this network wait for the owner of the gateway; the owner approves or removes them at /admin/remote-mcp.',
      REGISTRATION_FULL_RETRY_MS,
    );
  if (waiting.length < CLIENTS_PENDING_MAX) return undefined;
  return tooMany(
    'Too many clients wait for the owner of the gateway; the owner approves or removes them at /admin/remote-mcp.',
    REGISTRATION_FULL_RETRY_MS,
  );
}

const tooMany = (description: string, waitMs: number): RegistrationError => ({
  status: 429,
  error: 'too_many_requests',
  description,
  retryAfterSeconds: Math.ceil(waitMs / 1_000),
});

/** How long until one more fits; 0: at once. `rows` in order of time. */
function waitForWindow(
  rows: readonly RegisteredRow[],
  window: { readonly nowMs: number; readonly windowMs: number; readonly max: number },
): number {
  const within = rows.filter(({ created_at }) => created_at > window.nowMs - window.windowMs);
  const first = within[within.length - window.max];
  return first === undefined ? 0 : first.created_at + window.windowMs - window.nowMs;
}
