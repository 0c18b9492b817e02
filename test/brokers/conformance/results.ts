/** What the suite says of the adapters, as it is kept for docs/brokers.md: a file each, written when the suite records. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BudgetRule } from '#brokers/request-budget.ts';
import type { BrokerCapabilities } from '#ports.ts';

export const RESULTS_FOLDER = join(import.meta.dirname, 'results');
export const PASSED = 'passed';

export interface CaseResult {
  readonly number: string;
  readonly title: string;
  /** `passed`, or why it was skipped. */
  readonly outcome: string;
}

export interface ConformanceResults {
  /** The name of the subject, which is that of the file. */
  readonly name: string;
  /** The broker's definition. */
  readonly broker: string;
  readonly label: string;
  readonly verifiedAgainst: string;
  readonly capabilities: BrokerCapabilities;
  readonly limits: readonly BudgetRule[];
  readonly cases: readonly CaseResult[];
}

/** Every adapter that was recorded, by name. */
export const recordedResults = (): readonly ConformanceResults[] =>
  readdirSync(RESULTS_FOLDER)
    .filter((name) => name.endsWith('.generated.json'))
    .toSorted((a, b) => a.localeCompare(b, 'en'))
    .map((name) => JSON.parse(readFileSync(join(RESULTS_FOLDER, name), 'utf8')) as ConformanceResults);
