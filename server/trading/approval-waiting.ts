/** Which approvals may be decided: those that wait. What has lapsed ends here, and what is over says how it ended. */
import { excerpt, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { StoreUnavailable } from '#store/open.ts';
import { conclude, lapsed, type Waiting, waitingOf } from './approval-ending.ts';
import type { Approval, Decided } from './approval-rows.ts';
import type { Line } from './line.ts';

/** Nothing is decided where it can not be written down. */
export function unlessBroken<T>(work: () => T): Result<T, Refusal> {
  try {
    return ok(work());
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause;
    return err(
      refuse(
        'store_unavailable',
        'The decision can not be written down now; nothing was sent, and it waits.',
      ),
    );
  }
}

/** One that waits and may be decided; what has lapsed ends here, and says so. */
export function toDecide(line: Line, id: string): Result<Waiting, Refusal> {
  const approval = line.approvals.byId(id);
  if (approval === undefined)
    return err(
      refuse('not_found', `There is no approval ${excerpt(id, 40)}; the list shows those there are.`),
    );
  if (isDecided(approval)) return err(alreadyDecided(approval));
  const end = lapsed(line, approval);
  if (end === undefined) {
    const waiting = waitingOf(line, approval.orderId);
    if (waiting === undefined) throw new Error(`${approval.orderId} does not wait, and its approval does`);
    return ok(waiting);
  }
  const ended = unlessBroken(() =>
    line.store.transaction(() => {
      const waiting = waitingOf(line, approval.orderId);
      return waiting && conclude(line, waiting, end);
    }),
  );
  const now = line.approvals.byId(id) ?? approval;
  return ended.ok && isDecided(now) ? err(alreadyDecided(now)) : err(overFor(approval, end.detail));
}

const overFor = ({ orderId }: Approval, why: string): Refusal =>
  refuse('order_final', `It can not be decided any more: ${why}.`, { order_id: orderId });

function alreadyDecided({ orderId, decided }: Approval & { readonly decided: Decided }): Refusal {
  const at = new Date(decided.atMs).toISOString();
  const over = (how: string): Refusal =>
    refuse('order_final', `${how} Nothing was changed now.`, { order_id: orderId });
  switch (decided.decision) {
    case 'expired':
      return refuse('approval_expired', `It expired at ${at}; nothing was sent.`, { order_id: orderId });
    case 'approved':
      return over(`It was approved already, at ${at}, through the ${decided.door ?? 'console'}.`);
    case 'rejected':
      return over(`It was rejected already, at ${at}, through the ${decided.door ?? 'console'}.`);
    case 'withdrawn':
      return over(`It was canceled at ${at}: ${decided.reason ?? 'nobody said why'}.`);
    case 'void':
      return over(`It has been void since ${at}: ${decided.reason ?? 'it no longer passes'}`);
    default:
      return decided.decision satisfies never;
  }
}

/** An approval whose decision is there. */
const isDecided = (approval: Approval): approval is Approval & { readonly decided: Decided } =>
  approval.decided !== null;
