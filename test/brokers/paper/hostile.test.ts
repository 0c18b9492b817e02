/** The presets: what friendly leaves out, what realistic adds, and a hostile venue that lies about books that are right. */
import { afterEach, describe, expect, test } from 'vitest';
import { PRESET_RULES } from '#brokers/paper/settings.ts';
import { type OrderWords } from '../../support/cleared.ts';
import { paperVenue, type TestVenue, type VenueWords } from '../../support/paper-venue.ts';
import { audit } from '../../support/random-trader.ts';

const open: TestVenue[] = [];
function venue(words?: VenueWords): TestVenue {
  const made = paperVenue(words);
  open.push(made);
  return made;
}
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
const shown = { bid: '9.99', ask: '10.00', asks: '100', bids: '100', volume: '10000' } as const;

/** The query of a hostile venue fails now and then; whoever asks again gets its answer. */
async function ask<T>(query: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await query();
    } catch (cause) {
      if (tries > 50) throw cause;
    }
  }
}

async function storm(seed: number, count = 200) {
  const v = venue({ rules: PRESET_RULES.hostile, seed, cash: '10000000' });
  v.step(shown);
  const outcomes = new Map<string, string>();
  for (let n = 0; n < count; n++) {
    const order: OrderWords = { id: `o${n}`, side: n % 2 === 0 ? 'buy' : 'sell', qty: '10' };
    outcomes.set(order.id, await v.place(order));
    v.step({ ...shown, asks: String(100 + n), bids: String(100 + n) });
  }
  for (let n = 0; n < 30; n++) v.step({ ...shown, asks: String(500 + n), bids: String(500 + n) });
  return { v, outcomes };
}

describe('friendly', () => {
  test('fills whole orders on the next step, at the touch, whatever is displayed', async () => {
    const v = venue({ rules: PRESET_RULES.friendly });
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '5000' });
    expect(v.step(shown)).toEqual(['buy 5000@10']);
    await v.place({ id: 'b', side: 'buy', qty: '5000', limit: '9.99' });
    expect(v.step({ ...shown, last: '9.99', stepsPerBar: 10 })).toEqual(['buy 5000@9.99']);
  });
});

describe('realistic', () => {
  test('has latency, displayed sizes, partial fills and slippage, and always tells the truth', async () => {
    const v = venue({ rules: PRESET_RULES.realistic, cash: '10000000' });
    v.step(shown);
    for (let n = 0; n < 100; n++) {
      expect(await v.place({ id: `o${n}`, side: 'buy', qty: '40' })).toBe('accepted');
      expect(v.step({ ...shown, asks: String(100 + n) })).not.toContain('nothing');
    }
    for (let n = 0; n < 20; n++) v.step({ ...shown, asks: String(500 + n) });
    const sizes = v.fills().map((fill) => fill.split(/[ @]/)[1]);
    expect(sizes.filter((size) => size === '40').length).toBeGreaterThan(50);
    expect(sizes.filter((size) => size !== '40').length).toBeGreaterThan(5);
    expect(await v.adapter.openOrders()).toEqual([]);
    const latencies = v.adapter.journal().flatMap((line) => {
      const { latency } = JSON.parse(line) as { latency?: number };
      return latency ?? [];
    });
    expect(new Set(latencies)).toEqual(new Set([1, 2]));
    const executions = v.events.flatMap((event) =>
      event.kind === 'execution' ? event.execution.executionId : [],
    );
    expect(new Set(executions).size).toBe(executions.length);
  });
});

