/** How agents' calls went lately: by tool, agent and door, how long they took, and why they were refused. */
import type { Traffic, TrafficPoint } from '#audit/traffic.ts';
import { ok } from '#domain/result.ts';
import { definePage } from './define.ts';
import { address } from './order-filter.ts';
import { reasonInWords } from './order-rows.ts';

const PATH = '/admin/traffic';
const MINUTE_MS = 60_000;

const WINDOWS = [
  { name: '15m', label: '15 minutes', ms: 15 * MINUTE_MS },
  { name: '1h', label: '1 hour', ms: 60 * MINUTE_MS },
  { name: '24h', label: '24 hours', ms: 24 * 60 * MINUTE_MS },
  { name: '7d', label: '7 days', ms: 7 * 24 * 60 * MINUTE_MS },
] as const;
const STANDARD = WINDOWS[1];

export const traffic = definePage({
  path: '/traffic',
  title: 'Traffic',
  view: 'traffic.html',
  nav: { label: 'Traffic', group: 'record' },
  live: ['state', 'audit'],
  async load({ services, query }) {
    const window = WINDOWS.find(({ name }) => name === query['window']) ?? STANDARD;
    const counted = await services.audit.traffic({ windowMs: window.ms });
    return ok({
      ...counted,
      countedSinceMs: counted.countedSinceMs ?? null,
      reasons: counted.reasons.map(({ reason, calls }) => ({ ...reasonInWords(reason), calls })),
      windows: WINDOWS.map(({ name, label }) => ({
        label,
        href: address(PATH, { window: name }),
        here: name === window.name,
      })),
      window_label: window.label,
      calls_chart: callsChart(counted),
      latency_chart: latencyChart(counted),
      rows: seriesRows(counted),
    });
  },
});

// ---- charts, drawn here: they need no script ---------------------------------------------------------------------------

const WIDTH = 600;
const HEIGHT = 120;

/** One bar a stretch of time: what went well, and what did not on top of it. */
function callsChart({ series }: Traffic) {
  const most = Math.max(1, ...series.map((point) => point.calls));
  const width = WIDTH / series.length;
  const height = (calls: number): number => round((calls / most) * HEIGHT);
  return {
    most,
    bars: series.map((point, index) => {
      const failed = failuresOf(point);
      const good = height(point.calls - failed);
      const bad = Math.max(failed === 0 ? 0 : 2, height(failed));
      return {
        x: round(index * width + width * 0.1),
        width: round(width * 0.8),
        good: { y: round(HEIGHT - good), height: good },
        bad: { y: round(Math.max(0, HEIGHT - good - bad)), height: bad },
      };
    }),
  };
}

/** Median and 99th percentile as lines, broken where nothing was called. */
function latencyChart({ series }: Traffic) {
  const most = Math.max(0, ...series.map((point) => point.p99Ms ?? 0));
  const step = WIDTH / series.length;
  const y = (ms: number): number => round(HEIGHT - (most === 0 ? 0 : (ms / most) * (HEIGHT - 4)) - 2);
  const path = (of: (point: TrafficPoint) => number | null): string =>
    series
      .map((point, index) => {
        const ms = of(point);
        if (ms === null) return '';
        const before = series[index - 1];
        const from = before === undefined || of(before) === null;
        // A point between two gaps is a short stroke.
        const x = index * step;
        return `${from ? `M${round(x)} ${y(ms)}` : ''}L${round(x + step)} ${y(ms)}`;
      })
      .join('');
  return { most_ms: most, p50: path((point) => point.p50Ms), p99: path((point) => point.p99Ms) };
}

const round = (value: number): number => Math.round(value * 10) / 10;

const failuresOf = ({ refused, rejected, errors }: TrafficPoint): number => refused + rejected + errors;

/** The same as a table: stretches in which something was called. */
const seriesRows = ({ series }: Traffic) =>
  series
    .filter((point) => point.calls > 0)
    .reverse()
    .map((point) => ({ ...point, failed: failuresOf(point) }));
