/** Whether a credential that was checked a while ago still stands. */
import type { Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Changes } from '#store/changes.ts';
import type { Agents } from './agents.ts';
import { haltedByKill, type KeyCheck } from './authenticate.ts';
import type { Authority } from './authority.ts';
import { LOCAL_CREDENTIAL } from './local-agent.ts';
import type { RemoteCredentials } from './remote.ts';
import type { SteadyWall } from './wall.ts';

interface StillLiveOptions {
  readonly authority: Authority;
  readonly keys: KeyCheck;
  readonly agents: Agents;
  readonly changes: Changes;
  readonly wall: SteadyWall;
  /** undefined: nobody remote is served. */
  readonly remote: () => RemoteCredentials | undefined;
}

/** Synchronous and without effect, so that the order line can ask inside the transaction that acts on the answer. */
export function openStillLive(o: StillLiveOptions): (who: Principal) => Result<void, Refusal> {
  /** Who was found live, at which state of the database and until when time alone can not change that. */
  const found = new WeakMap<Principal, { readonly at: number; readonly untilMs: number }>();
  return (who) => {
    const at = o.changes.now();
    const known = found.get(who);
    if (known?.at === at && o.wall() < known.untilMs) return LIVE;
    const live = look(who, o);
    if (!live.ok) return live;
    if (!Number.isNaN(at)) found.set(who, { at, untilMs: live.value });
    return LIVE;
  };
}

const LIVE = ok(undefined);

/** Until when it stands, if nobody ends it. */
function look(who: Principal, o: StillLiveOptions): Result<number, Refusal> {
  const halted = haltedByKill(o.authority);
  if (halted) return err(halted);
  if (who.epoch !== o.authority.epoch())
    return err(refuse('credential_revoked', 'The owner ended every session; present the credential again.'));
  if (!o.agents.byId(who.agent))
    return err(refuse('credential_revoked', 'The agent of this credential is gone.'));
  if (who.grant !== undefined) return o.remote()?.standsUntil(who) ?? err(nobodyRemote());
  return who.credential === LOCAL_CREDENTIAL
    ? ok(Number.POSITIVE_INFINITY)
    : o.keys.standsUntil(who.credential);
}

const nobodyRemote = (): Refusal =>
  refuse('credential_revoked', 'Remote access is off; nothing that was granted for it opens anything.');
