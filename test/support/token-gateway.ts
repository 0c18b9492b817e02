/** A whole gateway with remote MCP on, under the hand clock, with clients, grants and tokens as a consent would have left them. */
import { randomBytes } from 'node:crypto';
import { OWNER_CLI, OWNER_CONSOLE, SCOPES, type Scope } from '#domain/principal.ts';
import { type GatewayOptions, openTestGateway, type TestGateway } from './gateway.ts';
import { type RawAnswer, send } from './raw-http.ts';
import { claimsOf, FROM_AFAR, PUBLIC_URL, signed, type TokenClaims } from './tokens.ts';

export interface TokenGateway extends TestGateway {
  readonly port: number;
  /** An approved client of that agent, which is made when it is new; its id. */
  client(agent?: string, scopes?: readonly Scope[]): string;
  /** As a consent of the owner's leaves it, good for an hour; its id. */
  grant(clientId: string, scopes?: readonly Scope[]): string;
  token(grantId: string, over?: TokenClaims): string;
  /** A token of a new grant of a new client. */
  connected(agent?: string, scopes?: readonly Scope[]): string;
  /** From far away, through the proxy; `bearer` is a token or a key. */
  ask(o: Asked): Promise<RawAnswer>;
  callTool(bearer: string, name: string, args?: object, session?: string): Promise<RawAnswer>;
}

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly bearer?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const ON = {
  MCP_HTTP_ENABLED: 'true',
  MCP_PUBLIC_URL: PUBLIC_URL.origin,
  TRUSTED_PROXIES: '127.0.0.1',
} as const;

const HOUR_MS = 3_600_000;

export async function openTokenGateway(
  settings: Readonly<Record<string, string>> = {},
  options: Omit<GatewayOptions, 'settings' | 'clock'> = {},
): Promise<TokenGateway> {
  const gate = await openTestGateway({ ...options, settings: { ...ON, ...settings } });
  // Until the tape has published something there is no price for anything.
  await gate.clock.advanceAsync(2_000);
  const { access, grants, clients, console } = gate.gateway;
  // Stored, as the owner does it, so that a test can change it while the gateway runs.
  if (!('MCP_OAUTH_WRITE_SCOPE_ENABLED' in settings))
    await console.settings.save({ MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' });
  const port = options.http === false ? 0 : Number(new URL(gate.url).port);

  function client(agent = 'claude', scopes: readonly Scope[] = SCOPES): string {
    const made = clients.createStatic({
      name: 'Claude',
      redirectUris: ['https://claude.ai/api/mcp/auth_callback'],
      agent,
      scopes,
      confidential: false,
      by: OWNER_CONSOLE,
    });
    if (!made.ok) throw new Error(made.error.detail);
    return made.value.client.clientId;
  }
  function grant(clientId: string, scopes: readonly Scope[] = SCOPES): string {
    const agent = clients.find(clientId)?.agent;
    if (!agent) throw new Error('this client has no agent');
    const opened = grants.open({
      grantId: randomBytes(8).toString('hex'),
      clientId,
      agent: agent.id,
      scopes,
      steppedUpAtMs: access.wall(),
      expiresAtMs: access.wall() + HOUR_MS,
    });
    if (!opened.ok) throw new Error(opened.error.detail);
    return opened.value.grantId;
  }
  function token(grantId: string, over: TokenClaims = {}): string {
    const found = grants.find(grantId);
    const { signing } = console.remote;
    if (!found || !signing) throw new Error('nothing to make a token of');
    return signed(signing, { ...claimsOf(found, access.wall()), ...over });
  }
  const ask: TokenGateway['ask'] = ({ bearer, headers, ...asked }) =>
    send({
      port,
      method: 'POST',
      path: '/mcp',
      ...asked,
      headers: {
        host: PUBLIC_URL.host,
        'x-forwarded-for': FROM_AFAR.address ?? '',
        'x-forwarded-proto': 'https',
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...headers,
      },
    });

  return {
    gateway: gate.gateway,
    config: gate.config,
    clock: gate.clock,
    folder: gate.folder,
    get url() {
      return gate.url;
    },
    logged: gate.logged,
    key: gate.key,
    local: gate.local,
    call: gate.call,
    stop: gate.stop,
    close: gate.close,
    port,
    client,
    grant,
    token,
    connected: (agent, scopes) => token(grant(client(agent, scopes), scopes)),
    ask,
    callTool: (bearer, name, args = {}, session) =>
      ask({
        bearer,
        body: { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, arguments: args } },
        ...(session === undefined
          ? {}
          : { headers: { 'mcp-session-id': session, accept: 'application/json, text/event-stream' } }),
      }),
  };
}

/** The agent may trade on paper, as the tests of budgets need it. */
export function mayTrade(gate: TestGateway, agent: string, over: object = {}): void {
  const set = gate.gateway.access.mandates.set(
    agent,
    {
      accounts: ['paper'],
      symbols: ['SPX'],
      sides: ['buy', 'sell'],
      order_types: ['market', 'limit'],
      max_order_qty: '100',
      max_order_value: '1000000',
      max_daily_value: '1000000',
      max_daily_orders: 50,
      max_daily_loss: '500',
      max_open_orders: 10,
      max_gross_exposure: '1000000',
      trading_hours: 'any',
      expires_at: null,
      commit: 'one_step',
      approval: 'never',
      ...over,
    },
    OWNER_CLI,
  );
  if (!set.ok) throw new Error(set.error.detail);
}
