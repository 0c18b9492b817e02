/** What the room speaks of: clients, grants, and how far a connection came; with the acts of the owner on them. */
import type { AgentId, Owner, Scope } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';

/** `registered`: by itself (RFC 7591). `document`: a vendor's metadata document, pinned here. `static`: made by the owner. */
export type ClientKind = 'registered' | 'document' | 'static';
export type ClientState = 'pending' | 'approved' | 'revoked';

/** The fields of RFC 7591 that are taken; everything else that a client sends is dropped. */
export interface ClientMetadata {
  readonly client_name: string;
  readonly redirect_uris: readonly string[];
  readonly token_endpoint_auth_method: 'none' | 'client_secret_basic' | 'client_secret_post';
  readonly client_uri?: string;
}

export interface RemoteClient {
  /** As the client presents it: of our making, or the URL of its metadata document. */
  readonly clientId: string;
  /** `client_…`: what the record and principals name. */
  readonly credential: string;
  readonly kind: ClientKind;
  readonly state: ClientState;
  readonly metadata: ClientMetadata;
  readonly agent: { readonly id: AgentId; readonly name: string } | null;
  /** What it registered for; empty: it named none. */
  readonly askedScopes: readonly Scope[];
  /** What it may hold at most: what it registered for or the owner approved, whichever is narrower. */
  readonly ceiling: readonly Scope[];
  readonly address: string;
  readonly userAgent: string;
  readonly createdAtMs: number;
  readonly decidedAtMs: number | null;
  readonly lastUsedAtMs: number | null;
  readonly liveGrants: number;
}

export const GRANT_ENDINGS = [
  'client_revoked',
  'client_deleted',
  'disconnected',
  'token_revoked',
  'token_reused',
  'code_replayed',
  'write_off',
  'remote_off',
  'moved',
  'owner',
  'lapsed',
] as const;
export type GrantEnding = (typeof GRANT_ENDINGS)[number];

export interface RemoteGrant {
  readonly grantId: string;
  readonly clientId: string;
  readonly agent: AgentId;
  readonly scopes: readonly Scope[];
  readonly epoch: number;
  /** When a code of the owner's authenticator was shown for it. */
  readonly steppedUpAtMs: number | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly lastUsedAtMs: number | null;
  readonly ended: { readonly atMs: number; readonly reason: GrantEnding | 'expired' | 'killed' } | null;
}

/** In the order in which a connection takes them. */
export const CONNECTION_STEPS = [
  'challenge',
  'resource_metadata',
  'server_metadata',
  'registration',
  'authorize',
  'approval',
  'sign_in',
  'consent',
  'token',
  'refresh',
  'first_call',
] as const;
export type ConnectionStep = (typeof CONNECTION_STEPS)[number];

/** The outcome of a step that was done. */
export const STEP_DONE = 'ok';

export interface StepReached {
  readonly step: ConnectionStep;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly times: number;
  /** `ok`, or the error as it was answered. */
  readonly lastOutcome: string;
}
export interface Connection {
  /** A client_id, or `address:…` of who has none yet. */
  readonly subject: string;
  readonly steps: readonly StepReached[];
  readonly lastAtMs: number;
}

/** Written in groups and bounded; a flood of strangers costs memory and disk nothing. */
export interface ConnectionLog {
  note(
    step: ConnectionStep,
    from: { readonly clientId?: string; readonly address?: string },
    outcome: string,
  ): void;
  /** The latest first. */
  list(limit: number): readonly Connection[];
  of(subject: string): Connection | undefined;
}

export interface Approval {
  readonly clientId: string;
  /** An agent of this name, made when there is none; absent: a new one named after the client. */
  readonly agent?: string;
  /** At most these; absent: what the client asked for without what writes. */
  readonly scopes?: readonly Scope[];
  readonly by: Owner;
}
export interface StaticClient {
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly agent: string;
  readonly scopes: readonly Scope[];
  /** With a secret, shown once; without, PKCE alone. */
  readonly confidential: boolean;
  readonly by: Owner;
}

/** The owner's acts on clients and grants, and looks at them. Each act is one commit with its line on the record. */
export interface ClientDesk {
  /** Pending first, then approved, then revoked; within each the newest first. */
  list(): readonly RemoteClient[];
  find(clientId: string): RemoteClient | undefined;
  /** By client_id or credential, or an unambiguous beginning of one. */
  resolve(given: string): Result<RemoteClient, Refusal>;
  pending(): number;
  approve(o: Approval): Result<RemoteClient, Refusal>;
  /** Other scopes at most from now on; what is narrower acts on the next call of live grants. */
  changeCeiling(o: {
    readonly clientId: string;
    readonly scopes: readonly Scope[];
    readonly by: Owner;
  }): Result<RemoteClient, Refusal>;
  /** Its grants end in the same commit. Idempotent. */
  revoke(clientId: string, by: Owner): Result<RemoteClient, Refusal>;
  /** With everything of it but the record. */
  remove(clientId: string, by: Owner): Result<void, Refusal>;
  createStatic(
    o: StaticClient,
  ): Result<{ readonly client: RemoteClient; readonly secret: string | null }, Refusal>;
  grants(o: {
    readonly clientId?: string;
    readonly live?: boolean;
    readonly limit: number;
  }): readonly RemoteGrant[];
  endGrant(grantId: string, by: Owner): Result<void, Refusal>;
  /** Ends every grant of one client, and what it has begun in a browser; it stays approved. */
  disconnect(clientId: string, by: Owner): Result<{ readonly grants: number }, Refusal>;
  /** Ends every session, code and grant of every client; clients stay approved. */
  disconnectAll(by: Owner): { readonly grants: number };
}

/** A key that signs, or has signed. */
export interface SigningKeyView {
  readonly kid: string;
  readonly createdAtMs: number;
  readonly retiredAtMs: number | null;
}

/** What of the settings acts on remote clients; read anew whenever they change. */
export interface RemoteSettings {
  /** Origin, without a path. */
  readonly publicUrl: URL;
  readonly requireApproval: boolean;
  /** Scopes that remote clients may hold at all. */
  readonly scopesEnabled: readonly Scope[];
  readonly accessTtlSeconds: number;
  readonly refreshTtlSeconds: number;
  readonly codeTtlSeconds: number;
}
