/** What is told together: fills that come within seconds, and refusals that come in a burst. */
import { z } from 'zod';
import { add, isDecimalText, quantity, text } from '#domain/decimal.ts';
import { NOTIFY_FILL_LINES_MAX, NOTIFY_FILLS_MS, NOTIFY_REFUSALS, RECENT_REFUSERS_MAX } from '#limits.ts';
import type { Outbox } from './outbox.ts';
import type { Fill } from './tale.ts';

const Gathered = z.strictObject({
  fills: z.array(
    z.strictObject({
      agent: z.string(),
      account: z.string(),
      side: z.string(),
      symbol: z.string(),
      qty: z.string(),
      price: z.string(),
      count: z.number(),
    }),
  ),
  /** Fills that found no line of their own. */
  more: z.number(),
});
type Gathered = z.output<typeof Gathered>;

/** Joins the message that is still being gathered, or begins one. One that may have left is not touched. Inside a transaction. */
export function gatherFill(outbox: Outbox, fill: Fill, nowMs: number): void {
  const open = outbox.latest('fill', null);
  const since = open?.gathered ? Gathered.safeParse(JSON.parse(open.gathered)) : undefined;
  const joins = open && since?.success && nowMs < open.createdAtMs + NOTIFY_FILLS_MS;
  const gathered = withFill(joins ? since.data : { fills: [], more: 0 }, fill);
  const words = { ...fillWords(gathered), gathered: JSON.stringify(gathered) };
  if (joins) outbox.rewrite(open.id, words);
  else
    outbox.tell({ kind: 'fill', subject: null, path: '/admin/orders', delayMs: NOTIFY_FILLS_MS, ...words });
}

function withFill({ fills, more }: Gathered, fill: Fill): Gathered {
  const same = fills.find(
    (one) =>
      one.agent === fill.agent &&
      one.account === fill.account &&
      one.side === fill.side &&
      one.symbol === fill.symbol,
  );
  if (same === undefined)
    return fills.length < NOTIFY_FILL_LINES_MAX
      ? { fills: [...fills, { ...fill, count: 1 }], more }
      : { fills, more: more + 1 };
  const joined = { ...same, qty: summed(same.qty, fill.qty), price: fill.price, count: same.count + 1 };
  return { fills: fills.map((one) => (one === same ? joined : one)), more };
}

const summed = (a: string, b: string): string =>
  isDecimalText(a) && isDecimalText(b) ? text(add(quantity(a), quantity(b))) : b;

function fillWords({ fills, more }: Gathered): { readonly title: string; readonly body: readonly string[] } {
  const lines = fills.map(({ agent, account, side, symbol, qty, price, count }) => {
    const who = agent === 'owner' ? 'You' : agent;
    const done = side === 'sell' ? 'sold' : 'bought';
    const at = count === 1 ? `at ${price}` : `in ${count} fills, the last at ${price}`;
    return `${who} ${done} ${qty} ${symbol} ${at} (${account})`;
  });
  const [first = 'Orders were filled', ...others] = lines;
  const rest = more === 0 ? [] : [`and ${more} more ${more === 1 ? 'fill' : 'fills'}`];
  const title = others.length + more === 0 ? first : `${first}, and more`;
  return { title, body: [...lines, ...rest] };
}

export interface Bursts {
  /** Inside a transaction. */
  take(
    refusal: { readonly agent: string; readonly reason: string; readonly count: number },
    atMs: number,
  ): void;
}

/** Counted in memory: a restart goes on from where the record was read, and counts from there. */
export function openBursts(outbox: Outbox): Bursts {
  const recent = new Map<string, readonly { readonly atMs: number; readonly reason: string }[]>();
  const { count: least, withinMs, quietMs } = NOTIFY_REFUSALS;
  return {
    take({ agent, reason, count }, atMs) {
      const fresh = Array.from({ length: Math.min(count, least) }, () => ({ atMs, reason }));
      const kept = (recent.get(agent) ?? []).filter((one) => atMs - one.atMs < withinMs);
      const all = [...kept, ...fresh].slice(-least);
      // Moved to the end: whoever has been quiet longest falls out first.
      recent.delete(agent);
      recent.set(agent, all);
      if (recent.size > RECENT_REFUSERS_MAX) recent.delete(recent.keys().next().value ?? '');
      if (all.length < least) return;
      const told = outbox.latest('refusals', agent);
      if (told !== undefined && atMs - told.createdAtMs < quietMs) return;
      recent.delete(agent);
      const reasons = [...new Set(all.map((one) => one.reason.replaceAll('_', ' ')))].join(', ');
      outbox.tell({
        kind: 'refusals',
        subject: agent,
        title: `Orders of ${agent} are being refused`,
        body: [
          `At least ${least} within ${withinMs / 1_000} s: ${reasons}. It is told again in ${quietMs / 60_000} minutes at the earliest.`,
        ],
        path: `/admin/agents/${encodeURIComponent(agent)}`,
      });
    },
  };
}
