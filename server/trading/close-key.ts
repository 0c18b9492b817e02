/** What a key of a close has done before: the order it made, or the outcome that was written down. */
import { type Actor, holderOf } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { CloseOutcomeView, ReduceCommit } from './desk.ts';
import { mustFind } from './dispatch.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { recallReduction } from './reduction-key.ts';

interface StoredClose {
  readonly orderId?: string | null;
  readonly canceled?: readonly string[];
  readonly detail?: string;
  readonly refusal?: Refusal;
}

export function recallClose(
  line: Line,
  who: Actor,
  commit: ReduceCommit,
): Result<CloseOutcomeView, Refusal> | undefined {
  const made = orderMade(line, who, commit);
  if (made !== undefined)
    return ok({ dryRun: false, order: made, canceled: [], detail: 'this key has made this close' });
  const known = recallReduction<StoredClose>(line, who, commit);
  if (known === undefined || !known.ok) return known;
  const { refusal, orderId, canceled, detail } = known.value;
  if (refusal !== undefined) return err(refusal);
  const order = orderId ? mustFind(line, orderId) : null;
  return ok({ dryRun: false, order, canceled: canceled ?? [], detail: detail ?? '' });
}

/** The close of a key whose call never ended, because the gateway did: a second one would close a part of it twice. */
function orderMade(line: Line, who: Actor, commit: ReduceCommit): StoredOrder | undefined {
  if (commit.idempotencyKey === undefined || commit.dryRun) return undefined;
  const bound = line.idempotency.find(holderOf(who), commit.tool, commit.idempotencyKey);
  if (bound === undefined || bound.digest !== commit.digest || bound.outcome !== null) return undefined;
  return bound.orderId === null ? undefined : mustFind(line, bound.orderId);
}
