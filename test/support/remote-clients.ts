/** Hosts that share no line of code, each through the library it is built on: how far they come, and what they hold. */
import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import type { OAuthClientProvider as OldProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { UnauthorizedError as OldUnauthorized } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport as OldTransport } from '@modelcontextprotocol/sdk/shared/transport.js';
import * as oauth from 'oauth4webapi';
import { CALLBACK, callTool, type Reach, resultOf, rpc } from './remote-flow.ts';

export interface Held {
  readonly access: string;
  readonly refresh: string;
}

export interface RemoteHost {
  /** As far as it comes without its person: the address that it sends them to. */
  begin(): Promise<URL>;
  /** The browser came back so. Rejects when that is an error. */
  comesBack(left: URL): Promise<void>;
  tools(): Promise<readonly string[]>;
  /** What the tool answered; refreshes by itself where a host does. */
  call(tool: string, args: object): Promise<unknown>;
  tokens(): Held;
  close(): Promise<void>;
}

const INFO = { name: 'test-host', version: '1.0.0' };
const METADATA = {
  client_name: 'Test Host',
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};

/** What both lines of the SDK ask a host to keep for them. */
function memory() {
  const kept: {
    client?: unknown;
    tokens?: unknown;
    discovery?: unknown;
    verifier?: string;
    sentTo?: URL;
    state?: string;
  } = {};
  return {
    kept,
    provider: {
      redirectUrl: CALLBACK,
      clientMetadata: METADATA,
      state: () => (kept.state = crypto.randomUUID()),
      clientInformation: () => kept.client,
      saveClientInformation: (client: unknown) => void (kept.client = client),
      tokens: () => kept.tokens,
      saveTokens: (tokens: unknown) => void (kept.tokens = tokens),
      saveDiscoveryState: (discovery: unknown) => void (kept.discovery = discovery),
      discoveryState: () => kept.discovery,
      invalidateCredentials(what: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery') {
        if (what === 'all' || what === 'client') kept.client = undefined;
        if (what === 'all' || what === 'tokens') kept.tokens = undefined;
        if (what === 'all' || what === 'discovery') kept.discovery = undefined;
      },
      redirectToAuthorization: (url: URL) => void (kept.sentTo = url),
      saveCodeVerifier: (verifier: string) => void (kept.verifier = verifier),
      codeVerifier: () => kept.verifier ?? '',
    },
  };
}

export const held = (tokens: unknown): Held => {
  const { access_token: access, refresh_token: refresh } = tokens as Record<string, string>;
  return { access: access ?? '', refresh: refresh ?? '' };
};

/** What every host does with a redirect before it believes it: its own state, and no error. */
function believed(left: URL, state: string | undefined): URLSearchParams {
  const { searchParams } = left;
  if (searchParams.get('state') !== state) throw new Error(`not our state: ${left.href}`);
  const error = searchParams.get('error');
  if (error !== null) throw new Error(error);
  return searchParams;
}

/** The current line of the SDK. */
export function currentSdkHost({ resource, fetch }: Reach): RemoteHost {
  const { kept, provider } = memory();
  const authProvider = provider as OAuthClientProvider;
  let client = new Client(INFO, { versionNegotiation: { mode: 'auto' } });
  let transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider, fetch });
  const reconnect = async (): Promise<void> => {
    await client.close();
    client = new Client(INFO, { versionNegotiation: { mode: 'auto' } });
    transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider, fetch });
    await client.connect(transport);
  };
  return {
    async begin() {
      await reconnect().then(
        () => {
          throw new Error('it came in without its person');
        },
        (cause: unknown) => {
          if (!(cause instanceof UnauthorizedError)) throw cause;
        },
      );
      return kept.sentTo ?? new URL('about:blank');
    },
    async comesBack(left) {
      await transport.finishAuth(believed(left, kept.state));
      await reconnect();
    },
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => (await client.callTool({ name, arguments: { ...args } })).structuredContent,
    tokens: () => held(kept.tokens),
    close: () => client.close(),
  };
}

/** The maintenance line, which older hosts embed. */
export function olderSdkHost({ resource, fetch }: Reach): RemoteHost {
  const { kept, provider } = memory();
  const authProvider = provider as OldProvider;
  let client = new OldClient(INFO);
  let transport = new OldHttpTransport(new URL(resource), { authProvider, fetch });
  const reconnect = async (): Promise<void> => {
    await client.close();
    client = new OldClient(INFO);
    transport = new OldHttpTransport(new URL(resource), { authProvider, fetch });
    await client.connect(transport as OldTransport);
  };
  return {
    async begin() {
      await reconnect().then(
        () => {
          throw new Error('it came in without its person');
        },
        (cause: unknown) => {
          if (!(cause instanceof OldUnauthorized)) throw cause;
        },
      );
      return kept.sentTo ?? new URL('about:blank');
    },
    async comesBack(left) {
      await transport.finishAuth(believed(left, kept.state).get('code') ?? '');
      await reconnect();
    },
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => (await client.callTool({ name, arguments: { ...args } })).structuredContent,
    tokens: () => held(kept.tokens),
    close: () => client.close(),
  };
}

