/** The adapter's promises: durable before answered, one order a client id, a history that outlives the process. */
import { afterEach, describe, expect, test } from 'vitest';
import { BROKERS } from '#brokers/index.ts';
import { paperSettings } from '#brokers/paper/settings.ts';
import { money } from '#domain/decimal.ts';
import { cleared } from '../../support/cleared.ts';
import { ABC, paperVenue, type TestVenue, type VenueWords } from '../../support/paper-venue.ts';

const open: TestVenue[] = [];
function venue(words?: VenueWords): TestVenue {
  const made = paperVenue(words);
  open.push(made);
  return made;
}
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
const shown = { bid: '9.99', ask: '10.00', asks: '100', bids: '100' } as const;

describe('one order a client id', () => {
  test('the same order again is the order it was, before and after it has ended', async () => {
    const v = venue();
    v.step(shown);
    const first = await v.adapter.place(order('a'));
    expect(await v.adapter.place(order('a'))).toEqual(first);
    expect(v.step(shown)).toEqual(['buy 10@10']);
    expect(await v.adapter.place(order('a'))).toEqual(first);
    expect(v.step(shown)).toEqual([]);
    expect((await v.adapter.positions())[0]?.qty.toFixed()).toBe('10');
  });

  test('other terms under it are rejected and change nothing', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '10' });
    expect(await v.place({ id: 'a', side: 'sell', qty: '10' })).toBe(
      'rejected: the client id names another order',
    );
    expect(await v.place({ id: 'a', side: 'buy', qty: '11' })).toMatch(/^rejected/);
    expect(await v.adapter.openOrders()).toHaveLength(1);
  });

  test('a rejected order stays rejected', async () => {
    const v = venue({ cash: '10' });
    v.step(shown);
    const first = await v.place({ id: 'a', side: 'buy', qty: '10' });
    expect(first).toMatch(/^rejected: buying power/);
    expect(await v.place({ id: 'a', side: 'buy', qty: '10' })).toBe(first);
    expect(await v.status('a')).toBe('rejected 0/10');
  });

  test('a leg can not take an id that is taken', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'e-sl', side: 'buy', qty: '1', limit: '9' });
    expect(await v.place({ id: 'e', side: 'buy', qty: '1', stopLoss: '8' })).toMatch(
      /^rejected: the client id/,
    );
    expect(await v.adapter.openOrders()).toHaveLength(1);
  });

  test('an id it never saw is definitively absent', async () => {
    const v = venue();
    expect(await v.adapter.orderByClientId('nobody')).toBeUndefined();
    expect(v.adapter.capabilities.ids).toEqual({
      scope: 'account',
      queryByClientId: true,
      dedupes: true,
      cancelOnDisconnect: false,
      absentIsFinalAfterMs: 0,
    });
  });
});

