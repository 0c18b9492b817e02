/** An agent at its own mandate: what it makes tighter is a new version by its own hand. Nothing here makes anything looser. */
import type { JsonValue } from '#audit/event.ts';
import type { Mandate, MandateDocument } from '#domain/mandate.ts';
import type { AgentId, Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { actOn } from './agents.ts';
import type { MandateOptions } from './mandates.ts';
import { type Tightened, tighten } from './tighten.ts';

export interface OwnMandate {
  /**
   * An agent makes its own mandate tighter, never looser, in a new version; a mandate that has ended stays ended. What `also`
   * gives goes on the record beside it. Where everything asked for is in force already, nothing is written.
   */
  tighten(
    by: Principal,
    fields: unknown,
    also?: (next: Mandate) => Readonly<Record<string, JsonValue>>,
  ): Result<Tightened, Refusal>;
  /** What `tighten` would make of it; changes nothing. */
  checkTighten(agent: AgentId, fields: unknown): Result<Tightened, Refusal>;
}

/** `save` writes a version as the agent's. */
export function ownMandate(
  o: Pick<MandateOptions, 'store' | 'audit' | 'wall' | 'instruments' | 'changed'>,
  mandates: {
    current(agent: AgentId): Mandate | undefined;
    save(agent: AgentId, mandate: Mandate): void;
  },
): OwnMandate {
  /** One that has ended is not tightened into life: only the owner gives a new one. */
  function inForce(agent: AgentId): Result<Mandate, Refusal> {
    const mandate = mandates.current(agent);
    if (mandate === undefined || mandate.revokedAtMs !== null)
      return err(refuse('no_mandate', 'You have no mandate in force to tighten; only the owner gives one.'));
    return mandate.expiresAtMs !== null && o.wall.hasPassed(mandate.expiresAtMs)
      ? err(refuse('mandate_expired', 'Your mandate has ended; only the owner gives a new one.'))
      : ok(mandate);
  }
  function checkTighten(agent: AgentId, fields: unknown): Result<Tightened, Refusal> {
    const mandate = inForce(agent);
    return mandate.ok ? tighten(mandate.value, fields, o.instruments) : mandate;
  }
  return {
    checkTighten,
    tighten: (by, fields, also) =>
      o.store.transaction(() => {
        const before = mandates.current(by.agent);
        const tightened = checkTighten(by.agent, fields);
        if (!tightened.ok || tightened.value.changed.length === 0) return tightened;
        const { mandate, changed } = tightened.value;
        mandates.save(by.agent, mandate);
        const only = (of: MandateDocument | undefined): JsonValue =>
          JSON.parse(
            JSON.stringify(Object.fromEntries(changed.map((field) => [field, of?.[field] ?? null]))),
          ) as JsonValue;
        o.audit.record({
          kind: 'mandate.tightened',
          ...actOn(by.agentName, by),
          outcome: 'ok',
          detail: {
            version: mandate.version,
            before: only(before?.document),
            after: only(mandate.document),
            ...also?.(mandate),
          },
        });
        o.store.afterCommit(() => o.changed(by.agent));
        return tightened;
      }),
  };
}
