/** What an agent's positions are worth, and what one currency is in another. */
import {
  absolute,
  type Decimal,
  type Money,
  type Ratio,
  ratio,
  sum,
  value,
  ZERO_MONEY,
} from '#domain/decimal.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import { QUOTE_AGE_MAX_MS } from '#limits.ts';
import { instrumentOf, type Line } from './line.ts';
import { markOf } from './loss.ts';

/** Gross: long and short alike at their marks, and at what they cost where there is none. */
export function exposureOf(line: Line, agent: AgentId, account: AccountId): Money {
  return sum(
    ZERO_MONEY,
    line.holdings
      .byHolder(agent, account)
      .filter((holding) => !holding.qty.eq('0'))
      .map((holding) => {
        const instrument = instrumentOf(line, holding.instrument);
        const mark = markOf(line, holding) ?? holding.mark;
        return mark === null
          ? absolute(holding.cost)
          : absolute(value(mark, holding.qty, instrument.multiplier));
      }),
  );
}

/** Units of `to` for one of `from`, by a fresh quote of that pair in the book. */
export function fxRate(line: Line, from: string, to: string): Ratio | undefined {
  if (from === to) return ratio('1');
  for (const pair of line.book.all()) {
    if (pair.assetClass !== 'fx' || pair.base !== from || pair.currency !== to) continue;
    const quote = line.feed.quote(pair.id);
    if (quote === undefined || Math.abs(line.clock.wallMs() - quote.publishedMs) > QUOTE_AGE_MAX_MS) continue;
    if (quote.bid.gt('0') && quote.ask.gte(quote.bid)) return quote.ask as Decimal as Ratio;
  }
  return undefined;
}
