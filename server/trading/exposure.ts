/** What an agent's positions are worth, and what one currency is in another. */
import { absolute, type Money, ONE, type Ratio, sum, value, ZERO_MONEY } from '#domain/decimal.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
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

/** Units of `to` for one of `from`: no rate is guessed, so an account trades what is priced in its own currency. */
export const fxRate = (from: string, to: string): Ratio | undefined => (from === to ? ONE : undefined);
