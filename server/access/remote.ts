/** What remote clients present instead of a key: checked by the room that grants it, asked by everybody through this one. */
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { Presentation } from './authenticate.ts';

/** Access tokens of OAuth grants. While nobody checks them no token opens anything, and no grant stands. */
export interface RemoteCredentials {
  /** Every denial goes on the record here. */
  authenticate(token: string, from: Presentation): Result<Principal, Refusal>;
  /** Until when its grant stands, epoch ms, if nobody ends it before; or why it, or a scope of it, no longer does. Has no effect. */
  standsUntil(who: Principal): Result<number, Refusal>;
}
