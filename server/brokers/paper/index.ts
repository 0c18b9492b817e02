/** The paper broker: the embedded default, and the reference of what an adapter must be. */
import { z } from 'zod';
import { defineBroker } from '#brokers/broker.ts';
import { connectPaper, PAPER_CAPABILITIES } from './adapter.ts';
import { paperSettings } from './settings.ts';

export const paper = defineBroker({
  id: 'paper',
  label: 'Paper trading',
  modes: ['paper'],
  capabilities: PAPER_CAPABILITIES,
  settings: paperSettings,
  credentials: z.undefined(),
  fields: [],
  directory: () => undefined,
  currency: () => undefined,
  connect({ account, store, feed }) {
    if (feed === undefined) throw new Error(`the paper account ${account.id} has no market to trade on`);
    return connectPaper({ account, store, feed });
  },
});
