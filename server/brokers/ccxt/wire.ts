/** The way of every request of ccxt to its venue: in its turn, past the gate, once, bounded, and with what left of it known. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type HttpAnswer, type HttpCaller, openHttpCaller } from '#brokers/http-call.ts';
import {
  type BudgetRefusal,
  type BudgetRule,
  openBudget,
  type RequestBudget,
  type RequestKind,
} from '#brokers/request-budget.ts';
import {
  CCXT_ANSWER_BYTES_MAX,
  CCXT_BUDGET_WINDOW_MS,
  CCXT_CALL_TIMEOUT_MS,
  CCXT_HOSTS_MAX,
  CCXT_PUT_OFF_MS,
  CCXT_QUEUE_MAX,
  WIRE_QUEUE_WAIT_MS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { isClass } from './error-class.ts';
import type { ExchangeFacts } from './facts.ts';
import type { Ccxt, Headers } from './types.ts';

/** What is being asked, and what became of it on the way; one for each call of the adapter. */
export interface Errand {
  readonly kind: RequestKind;
  /** Of an order: why it may not leave any more. */
  readonly gate?: () => string | undefined;
  /** Whether a byte of any request of it may have left. */
  left: boolean;
  /** Of the last answer. */
  status: number | undefined;
}

/** Nothing of the request left; the message is one sentence. */
export class NotSent extends Error {
  override readonly name = 'NotSent';
}
/** It found no turn within the limits of the exchange: nothing is wrong with the exchange. */
export class OutOfTurns extends NotSent {
  readonly retryAfterMs: number;
  constructor({ refused, retryAfterMs }: BudgetRefusal) {
    super(refused);
    this.retryAfterMs = retryAfterMs;
  }
}
/** How long to wait before it is tried again: without a turn there is nothing to try. */
export const retryAfterMs = (fault: unknown, waitMs: number): number =>
  fault instanceof OutOfTurns ? Math.max(waitMs, fault.retryAfterMs) : waitMs;
/** It may have left, and no whole answer came. */
export class Unclear extends Error {
  override readonly name = 'Unclear';
}

export interface Wire {
  /** Runs a call of ccxt as that errand: all its requests, whatever it awaits in between. */
  run<T>(errand: Errand, call: () => Promise<T>): Promise<T>;
  readonly budget: RequestBudget;
  close(): void;
}

