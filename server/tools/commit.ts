/** How a call is meant: the fields that tell a preview from a commit, and what the desk is told of them. */
import { z } from 'zod';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { ReduceCommit, TradeCommit } from '#trading/desk.ts';
import { type Arguments, digestOf } from './digest.ts';
import { idempotencyKey } from './fields.ts';

const actionToken = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,200}$/, { error: 'the action_token of a preview' })
  .optional();

/** Of tools that can add risk: a preview unless `dry_run` is false. */
export const tradeFields = {
  dry_run: z.boolean().default(true).describe('true: preview only'),
  action_token: actionToken.describe('Of the preview: once, 5 minutes'),
  idempotency_key: idempotencyKey.optional().describe('For dry_run false; same one on a retry'),
};

/** Of tools that only reduce: they act unless `dry_run` is true. */
export const reduceFields = {
  dry_run: z.boolean().default(false).describe('true: preview'),
  idempotency_key: idempotencyKey.optional().describe('Same key, same outcome'),
};

interface ReduceInput {
  readonly dry_run: boolean;
  readonly idempotency_key?: string | undefined;
}
interface TradeInput extends ReduceInput {
  readonly action_token?: string | undefined;
}

/** Without a key a repeated commit could not be told from a second order. */
export function tradeCommit(tool: string, input: TradeInput & Arguments): Result<TradeCommit, Refusal> {
  const digest = digestOf(input);
  if (input.dry_run) return ok({ kind: 'preview', tool, digest });
  if (input.idempotency_key === undefined) {
    return err(
      refuse(
        'idempotency_key_required',
        `${tool} with dry_run false needs an idempotency_key; choose one, and repeat it with the same arguments if you have to try again.`,
      ),
    );
  }
  return ok({
    kind: 'commit',
    tool,
    digest,
    idempotencyKey: input.idempotency_key,
    ...(input.action_token === undefined ? {} : { token: input.action_token }),
  });
}

export function reduceCommit(tool: string, input: ReduceInput & Arguments): ReduceCommit {
  return {
    tool,
    digest: digestOf(input),
    dryRun: input.dry_run,
    ...(input.idempotency_key === undefined ? {} : { idempotencyKey: input.idempotency_key }),
  };
}
