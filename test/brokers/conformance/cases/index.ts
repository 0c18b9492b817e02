/** Every case of the suite, in order; a number stays with its case for ever. */
import type { ConformanceCase } from '../conformance-case.ts';
import { OUTCOME_CASES } from './outcomes.ts';

export const CASES: readonly ConformanceCase[] = [...OUTCOME_CASES].toSorted((a, b) =>
  a.number.localeCompare(b.number, 'en', { numeric: true }),
);
