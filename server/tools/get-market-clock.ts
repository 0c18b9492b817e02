/** get_market_clock: is the market open, and what time is it there. */
import { z } from 'zod';
import { err, ok } from '#domain/result.ts';
import { callersMarket } from './callers-market.ts';
import { defineTool } from './define.ts';
import { symbol } from './fields.ts';
import { noFeed } from './no-feed.ts';
import { iso, marketClockWire } from './project.ts';
import { OF_SYMBOL } from './refusals.ts';
import { MarketClockShape } from './shapes.ts';

export const getMarketClock = defineTool({
  name: 'get_market_clock',
  title: 'Get the market clock',
  description:
    "Phase (open, extended, closed), session and next session of a symbol, or of every symbol with a feed. market_time is the feed's own clock (sessions, bars, executions go by it), wall_time the gateway's (expiry, mandates); on a recorded tape they differ.",
  scope: 'read:market',
  effect: 'read',
  rest: { method: 'GET', path: '/market-clock' },
  example: {
    prompt: 'Is the market for SPX open?',
    arguments: { symbol: 'SPX' },
  },
  refusals: [...OF_SYMBOL, 'no_reference_price'],
  input: z.strictObject({ symbol: symbol.optional() }),
  output: z.object({ wall_time: z.iso.datetime(), markets: z.array(MarketClockShape) }),
  run(services, principal, given) {
    const { feed, resolve } = callersMarket(services, principal);
    const wall_time = iso(services.clock.wallMs());
    if (given.symbol !== undefined) {
      const instrument = resolve(given.symbol);
      if (!instrument.ok) return instrument;
      const phase = feed.phase(instrument.value.id);
      if (phase === undefined) return err(noFeed(feed, instrument.value));
      return ok({ wall_time, markets: [marketClockWire(instrument.value, phase)] });
    }
    const markets = feed.instruments().flatMap((instrument) => {
      const phase = feed.phase(instrument.id);
      return phase === undefined ? [] : [marketClockWire(instrument, phase)];
    });
    return ok({ wall_time, markets });
  },
});
