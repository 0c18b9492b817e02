/** Access tokens (RFC 9068): whether one was signed by us, for us, as what it says it is; not whether its grant still stands. */
import { type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import type { Scope } from '#domain/principal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { ACCESS_TOKEN_LENGTH_MAX, ACCESS_TOKEN_TTL_MAX_SECONDS } from '#limits.ts';
import { scopesIn } from './grant-table.ts';

export interface AccessToken {
  readonly grantId: string;
  readonly clientId: string;
  /** The authority epoch that it was made in. */
  readonly epoch: number;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number;
}

/** What is wrong with one, for the record; whoever presented it is told that it is not valid, and nothing more. */
export type TokenFault =
  | 'malformed'
  | 'algorithm'
  | 'type'
  | 'unknown_key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'lifetime'
  | 'claims';

export interface TokenRules {
  readonly issuer: string;
  /** The URL of the MCP endpoint. */
  readonly audience: string;
  readonly publicKey: (kid: string) => KeyObject | undefined;
}

const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

/** Nothing of the header is believed but what is expected: one algorithm, one type, no extension that would have to be understood. */
const headerRule = z.object({
  alg: z.string(),
  typ: z.string(),
  kid: z.string(),
  crit: z.undefined().optional(),
});

const seconds = z.int().nonnegative();
const claimsRule = z.object({
  iss: z.string(),
  // One audience: a token that is good elsewhere too could come from there.
  aud: z.union([z.string(), z.tuple([z.string()]).transform(([only]) => only)]),
  exp: seconds,
  iat: seconds,
  nbf: seconds.optional(),
  client_id: z.string().min(1),
  scope: z.string().default(''),
  gid: z.string().min(1),
  ep: z.int().positive(),
});

/** The caller compares `expiresAtMs` with its clock, each time. */
export function readAccessToken(token: string, rules: TokenRules): Result<AccessToken, TokenFault> {
  const parts = token.length > ACCESS_TOKEN_LENGTH_MAX ? null : COMPACT.exec(token);
  const header = parts && headerRule.safeParse(jsonOf(parts[1] ?? ''));
  if (!header?.success) return err('malformed');
  const { alg, typ, kid } = header.data;
  // RFC 8725, section 3.1: the algorithm is ours to say, so neither `none` nor an HMAC under the public key is one.
  if (alg !== 'RS256') return err('algorithm');
  // RFC 9068, section 4: an ID token is none.
  if (typ !== 'at+jwt') return err('type');
  const key = rules.publicKey(kid);
  if (!key) return err('unknown_key');
  const [, head = '', body = '', signature = ''] = parts ?? [];
  if (!verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')))
    return err('signature');
  const claims = claimsRule.safeParse(jsonOf(body));
  return claims.success ? judge(claims.data, rules) : err('claims');
}

function judge(
  { iss, aud, exp, iat, nbf = iat, scope, gid, ep, client_id }: z.output<typeof claimsRule>,
  { issuer, audience }: TokenRules,
): Result<AccessToken, TokenFault> {
  if (iss !== issuer) return err('issuer');
  if (aud !== audience) return err('audience');
  // Whether it is yet to come is no question: steady time is never behind the clock that signed it.
  if (exp <= iat || exp - iat > ACCESS_TOKEN_TTL_MAX_SECONDS || nbf > exp) return err('lifetime');
  return ok({
    grantId: gid,
    clientId: client_id,
    epoch: ep,
    scopes: scopesIn(scope),
    expiresAtMs: exp * 1_000,
  });
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch {
    return undefined;
  }
}
