/** Rules 14 to 19: how long an order lives, and what the venue does not take. */
import { afterEach, describe, expect, test } from 'vitest';
import { PRESET_RULES } from '#brokers/paper/settings.ts';
import { ABC, PLAIN, paperVenue, type TestVenue, type VenueWords } from '../../support/paper-venue.ts';

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

describe('rule 14: immediate orders', () => {
  test('IOC fills what is there and cancels the rest, without slipping', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '150', tif: 'ioc' });
    expect(v.step(shown)).toEqual(['buy 100@10']);
    expect(await v.status('b')).toBe('canceled 100/150');
    expect(await v.reason('b')).toMatch(/immediate or cancel/);
  });

  test('IOC with nothing there cancels at its first step and not later', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '9.99', tif: 'ioc' });
    expect(v.step(shown)).toEqual([]);
    expect(await v.status('b')).toBe('canceled 0/10');
  });

  test('FOK is all or nothing', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'no', side: 'buy', qty: '101', tif: 'fok' });
    await v.place({ id: 'yes', side: 'buy', qty: '100', tif: 'fok' });
    expect(v.step(shown)).toEqual(['buy 100@10']);
    expect(await v.status('no')).toBe('canceled 0/101');
    expect(await v.status('yes')).toBe('filled 100/100');
  });

  test('random partials never take from them', async () => {
    const v = venue({ rules: { ...PLAIN, partialPercent: 100 } });
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '90', tif: 'ioc' });
    expect(v.step(shown)).toEqual(['buy 90@10']);
  });
});

describe('rule 15: validity', () => {
  test("DAY ends at the session's close, GTC does not", async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'day', side: 'buy', qty: '10', limit: '9', tif: 'day' });
    await v.place({ id: 'gtc', side: 'buy', qty: '10', limit: '9', tif: 'gtc' });
    v.step({ ...shown, sessionEnd: true });
    expect(await v.status('day')).toBe('expired 0/10');
    expect(await v.status('gtc')).toBe('open 0/10');
  });

  test("one accepted after the session's last quote belongs to the next session", async () => {
    const v = venue();
    v.step({ ...shown, sessionEnd: true });
    await v.place({ id: 'day', side: 'buy', qty: '10', limit: '9', tif: 'day' });
    await v.place({ id: 'mkt', side: 'buy', qty: '10', tif: 'day' });
    expect(v.step(shown)).toEqual(['buy 10@10']);
    expect(await v.status('day')).toBe('open 0/10');
    v.step({ ...shown, sessionEnd: true });
    expect(await v.status('day')).toBe('expired 0/10');
  });

  test("a market order always meets a newer quote before it expires, whatever the venue's latency", async () => {
    const v = venue({ rules: { ...PLAIN, latencySteps: { min: 3, max: 3 } } });
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '10', tif: 'day' });
    expect(v.step({ ...shown, sessionEnd: true })).toEqual(['buy 10@10']);
  });

  test('latency is counted in steps', async () => {
    const v = venue({ rules: { ...PLAIN, latencySteps: { min: 2, max: 2 } } });
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    expect([v.step(shown), v.step(shown), v.step(shown)]).toEqual([[], [], ['buy 10@10']]);
    expect(PRESET_RULES.friendly.latencySteps).toEqual({ min: 0, max: 0 });
    expect(PRESET_RULES.realistic.latencySteps.min).toBeGreaterThanOrEqual(1);
  });

  test('GTC survives a restart', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'gtc', side: 'buy', qty: '10', limit: '9.50' });
    const again = v.reopen();
    open.splice(0, 1, again);
    expect(await again.status('gtc')).toBe('open 0/10');
    expect(again.step({ bid: '9.49', ask: '9.50', kind: 'move' })).toEqual(['buy 10@9.5']);
  });

  test('a regular day order ends at the regular close, one for extended hours with the day', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'regular', side: 'buy', qty: '10', limit: '9', tif: 'day' });
    await v.place({ id: 'all', side: 'buy', qty: '10', limit: '9', tif: 'day', extendedHours: true });
    v.step({ ...shown, sessionEnd: true, dayEnd: false });
    expect(await v.status('regular')).toBe('expired 0/10');
    expect(await v.status('all')).toBe('open 0/10');
    await v.place({ id: 'late', side: 'buy', qty: '10', limit: '9', tif: 'day' });
    v.step({ ...shown, phase: 'extended', dayEnd: true });
    expect(await v.status('all')).toBe('expired 0/10');
    expect(await v.status('late')).toBe('open 0/10');
  });
});

