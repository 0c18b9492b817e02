/** What the agents of the demo know of the market: its latest bars, its quote, and how far it moves in a bar. */
import { z } from 'zod';
import { max, min, type Price, percentOf, price, ratio, roundDownTo, scale, sum } from '#domain/decimal.ts';
import { BarShape, InstrumentShape, QuoteShape } from '#tools/shapes.ts';
import { type Agent, DemoError, type Stage } from './stage.ts';
import type { Teller } from './teller.ts';

const BARS_LOOKED_AT = 4;
const BARS_WAIT_MS = 8_000;

const Quotes = z.object({ quotes: z.array(QuoteShape).min(1) });
type Quote = z.output<typeof QuoteShape>;

/** What the agents know of the market once they have looked at it. */
export interface Market {
  readonly symbol: string;
  readonly tick: Price;
  /** Average distance of high and low of a bar: at least three ticks, at most 3 % of the price. */
  readonly range: Price;
  /** How much an order is for: a round value, or a round number of something cheap. */
  readonly size: { readonly notional: string } | { readonly qty: string };
  readonly finest: string;
}

export async function lookAtTheMarket(
  stage: Stage,
  { chapter, line }: Teller,
  agent: Agent,
): Promise<Market> {
  chapter('It looks at the market');
  const { symbol } = stage.gateway.tape.instrument;
  const instrument = await agent.ask('get_instrument', z.object({ instrument: InstrumentShape }), { symbol });
  const { tick, finest_timeframe: finest } = instrument.instrument;
  if (finest === null) throw new DemoError(`No feed carries ${symbol}.`);
  const { bars } = await stage.until(
    `${BARS_LOOKED_AT} complete bars of the tape`,
    BARS_WAIT_MS,
    async () => {
      const Bars = z.object({ bars: z.array(BarShape) });
      const found = await agent.ask('get_bars', Bars, { symbol, timeframe: finest, limit: BARS_LOOKED_AT });
      return found.bars.length >= BARS_LOOKED_AT ? found : undefined;
    },
  );
  for (const bar of bars)
    line(
      `${shortTime(bar.time, finest)}  open ${bar.open}  high ${bar.high}  low ${bar.low}  close ${bar.close}`,
    );
  const quote = await quoteOf(agent, symbol);
  line(`Now ${symbol} is ${quote.bid} bid, ${quote.ask} asked (${quote.age_ms} ms old).`);
  const ranges = bars.map((bar) => price(bar.high).minus(price(bar.low)).toFixed());
  const total = sum(
    price('0'),
    ranges.map((range) => price(range)),
  );
  const average = scale(total, ratio('0.25'));
  const range = min(average, percentOf(price(quote.bid), ratio('3')));
  const least = scale(price(tick), ratio('3'));
  return {
    symbol,
    tick: price(tick),
    range: max(roundDownTo(range, price(tick)), least),
    size: price(quote.ask).gt('34') ? { notional: '3000' } : { qty: '80' },
    finest,
  };
}

export async function quoteOf(agent: Agent, symbol: string): Promise<Quote> {
  const { quotes } = await agent.ask('get_quotes', Quotes, { symbols: [symbol] });
  const [quote] = quotes;
  if (quote === undefined) throw new DemoError(`There is no quote of ${symbol}.`);
  return quote;
}

/** `2000-01-07`, or `01-07 14:35` where bars are shorter than a day. */
export const shortTime = (time: string, timeframe: string): string =>
  timeframe === '1d' ? time.slice(0, 10) : time.slice(5, 16).replace('T', ' ');