describe('hostile', () => {
  test('answers unknown for orders that it took and for orders that it never saw, and rejects some', async () => {
    const { v, outcomes } = await storm(1);
    const said = [...outcomes.values()];
    expect(said.filter((one) => one === 'accepted').length).toBeGreaterThan(80);
    expect(said.filter((one) => one.startsWith('rejected')).length).toBeGreaterThan(2);
    const found = { taken: 0, lost: 0 };
    for (const [id, outcome] of outcomes) {
      const order = await ask(() => v.adapter.orderByClientId(id));
      if (outcome === 'accepted') expect(order).toBeDefined();
      if (outcome.startsWith('unknown')) found[order === undefined ? 'lost' : 'taken']++;
    }
    expect(found.taken).toBeGreaterThan(5);
    expect(found.lost).toBeGreaterThan(2);
  });

  test('an unclear order that is sent again with the same client id is one order', async () => {
    const { v, outcomes } = await storm(2);
    const executions = (await v.adapter.historySince(undefined)).executions.length;
    for (const [id, outcome] of outcomes) {
      if (!outcome.startsWith('unknown')) continue;
      const order = await ask(() => v.adapter.orderByClientId(id));
      if (order === undefined) continue;
      const side = Number(id.slice(1)) % 2 === 0 ? 'buy' : 'sell';
      await v.place({ id, side, qty: '10' });
    }
    for (let n = 0; n < 20; n++) v.step(shown);
    expect((await v.adapter.historySince(undefined)).executions).toHaveLength(executions);
  });

  test('repeats, delays and reorders events, and the history is still exact', async () => {
    const { v } = await storm(3);
    const told = v.events.flatMap((event) => (event.kind === 'execution' ? event.execution.executionId : []));
    const { executions } = await v.adapter.historySince(undefined);
    expect(told.length).toBeGreaterThan(new Set(told).size);
    expect([...new Set(told)].sort()).toEqual(executions.map((one) => one.executionId).sort());
    const numbers = told.map((id) => Number(id.slice(3)));
    expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b));
    const fillBeforeAck = v.events.some((event, index) => {
      if (event.kind !== 'execution') return false;
      const id = event.execution.brokerClientId;
      const ack = v.events.findIndex((one) => one.kind === 'order' && one.order.brokerClientId === id);
      return ack > index;
    });
    expect(fillBeforeAck).toBe(true);
    audit(v.adapter.journal(), 'margin');
  });

  test('cancels may be unclear too, done or not', async () => {
    const v = venue({ rules: PRESET_RULES.hostile, seed: 4, cash: '10000000' });
    v.step(shown);
    const ends = { done: 0, not: 0 };
    for (let n = 0; n < 200; n++) {
      const id = `o${n}`;
      if ((await v.place({ id, side: 'buy', qty: '1', limit: '5' })) !== 'accepted') continue;
      if (!(await v.cancel(id)).startsWith('unknown')) continue;
      const order = await ask(() => v.adapter.orderByClientId(id));
      ends[order?.status === 'canceled' ? 'done' : 'not']++;
    }
    expect(ends.done).toBeGreaterThan(5);
    expect(ends.not).toBeGreaterThan(2);
  });

  test('a query may fail, and never answers wrongly', async () => {
    const v = venue({ rules: PRESET_RULES.hostile, seed: 5 });
    v.step(shown);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () =>
        v.adapter.orderByClientId('nobody').then(
          (order) => (order === undefined ? 'absent' : 'wrong'),
          () => 'failed',
        ),
      ),
    );
    expect(answers.filter((one) => one === 'failed').length).toBeGreaterThan(2);
    expect(answers).not.toContain('wrong');
  });

  test('the same seed is hostile in the same way', async () => {
    const [a, b] = [await storm(6, 60), await storm(6, 60)];
    expect([...a.outcomes]).toEqual([...b.outcomes]);
    expect(a.v.adapter.journal()).toEqual(b.v.adapter.journal());
    expect(a.v.events).toEqual(b.v.events);
  });
});

describe('a late word on an order', () => {
  test('never takes back what a newer one said of its quantity', async () => {
    const v = venue({ rules: PRESET_RULES.hostile, seed: 8, cash: '10000000' });
    v.step(shown);
    for (let n = 0; n < 60; n++) {
      await v.place({ id: `o${n}`, side: 'buy', qty: '300', limit: '10', takeProfit: '20', stopLoss: '5' });
      v.step({ ...shown, asks: String(100 + n) });
    }
    const newest = new Map<string, string>();
    let told = 0;
    for (const event of v.events) {
      if (event.kind !== 'order' || !event.order.brokerClientId?.endsWith('-sl')) continue;
      const { brokerOrderId, qty, held } = event.order;
      const before = newest.get(brokerOrderId);
      const now = held ? '0' : qty.toFixed();
      if (before !== undefined) expect(Number(now)).toBeGreaterThanOrEqual(Number(before));
      newest.set(brokerOrderId, now);
      told++;
    }
    expect(told).toBeGreaterThan(60);
  });
});
