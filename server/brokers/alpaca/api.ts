/** Alpaca over HTTP: every request within the published budget, every answer parsed exactly or refused. */
import type { z } from 'zod';
import { type Exact, parseExact } from '#brokers/exact-json.ts';
import { type HttpCall, type HttpCaller, type HttpFault, openHttpCaller } from '#brokers/http-call.ts';
import { type BudgetRule, type BudgetState, openBudget, type RequestKind } from '#brokers/request-budget.ts';
import { printable } from '#domain/refusal.ts';
import { BROKER_ANSWER_BYTES_MAX, WIRE_QUEUE_WAIT_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { CALL_TIMEOUT_MS, DATA_LIMITS, HOLD_DEFAULT_MS, QUEUE_MAX, TRADING_LIMITS } from './bounds.ts';
import type { AlpacaCredentials, DataFeed, Hosts } from './settings.ts';
import { errorPayload } from './wire.ts';

/** What Alpaca answered, as far as it can be read. */
export interface Told {
  readonly kind: 'told';
  readonly status: number;
  /** undefined: no body, or one that is not JSON. */
  readonly body: Exact | undefined;
  /** Alpaca's own sentence about a refusal, or its status; safe to be shown. */
  readonly says: string;
}
export type Reply = Told | HttpFault;

export interface Ask extends Pick<HttpCall, 'query' | 'timeoutMs' | 'bodyMaxBytes' | 'gate'> {
  readonly method?: HttpCall['method'];
  readonly body?: unknown;
  readonly kind?: RequestKind;
}

export interface AlpacaApi {
  trading(path: string, ask?: Ask): Promise<Reply>;
  /** Of the trading API or of market data. Throws one sentence when there is no answer; undefined for a 404. */
  read<T extends z.ZodType>(schema: T, path: string, ask?: Ask): Promise<z.output<T> | undefined>;
  readData<T extends z.ZodType>(schema: T, path: string, ask?: Ask): Promise<z.output<T> | undefined>;
  budget(): BudgetState;
  close(): void;
}

export interface ApiOptions {
  readonly hosts: Hosts;
  readonly credentials: AlpacaCredentials;
  readonly dataFeed: DataFeed;
  readonly clock: Clock;
  /** Alpaca said no to the key, or yes again. */
  readonly onKey: (isGood: boolean) => void;
  readonly onThrottled: (waitMs: number) => void;
}

export function openApi({ hosts, credentials, dataFeed, clock, onKey, onThrottled }: ApiOptions): AlpacaApi {
  const caller = (baseUrl: string): HttpCaller =>
    openHttpCaller({
      baseUrl,
      headers: () => ({
        'APCA-API-KEY-ID': credentials.key_id,
        'APCA-API-SECRET-KEY': credentials.secret_key,
      }),
      timeoutMs: CALL_TIMEOUT_MS,
      bodyMaxBytes: BROKER_ANSWER_BYTES_MAX,
      clock,
    });
  const budget = (rules: readonly BudgetRule[]) =>
    openBudget({
      clock,
      rules,
      queueMax: QUEUE_MAX,
      waitMaxMs: WIRE_QUEUE_WAIT_MS,
    });
  const trading = { caller: caller(hosts.trading), budget: budget(TRADING_LIMITS) };
  const data = {
    caller: caller(hosts.data),
    budget: budget(DATA_LIMITS[dataFeed]),
  };

  async function ask(to: typeof trading, path: string, asked: Ask): Promise<Reply> {
    const { method = 'GET', body, kind = 'read', ...rest } = asked;
    const turn = await to.budget.take(kind);
    if (turn !== 'granted') return { kind: 'not_sent', reason: turn.refused };
    const answer = await to.caller.call({
      method,
      path,
      ...rest,
      ...(body === undefined ? {} : { body: { kind: 'json', value: body } }),
    });
    if (answer.kind !== 'answer') return answer;
    if (answer.status === 429) {
      const waitMs = answer.retryAfterMs ?? HOLD_DEFAULT_MS;
      to.budget.holdFor(waitMs);
      onThrottled(waitMs);
    }
    // 403 is also how it says that money or shares are missing: only 401 is about the key alone.
    if (answer.status === 401) onKey(false);
    else if (answer.status < 400) onKey(true);
    const parsed = parseExact(answer.text, { lengthMax: rest.bodyMaxBytes ?? BROKER_ANSWER_BYTES_MAX });
    const content = parsed.ok ? parsed.value : undefined;
    return { kind: 'told', status: answer.status, body: content, says: saysOf(answer.status, content) };
  }

  async function read<T extends z.ZodType>(
    to: typeof trading,
    schema: T,
    { path, asked }: { readonly path: string; readonly asked: Ask },
  ): Promise<z.output<T> | undefined> {
    const reply = await ask(to, path, asked);
    if (reply.kind !== 'told') throw new Error(`Alpaca did not answer: ${reply.reason}`);
    if (reply.status === 404) return undefined;
    if (reply.status !== 200) throw new Error(reply.says);
    const parsed = schema.safeParse(reply.body);
    if (!parsed.success) throw new Error('Alpaca answered something that this gateway can not read.');
    return parsed.data;
  }

  return {
    trading: (path, asked = {}) => ask(trading, path, asked),
    read: (schema, path, asked = {}) => read(trading, schema, { path, asked }),
    readData: (schema, path, asked = {}) => read(data, schema, { path, asked }),
    budget: () => trading.budget.stateNow(),
    close() {
      for (const one of [trading, data]) {
        one.budget.close();
        one.caller.close();
      }
    },
  };
}

function saysOf(status: number, body: Exact | undefined): string {
  const error = errorPayload.safeParse(body);
  const message = error.success ? error.data.message : undefined;
  return message === undefined || message === ''
    ? `Alpaca answered ${status}.`
    : `Alpaca: ${printable(message).slice(0, 300)}`;
}

/** The address of something named by an id. */
export const at = (path: string, id: string): string => `${path}/${encodeURIComponent(id)}`;
