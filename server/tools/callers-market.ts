/** What a caller sees of the markets: the feeds and the lists of instruments of its accounts. */
import type { Instrument } from '#domain/instrument.ts';
import { type AccountId, accountId, type Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { MarketFeed } from '#ports.ts';
import { notYours } from './choose-account.ts';
import type { ToolServices } from './define.ts';

export type MarketServices = Pick<ToolServices, 'book' | 'markets'> & {
  readonly access: { readonly agents: Pick<ToolServices['access']['agents'], 'accountsOf'> };
};

export interface CallersMarket {
  readonly feed: MarketFeed;
  readonly scopes: readonly string[];
  readonly resolve: (symbol: string) => Result<Instrument, Refusal>;
  /** Each instrument once; the refusal of the first symbol that names none. */
  readonly resolveAll: (symbols: readonly string[]) => Result<readonly Instrument[], Refusal>;
}

export function callersMarket(
  { book, markets, access }: MarketServices,
  principal: Principal,
): CallersMarket {
  return marketAmong({ book, markets }, access.agents.accountsOf(principal.agent));
}

/** The same, or that of the account which the call names. */
export function marketOfCall(
  { book, markets, access }: MarketServices,
  principal: Principal,
  named: string | undefined,
): Result<CallersMarket, Refusal> {
  const own = access.agents.accountsOf(principal.agent);
  const refused = notYours(own, named);
  if (refused) return err(refused);
  return ok(marketAmong({ book, markets }, named === undefined ? own : [accountId(named)]));
}

export function marketAmong(
  { book, markets }: Pick<MarketServices, 'book' | 'markets'>,
  accounts: readonly AccountId[],
): CallersMarket {
  const scopes = markets.scopesOf(accounts);
  const feed = markets.among(accounts);
  const resolve: CallersMarket['resolve'] = (symbol) => {
    const found = book.resolve(symbol, scopes);
    if (found.ok || found.error.reason !== 'ambiguous_symbol') return found;
    // What no feed of theirs can price is nobody's meaning: a tape plays one instrument, and its list has more.
    const [only, another] = scopes.flatMap((scope) => {
      const one = book.resolve(symbol, [scope]);
      return one.ok && feed.carries(one.value.id) ? [one.value] : [];
    });
    return only === undefined || another !== undefined ? found : ok(only);
  };
  return {
    feed,
    scopes,
    resolve,
    resolveAll(symbols) {
      const found = new Map<string, Instrument>();
      for (const symbol of symbols) {
        const instrument = resolve(symbol);
        if (!instrument.ok) return instrument;
        found.set(instrument.value.id, instrument.value);
      }
      return ok([...found.values()]);
    },
  };
}
