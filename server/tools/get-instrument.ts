/** get_instrument: everything known of one symbol. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { callersMarket } from './callers-market.ts';
import { defineTool } from './define.ts';
import { symbol } from './fields.ts';
import { instrumentWire } from './project.ts';
import { OF_SYMBOL } from './refusals.ts';
import { InstrumentShape } from './shapes.ts';

export const getInstrument = defineTool({
  name: 'get_instrument',
  title: 'Get an instrument',
  description:
    'Facts of one instrument: class, currency, tick (price step), lot (quantity step), multiplier, minimum notional, calendar, time zone, and whether it trades on paper only (note says why).',
  scope: 'read:market',
  effect: 'read',
  rest: { method: 'GET', path: '/instrument' },
  example: {
    prompt: 'What are the tick and lot size of the S&P 500?',
    arguments: { symbol: 'SPX' },
  },
  refusals: OF_SYMBOL,
  input: z.strictObject({ symbol }),
  output: z.object({ instrument: InstrumentShape }),
  run(services, principal, given) {
    const { feed, resolve } = callersMarket(services, principal);
    const found = resolve(given.symbol);
    if (!found.ok) return found;
    return ok({ instrument: instrumentWire(found.value, feed.finest(found.value.id)) });
  },
});
