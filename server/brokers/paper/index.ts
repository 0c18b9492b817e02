/** The paper broker: the embedded default, and the reference of what an adapter must be. */
import { z } from 'zod';
import { defineBroker } from '#brokers/broker.ts';
import { connectPaper, PAPER_CAPABILITIES } from './adapter.ts';
import { connectLivePaper } from './live.ts';
import { paperMarketOf, paperSettings } from './settings.ts';

export const paper = defineBroker({
  id: 'paper',
  label: 'Paper trading',
  modes: ['paper'],
  capabilities: PAPER_CAPABILITIES,
  settings: paperSettings,
  credentials: z.undefined(),
  fields: [],
  directory(settings) {
    const market = paperMarketOf(settings);
    return market.kind === 'public' ? `ccxt:${market.exchange}` : undefined;
  },
  currency: () => undefined,
  connect({ account, store, clock, feed, directory }) {
    if (feed === undefined) throw new Error(`the paper account ${account.id} has no market to trade on`);
    return 'tape' in feed
      ? connectPaper({ account, store, feed })
      : connectLivePaper({ account, store, clock, feed, directory });
  },
});
