/** Every broker, one line each. */
import { alpaca } from './alpaca/index.ts';
import type { BrokerDefinition } from './broker.ts';
import { ccxt } from './ccxt/index.ts';
import { paper } from './paper/index.ts';
import { zerodha } from './zerodha/index.ts';

export const BROKERS: readonly BrokerDefinition[] = [paper, alpaca, ccxt, zerodha];
