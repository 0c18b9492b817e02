/** From `Authorization: Bearer pcl_…` to a principal, and what a stranger is told over HTTP. */
import type { FastifyReply } from 'fastify';
import type { Access } from '#access/access.ts';
import type { Door, Principal } from '#domain/principal.ts';
import type { Refusal, RefusalReason } from '#domain/refusal.ts';
import { err, type Result } from '#domain/result.ts';
import { type RpcId, sendRpcProblem } from './problem.ts';

const HOW_TO_GET_A_KEY =
  'Send "Authorization: Bearer pcl_…"; the owner makes a key with `npx portcullis keys create --agent NAME --scopes read:market,read:account`.';

/** What the doors need of the access room: no owner's act is among it. */
export type DoorAccess = Pick<Access, 'stillLive'> & {
  readonly keys: Pick<Access['keys'], 'authenticate'>;
};

/** RFC 6750 section 2.1, header only: a key in a URL would end up in logs. */
function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(authorization ?? '')?.[1];
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
  const key = bearerOf(presented.authorization);
  // Nothing presented is asked about too: that is what puts the denial on the record.
  const principal = access.keys.authenticate(key ?? '', { door: presented.door, address: presented.address });
  if (principal.ok) return principal;
  const refusal = atDoor(principal.error);
  if (refusal.reason !== 'unauthenticated') return err(refusal);
  const detail = key === undefined ? 'No API key was presented.' : refusal.detail;
  return err({ ...refusal, detail: `${detail} ${HOW_TO_GET_A_KEY}` });
}

/** RFC 6750 section 3: every 401 says how to authenticate, a missing scope says which one. */
export function challenge(reply: FastifyReply, refusal: Refusal, scope?: string): FastifyReply {
  if (refusal.status === 401) return reply.header('www-authenticate', 'Bearer');
  if (refusal.reason === 'insufficient_scope' && scope !== undefined)
    return reply.header('www-authenticate', `Bearer error="insufficient_scope", scope="${scope}"`);
  return reply;
}

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
