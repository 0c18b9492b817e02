/** What a broker tells of instruments that are in no list here: it can not be posted, and keeps nothing else from being posted. */
import { type InstrumentId, pricedIn } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import { printable } from '#domain/refusal.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import type { Line } from './line.ts';

/**
 * Whether the books of an account can have it: it is in a list, and priced in the account's currency. No rate is guessed: at one to one a
 * loss of the other currency would count as less than it is. What has come into the books all the same is followed to its end.
 */
export function isListed(line: Line, account: AccountId, instrument: InstrumentId): boolean {
  const known = line.book.byId(instrument);
  if (known === undefined) return false;
  const { currency } = line.adapters.get(account) ?? {};
  return (
    currency === undefined ||
    pricedIn(known) === currency ||
    !line.holdings.of(ACCOUNT_HOLDER, account, instrument).qty.eq('0')
  );
}

/** On the record; a position that comes of it stays apart in every comparison, which says so by itself. Inside a transaction. */
export function noteUnlisted(
  line: Line,
  account: AccountId,
  told: { readonly what: 'execution' | 'order'; readonly id: string; readonly instrument: InstrumentId },
): void {
  line.audit.record({
    kind: 'broker.unlisted',
    account,
    outcome: 'error',
    detail: {
      what: told.what,
      id: printable(told.id),
      instrument: printable(told.instrument),
      text:
        line.book.byId(told.instrument) === undefined
          ? 'its instrument is in no list of this gateway, so it is not in the books'
          : 'it is priced in another currency than its account, so it is not in the books: no rate is guessed',
    },
  });
}
