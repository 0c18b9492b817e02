/** Rules 10 to 13: how much. */
import { afterEach, describe, expect, test } from 'vitest';
import { PRESET_RULES } from '#brokers/paper/settings.ts';
import { PLAIN, paperVenue, type TestVenue, type VenueWords } from '../../support/paper-venue.ts';

const open: TestVenue[] = [];
function venue(words?: VenueWords): TestVenue {
  const made = paperVenue(words);
  open.push(made);
  return made;
}
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

describe('rule 10: displayed depth is walked', () => {
  test('150 against 100 @ 10.00 and 100 @ 10.01 are two fills, average 10.00333…', async () => {
    const v = venue();
    v.step({ bid: '9.99', ask: '10.00' });
    await v.place({ id: 'b', side: 'buy', qty: '150' });
    const fills = v.step({ bid: '9.99', ask: '10.00', asks: '100@10.00 100@10.01' });
    expect(fills).toEqual(['buy 100@10', 'buy 50@10.01']);
    const { cash } = await v.adapter.balance();
    expect((100000 - Number(cash.toFixed())) / 150).toBeCloseTo(10.003333, 6);
  });

  test('with one level the rest slips a tick', async () => {
    const v = venue();
    v.step({ bid: '9.99', ask: '10.00' });
    await v.place({ id: 'b', side: 'buy', qty: '150' });
    await v.place({ id: 's', side: 'sell', qty: '150' });
    const fills = v.step({ bid: '9.99', ask: '10.00', asks: '100', bids: '100' });
    expect(fills).toEqual(['buy 100@10', 'buy 50@10.01', 'sell 100@9.99', 'sell 50@9.98']);
  });

  test('a limit takes what is displayed within it and rests with the rest', async () => {
    const v = venue();
    v.step({ bid: '9.99', ask: '10.00' });
    await v.place({ id: 'b', side: 'buy', qty: '150', limit: '10.00' });
    expect(v.step({ bid: '9.99', ask: '10.00', asks: '100@10.00 100@10.01' })).toEqual(['buy 100@10']);
    expect(await v.status('b')).toBe('partially_filled 100/150');
  });

  test('a stop that triggers walks from its trigger', async () => {
    const v = venue();
    v.step({ bid: '101', ask: '101.01' });
    await v.place({ id: 's', side: 'sell', qty: '150', stop: '100' });
    expect(v.step({ bid: '99', ask: '99.01', kind: 'move', bids: '100' })).toEqual([
      'sell 100@100',
      'sell 50@99.99',
    ]);
  });
});

describe('rule 11: liquidity taken', () => {
  test('is gone until that level changes', async () => {
    const v = venue();
    const shown = { bid: '9.99', ask: '10.00', asks: '100' } as const;
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '80', limit: '10.00' });
    expect(v.step(shown)).toEqual(['buy 80@10']);
    await v.place({ id: 'b', side: 'buy', qty: '80', limit: '10.00' });
    expect(v.step(shown)).toEqual(['buy 20@10']);
    expect(v.step(shown)).toEqual([]);
    expect(v.step({ ...shown, asks: '90' })).toEqual(['buy 60@10']);
  });

  test('comes back when the price went away and returned', async () => {
    const v = venue();
    const shown = { bid: '9.99', ask: '10.00', asks: '100' } as const;
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '150', limit: '10.00' });
    expect(v.step(shown)).toEqual(['buy 100@10']);
    v.step({ bid: '10.01', ask: '10.02', asks: '100' });
    expect(v.step(shown)).toEqual(['buy 50@10']);
  });

  test('two orders of one step share it', async () => {
    const v = venue();
    const shown = { bid: '9.99', ask: '10.00', asks: '100' } as const;
    v.step(shown);
    await v.place({ id: 'a', side: 'buy', qty: '80', limit: '10.00' });
    await v.place({ id: 'b', side: 'buy', qty: '80', limit: '10.00' });
    expect(v.step(shown)).toEqual(['buy 80@10', 'buy 20@10']);
  });

  test('a print fills only the opposite side, up to its size', async () => {
    const v = venue({ rules: { ...PLAIN, limitFills: 'touch' } });
    v.step({ bid: '10.00', ask: '10.02', last: '10.01' });
    await v.place({ id: 'b', side: 'buy', qty: '100', limit: '10.00' });
    await v.place({ id: 's', side: 'sell', qty: '100', limit: '10.02' });
    // 160 traded in a bar of four steps: a print of 40 at the bid, from a seller, meets the buyer alone.
    const print = { bid: '10.00', ask: '10.02', last: '10.00', volume: '160', stepsPerBar: 4 } as const;
    expect(v.step(print)).toEqual(['buy 40@10']);
    expect(await v.status('s')).toBe('open 0/100');
  });
});

