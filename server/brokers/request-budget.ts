/** What a broker lets an account ask in a time, kept before it has to say so: a queue in which cancels go first and reads last. */
import type { Clock } from '#ports.ts';

/** In order of urgency. */
export const REQUEST_KINDS = ['cancel', 'order', 'read'] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** One published limit, as data: `max` units within any `perMs`. */
export interface BudgetRule {
  readonly name: string;
  readonly max: number;
  readonly perMs: number;
  /** The kinds that it counts; all of them when absent. */
  readonly of?: readonly RequestKind[];
}

export interface BudgetOptions {
  readonly clock: Clock;
  readonly rules: readonly BudgetRule[];
  /** Waiting requests of each kind; one more is refused at once. */
  readonly queueMax: number;
  /** Whoever would wait longer for its turn is refused: at once where that is known, else when it has. */
  readonly waitMaxMs: number;
}

/** Units by the name of a rule; 0: this request does not count there. One unit of each rule of its kind when absent. */
export type Costs = Readonly<Record<string, number>>;
export interface BudgetRefusal {
  /** One sentence. */
  readonly refused: string;
  readonly retryAfterMs: number;
}
export interface BudgetState {
  readonly rules: readonly {
    readonly name: string;
    readonly used: number;
    readonly max: number;
    readonly perMs: number;
  }[];
  readonly waiting: Readonly<Record<RequestKind, number>>;
  /** 0: nothing is held back. */
  readonly heldForMs: number;
  /** Requests that found no turn since the account was opened. */
  readonly refused: number;
}

export interface RequestBudget {
  /** Never rejects. What is granted is counted as used, whatever becomes of it. */
  take(kind: RequestKind, costs?: Costs): Promise<'granted' | BudgetRefusal>;
  /** Nothing goes for so long (a 429, with its Retry-After); the longest of several counts. */
  holdFor(durationMs: number): void;
  stateNow(): BudgetState;
  /** Refuses whoever waits, and whoever comes. */
  close(): void;
}

interface Waiting {
  readonly kind: RequestKind;
  readonly units: ReadonlyMap<string, number>;
  readonly untilMs: number;
  readonly answer: (answer: 'granted' | BudgetRefusal) => void;
}

/** Throws RangeError when a rule, or what a request costs, can never be kept. */
export function openBudget({ clock, rules, queueMax, waitMaxMs }: BudgetOptions): RequestBudget {
  const counts = rules.map((rule) => openCount(rule));
  const queues: Record<RequestKind, Waiting[]> = { cancel: [], order: [], read: [] };
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  let refused = 0;
  let closed = false;
  let timer: (() => void) | undefined;

  const refuse = (one: Waiting, why: string, retryAfterMs: number): void => {
    refused += 1;
    one.answer({ refused: why, retryAfterMs: Math.max(0, Math.ceil(retryAfterMs)) });
  };
  /** When it could go if nobody else came, monotonic ms. */
  const freeAt = ({ kind, units }: Waiting, nowMs: number): number =>
    counts.reduce(
      (latest, count) => Math.max(latest, count.freeAt(kind, units.get(count.rule.name) ?? 0, nowMs)),
      Math.max(nowMs, heldUntilMs),
    );

  /** Gives turns: by urgency, then as they came; nobody passes another one that waits for the same rule. */
  function turn(): void {
    timer?.();
    timer = undefined;
    const nowMs = clock.monotonicMs();
    const blocked = new Set<string>();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const kind of REQUEST_KINDS) {
      queues[kind] = queues[kind].filter((one) => {
        const readyMs = freeAt(one, nowMs);
        const names = [...one.units.keys()];
        if (readyMs <= nowMs && !names.some((name) => blocked.has(name))) {
          for (const count of counts) count.use(one.units.get(count.rule.name) ?? 0, nowMs);
          one.answer('granted');
          return false;
        }
        if (one.untilMs <= nowMs) {
          refuse(one, TOO_LONG, readyMs - nowMs);
          return false;
        }
        for (const name of names) blocked.add(name);
        nextMs = Math.min(nextMs, one.untilMs, readyMs > nowMs ? readyMs : one.untilMs);
        return true;
      });
    }
    if (nextMs !== Number.POSITIVE_INFINITY) timer = clock.after(nextMs - nowMs, turn);
  }

  return {
    take: (kind, costs) =>
      new Promise((answer) => {
        const nowMs = clock.monotonicMs();
        const one: Waiting = { kind, units: unitsOf(rules, kind, costs), untilMs: nowMs + waitMaxMs, answer };
        const earliestMs = freeAt(one, nowMs);
        if (closed) return refuse(one, 'The account is closed.', 0);
        if (earliestMs > one.untilMs)
          return refuse(one, heldUntilMs > one.untilMs ? HELD : SPENT, earliestMs - nowMs);
        if (queues[kind].length >= queueMax) return refuse(one, FULL, earliestMs - nowMs);
        queues[kind].push(one);
        turn();
      }),
    holdFor(durationMs) {
      heldUntilMs = Math.max(heldUntilMs, clock.monotonicMs() + durationMs);
      turn();
    },
    stateNow() {
      const nowMs = clock.monotonicMs();
      return {
        rules: counts.map((count) => ({
          name: count.rule.name,
          used: count.used(nowMs),
          max: count.rule.max,
          perMs: count.rule.perMs,
        })),
        waiting: { cancel: queues.cancel.length, order: queues.order.length, read: queues.read.length },
        heldForMs: Math.max(0, heldUntilMs - nowMs),
        refused,
      };
    },
    close() {
      closed = true;
      timer?.();
      for (const kind of REQUEST_KINDS)
        for (const one of queues[kind].splice(0)) refuse(one, 'The account is closed.', 0);
    },
  };
}

