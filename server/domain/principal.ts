/** Who is calling: a credential and the agent it is attached to. */

declare const agentBrand: unique symbol;
export type AgentId = string & { readonly [agentBrand]: true };
export const agentId = (id: string): AgentId => id as AgentId;

declare const accountBrand: unique symbol;
export type AccountId = string & { readonly [accountBrand]: true };
export const accountId = (id: string): AccountId => id as AccountId;

export const SCOPES = ['read:market', 'read:account', 'write:orders'] as const;
/** Which kind of thing a credential may do; how much of it is the mandate's. */
export type Scope = (typeof SCOPES)[number];
/** Every other one can move something, and is for remote clients only while the owner lets them write at all. */
export const isReadScope = (scope: Scope): boolean => scope.startsWith('read:');

export const DOORS = ['http', 'stdio', 'rest', 'console', 'webhook', 'cli'] as const;
/** `http` is MCP over HTTP, `stdio` MCP over the agent socket, `rest` REST, `cli` the owner's command line. */
export type Door = (typeof DOORS)[number];

/** The credential that is calling, with its agent. */
export interface Principal {
  readonly kind: 'agent';
  readonly agent: AgentId;
  readonly agentName: string;
  /** `key_…` for an API key, `client_…` for a remote client, `local` for the stdio door without a key. */
  readonly credential: string;
  /** Of a remote client alone: the consent that it acts under. */
  readonly grant?: string;
  readonly door: Door;
  readonly scopes: ReadonlySet<Scope>;
  /** The authority epoch at which the credential was checked; a later epoch voids it. */
  readonly epoch: number;
  /** The caller's address, for the audit record; undefined over a socket. */
  readonly address?: string;
}

/** The human; full authority. */
export interface Owner {
  readonly kind: 'owner';
  readonly credential: 'owner';
  readonly door: Door;
}

export type Actor = Principal | Owner;
export const OWNER_CLI: Owner = { kind: 'owner', credential: 'owner', door: 'cli' };
/** On the pages of an authorization. */
export const OWNER_AT_CONSENT: Owner = { kind: 'owner', credential: 'owner', door: 'http' };
export const OWNER_CONSOLE: Owner = { kind: 'owner', credential: 'owner', door: 'console' };

/** Whom the owner's own orders and positions belong to; no agent may be called so, and ids of agents look otherwise. */
export const OWNER_HOLDER: AgentId = agentId('owner');
export const holderOf = (who: Actor): AgentId => (who.kind === 'owner' ? OWNER_HOLDER : who.agent);

/** Names of agents, accounts and owners: what is safe in a terminal, a URL and a file name. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9_.-]{0,39}$/;
/** The same in words, for who mistyped one. */
export const NAME_RULE =
  '1 to 40 small letters, digits, ".", "_" and "-", beginning with a letter or a digit';

export const TRADING_STATES = ['ACTIVE', 'REDUCING', 'HALTED'] as const;
export type TradingState = (typeof TRADING_STATES)[number];

/** The strictest of several trading states wins. */
export function strictest(...states: readonly TradingState[]): TradingState {
  if (states.includes('HALTED')) return 'HALTED';
  return states.includes('REDUCING') ? 'REDUCING' : 'ACTIVE';
}
