/** Settlements and starts anew as events: posted once, and only on books that have everything from before. */
import type { AccountId } from '#domain/principal.ts';
import type { BrokerEvent } from '#ports.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import type { Line } from './line.ts';

export type Ending = Extract<BrokerEvent, { readonly kind: 'settlement' | 'restart' }>;

/** Whether our books are where the broker's were: events may come late and out of order, and what comes after must not be ended. */
export function isWhole(line: Line, account: AccountId, end: Ending): boolean {
  if (end.kind === 'restart')
    return line.holdings.byHolder(ACCOUNT_HOLDER, account).every(({ qty }) => qty.eq('0'));
  const { settlement } = end;
  const ours = line.holdings.of(ACCOUNT_HOLDER, account, settlement.instrument).qty;
  return settlement.qty === undefined || ours.eq(settlement.qty);
}

/** Inside the transaction that posts it; false: it was posted before. */
export const noteSettlement = (line: Line, account: AccountId, settlementId: string): boolean =>
  line
    .prepare(
      'INSERT INTO settlements (account_id, settlement_id, posted_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    )
    .run(account, settlementId, line.wallMs()).changes > 0;
