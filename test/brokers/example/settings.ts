/** What the owner says of an account at the example exchange, and what the exchange publishes of its limits. */
import { z } from 'zod';
import type { BrokerField } from '#brokers/broker.ts';
import { loopbackEndpoint } from '#brokers/endpoint.ts';
import type { BudgetRule } from '#brokers/request-budget.ts';

export const exampleSettings = z.strictObject({
  /** A simulator, or a proxy that knows the way. */
  endpoint: loopbackEndpoint.optional(),
});
export type ExampleSettings = z.output<typeof exampleSettings>;

export const exampleCredentials = z.strictObject({
  key: z
    .string()
    .trim()
    .regex(/^[\x21-\x7e]{10,200}$/, 'key: as the exchange shows it, without spaces'),
});
export type ExampleCredentials = z.output<typeof exampleCredentials>;

export const EXAMPLE_FIELDS: readonly BrokerField[] = [
  { name: 'key', label: 'API key', kind: 'credential', hint: 'One that may trade and can not withdraw.' },
];

export const baseUrlOf = (mode: 'paper' | 'live', { endpoint }: ExampleSettings): string =>
  endpoint?.replace(/\/+$/, '') ?? `https://${mode === 'live' ? 'api' : 'paper'}.example.com`;

/** Published, for each key. */
export const LIMITS: readonly BudgetRule[] = [{ name: 'requests', max: 20, perMs: 1_000 }];
/** Requests of one kind that wait for their turn. */
export const QUEUE_MAX = 100;
/** With the longest wait for a turn still less than the gateway waits for an answer. */
export const CALL_TIMEOUT_MS = 4_000;
/** After a 429 that does not say how long. */
export const HOLD_MS = 5_000;
