/** A paper account begins anew: its orders are canceled, its broker starts with the deposit, and our books follow what the broker says of it. */
import { type Money, text } from '#domain/decimal.ts';
import type { AccountId, Owner } from '#domain/principal.ts';
import { type Refusal, refuse, refuseUnclear } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { RestartOutcome } from '#ports.ts';
import type { AfterEvent } from './broker-events.ts';
import { cancelMany } from './cancel.ts';
import { auditActor, type Line } from './line.ts';
import { within } from './outside.ts';
import { standing } from './pnl.ts';
import { booksAreReady } from './ready.ts';
import { reconcile } from './reconcile.ts';

export interface Restart {
  readonly account: AccountId;
  /** What it begins with. */
  readonly cash: Money;
  readonly by: Owner;
}
export interface RestartReport {
  /** Ids of the orders that were canceled for it. */
  readonly canceled: readonly string[];
  readonly equityBefore: Money;
  readonly cash: Money;
}

/**
 * One step after the other, each safe to end at: the line is closed for the account; its orders are canceled, and the broker's word
 * on each is waited for; the broker settles and starts its books anew in one transaction; ours take that from its history, now or
 * at the next start. While anything is unclear nothing goes on to the next step.
 */
export async function restartAccount(
  line: Line,
  { account, cash, by }: Restart,
  after: (done: AfterEvent) => void,
): Promise<Result<RestartReport, Refusal>> {
  const adapter = line.adapters.get(account);
  if (adapter === undefined) return err(refuse('not_found', `There is no account ${account} at work.`));
  if (adapter.restart === undefined || adapter.mode !== 'paper')
    return err(refuse('invalid_input', `${account} is not a paper account; only those can begin anew.`));
  const ready = booksAreReady(line, account);
  if (!ready.ok) return ready;
  line.memory.restarting.add(account);
  try {
    const canceled = await clearOrders(line, account, by);
    if (!canceled.ok) return canceled;
    const equityBefore = standing(line, account).equity;
    line.store.transaction(() =>
      line.audit.record({
        kind: 'account.restart_asked',
        ...auditActor(by),
        account,
        outcome: 'ok',
        detail: { cash: text(cash), equity: text(equityBefore), canceled: canceled.value.length },
      }),
    );
    const outcome = await answerOf(line, adapter.restart(cash));
    if (outcome?.kind === 'refused')
      return err(
        refuse('reconciling', `The broker has not started ${account} anew: ${outcome.reason}. Try again.`),
      );
    const compared = await reconcile(line, account, after);
    if (outcome === undefined || !compared)
      return err(
        refuseUnclear(
          'reconciling',
          `It is not clear yet whether ${account} began anew: its books are being compared with its broker.`,
          'the page Accounts',
        ),
      );
    return ok({ canceled: canceled.value, equityBefore, cash });
  } finally {
    line.memory.restarting.delete(account);
  }
}

/** undefined: no answer, or a fault on the way. */
async function answerOf(line: Line, answer: Promise<RestartOutcome>): Promise<RestartOutcome | undefined> {
  try {
    return await within(line, answer, BROKER_CALL_TIMEOUT_MS);
  } catch {
    return undefined;
  }
}

/** Cancels everything that works there; gives the ids, or what keeps it from being clear. */
async function clearOrders(
  line: Line,
  account: AccountId,
  by: Owner,
): Promise<Result<readonly string[], Refusal>> {
  const unclear = line.orders.unsettled(account).length;
  if (unclear > 0) return err(notAnew(account, `the outcome of ${count(unclear, 'order')} is not known yet`));
  const working = line.orders.working({ account });
  const { canceled } = await cancelMany(line, working, 'canceled: the account begins anew', by);
  const left = line.orders.working({ account }).length;
  if (left === 0) return ok(canceled);
  const done = canceled.length === 0 ? '' : ` (${count(canceled.length, 'order')} canceled)`;
  return err(notAnew(account, `the broker has not said that ${count(left, 'order')} ended${done}`));
}

const notAnew = (account: AccountId, why: string): Refusal =>
  refuse('reconciling', `${account} has not begun anew: ${why}. Try again in a moment.`, { retry_after: 5 });
const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;