/** A script on a strict OAuth library, which believes nothing that the specifications do not promise, and nothing without TLS. */
export function scriptHost(at: Reach): RemoteHost {
  const { resource } = at;
  const fetched: string[] = [];
  const options = {
    [oauth.customFetch]: (url: string, init: object) => {
      fetched.push(url);
      return at.fetch(url, init as RequestInit);
    },
  };
  let server: oauth.AuthorizationServer | undefined;
  let client: oauth.Client | undefined;
  let state = '';
  let verifier = '';
  let tokens: oauth.TokenEndpointResponse | undefined;
  const parts = () => {
    if (server === undefined || client === undefined) throw new Error('it has not begun');
    return { server, client };
  };

  async function discovered(): Promise<oauth.AuthorizationServer> {
    const challenged = await rpc(at, undefined, 'tools/list');
    const challenge = challenged.headers.get('www-authenticate') ?? '';
    const [, pointed] = /resource_metadata="([^"]+)"/.exec(challenge) ?? [];
    const wanted = new URL(resource);
    const found = await oauth.resourceDiscoveryRequest(wanted, options);
    if (fetched.at(-1) !== pointed)
      throw new Error(`the challenge points at ${pointed}, the standard at ${fetched.at(-1)}`);
    const { authorization_servers: servers = [] } = await oauth.processResourceDiscoveryResponse(
      wanted,
      found,
    );
    const issuer = new URL(servers[0] ?? '');
    const described = await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' });
    return oauth.processDiscoveryResponse(issuer, described);
  }

  return {
    async begin() {
      server ??= await discovered();
      client ??= await oauth.processDynamicClientRegistrationResponse(
        await oauth.dynamicClientRegistrationRequest(server, METADATA, options),
      );
      state = oauth.generateRandomState();
      verifier = oauth.generateRandomCodeVerifier();
      const address = new URL(server.authorization_endpoint ?? '');
      address.search = new URLSearchParams({
        client_id: client.client_id,
        response_type: 'code',
        redirect_uri: CALLBACK,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        scope: 'read:market read:account',
        state,
        resource,
      }).toString();
      return address;
    },
    async comesBack(left) {
      const found = parts();
      const parameters = validated(found.server, found.client, left);
      const answer = await oauth.authorizationCodeGrantRequest(
        found.server,
        found.client,
        oauth.None(),
        parameters,
        CALLBACK,
        verifier,
        { ...options, additionalParameters: { resource } },
      );
      tokens = await oauth.processAuthorizationCodeResponse(found.server, found.client, answer);
      await ownAudience(found.server, tokens.access_token);
    },
    async tools() {
      const { body } = await rpc(at, tokens?.access_token, 'tools/list');
      return (body as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name);
    },
    async call(name, args) {
      const first = await callTool(at, tokens?.access_token ?? '', name, args);
      if (first.status !== 401) return resultOf(first);
      const found = parts();
      const renewed = await oauth.refreshTokenGrantRequest(
        found.server,
        found.client,
        oauth.None(),
        tokens?.refresh_token ?? '',
        options,
      );
      tokens = await oauth.processRefreshTokenResponse(found.server, found.client, renewed);
      return resultOf(await callTool(at, tokens.access_token, name, args));
    },
    tokens: () => held(tokens),
    close: () => Promise.resolve(),
  };

  /** The parameters of a redirect that is this server's answer to this request. */
  function validated(as: oauth.AuthorizationServer, of: oauth.Client, left: URL): URLSearchParams {
    try {
      return oauth.validateAuthResponse(as, of, left, state);
    } catch (cause) {
      if (cause instanceof oauth.AuthorizationResponseError) throw new Error(cause.error, { cause });
      throw cause;
    }
  }

  /** RFC 9068 as a resource server that is not ours would check it: signature, issuer, audience, type. */
  async function ownAudience(as: oauth.AuthorizationServer, token: string): Promise<void> {
    const request = new Request(resource, { headers: { authorization: `Bearer ${token}` } });
    await oauth.validateJwtAccessToken(as, request, resource, options);
  }
}
