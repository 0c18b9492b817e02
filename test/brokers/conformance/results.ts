/** What the suite says of one adapter, as it is kept for docs/brokers.md. */
import type { BudgetRule } from '#brokers/request-budget.ts';
import type { BrokerCapabilities } from '#ports.ts';

export interface ConformanceResults {
  readonly broker: string;
  readonly label: string;
  readonly verifiedAgainst: string;
  readonly capabilities: BrokerCapabilities;
  readonly limits: readonly BudgetRule[];
  /** By the number of the case: `passed`, or why it was skipped. */
  readonly cases: Readonly<Record<string, string>>;
}
