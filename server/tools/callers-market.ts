/** What a caller sees of the markets: the feeds and the lists of instruments of its accounts. */
import type { Instrument } from '#domain/instrument.ts';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { MarketFeed } from '#ports.ts';
import type { ToolServices } from './define.ts';

export type MarketServices = Pick<ToolServices, 'book' | 'markets'> & {
  readonly access: { readonly agents: Pick<ToolServices['access']['agents'], 'accountsOf'> };
};

export interface CallersMarket {
  readonly feed: MarketFeed;
  readonly scopes: readonly string[];
  readonly resolve: (symbol: string) => Result<Instrument, Refusal>;
}

export function callersMarket(
  { book, markets, access }: MarketServices,
  principal: Principal,
): CallersMarket {
  const accounts = access.agents.accountsOf(principal.agent);
  const scopes = markets.scopesOf(accounts);
  return { feed: markets.among(accounts), scopes, resolve: (symbol) => book.resolve(symbol, scopes) };
}
