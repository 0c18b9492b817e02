/** Keys of what only reduces: bound before it is done, settled with what came of it, and free again when nothing did. */
import { type Actor, holderOf } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { ReduceCommit } from './desk.ts';
import type { Line } from './line.ts';
import { keyConflict } from './submit.ts';

/** What a key of a reduce tool has done before; the same key and arguments never act twice. */
export function recallReduction<T>(
  line: Line,
  who: Actor,
  commit: ReduceCommit,
): Result<T, Refusal> | undefined {
  if (commit.idempotencyKey === undefined || commit.dryRun) return undefined;
  const bound = line.idempotency.find(holderOf(who), commit.tool, commit.idempotencyKey);
  if (bound === undefined) return undefined;
  if (bound.digest !== commit.digest) return err(keyConflict(bound.orderId));
  if (bound.outcome !== null) return ok(JSON.parse(bound.outcome) as T);
  if (line.memory.keysUnderWay.has(nameOf(who, commit)))
    return err(refuse('reconciling', 'The first call with this key is still under way.', { retry_after: 1 }));
  // It failed half-way while the store could not be told: nobody is at it any more, and repeating it is harmless.
  releaseKey(line, who, commit);
  return undefined;
}

export function bindReduction(
  line: Line,
  who: Actor,
  commit: ReduceCommit,
  bound: { readonly outcome: string | null; readonly orderId: string | null } = {
    outcome: null,
    orderId: null,
  },
): void {
  const key = commit.idempotencyKey;
  if (key === undefined) return;
  line.store.transaction(() =>
    line.idempotency.bind(holderOf(who), commit.tool, key, {
      digest: commit.digest,
      ...bound,
      atMs: line.wallMs(),
    }),
  );
  if (bound.outcome === null) line.memory.keysUnderWay.add(nameOf(who, commit));
}

export function settleReduction(line: Line, who: Actor, commit: ReduceCommit, outcome: unknown): void {
  const key = commit.idempotencyKey;
  if (key === undefined) return;
  line.memory.keysUnderWay.delete(nameOf(who, commit));
  line.store.transaction(() =>
    line.idempotency.settle(holderOf(who), commit.tool, key, JSON.stringify(outcome)),
  );
}

/** Does what a key was bound for; when that fails half-way the key is free again. */
export async function underKey<T>(
  line: Line,
  who: Actor,
  commit: ReduceCommit,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    releaseKey(line, who, commit);
    throw cause;
  } finally {
    if (commit.idempotencyKey !== undefined) line.memory.keysUnderWay.delete(nameOf(who, commit));
  }
}

/**
 * Frees a key as a restart would: one that has made an order names it from the same transaction on and keeps it, and what came
 * before (cancels of what reduces) is harmless to repeat.
 */
function releaseKey(line: Line, who: Actor, { tool, idempotencyKey }: ReduceCommit): void {
  if (idempotencyKey === undefined) return;
  try {
    line.store.transaction(() => line.idempotency.release(holderOf(who), tool, idempotencyKey));
  } catch {
    // A store that is still broken keeps the key until it is used again; the failure itself is what is told.
  }
}

const nameOf = (who: Actor, { tool, idempotencyKey = '' }: ReduceCommit): string =>
  `${holderOf(who)} ${tool} ${idempotencyKey}`;