const TOO_LONG = 'It found no turn within the broker’s limit of requests in time.';
const HELD = 'The broker asked to wait before anything else is sent.';
const SPENT = 'The broker’s limit of requests is used up for now.';
const FULL = 'Too many requests wait for their turn at the broker.';

function unitsOf(
  rules: readonly BudgetRule[],
  kind: RequestKind,
  costs: Costs = {},
): ReadonlyMap<string, number> {
  const strange = Object.keys(costs).find((name) => !rules.some((rule) => rule.name === name));
  if (strange !== undefined) throw new RangeError(`there is no rule ${strange}`);
  const units = new Map<string, number>();
  for (const { name, max, of } of rules) {
    const cost = costs[name] ?? (of === undefined || of.includes(kind) ? 1 : 0);
    if (cost < 0 || cost > max) throw new RangeError(`${name}: ${cost} units can never be granted`);
    if (cost > 0) units.set(name, cost);
  }
  return units;
}

interface Count {
  readonly rule: BudgetRule;
  used(nowMs: number): number;
  freeAt(kind: RequestKind, units: number, nowMs: number): number;
  use(units: number, nowMs: number): void;
}

/**
 * What was used within the time of one rule, piece by piece: exact for any window, however the venue lays its own. Reads leave a
 * fifth of it to orders and cancels, orders a tenth to cancels; nobody would otherwise get out of the way of a burst of questions.
 */
function openCount(rule: BudgetRule): Count {
  const { max, perMs } = rule;
  if (!(max >= 1 && perMs > 0)) throw new RangeError(`${rule.name} allows nothing`);
  const tenth = Math.floor(max / 10);
  const share: Record<RequestKind, number> = { cancel: max, order: max - tenth, read: max - 2 * tenth };
  const taken: { readonly atMs: number; readonly units: number }[] = [];
  let sum = 0;

  const forget = (nowMs: number): void => {
    while (taken[0] !== undefined && taken[0].atMs + perMs <= nowMs) sum -= taken.shift()?.units ?? 0;
  };
  return {
    rule,
    used(nowMs) {
      forget(nowMs);
      return sum;
    },
    freeAt(kind, units, nowMs) {
      if (units === 0) return nowMs;
      forget(nowMs);
      // What one request needs is granted alone, however small its share.
      let over = sum + units - Math.max(share[kind], units);
      if (over <= 0) return nowMs;
      for (const { atMs, units: given } of taken) {
        over -= given;
        if (over <= 0) return atMs + perMs;
      }
      return nowMs;
    },
    use(units, nowMs) {
      if (units === 0) return;
      taken.push({ atMs: nowMs, units });
      sum += units;
    },
  };
}
