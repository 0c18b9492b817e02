// Kraken through ccxt is put through the suite too: signed otherwise, numbered otherwise, and with few requests a minute.

import { runConformance } from '../conformance/suite.ts';
import { KRAKEN, subjectOf } from './bench.ts';

runConformance(
  subjectOf(KRAKEN, {
    broker: 'ccxt',
    name: 'ccxt-kraken',
    label: 'Kraken (spot) through ccxt',
    verifiedAgainst:
      'a simulator that ccxt itself trades with by a plain script, its signatures checked by node:crypto; no machine-readable specification was at hand',
    limits: [{ name: 'weight', max: 60, perMs: 30_000 }],
  }),
);
