/** Compares cash with the broker's: fees, dividends, interest and deposits move it without an execution, and are posted once it is quiet. */
import { type Money, negate, subtract, text } from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import { CASH_QUIET_MS } from '#limits.ts';
import type { BrokerBalance } from '#ports.ts';
import { postFlow } from './capital-flow.ts';
import { dropFunds, isEmbedded } from './funds.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import { ledgerBalance, post } from './ledger.ts';
import type { Line } from './line.ts';

/**
 * The broker's cash goes into the books when no execution can explain what it differs by: nothing has been executed for CASH_QUIET_MS,
 * nothing is unclear, nothing is held on margin whose value a broker may count its own way, and the comparison before this one found the
 * very same. Until then the books say what our executions came to. Inside no transaction of its own.
 */
export async function alignCash(
  line: Line,
  account: AccountId,
  ask: () => Promise<BrokerBalance>,
): Promise<void> {
  // Its books are here: cash that is not what ours say is a fault, and must be seen as one.
  if (isEmbedded(line.adapters.get(account))) return;
  const seen = line.memory.cashApart.get(account);
  line.memory.cashApart.delete(account);
  if (!isQuiet(line, account)) return;
  const { cash } = await ask();
  const drift = subtract(cash, ledgerBalance(line, account, 'cash'));
  if (drift.eq('0') || !isQuiet(line, account)) return;
  dropFunds(line, account);
  line.memory.cashApart.set(account, text(drift));
  if (seen === text(drift)) adjust(line, account, drift);
}

function adjust(line: Line, account: AccountId, drift: Money): void {
  line.store.transaction(() => {
    const ref = `adjustment:${account}:${line.wallMs()}`;
    const before = ledgerBalance(line, account, 'cash');
    postFlow(line, account, ref, () =>
      post(line, account, ref, [
        ['cash', drift],
        ['capital', negate(drift)],
      ]),
    );
    line.audit.record({
      kind: 'ledger.adjusted',
      account,
      outcome: 'ok',
      detail: {
        cash_before: text(before),
        cash: text(ledgerBalance(line, account, 'cash')),
        amount: text(drift),
        text: 'the broker’s cash moved without an execution: a fee, a dividend, interest, a deposit or a withdrawal',
      },
    });
  });
}

function isQuiet(line: Line, account: AccountId): boolean {
  if (line.orders.unsettled(account).length > 0 || line.orders.isAwaiting(account)) return false;
  const onMargin = line.holdings
    .byHolder(ACCOUNT_HOLDER, account)
    .some(({ qty, instrument }) => !qty.eq('0') && isOnMargin(line.book.byId(instrument)?.assetClass));
  if (onMargin) return false;
  const lastMs = line
    .prepare<[string], number>(
      'SELECT posted_at FROM executions WHERE account_id = ? ORDER BY seq DESC LIMIT 1',
    )
    .pluck()
    .get(account);
  return lastMs === undefined || line.wallMs() - lastMs >= CASH_QUIET_MS;
}

const isOnMargin = (assetClass: string | undefined): boolean =>
  assetClass === 'future' || assetClass === 'option' || assetClass === undefined;
