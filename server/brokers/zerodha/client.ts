/** The HTTP side of Kite Connect v3: one bounded, budgeted call, and what its answer proves. */
import { z } from 'zod';
import { type Exact, parseExact } from '#brokers/exact-json.ts';
import { type HttpAnswer, type HttpBody, openHttpCaller } from '#brokers/http-call.ts';
import {
  type BudgetRule,
  openBudget,
  type RequestBudget,
  type RequestKind,
} from '#brokers/request-budget.ts';
import { printable } from '#domain/refusal.ts';
import {
  BROKER_ANSWER_BYTES_MAX,
  KITE_CALL_TIMEOUT_MS,
  KITE_DUMP_TIMEOUT_MS,
  KITE_QUEUE_MAX,
  KITE_REASON_CHARS_MAX,
  KITE_THROTTLE_HOLD_MS,
  WIRE_QUEUE_WAIT_MS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';

/**
 * As published for Kite Connect, of an account whatever the number of its apps: ten requests a second of which ten may be orders,
 * 400 orders a minute, 5,000 a day; a quote a second, three of history. Modifications count as orders, cancels do not.
 */
export const KITE_RULES: readonly BudgetRule[] = [
  { name: 'requests', max: 10, perMs: 1_000 },
  { name: 'orders', max: 10, perMs: 1_000, of: ['order'] },
  { name: 'orders_minute', max: 400, perMs: 60_000, of: ['order'] },
  { name: 'orders_day', max: 5_000, perMs: 86_400_000, of: ['order'] },
  { name: 'quotes', max: 1, perMs: 1_000, of: [] },
  { name: 'history', max: 3, perMs: 1_000, of: [] },
];

export interface KiteCall {
  readonly kind: RequestKind;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: HttpBody;
  /** The rule of its own that it counts in besides those of its kind. */
  readonly costs?: 'quotes' | 'history';
  /** Asked when nothing has left yet: why it may not any more. */
  readonly gate?: () => string | undefined;
  readonly bodyMaxBytes?: number;
  readonly timeoutMs?: number;
}

/** `refused`: Kite's definitive word that nothing was done. `unclear`: it may have been. `not_sent`: no byte of it left. */
export type KiteAnswer =
  | { readonly kind: 'data'; readonly data: Exact }
  | { readonly kind: 'refused' | 'unclear' | 'not_sent'; readonly reason: string };

export interface KiteClient {
  readonly budget: RequestBudget;
  ask(call: KiteCall): Promise<KiteAnswer>;
  /** For questions: what Kite says, or a rejection with the reason. */
  read(
    call: Omit<KiteCall, 'kind' | 'method' | 'gate'> & { readonly method?: 'GET' | 'POST' },
  ): Promise<Exact>;
  /** A whole answer that is no JSON (the list of instruments). */
  readText(path: string, bodyMaxBytes: number): Promise<string>;
  close(): void;
}

export interface ClientOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly clock: Clock;
  readonly token: () => string | undefined;
  /** Kite no longer knows the token that was sent. */
  readonly onTokenEnded: (token: string) => void;
}

const envelope = z.union([
  z.object({ status: z.literal('success'), data: z.unknown() }),
  z.object({ status: z.literal('error'), message: z.string(), error_type: z.string() }),
]);

export class KiteQuestionError extends Error {}

export function openKiteClient(options: ClientOptions): KiteClient {
  const { clock } = options;
  const budget = openBudget({
    clock,
    rules: KITE_RULES,
    queueMax: KITE_QUEUE_MAX,
    waitMaxMs: WIRE_QUEUE_WAIT_MS,
  });
  const http = openHttpCaller({
    baseUrl: options.baseUrl,
    timeoutMs: KITE_CALL_TIMEOUT_MS,
    bodyMaxBytes: BROKER_ANSWER_BYTES_MAX,
    clock,
  });

  async function send(call: KiteCall): Promise<HttpAnswer | Exclude<KiteAnswer, { kind: 'data' }>> {
    const turn = await budget.take(call.kind, call.costs === undefined ? undefined : { [call.costs]: 1 });
    if (turn !== 'granted') return { kind: 'not_sent', reason: turn.refused };
    const token = options.token();
    if (token === undefined && call.path !== '/session/token')
      return { kind: 'not_sent', reason: NO_SESSION };
    const answer = await http.call({
      method: call.method,
      path: call.path,
      headers: {
        'x-kite-version': '3',
        ...(token === undefined ? {} : { authorization: `token ${options.apiKey}:${token}` }),
      },
      ...(call.query === undefined ? {} : { query: call.query }),
      ...(call.body === undefined ? {} : { body: call.body }),
      ...(call.gate === undefined ? {} : { gate: call.gate }),
      ...(call.bodyMaxBytes === undefined ? {} : { bodyMaxBytes: call.bodyMaxBytes }),
      ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
    });
    if (answer.kind !== 'answer') return answer;
    if (answer.status === 429) budget.holdFor(answer.retryAfterMs ?? KITE_THROTTLE_HOLD_MS);
    if (answer.status === 403 && token !== undefined && isTokenEnded(answer)) options.onTokenEnded(token);
    return answer;
  }

  const client: KiteClient = {
    budget,
    async ask(call) {
      const answer = await send(call);
      return answer.kind === 'answer' ? meaningOf(answer) : answer;
    },
    async read(call) {
      const answer = await client.ask({ method: 'GET', ...call, kind: 'read' });
      if (answer.kind === 'data') return answer.data;
      throw new KiteQuestionError(`Kite did not say (${call.path}): ${answer.reason}`);
    },
    async readText(path, bodyMaxBytes) {
      const timeoutMs = KITE_DUMP_TIMEOUT_MS;
      const answer = await send({ kind: 'read', method: 'GET', path, bodyMaxBytes, timeoutMs });
      if (answer.kind === 'answer' && answer.status === 200) return answer.text;
      const told = answer.kind === 'answer' ? meaningOf(answer) : answer;
      throw new KiteQuestionError(
        `Kite did not say (${path}): ${told.kind === 'data' ? 'no list came' : told.reason}`,
      );
    },
    close() {
      budget.close();
      http.close();
    },
  };
  return client;
}

export const NO_SESSION = 'There is no session at Kite: the owner has to sign in there.';

/**
 * A refusal counts only in Kite's own words: an error of the 400s with its type. 429 is answered at its front door, before the order
 * system has seen the request. The 500s, NetworkException and DataException among them, say that nobody knows.
 */
function meaningOf(answer: HttpAnswer): KiteAnswer {
  const parsed = parseExact(answer.text);
  const told = parsed.ok ? envelope.safeParse(parsed.value) : undefined;
  const said = told?.success === true ? told.data : undefined;
  if (answer.status >= 200 && answer.status < 300 && said?.status === 'success')
    return { kind: 'data', data: said.data as Exact };
  if (answer.status === 429) return { kind: 'refused', reason: 'Kite takes no more requests for now (429).' };
  if (said?.status === 'error') {
    const reason = printable(`${said.message} (${said.error_type})`.slice(0, KITE_REASON_CHARS_MAX));
    return { kind: answer.status >= 400 && answer.status < 500 ? 'refused' : 'unclear', reason };
  }
  return { kind: 'unclear', reason: `Kite answered ${answer.status} with nothing that could be read.` };
}

function isTokenEnded({ text }: HttpAnswer): boolean {
  const parsed = parseExact(text);
  const told = parsed.ok ? envelope.safeParse(parsed.value) : undefined;
  return told?.success === true && told.data.status === 'error' && told.data.error_type === 'TokenException';
}