describe('rule 12: partial fills', () => {
  test('are drawn from the seed: the same seed fills the same parts, another one others', async () => {
    const run = async (seed: number) => {
      const v = venue({ seed, rules: { ...PLAIN, partialPercent: 100 } });
      v.step({ bid: '9.99', ask: '10.00' });
      await v.place({ id: 'b', side: 'buy', qty: '1000' });
      for (let n = 0; n < 8; n++) v.step({ bid: '9.99', ask: '10.00' });
      return v.fills();
    };
    const first = await run(7);
    expect(first.length).toBeGreaterThan(1);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
  });

  test('belong to the presets realistic and hostile, never to friendly', () => {
    expect(PRESET_RULES.friendly.partialPercent).toBe(0);
    expect(PRESET_RULES.realistic.partialPercent).toBeGreaterThan(0);
    expect(PRESET_RULES.hostile.partialPercent).toBeGreaterThan(0);
  });

  test("never leave a day's market order behind at the session's last quote", async () => {
    const v = venue({ rules: { ...PLAIN, partialPercent: 100 } });
    v.step({ bid: '9.99', ask: '10.00' });
    await v.place({ id: 'b', side: 'buy', qty: '1000', tif: 'day' });
    expect(v.step({ bid: '9.99', ask: '10.00', sessionEnd: true })).toEqual(['buy 1000@10']);
  });
});

describe('rule 13: volume-share slippage', () => {
  const rules = { ...PLAIN, displayedSize: false, slippage: true };

  test('is 0.1 × min(qty / volume, 0.025)² × price: 20 of 1,000 at 10,000 slips 0.40', async () => {
    const v = venue({ rules, cash: '10000000' });
    v.step({ bid: '9999.99', ask: '10000' });
    await v.place({ id: 'b', side: 'buy', qty: '20' });
    await v.place({ id: 's', side: 'sell', qty: '20' });
    expect(v.step({ bid: '9999.99', ask: '10000', volume: '1000' })).toEqual([
      'buy 20@10000.4',
      'sell 20@9999.59',
    ]);
  });

  test('stops growing at a share of 2.5 %: 500 of 1,000 at 10,000 slips 0.625, to the nearest tick', async () => {
    const v = venue({ rules, cash: '10000000' });
    v.step({ bid: '9999.99', ask: '10000' });
    await v.place({ id: 'b', side: 'buy', qty: '500' });
    expect(v.step({ bid: '9999.99', ask: '10000', volume: '1000' })).toEqual(['buy 500@10000.62']);
  });

  test('never touches a limit, nor a tape without volume', async () => {
    const v = venue({ rules, cash: '10000000' });
    v.step({ bid: '9999.99', ask: '10000' });
    await v.place({ id: 'l', side: 'buy', qty: '20', limit: '10001' });
    expect(v.step({ bid: '9999.99', ask: '10000', volume: '1000' })).toEqual(['buy 20@10000']);
    await v.place({ id: 'm', side: 'buy', qty: '20' });
    expect(v.step({ bid: '9999.99', ask: '10000' })).toEqual(['buy 20@10000']);
  });
});
