/** get_market_depth: the order book of one symbol, as deep as its feed shows it. */
import { z } from 'zod';
import { err, ok } from '#domain/result.ts';
import { DEPTH_LEVELS_MAX } from '#limits.ts';
import { callersMarket } from './callers-market.ts';
import { defineTool } from './define.ts';
import { symbol } from './fields.ts';
import { noFeed } from './no-feed.ts';
import { depthWire } from './project.ts';
import { OF_SYMBOL } from './refusals.ts';
import { DepthShape } from './shapes.ts';

export const getMarketDepth = defineTool({
  name: 'get_market_depth',
  title: 'Get market depth',
  description:
    'Bids and asks of one symbol, best first, with sizes in units; a size of null is unlimited. A feed without an order book shows its best bid and ask as one level.',
  scope: 'read:market',
  effect: 'read',
  openWorld: true,
  rest: { method: 'GET', path: '/market-depth' },
  example: {
    prompt: 'How deep is the market in SPX right now?',
    arguments: { symbol: 'SPX', levels: 5 },
  },
  refusals: [...OF_SYMBOL, 'no_reference_price'],
  input: z.strictObject({ symbol, levels: z.int().min(1).max(DEPTH_LEVELS_MAX).default(10) }),
  output: DepthShape,
  async run(services, principal, { symbol: wanted, levels }) {
    const { feed, resolve } = callersMarket(services, principal);
    const instrument = resolve(wanted);
    if (!instrument.ok) return instrument;
    const depth = await feed.depth(instrument.value.id);
    if (depth === undefined) return err(noFeed(feed, instrument.value));
    return ok(depthWire(instrument.value.symbol, depth, { levels, wallMs: services.clock.wallMs() }));
  },
});
