/** What a symbol names for several accounts at once, each of which may trade from another list of instruments. */
import { BUILT_IN_DIRECTORY, type Instrument } from '#domain/instrument.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import type { InstrumentBook } from './instrument-book.ts';

export interface ScopedSymbols {
  /**
   * Everything it names in the lists of these accounts, each list by itself: the same symbol may be one thing at each of two
   * brokers. Refused where it names nothing in any of them, or two things in one.
   */
  resolve(symbol: string, accounts: readonly string[]): Result<readonly Instrument[], Refusal>;
}

/** Every account trades from the built-in list where `scopesOf` is absent. */
export function scopedSymbols(
  book: Pick<InstrumentBook, 'resolve'>,
  scopesOf: (accounts: readonly string[]) => readonly string[] = () => [BUILT_IN_DIRECTORY],
): ScopedSymbols {
  return {
    resolve(symbol, accounts) {
      const scopes = scopesOf(accounts);
      const found = scopes.map((scope) => book.resolve(symbol, [scope]));
      const named = found.flatMap((one) => (one.ok ? [one.value] : []));
      const ambiguous = found.find((one) => !one.ok && one.error.reason === 'ambiguous_symbol');
      if (ambiguous && !ambiguous.ok) return ambiguous;
      if (named.length > 0) return ok(named);
      const [only, another] = found;
      // Asked of all of them together, so that what is suggested may be from any.
      const nowhere = only === undefined || another !== undefined ? book.resolve(symbol, scopes) : only;
      return nowhere.ok ? ok([nowhere.value]) : nowhere;
    },
  };
}
