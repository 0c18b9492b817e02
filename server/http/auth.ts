/** From `Authorization: Bearer pcl_…` to a principal, and what a stranger is told over HTTP. */
import type { FastifyReply } from 'fastify';
import type { Access } from '#access/access.ts';
import type { Door, Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, type Result } from '#domain/result.ts';

const HOW_TO_GET_A_KEY =
  'Send "Authorization: Bearer pcl_…"; the owner makes a key with `npx portcullis keys create --agent NAME --scopes read:market,read:account`.';

/** What the doors need of the access room: no owner's act is among it. */
export type DoorAccess = Pick<Access, 'stillLive' | 'onEpochChange'> & {
  readonly keys: Pick<Access['keys'], 'authenticate'>;
};

/** RFC 6750 section 2.1, header only: a key in a URL would end up in logs. */
function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(authorization ?? '')?.[1];
}

/**
 * Refusals that are answered by the HTTP status itself, with that status: who is calling is not known or no longer
 * welcome (401, the kill switch among them), or may not come from there or do this (403), or comes too fast (429).
 */
export function atDoor(refusal: Refusal): Refusal {
  switch (refusal.reason) {
    case 'ip_not_allowed':
    case 'insufficient_scope':
    case 'rate_limited':
    case 'store_unavailable':
    case 'internal':
      return refusal;
    // The rest, the kill switch among them, means: these credentials open nothing now.
    default:
      return { ...refusal, status: 401 };
  }
}

export interface Presented {
  readonly authorization: string | undefined;
  readonly door: Door;
  readonly address: string;
}

export function authenticate(access: DoorAccess, presented: Presented): Result<Principal, Refusal> {
  const key = bearerOf(presented.authorization);
  if (key === undefined)
    return err(refuse('unauthenticated', `No API key was presented. ${HOW_TO_GET_A_KEY}`));
  const principal = access.keys.authenticate(key, { door: presented.door, address: presented.address });
  if (principal.ok) return principal;
  const refusal = atDoor(principal.error);
  if (refusal.reason !== 'unauthenticated') return err(refusal);
  return err({ ...refusal, detail: `${refusal.detail} ${HOW_TO_GET_A_KEY}` });
}

/** RFC 6750 section 3: every 401 says how to authenticate, a missing scope says which one. */
export function challenge(reply: FastifyReply, refusal: Refusal, scope?: string): FastifyReply {
  if (refusal.status === 401) return reply.header('www-authenticate', 'Bearer');
  if (refusal.reason === 'insufficient_scope' && scope !== undefined)
    return reply.header('www-authenticate', `Bearer error="insufficient_scope", scope="${scope}"`);
  return reply;
}
