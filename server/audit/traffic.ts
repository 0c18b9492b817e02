/** How agents' calls went lately: by tool, agent and door, with latencies, reasons and a series; counted from the record. */
import { AUDIT_CHUNK_LINES_MAX, TRAFFIC_CALLS_MAX, TRAFFIC_NAMES_MAX, TRAFFIC_POINTS } from '#limits.ts';
import type { ChunkedReading } from './export.ts';
import type { AuditLine } from './query.ts';
import type { Found } from './search.ts';

/** Calls and how they ended. Latencies are milliseconds by nearest rank, null without a call that has one. */
export interface TrafficCount {
  readonly calls: number;
  /** By the gateway. */
  readonly refused: number;
  /** By a broker. */
  readonly rejected: number;
  /** Failed inside the gateway, or with an unclear outcome. */
  readonly errors: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}
export interface TrafficRow extends TrafficCount {
  readonly name: string;
}
export interface TrafficPoint extends TrafficCount {
  readonly startMs: number;
}

export interface Traffic {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** From when on calls were counted, when there were more than TRAFFIC_CALLS_MAX lines of them; undefined: all were. */
  readonly countedSinceMs: number | undefined;
  readonly total: TrafficCount;
  /** The most called first; names beyond TRAFFIC_NAMES_MAX are left out, and how many is in `unnamed`. */
  readonly tools: readonly TrafficRow[];
  readonly agents: readonly TrafficRow[];
  readonly doors: readonly TrafficRow[];
  /** Why calls were refused or failed, the most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly calls: number }[];
  readonly unnamed: number;
  readonly pointMs: number;
  readonly series: readonly TrafficPoint[];
}

export interface TrafficWindow {
  readonly windowMs: number;
  /** Now; calls up to then are counted, those of this very millisecond too. */
  readonly untilMs: number;
}

/** In pieces, so that it keeps nobody waiting. */
export async function readTraffic({ query, turn }: ChunkedReading, window: TrafficWindow): Promise<Traffic> {
  const sinceMs = window.untilMs - window.windowMs;
  const filter = { kind: 'tool.call', sinceMs, untilMs: window.untilMs + 1 };
  const tally = openTally(sinceMs, window);
  let read = 0;
  let piece: Partial<Found> = {};
  let oldestMs = window.untilMs;
  do {
    const limit = Math.min(AUDIT_CHUNK_LINES_MAX, TRAFFIC_CALLS_MAX - read);
    const page = query.page(filter, { newestFirst: true, from: piece.next, about: piece.about, limit });
    for (const line of page.lines) {
      oldestMs = Date.parse(line.time);
      tally.take(line, oldestMs);
    }
    read += page.lines.length;
    piece = page;
    await turn();
  } while (piece.next !== undefined && read < TRAFFIC_CALLS_MAX);
  return { ...(await tally.result(turn)), countedSinceMs: piece.next === undefined ? undefined : oldestMs };
}

/** Counts of one name or one stretch of time. */
interface Sum {
  calls: number;
  refused: number;
  rejected: number;
  errors: number;
  readonly latencies: number[];
}
const newSum = (): Sum => ({ calls: 0, refused: 0, rejected: 0, errors: 0, latencies: [] });

function openTally(sinceMs: number, { windowMs, untilMs }: TrafficWindow) {
  const pointMs = windowMs / TRAFFIC_POINTS;
  const total = newSum();
  const series = Array.from({ length: TRAFFIC_POINTS }, newSum);
  const named = {
    tools: new Map<string, Sum>(),
    agents: new Map<string, Sum>(),
    doors: new Map<string, Sum>(),
  };
  const reasons = new Map<string, number>();
  const sumOf = (sums: Map<string, Sum>, name: string): Sum => {
    const sum = sums.get(name) ?? newSum();
    sums.set(name, sum);
    return sum;
  };
  return {
    take(line: AuditLine, timeMs: number): void {
      const count = countOf(line);
      const point = series[Math.min(Math.floor((timeMs - sinceMs) / pointMs), TRAFFIC_POINTS - 1)];
      const sums = [
        total,
        sumOf(named.tools, line.tool ?? ''),
        sumOf(named.agents, line.agent ?? ''),
        sumOf(named.doors, line.door ?? ''),
      ];
      for (const sum of point ? [...sums, point] : sums) add(sum, line, count);
      const reason = line.detail?.['reason'];
      if (line.outcome !== 'ok' && typeof reason === 'string')
        reasons.set(reason, (reasons.get(reason) ?? 0) + count);
    },
    /** Sorting every latency several times over takes turns too. */
    async result(turn: () => Promise<void>): Promise<Omit<Traffic, 'countedSinceMs'>> {
      const tools = rows(named.tools);
      await turn();
      const agents = rows(named.agents);
      await turn();
      const doors = rows(named.doors);
      await turn();
      return {
        sinceMs,
        untilMs,
        total: counted(total),
        tools,
        agents,
        doors,
        unnamed: Math.max(0, ...Object.values(named).map((sums) => sums.size - TRAFFIC_NAMES_MAX)),
        reasons: [...reasons]
          .map(([reason, calls]) => ({ reason, calls }))
          .sort((a, b) => b.calls - a.calls || (a.reason < b.reason ? -1 : 1))
          .slice(0, TRAFFIC_NAMES_MAX),
        pointMs,
        series: series.map((sum, index) => ({ startMs: sinceMs + index * pointMs, ...counted(sum) })),
      };
    },
  };
}

/** A line may tell of many denials of one second. */
function countOf({ detail }: AuditLine): number {
  const count = detail?.['count'];
  return typeof count === 'number' && count > 0 ? count : 1;
}

function add(sum: Sum, line: AuditLine, count: number): void {
  sum.calls += count;
  if (line.outcome === 'refused') sum.refused += count;
  else if (line.outcome === 'rejected') sum.rejected += count;
  else if (line.outcome !== 'ok') sum.errors += count;
  if (line.latency_ms !== null) sum.latencies.push(line.latency_ms);
}

function counted({ latencies, calls, refused, rejected, errors }: Sum): TrafficCount {
  // Typed arrays sort as numbers, ten times as fast as a comparison in JavaScript.
  const sorted = Float64Array.from(latencies).sort();
  const rank = (part: number): number | null => sorted[Math.ceil(sorted.length * part) - 1] ?? null;
  return { calls, refused, rejected, errors, p50Ms: rank(0.5), p99Ms: rank(0.99) };
}

const rows = (sums: ReadonlyMap<string, Sum>): readonly TrafficRow[] =>
  [...sums]
    .map(([name, sum]) => ({ name, ...counted(sum) }))
    .sort((a, b) => b.calls - a.calls || (a.name < b.name ? -1 : 1))
    .slice(0, TRAFFIC_NAMES_MAX);
