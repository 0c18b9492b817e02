// An exchange through ccxt is put through the suite that every broker passes.

import { runConformance } from '../conformance/suite.ts';
import { BINANCE, subjectOf } from './bench.ts';

runConformance(
  subjectOf(BINANCE, {
    broker: 'ccxt',
    name: 'ccxt-binance',
    label: 'Binance (spot) through ccxt',
    verifiedAgainst:
      'a simulator that ccxt itself trades with by a plain script, its signatures checked by node:crypto; no machine-readable specification was at hand',
    limits: [{ name: 'weight', max: 1_200, perMs: 60_000 }],
  }),
);
