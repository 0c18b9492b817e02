/** Alpaca's adapter passes what every broker's adapter has to. */
import { runConformance } from '../conformance/suite.ts';
import { alpacaSubject } from './bench.ts';

runConformance(alpacaSubject);
