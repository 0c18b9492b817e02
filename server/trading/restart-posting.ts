/** An account that began anew, posted once from its broker's word: what is left of holdings ends, and the ledger takes the new cash. */
import { negate, quantity, subtract, text } from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import type { BrokerRestart, BrokerSettlement } from '#ports.ts';
import { beginStanding } from './account-standing.ts';
import { isStarted, noteStart } from './account-start.ts';
import { endReducing } from './account-state.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import { ledgerBalance, post } from './ledger.ts';
import { feedOf, type Line } from './line.ts';
import { markOf } from './loss.ts';
import { marketDate, standing, writePnlDay } from './pnl.ts';

/**
 * Posts the broker's word that an account began anew, once. Its positions came before, as settlements; what is left are agents that
 * held against each other. Inside a transaction.
 */
export function postStart(
  line: Line,
  account: AccountId,
  restart: BrokerRestart,
  settle: (settlement: BrokerSettlement) => void,
): void {
  if (isStarted(line, account, restart.restartId)) return;
  for (const { instrument } of line.holdings.byHolder(ACCOUNT_HOLDER, account)) {
    const held = line.holdings.holdersOf(account, instrument).find(({ qty }) => !qty.eq('0'));
    const price = held && (markOf(line, { account, instrument, qty: quantity('1') }) ?? held.mark);
    if (!price) continue;
    const settlementId = `${restart.restartId}:${instrument}`;
    const { detail, timeMs } = restart;
    settle({ settlementId, instrument, price, detail, timeMs });
  }
  const before = ledgerBalance(line, account, 'cash');
  const change = subtract(restart.cash, before);
  post(line, account, restart.restartId, [
    ['cash', change],
    ['capital', negate(change)],
  ]);
  noteStart(line, account, restart.restartId, {
    run: feedOf(line, account).run(),
    date: marketDate(line, account),
    ...standing(line, account),
  });
  writePnlDay(line, account);
  beginStanding(line, account);
  endReducing(line, account, { why: 'the account began anew' });
  line.audit.record({
    kind: 'account.restarted',
    account,
    outcome: 'ok',
    detail: { restart_id: restart.restartId, cash_before: text(before), cash: text(restart.cash) },
  });
}
