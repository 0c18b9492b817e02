/** Whether a credential that was checked a while ago still stands. */
import type { Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Agents } from './agents.ts';
import { haltedByKill, type KeyCheck } from './authenticate.ts';
import type { Authority } from './authority.ts';
import { LOCAL_CREDENTIAL } from './local-agent.ts';

/** Synchronous and without effect, so that the order line can ask inside the transaction that acts on the answer. */
export function stillLive(
  who: Principal,
  o: { readonly authority: Authority; readonly keys: KeyCheck; readonly agents: Agents },
): Result<void, Refusal> {
  const halted = haltedByKill(o.authority);
  if (halted) return err(halted);
  if (who.epoch !== o.authority.epoch())
    return err(refuse('credential_revoked', 'The owner ended every session; present the credential again.'));
  if (!o.agents.byId(who.agent))
    return err(refuse('credential_revoked', 'The agent of this credential is gone.'));
  if (who.credential === LOCAL_CREDENTIAL) return ok(undefined);
  const ended = o.keys.refusedNow(who.credential);
  return ended ? err(ended) : ok(undefined);
}