describe('rule 16: promises an order makes', () => {
  test('post-only that would take is rejected, one tick less rests', async () => {
    const v = venue();
    v.step(shown);
    expect(await v.place({ id: 'a', side: 'buy', qty: '1', limit: '10.00', postOnly: true })).toBe(
      'rejected: post only: it would have taken liquidity',
    );
    expect(await v.place({ id: 'b', side: 'buy', qty: '1', limit: '9.99', postOnly: true })).toBe('accepted');
    expect(await v.place({ id: 'c', side: 'sell', qty: '1', limit: '9.99', postOnly: true })).toMatch(
      /^rejected/,
    );
  });

  test('post-only that the market has reached on its way is rejected at arrival, with no fill', async () => {
    const v = venue({ rules: { ...PLAIN, latencySteps: { min: 1, max: 1 } } });
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '1', limit: '9.99', postOnly: true });
    v.step({ bid: '9.90', ask: '9.91' });
    expect(v.step({ bid: '9.90', ask: '9.91', kind: 'move' })).toEqual([]);
    expect(await v.status('b')).toBe('rejected 0/1');
  });

  test('reduce-only never grows a position', async () => {
    const v = venue();
    v.step(shown);
    expect(await v.place({ id: 'a', side: 'sell', qty: '1', reduceOnly: true })).toMatch(/nothing to reduce/);
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    v.step(shown);
    expect(await v.place({ id: 'c', side: 'buy', qty: '1', reduceOnly: true })).toMatch(/nothing to reduce/);
    expect(await v.place({ id: 'd', side: 'sell', qty: '11', reduceOnly: true })).toMatch(/leave 10/);
    expect(await v.place({ id: 'e', side: 'sell', qty: '10', reduceOnly: true })).toBe('accepted');
    expect(await v.place({ id: 'f', side: 'sell', qty: '1', reduceOnly: true })).toMatch(/leave 0/);
  });

  test('reduce-only never flips: what another order closed first is canceled', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    v.step(shown);
    await v.place({ id: 'r', side: 'sell', qty: '10', limit: '11', reduceOnly: true });
    await v.place({ id: 's', side: 'sell', qty: '6' });
    v.step(shown);
    expect(v.step({ bid: '11', ask: '11.01', kind: 'move' })).toEqual(['sell 4@11']);
    expect(await v.status('r')).toBe('canceled 4/10');
    expect(await v.adapter.positions()).toEqual([]);
  });

  test('a cash account can not sell short, not even with two orders', async () => {
    const v = venue({ accountType: 'cash' });
    v.step(shown);
    expect(await v.place({ id: 'a', side: 'sell', qty: '1' })).toMatch(
      /rejected: a cash account can not sell short/,
    );
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    v.step(shown);
    expect(await v.place({ id: 'c', side: 'sell', qty: '6', limit: '12' })).toBe('accepted');
    expect(await v.place({ id: 'd', side: 'sell', qty: '5', limit: '12' })).toMatch(/it has 4 to sell/);
    expect(await v.place({ id: 'e', side: 'sell', qty: '4', limit: '12' })).toBe('accepted');
    expect(v.adapter.accountType).toBe('cash');
    expect(v.adapter.capabilities.shortSelling).toBe(false);
  });

  test('a margin account may', async () => {
    const v = venue();
    v.step(shown);
    expect(await v.place({ id: 'a', side: 'sell', qty: '1' })).toBe('accepted');
    expect(v.step(shown)).toEqual(['sell 1@9.99']);
  });
});

describe('rule 17: off the grid', () => {
  test('an off-tick price or off-lot size is rejected, not rounded', async () => {
    const v = venue();
    v.step(shown);
    expect(await v.place({ id: 'a', side: 'buy', qty: '1', limit: '9.995' })).toMatch(
      /rejected: .*9\.995.*tick 0\.01/,
    );
    expect(await v.place({ id: 'b', side: 'buy', qty: '1.5', limit: '9.99' })).toMatch(/rejected: .*lot 1/);
    expect(await v.place({ id: 'c', side: 'sell', qty: '1', stop: '9.001' })).toMatch(/rejected: .*tick/);
    expect(await v.place({ id: 'd', side: 'buy', qty: '0' })).toMatch(/not positive/);
    expect(await v.place({ id: 'e', side: 'buy', qty: '1', limit: '9', stopLoss: '8.001' })).toMatch(
      /rejected/,
    );
    expect(await v.place({ id: 'f', side: 'sell', qty: '1', trailPrice: '0.015' })).toMatch(/rejected/);
    expect(await v.place({ id: 'g', side: 'sell', qty: '1', trailPercent: '100' })).toMatch(/rejected/);
    expect(await v.adapter.openOrders()).toEqual([]);
  });

  test('an order without its price, or with one too many, is rejected', async () => {
    const v = venue();
    v.step(shown);
    expect(await v.place({ id: 'a', side: 'buy', qty: '1', type: 'limit' })).toMatch(
      /carries limit, this one none/,
    );
    expect(await v.place({ id: 'b', side: 'buy', qty: '1', type: 'market', limit: '9' })).toMatch(
      /carries no price/,
    );
    expect(await v.place({ id: 'c', side: 'buy', qty: '1', type: 'stop_limit', limit: '9' })).toMatch(
      /limit and stop/,
    );
  });

  test('an instrument that the feed does not carry is rejected', async () => {
    const v = venue();
    v.step(shown);
    expect(await v.place({ id: 'a', side: 'buy', qty: '1', instrument: 'TEST:XYZ' })).toMatch(
      /does not trade/,
    );
  });

  test('less than the smallest value is rejected', async () => {
    const v = venue({ instrument: { ...ABC, minNotional: ABC.tick } });
    v.step(shown);
    expect(await v.place({ id: 'a', side: 'buy', qty: '1', limit: '0.01' })).toBe('accepted');
    const w = venue({ instrument: { ...ABC, minNotional: ABC.tick.plus('0.01') as typeof ABC.tick } });
    w.step(shown);
    expect(await w.place({ id: 'a', side: 'buy', qty: '1', limit: '0.01' })).toMatch(/worth less than 0\.02/);
  });
});

