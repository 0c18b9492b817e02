/** Remote clients as the authorization server meets them: what each is, whether its secret is right, and which have waited too long. */
import type { Access } from '#access/access.ts';
import { shownAddress } from '#access/address.ts';
import type { AuditLog } from '#audit/log.ts';
import { SCOPES } from '#domain/principal.ts';
import { excerpt } from '#domain/refusal.ts';
import { CLIENT_PENDING_TTL_MS, CLIENT_USE_SAVE_INTERVAL_MS, USER_AGENT_LENGTH_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { documentAt, documentCredential } from './client-documents.ts';
import { secretFits } from './client-secrets.ts';
import {
  type ClientRow,
  type ClientTable,
  metadataOf,
  type NewClientRow,
  type RegisteredRow,
  withinAsked,
} from './client-table.ts';
import { unlessBroken } from './grant-endings.ts';
import { scopesIn } from './grant-table.ts';
import type { ClientPayload, RemoteClients, Sender } from './parts.ts';
import type { ClientMetadata } from './records.ts';
import { redirectHost } from './redirect-uri.ts';

export interface KnownClients extends RemoteClients {
  /** Inside a transaction: makes a vendor's document wait for the owner. undefined: no address of a pinned one. */
  meet(clientId: string, from?: Sender): ClientRow | undefined;
  /** Inside a transaction: a client that waits from now on, with its line on the record. */
  add(row: NewClientRow): void;
  /** Inside a transaction: one that nobody asked to be deleted goes, with its line on the record. */
  expire(row: ClientRow, reason: string): void;
  /** Inside a transaction: requests of it that wait in a browser do not go on. */
  forgetRequests(clientId: string): void;
  /** Those that registered by themselves, in order of time. */
  registered(): readonly RegisteredRow[];
  /** Drops those that waited unused for too long. */
  sweep(): void;
}

/** Who sends a request, for eyes: an address that is one, and no more of the program's name than fits a line. */
export const shownSender = (from: Sender): { readonly address: string; readonly user_agent: string } => ({
  address: shownAddress(from.address),
  user_agent: excerpt(from.userAgent, USER_AGENT_LENGTH_MAX),
});

interface KnownOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly access: Pick<Access, 'wall'>;
  readonly table: ClientTable;
}

export function openKnownClients(o: KnownOptions): KnownClients {
  const { store, audit, access, table } = o;
  const dropRequests = store.db.prepare('DELETE FROM oauth_payloads WHERE client_id = ?');

  function add(row: NewClientRow): void {
    table.insert(row);
    audit.record({
      kind: 'oauth.registered',
      credential: row.credential,
      door: 'http',
      outcome: 'ok',
      detail: registeredDetail(row),
    });
  }
  function meet(clientId: string, from: Sender = NOBODY): ClientRow | undefined {
    const document = documentAt(clientId);
    if (!document) return undefined;
    const { url, metadata } = document;
    add({
      client_id: url,
      credential: documentCredential(url),
      kind: 'document',
      name: metadata.client_name,
      metadata: JSON.stringify(metadata),
      secret_hash: null,
      state: 'pending',
      agent_id: null,
      asked_scopes: '',
      ceiling: '',
      ...shownSender(from),
      created_at: access.wall(),
      decided_at: null,
    });
    return table.byId(clientId);
  }
  function used(clientId: string, from?: Sender): void {
    const row = table.byId(clientId);
    // Anybody can ask for an id that is nobody's: it costs no write.
    if (!row && !documentAt(clientId)) return;
    const nowMs = access.wall();
    if (row && (row.last_used_at ?? Number.NEGATIVE_INFINITY) > nowMs - CLIENT_USE_SAVE_INTERVAL_MS) return;
    unlessBroken(() =>
      store.transaction(() => {
        if (!row) meet(clientId, from);
        table.used(clientId, nowMs);
      }),
    );
  }
  function expire(row: ClientRow, reason: string): void {
    dropRequests.run(row.client_id);
    table.remove(row.client_id);
    const { credential, name, state } = row;
    const detail = { client: credential, name, state, reason };
    audit.record({ kind: 'oauth.client_expired', credential, outcome: 'ok', detail });
  }
  function sweep(): void {
    const unused = table.unusedSince(access.wall() - CLIENT_PENDING_TTL_MS);
    if (unused.length === 0) return;
    store.transaction(() => {
      for (const row of unused) expire(row, 'unused');
    });
  }

  return {
    payload: (clientId) => {
      const row = table.byId(clientId);
      if (row) return payloadOf(clientId, metadataOf(row));
      const document = documentAt(clientId);
      return document && payloadOf(clientId, document.metadata);
    },
    state: (clientId) => table.byId(clientId)?.state ?? (documentAt(clientId) ? 'pending' : undefined),
    credential: (clientId) =>
      table.byId(clientId)?.credential ?? (documentAt(clientId) ? documentCredential(clientId) : undefined),
    ceiling(clientId) {
      const row = table.byId(clientId);
      if (!row) return documentAt(clientId) ? SCOPES : [];
      return row.state === 'pending' ? withinAsked(row, SCOPES) : scopesIn(row.ceiling);
    },
    secretMatches: (clientId, secret) => secretFits(secret, table.byId(clientId)?.secret_hash ?? null),
    used,
    meet,
    add,
    expire,
    forgetRequests: (clientId) => void dropRequests.run(clientId),
    registered: () => table.registered(),
    sweep,
  };
}

const NOBODY: Sender = { address: '', userAgent: '' };

const payloadOf = (clientId: string, metadata: ClientMetadata): ClientPayload => ({
  client_id: clientId,
  client_name: metadata.client_name,
  redirect_uris: metadata.redirect_uris,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: metadata.token_endpoint_auth_method,
  application_type: 'native',
  ...(metadata.client_uri === undefined ? {} : { client_uri: metadata.client_uri }),
});

const registeredDetail = (row: NewClientRow) => ({
  client: row.credential,
  name: row.name,
  kind: row.kind,
  state: row.state,
  redirects: [...new Set(metadataOf(row).redirect_uris.map(redirectHost))],
  address: row.address,
  scopes: row.asked_scopes,
});
