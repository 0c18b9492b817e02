/** An agent makes its own mandate tighter: a new version, its key bound and the orders that no longer fit named, in one commit. */
import type { Tightened } from '#access/tighten.ts';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { authoriseReduction } from './cancel.ts';
import { unfitUnder } from './cancel-adding.ts';
import type { ReduceCommit, TightenResult } from './desk.ts';
import type { Line } from './line.ts';
import { bindReduction, recallReduction } from './reduction-key.ts';

/** In whatever trading state: it takes nothing but what the agent may do. What is canceled for it follows from the change itself. */
export function tightenMandate(
  line: Line,
  who: Principal,
  fields: unknown,
  commit: ReduceCommit,
): Result<TightenResult, Refusal> {
  const { mandates } = line.access;
  const allowed = authoriseReduction(line, who);
  if (!allowed.ok) return allowed;
  const known = recallReduction<TightenResult>(line, who, commit);
  if (known !== undefined) return known;
  function seen({ mandate, changed }: Tightened, dryRun: boolean): TightenResult {
    // The owner's tests of it are nothing to plan by.
    const { tests: _tests, ...document } = mandate.document;
    const canceling = changed.length === 0 ? [] : unfitUnder(line, who.agent, mandate);
    return { dryRun, version: mandate.version, changed, mandate: document, canceling };
  }
  if (commit.dryRun) {
    const checked = mandates.checkTighten(who.agent, fields);
    return checked.ok ? ok(seen(checked.value, true)) : checked;
  }
  return line.store.transaction(() => {
    const tightened = mandates.tighten(who, fields, (next) => ({
      canceling: unfitUnder(line, who.agent, next),
    }));
    if (!tightened.ok) return tightened;
    const result = seen(tightened.value, false);
    bindReduction(line, who, commit, { outcome: JSON.stringify(result), orderId: null });
    return ok(result);
  });
}
