/** search_instruments: which instruments match a word. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { SEARCH_RESULTS_MAX } from '#limits.ts';
import { callersMarket } from './callers-market.ts';
import { defineTool } from './define.ts';
import { instrumentWire } from './project.ts';
import { InstrumentShape } from './shapes.ts';

export const searchInstruments = defineTool({
  name: 'search_instruments',
  title: 'Search instruments',
  description:
    'Finds tradable instruments by symbol, alias or name. Answers their exact symbols with tick, lot and currency; finest_timeframe is null when no feed carries one.',
  scope: 'read:market',
  effect: 'read',
  rest: { method: 'GET', path: '/instruments' },
  example: {
    prompt: 'Can I trade bitcoin here?',
    arguments: { query: 'bitcoin' },
  },
  input: z.strictObject({
    query: z.string().max(80).default('').describe('e.g. "bitcoin"; empty: all of them'),
    limit: z.int().min(1).max(SEARCH_RESULTS_MAX).default(20),
  }),
  output: z.object({ instruments: z.array(InstrumentShape) }),
  run(services, principal, { query, limit }) {
    const { feed, scopes } = callersMarket(services, principal);
    const found = services.book.search(query, limit, scopes);
    return ok({
      instruments: found.map((instrument) => instrumentWire(instrument, feed.finest(instrument.id))),
    });
  },
});