describe('durable first', () => {
  test('what was accepted is in the database when the answer comes, and events come after it', async () => {
    const v = venue();
    v.step(shown);
    let rowsAtEvent = -1;
    const count = () => Number(v.store.db.prepare('SELECT count(*) FROM paper_orders').pluck().get());
    v.adapter.onEvents(() => {
      rowsAtEvent = v.store.inTransaction() ? -2 : count();
    });
    await v.place({ id: 'a', side: 'buy', qty: '10' });
    expect(rowsAtEvent).toBe(1);
  });

  test('a transaction that fails leaves no order, no event, and books that still agree with the database', async () => {
    const v = venue();
    v.step(shown);
    v.store.db.exec(
      `CREATE TRIGGER broken BEFORE INSERT ON paper_journal BEGIN SELECT raise(ABORT, 'disk full'); END`,
    );
    const told = v.events.length;
    await expect(v.place({ id: 'a', side: 'buy', qty: '10' })).rejects.toThrow('disk full');
    expect(v.events).toHaveLength(told);
    expect(await v.adapter.openOrders()).toEqual([]);
    expect(await v.adapter.orderByClientId('a')).toBeUndefined();
    v.store.db.exec('DROP TRIGGER broken');
    expect(await v.place({ id: 'a', side: 'buy', qty: '10' })).toBe('accepted');
    expect(v.step(shown)).toEqual(['buy 10@10']);
  });

  test('a step that is rolled back by others leaves nothing behind', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '10' });
    const told = v.events.length;
    expect(() =>
      v.store.transaction(() => {
        v.step(shown);
        throw new Error('another listener failed');
      }),
    ).toThrow('another listener failed');
    expect(v.events).toHaveLength(told);
    expect(await v.status('a')).toBe('open 0/10');
    expect(v.step(shown)).toEqual(['buy 10@10']);
    expect(v.fills()).toEqual(['buy 10@10']);
  });

  test('a cancel that can not be stored is owed, and comes before anything can fill', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '10' });
    v.store.db.exec(
      `CREATE TRIGGER broken BEFORE INSERT ON paper_journal BEGIN SELECT raise(ABORT, 'disk full'); END`,
    );
    expect(await v.cancel('a')).toMatch(/^unknown: .*store heals/);
    expect(() => v.step(shown)).toThrow('disk full');
    expect(await v.status('a')).toBe('open 0/10');
    v.store.db.exec('DROP TRIGGER broken');
    expect(v.step(shown)).toEqual([]);
    expect(await v.status('a')).toBe('canceled 0/10');
  });

  test('cancels of one turn are one commit, each with its own answer, and told together', async () => {
    const v = venue();
    v.step(shown);
    for (const id of ['a', 'b', 'c']) await v.place({ id, side: 'buy', qty: '10', limit: '9' });
    await v.cancel('b');
    let commits = 0;
    v.store.onBegin(() => {
      commits++;
    });
    const told = v.events.length;
    const asked = ['a', 'b', 'c', 'nobody'].map((id) => v.cancel(id));
    expect(commits).toBe(0);
    expect(await Promise.all(asked)).toEqual([
      'accepted',
      expect.stringMatching(/^gone/) as string,
      'accepted',
      expect.stringMatching(/^gone/) as string,
    ]);
    expect(commits).toBe(1);
    expect(v.events.length).toBeGreaterThan(told);
    for (const id of ['a', 'c']) expect(await v.status(id)).toBe('canceled 0/10');
  });

  test('a step that changes nothing writes nothing', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '10', limit: '9' });
    v.step(shown);
    const before = v.store.db.prepare('SELECT total_changes()').pluck().get();
    for (let n = 0; n < 10; n++) v.step(shown);
    expect(v.store.db.prepare('SELECT total_changes()').pluck().get()).toBe(before);
  });

  test('an order sent from within an event waits for the events before it', async () => {
    const v = venue();
    v.step(shown);
    const order: string[] = [];
    let sent = false;
    v.adapter.onEvents((told) => {
      for (const event of told)
        order.push(
          event.kind === 'order' ? `${event.order.brokerClientId} ${event.order.status}` : event.kind,
        );
      if (told.some((event) => event.kind === 'execution') && !sent) {
        sent = true;
        void v.place({ id: 'b', side: 'sell', qty: '1' });
      }
    });
    await v.place({ id: 'a', side: 'buy', qty: '1' });
    v.step(shown);
    expect(order).toEqual(['a open', 'execution', 'a filled', 'b open']);
  });
});

describe('history', () => {
  test('serves executions and settlements since a cursor, across a restart', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '10' });
    v.step(shown);
    const first = await v.adapter.historySince(undefined);
    expect(first.executions.map((one) => one.executionId)).toEqual(['px-1']);
    await v.place({ id: 'b', side: 'buy', qty: '5' });
    v.step({ ...shown, tapeEnd: true });
    const again = v.reopen();
    open.splice(0, 1, again);
    const later = await again.adapter.historySince(first.cursor);
    expect(later.executions.map((one) => [one.executionId, one.brokerClientId])).toEqual([['px-2', 'b']]);
    expect(later.settlements.map((one) => [one.settlementId, one.price.toFixed()])).toEqual([
      ['ps-1', '9.99'],
    ]);
    expect((await again.adapter.historySince(later.cursor)).executions).toEqual([]);
    const all = await again.adapter.historySince(undefined);
    expect(all.executions).toHaveLength(2);
    expect(all.executions[0]).toEqual(first.executions[0]);
  });

  test('ids are never used twice, over runs and restarts', async () => {
    let v = venue();
    for (let run = 0; run < 3; run++) {
      v.step(shown);
      await v.place({ id: `a${run}`, side: 'buy', qty: '1' });
      v.step({ ...shown, tapeEnd: true });
      v = v.reopen();
      open.splice(0, 1, v);
    }
    const { executions, settlements } = await v.adapter.historySince(undefined);
    expect(new Set(executions.map((one) => one.executionId)).size).toBe(3);
    expect(new Set(executions.map((one) => one.brokerOrderId)).size).toBe(3);
    expect(new Set(settlements.map((one) => one.settlementId)).size).toBe(3);
  });
});

