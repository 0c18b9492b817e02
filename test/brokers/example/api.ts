/** The exchange over HTTP: each request in its turn and once, each answer read exactly or not at all. */
import type { z } from 'zod';
import { parseExact } from '#brokers/exact-json.ts';
import { type HttpAnswer, type HttpCall, type HttpFault, openHttpCaller } from '#brokers/http-call.ts';
import { type BudgetState, openBudget, type RequestKind } from '#brokers/request-budget.ts';
import { BROKER_ANSWER_BYTES_MAX, WIRE_QUEUE_WAIT_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { CALL_TIMEOUT_MS, HOLD_MS, LIMITS, QUEUE_MAX } from './settings.ts';

export interface Api {
  send(kind: RequestKind, call: HttpCall): Promise<HttpAnswer | HttpFault>;
  /** A question. Throws one sentence where there is no answer. */
  read<T extends z.ZodType>(schema: T, path: string, query?: HttpCall['query']): Promise<z.output<T>>;
  budget(): BudgetState;
  close(): void;
}

export function openApi(baseUrl: string, key: string, clock: Clock): Api {
  const caller = openHttpCaller({
    baseUrl,
    headers: () => ({ 'x-key': key }),
    timeoutMs: CALL_TIMEOUT_MS,
    bodyMaxBytes: BROKER_ANSWER_BYTES_MAX,
    clock,
  });
  const budget = openBudget({ clock, rules: LIMITS, queueMax: QUEUE_MAX, waitMaxMs: WIRE_QUEUE_WAIT_MS });

  async function send(kind: RequestKind, call: HttpCall): Promise<HttpAnswer | HttpFault> {
    const turn = await budget.take(kind);
    if (turn !== 'granted') return { kind: 'not_sent', reason: turn.refused };
    const answer = await caller.call(call);
    if (answer.kind === 'answer' && answer.status === 429) budget.holdFor(answer.retryAfterMs ?? HOLD_MS);
    return answer;
  }

  return {
    send,
    async read(schema, path, query = {}) {
      const answer = await send('read', { method: 'GET', path, query });
      if (answer.kind !== 'answer') throw new Error(answer.reason);
      const value = answer.status === 200 ? readAs(schema, answer.text) : undefined;
      if (value === undefined) throw new Error(`The exchange answered ${answer.status} and nothing to read.`);
      return value;
    },
    budget: () => budget.stateNow(),
    close() {
      budget.close();
      caller.close();
    },
  };
}

/** undefined: it is not JSON, or not what it should be. */
export function readAs<T extends z.ZodType>(schema: T, text: string): z.output<T> | undefined {
  const parsed = parseExact(text);
  return parsed.ok ? schema.safeParse(parsed.value).data : undefined;
}