describe('rule 18: a closed market', () => {
  test('queues what can wait for the open and rejects what can not', async () => {
    const v = venue();
    v.step({ ...shown, sessionEnd: true });
    v.setPhase('closed');
    expect(await v.place({ id: 'mkt', side: 'buy', qty: '10', tif: 'day' })).toBe('accepted');
    expect(await v.place({ id: 'lim', side: 'buy', qty: '10', limit: '9.50' })).toBe('accepted');
    expect(await v.place({ id: 'ioc', side: 'buy', qty: '10', tif: 'ioc' })).toMatch(
      /rejected: the market is closed/,
    );
    expect(await v.place({ id: 'fok', side: 'buy', qty: '10', tif: 'fok' })).toMatch(
      /rejected: the market is closed/,
    );
    v.setPhase('open');
    expect(v.step({ bid: '9.20', ask: '9.21', kind: 'gap' })).toEqual(['buy 10@9.21', 'buy 10@9.21']);
  });

  test('extended hours take limit day orders only', async () => {
    const v = venue();
    v.step(shown);
    expect(await v.place({ id: 'm', side: 'buy', qty: '1', tif: 'day', extendedHours: true })).toMatch(
      /rejected/,
    );
    expect(await v.place({ id: 'g', side: 'buy', qty: '1', limit: '9', extendedHours: true })).toMatch(
      /rejected/,
    );
    expect(
      await v.place({ id: 'l', side: 'buy', qty: '1', limit: '9', tif: 'day', extendedHours: true }),
    ).toBe('accepted');
  });

  test('in extended hours only those that ask for it trade', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'no', side: 'buy', qty: '1', limit: '10', tif: 'day' });
    await v.place({ id: 'yes', side: 'buy', qty: '2', limit: '10', tif: 'day', extendedHours: true });
    expect(v.step({ ...shown, phase: 'extended' })).toEqual(['buy 2@10']);
    expect(v.step(shown)).toEqual(['buy 1@10']);
  });
});

describe('rule 19: amendments', () => {
  test('a quantity is never amended below what is filled', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '150', limit: '10' });
    v.step(shown);
    expect(await v.replace({ id: 'b', side: 'buy', qty: '99', limit: '10' })).toBe(
      'rejected: 100 are filled already',
    );
    expect(await v.status('b')).toBe('partially_filled 100/150');
    expect(await v.replace({ id: 'b', side: 'buy', qty: '120', limit: '10' })).toBe('accepted');
    expect(v.step({ ...shown, asks: '99' })).toEqual(['buy 20@10']);
  });

  test('down to what is filled it is done', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '150', limit: '10' });
    v.step(shown);
    expect(await v.replace({ id: 'b', side: 'buy', qty: '100', limit: '10' })).toBe('accepted');
    expect(await v.status('b')).toBe('filled 100/100');
  });

  test('an order keeps its identity, and its side, type and validity', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '9' });
    const before = await v.adapter.orderByClientId('b');
    expect(await v.replace({ id: 'b', side: 'buy', qty: '20', limit: '9.10' })).toBe('accepted');
    const after = await v.adapter.orderByClientId('b');
    expect(after?.brokerOrderId).toBe(before?.brokerOrderId);
    expect(after?.limitPrice?.toFixed()).toBe('9.1');
    expect(await v.replace({ id: 'b', side: 'sell', qty: '20', limit: '9.10' })).toMatch(/rejected/);
    expect(await v.replace({ id: 'b', side: 'buy', qty: '20', stop: '12' })).toMatch(/rejected/);
    expect(await v.replace({ id: 'b', side: 'buy', qty: '20', limit: '9.10', tif: 'day' })).toMatch(
      /rejected/,
    );
    expect(await v.replace({ id: 'b', side: 'buy', qty: '20', limit: '9.105' })).toMatch(/rejected/);
  });

  test('final orders are immutable', async () => {
    const v = venue();
    v.step(shown);
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    v.step(shown);
    expect(await v.replace({ id: 'b', side: 'buy', qty: '20' })).toBe(
      'rejected: the order is filled: it can not change',
    );
    expect(await v.cancel('b')).toBe('gone: the order is filled');
    expect(await v.status('b')).toBe('filled 10/10');
    expect(await v.cancel('nobody')).toMatch(/^gone/);
    expect(await v.replace({ id: 'nobody', side: 'buy', qty: '20' })).toMatch(/no such order/);
  });
});
