/** get_quotes: bid, ask and last of up to fifty symbols at once. */
import { z } from 'zod';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import { err, ok } from '#domain/result.ts';
import { SYMBOLS_PER_CALL_MAX } from '#limits.ts';
import type { MarketFeed } from '#ports.ts';
import { callersMarket } from './callers-market.ts';
import { defineTool } from './define.ts';
import { symbol } from './fields.ts';
import { quoteWire } from './project.ts';
import { OF_SYMBOL } from './refusals.ts';
import { QuoteShape } from './shapes.ts';

const output = z.object({
  quotes: z.array(QuoteShape),
  /** Known symbols that no feed quotes now. */
  unavailable: z.array(z.object({ symbol: z.string(), reason: z.string() })),
});

export const getQuotes = defineTool({
  name: 'get_quotes',
  title: 'Get quotes',
  description:
    'Current bid, ask and last of up to 50 symbols, as decimal strings in the quote currency. time is market time, age_ms the wall time since it was published. Known symbols without a feed are listed under unavailable.',
  scope: 'read:market',
  effect: 'read',
  openWorld: true,
  rest: { method: 'GET', path: '/quotes' },
  example: {
    prompt: 'What is the S&P 500 trading at?',
    arguments: { symbols: ['SPX'] },
  },
  refusals: OF_SYMBOL,
  input: z.strictObject({
    symbols: z.array(symbol).min(1).max(SYMBOLS_PER_CALL_MAX).describe('e.g. ["SPX","BTC/USD"]'),
  }),
  output,
  async run(services, principal, { symbols }) {
    const { feed, resolve } = callersMarket(services, principal);
    const instruments: Instrument[] = [];
    for (const wanted of new Set(symbols)) {
      const instrument = resolve(wanted);
      if (!instrument.ok) return err(instrument.error);
      instruments.push(instrument.value);
    }
    await feed.follow(instruments.map(({ id }) => id));
    const wallMs = services.clock.wallMs();
    const quotes: z.output<typeof QuoteShape>[] = [];
    const unavailable: z.output<typeof output>['unavailable'] = [];
    for (const { id, symbol: canonical } of instruments) {
      const quote = feed.quote(id);
      if (quote !== undefined) quotes.push(quoteWire(canonical, quote, wallMs));
      else unavailable.push({ symbol: canonical, reason: whyNot(feed, id) });
    }
    return ok({ quotes, unavailable });
  },
});

const whyNot = (feed: MarketFeed, id: InstrumentId): string =>
  feed.carries(id) ? 'its venue gives no two-sided quote at the moment' : 'no feed quotes it here';
