/** What a broker tells of instruments that are in no list here: it can not be posted, and keeps nothing else from being posted. */
import type { InstrumentId } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import { printable } from '#domain/refusal.ts';
import type { Line } from './line.ts';

export const isListed = (line: Line, instrument: InstrumentId): boolean =>
  line.book.byId(instrument) !== undefined;

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
      text: 'its instrument is in no list of this gateway, so it is not in the books',
    },
  });
}
