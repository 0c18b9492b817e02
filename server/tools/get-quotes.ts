/** get_quotes: bid, ask and last of up to fifty symbols at once. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { SYMBOLS_PER_CALL_MAX } from '#limits.ts';
import { callersMarket } from './callers-market.ts';
import { defineTool } from './define.ts';
import { symbol } from './fields.ts';
import { QuotesNowShape, quotesNow } from './quotes-now.ts';
import { OF_SYMBOL } from './refusals.ts';

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
  output: QuotesNowShape,
  async run(services, principal, { symbols }) {
    const { feed, resolveAll } = callersMarket(services, principal);
    const instruments = resolveAll(symbols);
    if (!instruments.ok) return instruments;
    await feed.follow(instruments.value.map(({ id }) => id));
    return ok(quotesNow(feed, instruments.value, services.clock.wallMs()));
  },
});
