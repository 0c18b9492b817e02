// Perpetuals through ccxt: positions that may be short, orders that may only reduce, and what is settled in another coin than it prices.

import { runConformance } from '../conformance/suite.ts';
import { PERPETUALS, subjectOf } from './bench.ts';

runConformance(
  subjectOf(PERPETUALS, {
    broker: 'ccxt',
    name: 'ccxt-binance-perpetuals',
    label: 'Binance (USD-M perpetuals) through ccxt',
    verifiedAgainst:
      'a simulator that ccxt itself trades with by a plain script, its signatures checked by node:crypto; no machine-readable specification was at hand',
    limits: [{ name: 'weight', max: 1_200, perMs: 60_000 }],
  }),
);