/** No exchange has a reason to be asked any of this, so not even a mistake of ccxt reaches it. */
const MOVES_MONEY_AWAY = /withdraw|transfer|redeem|loan|convert|repay/i;
const READS_ONLY: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Takes over sending, waiting and telling the time from this one exchange. */
export function openWire(ccxt: Ccxt, clock: Clock, facts: ExchangeFacts): Wire {
  const errands = new AsyncLocalStorage<Errand>();
  const callers = new Map<string, HttpCaller>();
  const rule = budgetRuleOf(ccxt.rateLimit, facts);
  const budget = openBudget({
    clock,
    rules: [rule],
    queueMax: CCXT_QUEUE_MAX,
    waitMaxMs: WIRE_QUEUE_WAIT_MS,
  });

  ccxt.milliseconds = () => Math.trunc(clock.wallMs());
  // Two requests of one millisecond are two: where a number may be used once, the second would be refused.
  const nonce = ccxt.nonce.bind(ccxt);
  let lastNonce = 0;
  ccxt.nonce = () => {
    lastNonce = Math.max(lastNonce + 1, nonce());
    return lastNonce;
  };
  // Every number of every answer keeps its digits; ccxt would do so only where one is above 2^53.
  ccxt.parseJson = (text) => {
    if (!/^\s*[[{]/.test(text)) return undefined;
    try {
      return JSON.parse(ccxt.onJsonResponse(text)) as unknown;
    } catch {
      // ccxt would take it for an answer without any of what it looks for.
      throw new Unclear('The answer could not be read.');
    }
  };
  // ccxt asks here before it signs, with the weight that the exchange publishes of the request.
  ccxt.throttle = async (cost = 1) => {
    const answer = await budget.take(errands.getStore()?.kind ?? 'read', {
      weight: Math.min(rule.max, Math.max(0, cost)),
    });
    if (answer !== 'granted') throw new OutOfTurns(answer);
  };

  function callerOf(origin: string): HttpCaller {
    const known = callers.get(origin);
    if (known !== undefined) return known;
    if (callers.size >= CCXT_HOSTS_MAX) throw new NotSent('The exchange has more addresses than expected.');
    const made = openHttpCaller({
      baseUrl: origin,
      timeoutMs: CCXT_CALL_TIMEOUT_MS,
      bodyMaxBytes: CCXT_ANSWER_BYTES_MAX,
      clock,
      ...(facts.oneAtATime ? { socketsMax: 1 } : {}),
    });
    callers.set(origin, made);
    return made;
  }

  ccxt.fetch = async (address, method = 'GET', given, body) => {
    const errand = errands.getStore();
    const url = new URL(address);
    const verb = METHODS.find((one) => one === method);
    if (verb === undefined) throw new NotSent(`The exchange is never asked by ${method}.`);
    if (MOVES_MONEY_AWAY.test(url.pathname) && !READS_ONLY.has(verb))
      throw new NotSent('Nothing that moves money out of an account is ever sent.');
    const headers = ccxt.setHeaders({ ...ccxt.headers, ...given });
    const { type, others } = split(headers);
    const told = await callerOf(url.origin).call({
      method: verb,
      path: url.pathname,
      search: url.search,
      headers: others,
      ...(body === undefined ? {} : { body: { kind: 'text', text: body, type } }),
      gate: () => {
        const reason = errand?.gate?.();
        if (reason === undefined && errand !== undefined) errand.left = true;
        return reason;
      },
    });
    if (told.kind !== 'answer')
      throw told.kind === 'not_sent' ? new NotSent(told.reason) : new Unclear(told.reason);
    if (errand !== undefined) errand.status = told.status;
    const isPutOff = told.status === 429 || told.status === 418;
    if (isPutOff) budget.holdFor(told.retryAfterMs ?? CCXT_PUT_OFF_MS);
    return ccxt.handleRestResponse(asResponse(told), address, verb, headers, body);
  };

  return {
    async run(errand, call) {
      try {
        return await errands.run(errand, call);
      } catch (fault) {
        // Some say so by 200 and a word of their own.
        const isPutOff = isClass(fault, 'DDoSProtection') || isClass(fault, 'RateLimitExceeded');
        if (isPutOff && errand.status === 200) budget.holdFor(CCXT_PUT_OFF_MS);
        throw fault;
      }
    },
    budget,
    close() {
      budget.close();
      for (const caller of callers.values()) caller.close();
    },
  };
}

/** The rate that ccxt publishes of an exchange, over a minute: its weights are those of the exchange. */
export function budgetRuleOf(
  rateLimitMs: number,
  { unitsPerWindow, windowMs = CCXT_BUDGET_WINDOW_MS }: ExchangeFacts,
): BudgetRule {
  const published = Math.floor(windowMs / Math.max(1, rateLimitMs));
  return { name: 'weight', max: unitsPerWindow ?? Math.max(1, published), perMs: windowMs };
}

/** A body has one type, and who sends it says it. */
function split(headers: Headers): { readonly type: string; readonly others: Headers } {
  const isType = (name: string): boolean => name.toLowerCase() === 'content-type';
  const type = Object.entries(headers).find(([name]) => isType(name))?.[1] ?? 'application/json';
  return { type, others: Object.fromEntries(Object.entries(headers).filter(([name]) => !isType(name))) };
}

function asResponse({ status, headers, text }: HttpAnswer) {
  return {
    status,
    statusText: String(status),
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, [value].flat().join(', ')] as const],
      ),
    ),
    text: async () => text,
  };
}
