/** Every broker, one line each. */
import { paper } from './paper/index.ts';

export const BROKERS = [paper] as const;
