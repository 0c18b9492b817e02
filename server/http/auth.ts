/** From `Authorization: Bearer …` (a key, or on /mcp an access token) to a principal, and what a stranger is told over HTTP. */
import type { FastifyReply } from 'fastify';
import type { Access } from '#access/access.ts';
import { type Door, type Principal, SCOPES, type Scope } from '#domain/principal.ts';
import type { Refusal, RefusalReason } from '#domain/refusal.ts';
import { err, type Result } from '#domain/result.ts';
import { ACCESS_TOKEN_LENGTH_MAX } from '#limits.ts';
import { type RpcId, sendRpcProblem } from './problem.ts';

const HOW_TO_GET_A_KEY =
  'Send "Authorization: Bearer pcl_…"; the owner makes a key with `npx portcullis keys create --agent NAME --scopes read:market,read:account`.';

/** What the doors need of the access room: no owner's act is among it. */
export type DoorAccess = Pick<Access, 'stillLive' | 'remote'> & {
  readonly keys: Pick<Access['keys'], 'authenticate'>;
};

const BEARER = new RegExp(`^Bearer +([\\x21-\\x7e]{1,${ACCESS_TOKEN_LENGTH_MAX}}) *$`, 'i');
/** RFC 6750 section 2.1, header only: a key in a URL would end up in logs. */
const bearerOf = (authorization: string | undefined): string | undefined =>
  BEARER.exec(authorization ?? '')?.[1];
const isKey = (bearer: string): boolean => bearer.startsWith('pcl_');
/** A key that is refused stays so; a token can be had anew, and its holder is told to. */
export function presentsToken(authorization: string | undefined): boolean {
  const bearer = bearerOf(authorization);
  return bearer !== undefined && !isKey(bearer);
}

const TOLD_AS_IS: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'ip_not_allowed',
  'insufficient_scope',
  'rate_limited',
  'store_unavailable',
  'internal',
]);

/**
 * Refusals that are answered by the HTTP status itself, with that status: who is calling is not known or no longer
 * welcome (401, the kill switch among them), or may not come from there or do this (403), or comes too fast (429).
 */
export function atDoor(refusal: Refusal): Refusal {
  // Whatever else ends a credential, the kill switch among it, means: it opens nothing now.
  return TOLD_AS_IS.has(refusal.reason) ? refusal : { ...refusal, status: 401 };
}

export interface Presented {
  readonly authorization: string | undefined;
  readonly door: Door;
  readonly address: string;
}

export function authenticate(access: DoorAccess, presented: Presented): Result<Principal, Refusal> {
  // Nothing presented is asked about too: that is what puts the denial on the record.
  const bearer = bearerOf(presented.authorization);
  const from = { door: presented.door, address: presented.address };
  // Tokens are for /mcp, their audience; every other door has keys alone.
  const isToken = bearer !== undefined && !isKey(bearer) && presented.door === 'http';
  const principal = isToken
    ? access.remote.authenticate(bearer, from)
    : access.keys.authenticate(bearer ?? '', from);
  if (principal.ok) return principal;
  const refusal = atDoor(principal.error);
  if (refusal.reason !== 'unauthenticated') return err(refusal);
  // Whoever signs in by OAuth has no use for a key.
  if (isToken) return err(refusal);
  const detail = bearer === undefined ? 'No API key was presented.' : refusal.detail;
  return err({ ...refusal, detail: `${detail} ${HOW_TO_GET_A_KEY}` });
}

/** RFC 6750 section 3: every 401 says how to authenticate, a missing scope says which one. */
export function challenge(reply: FastifyReply, refusal: Refusal, scope?: string): FastifyReply {
  if (refusal.status === 401) return reply.header('www-authenticate', 'Bearer');
  if (refusal.reason === 'insufficient_scope' && scope !== undefined)
    return reply.header('www-authenticate', `Bearer error="insufficient_scope", scope="${scope}"`);
  return reply;
}

/**
 * The scopes that a call needs, for its challenge. A remote client asks anew for exactly what it is told here, so what it
 * holds is named too; the owner of a key is told what it lacks.
 */
export const scopesNeeded = ({ grant, scopes }: Principal, missing: Scope): string =>
  grant === undefined ? missing : SCOPES.filter((scope) => scope === missing || scopes.has(scope)).join(' ');

/** Whether a refused call is told by the HTTP status: the caller itself is unwelcome, not what it asked for. */
export function concernsCaller(refusal: Refusal, stillLive: () => boolean): boolean {
  const { reason } = refusal;
  if (reason === 'unauthenticated' || reason === 'credential_revoked') return true;
  if (reason === 'ip_not_allowed' || reason === 'insufficient_scope') return true;
  // An agent's own halt is an answer; the kill switch closes the door.
  return reason === 'trading_halted' && !stillLive();
}

/** On /mcp: the status, the challenge, and the refusal as JSON-RPC `error.data`. */
export function refuseAtDoor(
  reply: FastifyReply,
  refusal: Refusal,
  how: { readonly id?: RpcId; readonly scope?: string | undefined } = {},
): FastifyReply {
  const told = atDoor(refusal);
  return sendRpcProblem(challenge(reply, told, how.scope), told, how.id ?? null);
}
