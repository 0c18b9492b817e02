/** A seeded trader that does everything an account can do, and the laws that a paper account's journal must obey. */
import BigFactory from 'big.js';
import type { OrderWords } from './cleared.ts';

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Act =
  | { readonly kind: 'place'; readonly order: OrderWords }
  | { readonly kind: 'replace'; readonly order: OrderWords }
  | { readonly kind: 'cancel'; readonly id: string };

export interface Grid {
  readonly tick: string;
  readonly lot: string;
  /** Largest quantity, in lots. */
  readonly lotsMax: number;
  /** How far from the market its prices are, at most, in ticks. */
  readonly ticksMax: number;
}

/** Decides what to do next, from its own numbers and the price it sees. */
export function randomTrader(seed: number, grid: Grid) {
  const next = seededNumbers(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const lots = () =>
    BigFactory(grid.lot)
      .times(1 + Math.floor(next() * grid.lotsMax))
      .toFixed();
  const placed: OrderWords[] = [];
  let count = 0;

  function newOrder(mid: string): OrderWords {
    const near = (direction?: 1 | -1) => {
      const steps = Math.floor(next() * grid.ticksMax) * (direction ?? (next() < 0.5 ? 1 : -1));
      const base = BigFactory(mid).div(grid.tick).round(0).plus(steps);
      return (base.lt(1) ? BigFactory(1) : base).times(grid.tick).toFixed();
    };
    const side = pick(['buy', 'sell'] as const);
    const up = side === 'buy' ? 1 : -1;
    const base = {
      id: `o${count++}`,
      side,
      qty: lots(),
      tif: pick(['day', 'gtc', 'gtc', 'ioc', 'fok'] as const),
      reduceOnly: next() < 0.1,
      ...(next() < 0.25 ? { takeProfit: near(up), stopLoss: near(up === 1 ? -1 : 1) } : {}),
    };
    const kind = pick(['market', 'limit', 'limit', 'limit', 'stop', 'stop_limit', 'trail'] as const);
    switch (kind) {
      case 'market':
        return base;
      case 'limit':
        return { ...base, limit: near(), ...(next() < 0.2 ? { postOnly: true, tif: 'gtc' as const } : {}) };
      case 'stop':
        return { ...base, tif: 'gtc', stop: near(up) };
      case 'stop_limit':
        return { ...base, tif: 'gtc', stop: near(up), limit: near() };
      case 'trail':
        return { ...base, tif: 'gtc', trailPercent: String(1 + Math.floor(next() * 5)) };
    }
  }

  return {
    next: () => next(),
    act(mid: string): Act {
      const dice = next();
      const known = placed.length > 0 ? pick(placed.slice(-20)) : undefined;
      if (known && dice < 0.15) return { kind: 'cancel', id: next() < 0.8 ? known.id : `${known.id}-sl` };
      if (known && dice < 0.3) {
        const moved = newOrder(mid);
        count--;
        const { id: _, side: _side, tif: _tif, ...rest } = moved;
        return {
          kind: 'replace',
          order: {
            ...known,
            qty: rest.qty,
            ...(known.limit !== undefined && rest.limit !== undefined ? { limit: rest.limit } : {}),
          },
        };
      }
      const order = newOrder(mid);
      placed.push(order);
      return { kind: 'place', order };
    },
  };
}

interface Line {
  readonly kind: string;
  readonly order?: string;
  readonly side?: 'buy' | 'sell';
  readonly type?: string;
  readonly qty?: string;
  readonly filled?: string;
  readonly entry?: string;
  readonly limit_price?: string;
  readonly price?: string;
  readonly fee?: string;
  readonly realised?: string;
  readonly cash_change?: string;
  readonly cash?: string;
  readonly position?: string;
  readonly time: string;
  readonly run: number;
  readonly seq: number;
}

/** What the journal adds up to; throws an Error that names the line when it breaks a law. */
export function audit(journal: readonly string[], accountType: 'cash' | 'margin') {
  const zero = BigFactory('0');
  let [cash, realised, fees, deposits] = [zero, zero, zero, zero];
  const limits = new Map<string, string>();
  const group = new Map<string, string>();
  const lastLegFill = new Map<string, string>();
  const wants = new Map<string, string>();
  const fills = new Map<string, typeof zero>();
  let executions = 0;
  const broken = (line: Line, why: string): never => {
    throw new Error(`${why}: ${JSON.stringify(line)}`);
  };
  for (const [index, text] of journal.entries()) {
    const line = JSON.parse(text) as Line;
    if (line.seq !== index + 1) broken(line, 'the sequence has a hole');
    cash = cash.plus(line.cash_change ?? '0');
    if (line.cash !== undefined && !cash.eq(line.cash)) broken(line, 'cash is not the sum of its changes');
    if (line.kind === 'deposit') deposits = deposits.plus(line.cash_change ?? '0');
    realised = realised.plus(line.realised ?? '0');
    fees = fees.plus(line.fee ?? '0');
    const { order } = line;
    if (
      order !== undefined &&
      (line.kind === 'accepted' || line.kind === 'replaced' || line.kind === 'held')
    ) {
      if (line.limit_price === undefined) limits.delete(order);
      else limits.set(order, line.limit_price);
      wants.set(order, line.qty ?? '0');
      if (line.entry !== undefined) group.set(order, line.entry);
    }
    if (line.kind !== 'execution' || order === undefined) continue;
    executions++;
    const limit = limits.get(order);
    if (limit !== undefined && line.price !== undefined) {
      const worse = line.side === 'buy' ? BigFactory(line.price).gt(limit) : BigFactory(line.price).lt(limit);
      if (worse) broken(line, `filled worse than its limit ${limit}`);
    }
    const filled = (fills.get(order) ?? zero).plus(line.qty ?? '0');
    fills.set(order, filled);
    if (!group.has(order) && filled.gt(wants.get(order) ?? '0')) broken(line, 'filled more than it wanted');
    const entry = group.get(order);
    if (entry !== undefined) {
      const before = lastLegFill.get(`${entry}@${line.run}@${line.time}`);
      if (before !== undefined && before !== order) broken(line, 'both legs filled in one step');
      lastLegFill.set(`${entry}@${line.run}@${line.time}`, order);
      let legs = zero;
      for (const [leg, of] of group) if (of === entry) legs = legs.plus(fills.get(leg) ?? zero);
      if (legs.gt(fills.get(entry) ?? zero)) broken(line, 'legs closed more than their entry opened');
    }
    if (accountType === 'cash') {
      if (BigFactory(line.position ?? '0').lt(0)) broken(line, 'a cash account is short');
      if (cash.lt(0)) broken(line, 'a cash account owes money');
    }
  }
  return { cash, realised, fees, deposits, executions };
}
