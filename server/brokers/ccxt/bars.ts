/** Complete bars of one exchange, by as many questions as it takes and no more than are allowed. */
import type { Bar, BarQuery } from '#ports.ts';
import { barOf, TIMEFRAME_MS } from './quotes.ts';
import type { Figure } from './types.ts';

/** Bars that one question brings, as most exchanges give; how many questions one call may cost. */
export const BARS_PER_ANSWER = 500;
const BAR_ANSWERS_MAX = 6;

type AskBars = (sinceMs: number) => Promise<readonly (readonly Figure[])[]>;

/** Oldest first; what is left out for being too much is the oldest. */
export async function barsOf(query: BarQuery, nowMs: number, ask: AskBars): Promise<readonly Bar[]> {
  const stepMs = TIMEFRAME_MS[query.timeframe];
  const endMs = Math.min(query.endMs ?? nowMs, nowMs);
  const wanted = Math.min(query.limit, BARS_PER_ANSWER * BAR_ANSWERS_MAX);
  // As far back as it costs nothing more: a market may have been still.
  const beginMs = query.startMs ?? endMs - Math.max(wanted + 1, BARS_PER_ANSWER - 1) * stepMs;
  const found = new Map<number, Bar>();
  let sinceMs = Math.max(0, beginMs);
  for (let asked = 0; asked < BAR_ANSWERS_MAX && sinceMs < endMs; asked++) {
    const bars = (await ask(sinceMs)).flatMap((one) => barOf(one) ?? []);
    const newest = bars.at(-1);
    if (newest === undefined || newest.timeMs < sinceMs) break;
    for (const bar of bars)
      if (bar.timeMs >= beginMs && bar.timeMs < endMs && bar.timeMs + stepMs <= nowMs)
        found.set(bar.timeMs, bar);
    if (found.size >= wanted && query.startMs !== undefined) break;
    sinceMs = newest.timeMs + stepMs;
  }
  const sorted = [...found.values()].sort((a, b) => a.timeMs - b.timeMs);
  return query.startMs === undefined ? sorted.slice(-query.limit) : sorted.slice(0, query.limit);
}
