/** OAuth by hand, request by request as the specifications write them: nothing is checked here, so that a test can get each part wrong. */
import { createHash, randomBytes } from 'node:crypto';
import type { Scope } from '#domain/principal.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import type { ClientDesk } from '#oauth/records.ts';
import type { Choices, OwnerBrowser } from './owner-browserless.ts';
import type { RemoteGateway } from './remote-gateway.ts';

/** A client's redirect that nobody visits. */
export const CALLBACK = 'https://client.example/callback';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty when the text is no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Undefined: left out. */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** What a test needs to know of a gateway to speak with it. */
export type Reach = Pick<RemoteGateway, 'issuer' | 'resource' | 'fetch'>;

/** `path` may be an address too. */
export async function ask(at: Reach, path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await at.fetch(new URL(path, at.issuer).href, { redirect: 'manual', ...init });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: objectOf(text) };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export const form = (parameters: Parameters): URLSearchParams => {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) body.set(name, value);
  return body;
};

export const postForm = (
  at: Reach,
  path: string,
  parameters: Parameters,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  ask(at, path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', ...headers },
    body: form(parameters).toString(),
  });

export const postJson = (
  at: Reach,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  ask(at, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify(body),
  });

export interface Pkce {
  readonly verifier: string;
  readonly challenge: string;
}
export function pkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** A public client as hosts register one; `over` says otherwise, `undefined` leaves a field out. */
export const registration = (over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  client_name: 'Example Host',
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  ...over,
});

export const register = (
  at: Reach,
  over: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => postJson(at, '/oauth/register', registration(over), headers);

export interface Asked extends Pkce {
  readonly url: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
}

export interface AskFor {
  readonly clientId: string;
  readonly redirectUri?: string;
  readonly scope?: string | undefined;
  /** Default: the resource of the gateway; null leaves it out. */
  readonly resource?: string | null;
  /** More parameters, or others. */
  readonly over?: Parameters;
}

/** The address that a host sends its person to. */
export function authorization(at: Pick<Reach, 'issuer' | 'resource'>, o: AskFor): Asked {
  const { verifier, challenge } = pkce();
  const state = randomBytes(16).toString('base64url');
  const redirectUri = o.redirectUri ?? CALLBACK;
  const parameters = form({
    response_type: 'code',
    client_id: o.clientId,
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state,
    scope: o.scope,
    resource: o.resource === null ? undefined : (o.resource ?? at.resource),
    ...o.over,
  });
  const url = `${at.issuer}/oauth/authorize?${parameters.toString()}`;
  return { url, clientId: o.clientId, redirectUri, state, verifier, challenge };
}

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly scope: string;
  readonly expiresInSeconds: number;
}

export function tokensOf({ status, body, text }: Answer): Tokens {
  const { access_token: access, refresh_token: refresh, scope, expires_in: expires } = body;
  if (status !== 200 || typeof access !== 'string' || typeof refresh !== 'string')
    throw new Error(`no tokens: ${status} ${text.slice(0, 500)}`);
  return { access, refresh, scope: String(scope), expiresInSeconds: Number(expires) };
}

/** The code that stands in the redirect; throws with the error that stands there instead. */
export function codeIn(left: URL): string {
  const code = left.searchParams.get('code');
  if (code === null) throw new Error(`no code in ${left.href}`);
  return code;
}

export const exchange = (
  at: Reach,
  asked: Pick<Asked, 'clientId' | 'redirectUri' | 'verifier'>,
  code: string,
  over: Parameters = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  postForm(
    at,
    '/oauth/token',
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: asked.redirectUri,
      client_id: asked.clientId,
      code_verifier: asked.verifier,
      resource: at.resource,
      ...over,
    },
    headers,
  );

export const refresh = (at: Reach, clientId: string, token: string, over: Parameters = {}): Promise<Answer> =>
  postForm(at, '/oauth/token', {
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: clientId,
    resource: at.resource,
    ...over,
  });

let calls = 0;
/** One JSON-RPC request as a plain client sends it; without a token when there is none. */
export const rpc = (
  at: Reach,
  token: string | undefined,
  method: string,
  params: object = {},
): Promise<Answer> =>
  postJson(
    at,
    at.resource,
    { jsonrpc: '2.0', id: ++calls, method, params },
    token === undefined ? {} : { authorization: `Bearer ${token}` },
  );

export const callTool = (at: Reach, token: string, name: string, args: object = {}): Promise<Answer> =>
  rpc(at, token, 'tools/call', { name, arguments: args });

/** What the tool answered, out of the envelope. */
export function resultOf({ status, body, text }: Answer): Readonly<Record<string, unknown>> {
  const { result } = body as { result?: { structuredContent?: Record<string, unknown> } };
  if (status !== 200 || result?.structuredContent === undefined)
    throw new Error(`no result: ${status} ${text.slice(0, 500)}`);
  return result.structuredContent;
}

export interface ConnectOptions {
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** What the host asks for at the authorization endpoint. */
  readonly scope?: string;
  /** The owner's ceiling. */
  readonly ceiling?: readonly Scope[];
  readonly agent?: string;
  readonly choices?: Choices;
  readonly browser?: OwnerBrowser;
}

export interface Connected extends Tokens {
  readonly clientId: string;
  readonly asked: Asked;
  readonly browser: OwnerBrowser;
}

export const deskOf = ({ gateway }: Pick<RemoteGateway, 'gateway'>): ClientDesk => gateway.clients;

/** The owner's approval, as the console and the command line give it. */
export function approve(
  at: RemoteGateway,
  clientId: string,
  over: { readonly agent?: string; readonly scopes?: readonly Scope[] } = {},
): void {
  const approved = deskOf(at).approve({ clientId, ...over, by: OWNER_CLI });
  if (!approved.ok) throw new Error(approved.error.detail);
}

/** Registered, approved, signed in, consented, with tokens: where most attacks begin. */
export async function connect(at: RemoteGateway, o: ConnectOptions = {}): Promise<Connected> {
  const registered = await register(at, o.metadata);
  if (registered.status !== 201) throw new Error(`not registered: ${registered.status} ${registered.text}`);
  const clientId = String(registered.body['client_id']);
  approve(at, clientId, {
    ...(o.agent === undefined ? {} : { agent: o.agent }),
    ...(o.ceiling === undefined ? {} : { scopes: o.ceiling }),
  });
  const [redirectUri = CALLBACK] = (o.metadata?.['redirect_uris'] as readonly string[] | undefined) ?? [];
  const asked = authorization(at, { clientId, redirectUri, scope: o.scope });
  const browser = o.browser ?? at.browser();
  const left = await browser.grant(asked.url, o.choices);
  return { ...tokensOf(await exchange(at, asked, codeIn(left))), clientId, asked, browser };
}
