/** Closing everything: one position after the other; one that fails does not stop the rest. */
import type { AccountId, Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { authoriseReduction } from './cancel.ts';
import { closePosition } from './close.ts';
import { closesOf } from './closer.ts';
import type { CloseOutcomeView, ReduceCommit } from './desk.ts';
import { mustFind } from './dispatch.ts';
import type { Line } from './line.ts';
import { bindReduction, recallReduction, settleReduction, underKey } from './reduction-key.ts';

type CloseOfOne = CloseOutcomeView & { readonly symbol: string };
interface ClosedAll {
  readonly dryRun: boolean;
  readonly closes: readonly CloseOfOne[];
  readonly failed: readonly { readonly symbol: string; readonly refusal: Refusal }[];
}

/** Closes all that the agent owns, one after the other; one that fails does not stop the rest. */
export async function closeAllPositions(
  line: Line,
  who: Principal,
  filter: { readonly account?: AccountId },
  commit: ReduceCommit,
): Promise<Result<ClosedAll, Refusal>> {
  const allowed = authoriseReduction(line, who);
  if (!allowed.ok) return allowed;
  const known = recallReduction<{
    readonly closes: readonly {
      symbol: string;
      orderId: string | null;
      canceled: readonly string[];
      detail: string;
    }[];
    readonly failed: ClosedAll['failed'];
  }>(line, who, commit);
  if (known !== undefined) {
    if (!known.ok) return known;
    const closes = known.value.closes.map(
      ({ orderId, ...rest }): CloseOfOne => ({
        dryRun: false,
        ...rest,
        order: orderId ? mustFind(line, orderId) : null,
      }),
    );
    return ok({ dryRun: false, closes, failed: known.value.failed });
  }
  if (commit.dryRun) return ok(await closeEach(line, who, filter, commit));
  bindReduction(line, who, commit);
  return underKey(line, who, commit, async () => {
    const closed = await closeEach(line, who, filter, commit);
    const closes = closed.closes.map((one) => ({
      symbol: one.symbol,
      orderId: one.dryRun ? null : (one.order?.orderId ?? null),
      canceled: one.dryRun ? [] : one.canceled,
      detail: one.dryRun ? '' : one.detail,
    }));
    settleReduction(line, who, commit, { closes, failed: closed.failed });
    return ok(closed);
  });
}

async function closeEach(
  line: Line,
  who: Principal,
  filter: { readonly account?: AccountId },
  commit: ReduceCommit,
): Promise<ClosedAll> {
  const closes: CloseOfOne[] = [];
  const failed: { symbol: string; refusal: Refusal }[] = [];
  for (const holding of line.holdings.byHolder(who.agent, filter.account)) {
    if (holding.qty.eq('0')) continue;
    const symbol = line.book.byId(holding.instrument)?.symbol ?? holding.instrument;
    const { idempotencyKey: _one, ...once } = commit;
    for (const part of closesOf(line, holding)) {
      const request = { account: holding.account, symbol: holding.instrument, ...part };
      const closed = await closePosition(line, who, request, once);
      if (closed.ok) closes.push({ ...closed.value, symbol });
      else failed.push({ symbol, refusal: closed.error });
    }
  }
  return { dryRun: commit.dryRun, closes, failed };
}
