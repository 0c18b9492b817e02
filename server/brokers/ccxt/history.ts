/** Trades since a cursor: every one once, however an exchange pages, however late it lists them. */
import { z } from 'zod';
import { CCXT_HISTORY_REQUESTS_MAX, CCXT_QUIET_LIST_INTERVAL_MS, CCXT_TRADES_OVERLAP_MS } from '#limits.ts';
import { featureOf } from './capabilities.ts';
import { millisecondsOf } from './decimals.ts';
import type { Exchange } from './exchange.ts';
import type { CcxtTrade } from './types.ts';

/** Where an exchange tells the trades of all instruments by one list. */
const ALL = '*';
const DAY_MS = 86_400_000;

const cursorShape = z.strictObject({
  v: z.literal(1),
  /** Nothing before it belongs to the books. */
  fromMs: z.int(),
  /** Until when each list was read, and what of its last minute was told. */
  lists: z.record(z.string(), z.strictObject({ untilMs: z.int(), told: z.array(z.string()) })),
  /** Until when every list was read: where one that is read for the first time begins. */
  untilMs: z.int(),
});
export type HistoryCursor = z.output<typeof cursorShape>;

export const openCursor = (nowMs: number): HistoryCursor => ({
  v: 1,
  fromMs: nowMs,
  lists: {},
  untilMs: nowMs,
});
export const cursorText = (cursor: HistoryCursor): string => JSON.stringify(cursor);
/** Throws when it is none of ours. */
export const cursorFrom = (text: string): HistoryCursor => cursorShape.parse(JSON.parse(text));

export interface HistoryPage {
  /** Oldest first. */
  readonly trades: readonly CcxtTrade[];
  readonly cursor: HistoryCursor;
}

/** An id of its own for each trade of the account: exchanges number the trades of each instrument apart. */
export function executionIdOf(trade: CcxtTrade): string {
  const { id, order, symbol, timestamp, price, amount } = trade;
  return typeof id === 'string' && id !== ''
    ? `${symbol}:${id}`
    : `${symbol}:${order}:${timestamp}:${price}:${amount}`;
}

export interface HistoryQuestion {
  readonly cursor: HistoryCursor;
  /** Those that are read where each has a list of its own, with when anything was last heard of an order in it. */
  readonly symbols: ReadonlyMap<string, number>;
  /** All times are the exchange's. */
  readonly nowMs: number;
}

/**
 * A list in which nothing has been going on since it was read is read again from time to time only: an account that traded a hundred
 * instruments would have no turns left for orders. Rejects when any question of it is not answered.
 */
export async function readHistory(
  { ccxt, facts, kind }: Exchange,
  { cursor, symbols, nowMs }: HistoryQuestion,
): Promise<HistoryPage> {
  const rules = historyRules(featureOf(ccxt, kind, 'fetchMyTrades'));
  const isDue = ([symbol, activeAtMs]: readonly [string, number]): boolean => {
    const readMs = cursor.lists[symbol]?.untilMs;
    return (
      readMs === undefined ||
      activeAtMs >= readMs - CCXT_TRADES_OVERLAP_MS ||
      nowMs - readMs >= CCXT_QUIET_LIST_INTERVAL_MS
    );
  };
  const lists = rules.perSymbol ? [...symbols].filter(isDue).map(([symbol]) => symbol) : [ALL];
  const found: CcxtTrade[] = [];
  const read: Record<string, HistoryCursor['lists'][string]> = { ...cursor.lists };
  const budget = { left: CCXT_HISTORY_REQUESTS_MAX };
  let isWhole = true;

  /** All of one span; halves it where an answer is as full as it can be, since which end it left out is not told. */
  async function span(
    symbol: string | undefined,
    fromMs: number,
    untilMs: number,
  ): Promise<readonly CcxtTrade[]> {
    budget.left -= 1;
    const limit = Math.min(rules.limit ?? facts.tradesPerAnswer, facts.tradesPerAnswer);
    const answer = await ccxt.fetchMyTrades(symbol, fromMs, limit, { until: untilMs });
    if (facts.tradesOffset !== undefined && answer.length >= facts.tradesPerAnswer)
      return [...answer, ...(await further(symbol, fromMs, untilMs))];
    if (answer.length < limit || untilMs - fromMs <= 1) return answer;
    const middleMs = Math.floor((fromMs + untilMs) / 2);
    return [...(await span(symbol, fromMs, middleMs)), ...(await span(symbol, middleMs, untilMs))];
  }

  /** What is behind the first page, where pages are counted. */
  async function further(
    symbol: string | undefined,
    fromMs: number,
    untilMs: number,
  ): Promise<readonly CcxtTrade[]> {
    const all: CcxtTrade[] = [];
    const { tradesOffset = '', tradesPerAnswer } = facts;
    for (let page = 1; budget.left > 0; page++) {
      budget.left -= 1;
      const params = { until: untilMs, [tradesOffset]: page * tradesPerAnswer };
      const answer = await ccxt.fetchMyTrades(symbol, fromMs, undefined, params);
      all.push(...answer);
      if (answer.length < tradesPerAnswer) break;
    }
    return all;
  }

  for (const list of lists) {
    const before = read[list];
    const told = new Set(before?.told);
    const sinceMs = (before?.untilMs ?? cursor.untilMs) - CCXT_TRADES_OVERLAP_MS;
    const seen = new Map<string, CcxtTrade>();
    let untilMs = Math.max(sinceMs, cursor.fromMs - CCXT_TRADES_OVERLAP_MS);
    while (untilMs < nowMs && budget.left > 0) {
      const endMs = Math.min(nowMs, untilMs + rules.windowMs);
      // The exchange's clock is known to within an answer's way: its newest trades may be later than now.
      const lastMs = endMs === nowMs ? nowMs + CCXT_TRADES_OVERLAP_MS : endMs;
      for (const trade of await span(list === ALL ? undefined : list, untilMs, lastMs))
        seen.set(executionIdOf(trade), trade);
      untilMs = endMs;
    }
    isWhole &&= untilMs >= nowMs;
    for (const [id, trade] of seen)
      if (!told.has(id) && (millisecondsOf(trade.timestamp) ?? nowMs) >= cursor.fromMs) found.push(trade);
    const recent = [...seen].flatMap(([id, { timestamp }]) =>
      (millisecondsOf(timestamp) ?? nowMs) >= untilMs - 2 * CCXT_TRADES_OVERLAP_MS ? id : [],
    );
    read[list] = { untilMs, told: [...new Set([...recent, ...told].filter((id) => seen.has(id)))] };
  }
  return {
    trades: found.sort((a, b) => (millisecondsOf(a.timestamp) ?? 0) - (millisecondsOf(b.timestamp) ?? 0)),
    cursor: { ...cursor, lists: read, untilMs: isWhole ? nowMs : cursor.untilMs },
  };
}

interface HistoryRules {
  readonly perSymbol: boolean;
  readonly windowMs: number;
  readonly limit: number | undefined;
}

/** As the exchange's features say; what they do not say is taken as it is at most exchanges. */
export function historyRules(features: unknown): HistoryRules {
  const shape = z.looseObject({
    symbolRequired: z.boolean().nullish(),
    untilDays: z.number().positive().nullish(),
    limit: z.number().positive().nullish(),
  });
  const said = shape.safeParse(features);
  const { symbolRequired, untilDays, limit } = said.success ? said.data : {};
  return {
    perSymbol: symbolRequired ?? true,
    windowMs: (untilDays ?? 7) * DAY_MS,
    limit: limit ?? undefined,
  };
}