describe('a closed connection', () => {
  test('sends nothing and says nothing: another one may have the books', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '10', limit: '9' });
    await v.adapter.close();
    expect(await v.adapter.place(order('b'))).toMatchObject({ kind: 'not_sent' });
    expect(await v.adapter.replace(order('a'))).toMatchObject({ kind: 'not_sent' });
    expect(await v.adapter.cancel({ brokerClientId: 'a' })).toMatchObject({ kind: 'unknown' });
    const asked = [
      v.adapter.orderByClientId('a'),
      v.adapter.openOrders(),
      v.adapter.historySince(undefined),
      v.adapter.positions(),
      v.adapter.balance(),
      v.adapter.restart?.(money('1')),
    ];
    for (const one of asked) await expect(one).rejects.toThrow(/is closed/);
  });
});

describe("the tape's end", () => {
  test('cancels open orders, settles positions at the last price, and the next run begins flat', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '10', stopLoss: '8' });
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '9' });
    v.step(shown);
    v.step({ bid: '11', ask: '11.01', last: '11', tapeEnd: true });
    expect(await v.status('b')).toBe('canceled 0/10');
    expect(await v.reason('b')).toBe('the tape ended');
    expect(await v.status('a-sl')).toBe('canceled 0/10');
    expect(await v.adapter.positions()).toEqual([]);
    expect((await v.adapter.balance()).cash.toFixed()).toBe('100010');
    const settlement = v.events.find((event) => event.kind === 'settlement');
    expect(settlement?.kind === 'settlement' && settlement.settlement.detail).toMatch(/the tape ended/);
    const last = v.adapter.journal().at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({
      kind: 'settlement',
      qty: '10',
      price: '11',
      realised: '10',
      run: 1,
    });
    await v.place({ id: 'c', side: 'buy', qty: '1' });
    expect(v.step(shown)).toEqual(['buy 1@10']);
    expect(JSON.parse(v.adapter.journal().at(-1) ?? '')).toMatchObject({ run: 2 });
  });

  test('with nothing open and nothing held writes nothing', () => {
    const v = venue();
    v.step(shown);
    const before = v.adapter.journal();
    v.step({ ...shown, tapeEnd: true });
    expect(v.adapter.journal()).toEqual(before);
  });
});

describe('the registry', () => {
  test('holds the paper broker, whose settings are strict', () => {
    expect(BROKERS.map((broker) => broker.id)).toContain('paper');
    const good = { preset: 'realistic', seed: 1, cash: '100000', accountType: 'margin' };
    expect(paperSettings.safeParse(good).success).toBe(true);
    for (const bad of [
      { ...good, extra: 1 },
      { ...good, cash: 100000 },
      { ...good, cash: '-1' },
      { ...good, seed: 1.5 },
      { ...good, preset: 'wild' },
    ]) {
      expect(paperSettings.safeParse(bad).success).toBe(false);
    }
  });

  test('another tape later: what was worked and held in the old one ends', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '10', stopLoss: '8' });
    v.step(shown);
    v.store.close();
    const other = paperVenue({
      folder: v.folder,
      instrument: { ...ABC, id: 'TEST:XYZ' as typeof ABC.id, symbol: 'XYZ' },
    });
    open.splice(0, 1, other);
    expect(await other.adapter.positions()).toEqual([]);
    expect(await other.adapter.openOrders()).toEqual([]);
    expect(await other.status('a-sl')).toBe('canceled 0/10');
    expect((await other.adapter.balance()).cash.toFixed()).toBe('100000');
    expect((await other.adapter.historySince(undefined)).settlements).toHaveLength(1);
  });

  test('a tape in another currency can not carry the account', async () => {
    const v = venue();
    v.store.close();
    expect(() => paperVenue({ folder: v.folder, instrument: { ...ABC, currency: 'INR' } })).toThrow(
      /holds USD and the tape is in INR/,
    );
    open.splice(0, 1, paperVenue({ folder: v.folder }));
  });
});

function order(id: string) {
  return cleared({ id, side: 'buy', qty: '10' });
}
