/** A client that the owner has made, with tokens for chosen scopes: where a test of tokens begins. */
import { OWNER_CLI, type Scope } from '#domain/principal.ts';
import type { RemoteGrant } from '#oauth/records.ts';
import {
  type Answer,
  type Asked,
  authorization,
  CALLBACK,
  codeIn,
  exchange,
  type Tokens,
  tokensOf,
} from './remote-flow.ts';
import type { RemoteGateway } from './remote-gateway.ts';

export interface MadeClient {
  readonly clientId: string;
  /** undefined: a public one. */
  readonly secret: string | undefined;
}

let made = 0;
export function makeClient(
  at: RemoteGateway,
  o: { readonly scopes?: readonly Scope[]; readonly confidential?: boolean } = {},
): MadeClient {
  const created = at.gateway.clients.createStatic({
    name: `Client ${++made}`,
    redirectUris: [CALLBACK],
    agent: `agent-${made}`,
    scopes: o.scopes ?? ['read:market', 'read:account'],
    confidential: o.confidential ?? false,
    by: OWNER_CLI,
  });
  if (!created.ok) throw new Error(created.error.detail);
  return { clientId: created.value.client.clientId, secret: created.value.secret ?? undefined };
}

export interface Granted extends Tokens {
  readonly clientId: string;
  readonly asked: Asked;
  readonly code: string;
}

/** As far as the code: signed in, ticked, sent back. */
export async function coded(
  at: RemoteGateway,
  clientId: string,
  scopes: readonly Scope[] = ['read:market'],
  over: { readonly expiryDays?: string } = {},
): Promise<{ readonly asked: Asked; readonly code: string }> {
  const asked = authorization(at, { clientId });
  return { asked, code: codeIn(await at.browser().grant(asked.url, { scopes, ...over })) };
}

export async function granted(
  at: RemoteGateway,
  scopes: readonly Scope[] = ['read:market'],
): Promise<Granted> {
  const { clientId } = makeClient(at, { scopes: ['read:market', 'read:account', 'write:orders'] });
  const { asked, code } = await coded(at, clientId, scopes);
  return { ...tokensOf(await exchange(at, asked, code)), clientId, asked, code };
}

export const grantOf = (at: RemoteGateway, clientId: string): RemoteGrant => {
  const [grant] = at.gateway.clients.grants({ clientId, limit: 1 });
  if (!grant) throw new Error(`no grant of ${clientId}`);
  return grant;
};

export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}
export function jwtIn(token: string): Jwt {
  const [header = '', claims = ''] = token.split('.');
  const read = (part: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
  return { header: read(header), claims: read(claims) };
}

/** RFC 6749, section 5.2. */
export const errorIn = ({ status, body }: Answer): string => `${status} ${String(body['error'])}`;
