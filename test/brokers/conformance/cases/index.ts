/** Every case of the suite, in order; a number stays with its case for ever. */
import type { ConformanceCase } from '../conformance-case.ts';
import { AMOUNT_CASES } from './amounts.ts';
import { CHANGE_CASES } from './changes.ts';
import { DECLARED_CASES } from './declared.ts';
import { END_CASES } from './ends.ts';
import { EVENT_CASES } from './events.ts';
import { GATE_CASES } from './gate.ts';
import { HISTORY_CASES } from './history.ts';
import { MARKET_CASES } from './market.ts';
import { OUTCOME_CASES } from './outcomes.ts';
import { QUESTION_CASES } from './questions.ts';
import { STREAM_CASES } from './streams.ts';

export const CASES: readonly ConformanceCase[] = [
  ...DECLARED_CASES,
  ...OUTCOME_CASES,
  ...GATE_CASES,
  ...CHANGE_CASES,
  ...QUESTION_CASES,
  ...EVENT_CASES,
  ...HISTORY_CASES,
  ...STREAM_CASES,
  ...AMOUNT_CASES,
  ...MARKET_CASES,
  ...END_CASES,
].toSorted((a, b) => a.number.localeCompare(b.number, 'en', { numeric: true }));
