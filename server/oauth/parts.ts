/** What the parts of this room give each other: the clients as the authorization server sees them, grants, keys, and its own pages. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AgentId, Owner, Scope } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { ClientState, GrantEnding, RemoteClient, RemoteGrant, SigningKeyView } from './records.ts';

/** A client as the authorization server needs it; the fields of RFC 7591, complete. */
export interface ClientPayload {
  readonly client_id: string;
  readonly client_name: string;
  readonly redirect_uris: readonly string[];
  readonly grant_types: readonly ('authorization_code' | 'refresh_token')[];
  readonly response_types: readonly 'code'[];
  readonly token_endpoint_auth_method: 'none' | 'client_secret_basic' | 'client_secret_post';
  readonly application_type: 'native';
  readonly client_uri?: string;
}

/** Clients by the id that they present. Every look is at the table: a decision of the owner's counts from then on. */
export interface RemoteClients {
  payload(clientId: string): ClientPayload | undefined;
  state(clientId: string): ClientState | undefined;
  /** `client_…` for the record. */
  credential(clientId: string): string | undefined;
  /** What it may be granted at most, as things stand; of a client that waits: what it registered for. */
  ceiling(clientId: string): readonly Scope[];
  /** In constant time, against the SHA-256 that is kept. */
  secretMatches(clientId: string, secret: string): boolean;
  /** Somebody tries to connect as it; the first time for a pinned document, which waits for the owner from then on. */
  used(clientId: string, from?: Sender): void;
}

/** Who sends a request: an address as trusted proxies vouch for it, and what the program calls itself. */
export interface Sender {
  readonly address: string;
  readonly userAgent: string;
}

/** Where no approval is required, the owner's consent is one: a new agent is made for the client, for scopes that read. */
export interface ConsentApproval {
  /** In the transaction of the consent. Of a client that waits; refused where approval is required. */
  approveByConsent(clientId: string): Result<RemoteClient, Refusal>;
}

export interface NewGrant {
  readonly grantId: string;
  readonly clientId: string;
  readonly agent: AgentId;
  readonly scopes: readonly Scope[];
  readonly steppedUpAtMs: number | null;
  readonly expiresAtMs: number;
}

/** Every consent that was ever given. An ending takes what the authorization server keeps of the grant with it, in the same commit. */
export interface GrantLedger {
  /** Refused when the gateway is halted, the client not approved for that agent, or a scope not its to hold. */
  open(grant: NewGrant): Result<RemoteGrant, Refusal>;
  find(grantId: string): RemoteGrant | undefined;
  /** False when there is none that lives. */
  end(grantId: string, reason: GrantEnding, by?: Owner): boolean;
  /** Gives how many ended. */
  endOf(clientId: string, reason: GrantEnding, by?: Owner): number;
  endAll(reason: GrantEnding, by?: Owner): number;
  live(clientId: string): readonly RemoteGrant[];
  /** To what its client may hold from now on: what that takes from a grant comes back with a new consent alone. */
  narrow(clientId: string, ceiling: readonly Scope[], by: Owner): void;
  used(grantId: string): void;
  /**
   * Whether tokens may be made for it now: it lives, in this epoch, its client is approved, and a code was shown for it where
   * the owner asks for one.
   */
  issuable(grantId: string): Result<RemoteGrant, Refusal>;
}

/** The keys that access tokens are signed with. */
export interface SigningDesk {
  list(): readonly SigningKeyView[];
  /** A new key signs from now on; the one before verifies until its last token has expired. */
  rotate(by: Owner): SigningKeyView;
  /** Private JWKs with `kid`, `alg` RS256 and `use` sig: the one that signs first. */
  jwks(): readonly SigningJwk[];
  /** Called after any change of `jwks`. */
  onChange(listener: () => void): void;
}
export interface SigningJwk {
  readonly kid: string;
  readonly kty: 'RSA';
  readonly alg: 'RS256';
  readonly use: 'sig';
  readonly [field: string]: unknown;
}

/** What the page of an interaction is about. */
export interface InteractionSeen {
  readonly uid: string;
  /** What the browser is asked for next. */
  readonly prompt: 'approval' | 'login' | 'consent';
  readonly clientId: string;
  readonly redirectUri: string;
  /** What may be ticked: what was asked for ∩ what is enabled ∩ the client's ceiling, as things stand now. */
  readonly scopes: readonly Scope[];
  /** When this browser signed in, within this very request. */
  readonly signedInAtMs: number | undefined;
  readonly expiresAtMs: number;
}

/** What came of a page; each resumes the request that it interrupted. */
export type InteractionAnswer =
  /** Looks again whether the client is approved by now. */
  | { readonly kind: 'again' }
  | { readonly kind: 'signed_in'; readonly atMs: number }
  /** The grant stands in the ledger already. */
  | { readonly kind: 'granted'; readonly grantId: string; readonly scopes: readonly Scope[] }
  | {
      readonly kind: 'refused';
      readonly error: 'access_denied' | 'unauthorized_client';
      readonly description: string;
    };

/** What a browser is shown instead of an answer of the protocol's. */
export type BrowserProblem =
  | 'bad_request'
  | 'unknown_client'
  | 'wrong_redirect'
  | 'not_approved'
  | 'expired'
  | 'halted'
  | 'too_many'
  | 'unavailable';

/** A page of one sentence and a next step, with the headers it needs. */
export interface ProblemPage {
  readonly headers: Readonly<Record<string, string>>;
  readonly html: string;
}
export type ShowProblem = (problem: {
  readonly kind: BrowserProblem;
  readonly status: number;
  /** The code of the protocol: `invalid_request`. */
  readonly error: string;
  /** Of a client that is known here. */
  readonly clientId?: string;
}) => ProblemPage;

/** One endpoint each, however its path is spelled. */
export type ProviderEndpoint =
  | { readonly kind: 'authorize' }
  | { readonly kind: 'resume'; readonly uid: string }
  | { readonly kind: 'token' }
  | { readonly kind: 'revoke' }
  | { readonly kind: 'jwks' };

/** What of a request the authorization server is told. */
export interface ProviderCall {
  readonly endpoint: ProviderEndpoint;
  /** As sent, without `?`. */
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  /** Of a POST, as sent. */
  readonly body: string;
  /** Who asks, as far as trusted proxies vouch for it. */
  readonly address: string;
}

/** RFC 6749, with the routes that http lists one by one. */
export interface AuthorizationServer {
  /** Answers, always; headers that the response has already stay. */
  handle(call: ProviderCall, response: ServerResponse): Promise<void>;
  /** What this browser's cookie leads to; undefined: nothing (expired, another browser's, halted, of before a kill). */
  interaction(request: IncomingMessage, response: ServerResponse): Promise<InteractionSeen | undefined>;
  /** Sends the browser on (303). False when there is no such interaction any more: nothing was answered. */
  finish(request: IncomingMessage, response: ServerResponse, answer: InteractionAnswer): Promise<boolean>;
  /** RFC 8414 and OpenID Connect Discovery 1.0. */
  metadata(): Readonly<Record<string, unknown>>;
  /** RFC 9728. */
  resourceMetadata(): Readonly<Record<string, unknown>>;
  /** Where pages of problems come from; until it is called a problem is told in plain text. */
  showsProblems(show: ShowProblem): void;
}
