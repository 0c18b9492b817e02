/** Rules 1 to 9: at what price, and when. */
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

describe('rule 1: a market order', () => {
  test('buys at the ask and sells at the bid', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.05' });
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    expect(v.step({ bid: '10.10', ask: '10.20' })).toEqual(['buy 10@10.2']);
    await v.place({ id: 's', side: 'sell', qty: '10' });
    expect(v.step({ bid: '10.30', ask: '10.40' })).toEqual(['sell 10@10.3']);
    expect(await v.reason('b')).toBeUndefined();
  });

  test('trades on the last price only when its side is not quoted, and says so', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.05' });
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    expect(v.step({ bid: '10.00', ask: '0', last: '10.03' })).toEqual(['buy 10@10.03']);
    expect(await v.reason('b')).toMatch(/last price/);
    expect(v.adapter.journal().at(-1)).toContain('"basis":"last"');
  });

  test('waits while neither that side nor a last price is there', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.05' });
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    expect(v.step({ bid: '10.00', ask: '0', last: null })).toEqual([]);
    expect(await v.status('b')).toBe('open 0/10');
  });
});

describe('rule 2: a limit that is not marketable', () => {
  test('rests until the ask is at or below a buy, and never fills worse', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.05' });
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '10.00' });
    expect(v.step({ bid: '10.00', ask: '10.01' })).toEqual([]);
    expect(v.step({ bid: '9.99', ask: '10.00', kind: 'move' })).toEqual(['buy 10@10']);
  });

  test('rests until the bid is at or above a sell', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.05' });
    await v.place({ id: 's', side: 'sell', qty: '10', limit: '10.10' });
    expect(v.step({ bid: '10.09', ask: '10.20' })).toEqual([]);
    expect(v.step({ bid: '10.10', ask: '10.20', kind: 'move' })).toEqual(['sell 10@10.1']);
  });

  test('that is marketable at once takes the better ask', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.05' });
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '11' });
    expect(v.step({ bid: '10.01', ask: '10.06', kind: 'move' })).toEqual(['buy 10@10.06']);
  });
});

describe('rule 3: price improvement', () => {
  test('a gap through a resting limit fills at the better open', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.01' });
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '9.90' });
    v.step({ bid: '10.00', ask: '10.01' });
    expect(v.step({ bid: '9.49', ask: '9.50', kind: 'gap' })).toEqual(['buy 10@9.5']);
  });

  test('a continuous move through it fills at the limit', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.01' });
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '9.90' });
    expect(v.step({ bid: '9.49', ask: '9.50', kind: 'move' })).toEqual(['buy 10@9.9']);
  });
});

describe('rule 4: touch or penetrate', () => {
  const touching = { bid: '9.90', ask: '9.91', last: '9.90', kind: 'move' } as const;

  test('by default a trade at the limit is not enough: low < limit', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.01' });
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '9.90' });
    expect(v.step(touching)).toEqual([]);
    // One tick through, on a tape quoted a tick wide, brings the ask to the limit.
    expect(v.step({ bid: '9.89', ask: '9.90', last: '9.89', kind: 'move' })).toEqual(['buy 10@9.9']);
  });

  test('where a touch is enough, it fills at the limit', async () => {
    const v = venue({ rules: { ...PLAIN, limitFills: 'touch' } });
    v.step({ bid: '10.00', ask: '10.01' });
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '9.90' });
    await v.place({ id: 'far', side: 'buy', qty: '10', limit: '9.89' });
    expect(v.step(touching)).toEqual(['buy 10@9.9']);
  });

  test('and never elsewhere, even where the trade was better', async () => {
    const v = venue({ rules: { ...PLAIN, limitFills: 'touch' } });
    v.step({ bid: '10.00', ask: '10.01' });
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '9.90' });
    expect(v.step({ bid: '9.50', ask: '9.95', last: '9.50' })).toEqual(['buy 10@9.9']);
  });

  test('realistic and hostile penetrate, friendly touches', () => {
    expect(PRESET_RULES.realistic.limitFills).toBe('penetrate');
    expect(PRESET_RULES.hostile.limitFills).toBe('penetrate');
    expect(PRESET_RULES.friendly.limitFills).toBe('touch');
  });
});

describe('rule 5: a stop', () => {
  test('triggers inclusively and fills at the trigger when the price moves through it', async () => {
    const v = venue();
    v.step({ bid: '101', ask: '101.01' });
    await v.place({ id: 's', side: 'sell', qty: '10', stop: '100' });
    expect(v.step({ bid: '100.01', ask: '100.02', kind: 'move' })).toEqual([]);
    expect(v.step({ bid: '99', ask: '99.01', kind: 'move' })).toEqual(['sell 10@100']);
  });

  test('triggers at exactly its price', async () => {
    const v = venue();
    v.step({ bid: '101', ask: '101.01' });
    await v.place({ id: 's', side: 'sell', qty: '10', stop: '100' });
    await v.place({ id: 'b', side: 'buy', qty: '10', stop: '102' });
    expect(v.step({ bid: '100', ask: '100.01', kind: 'move' })).toEqual(['sell 10@100']);
    expect(v.step({ bid: '101.99', ask: '102', kind: 'move' })).toEqual(['buy 10@102']);
  });

  test('fills at the open on a gap: trigger 100, open 90, fill 90', async () => {
    const v = venue();
    v.step({ bid: '101', ask: '101.01' });
    await v.place({ id: 's', side: 'sell', qty: '10', stop: '100' });
    expect(v.step({ bid: '90', ask: '90.01', kind: 'gap' })).toEqual(['sell 10@90']);
  });

  test('a buy stop gaps to the ask of the open', async () => {
    const v = venue();
    v.step({ bid: '99', ask: '99.01' });
    await v.place({ id: 'b', side: 'buy', qty: '10', stop: '100' });
    expect(v.step({ bid: '110', ask: '110.01', kind: 'gap' })).toEqual(['buy 10@110.01']);
  });
});

describe('rule 6: a stop-limit', () => {
  test('becomes a limit once elected and may stay unfilled', async () => {
    const v = venue();
    v.step({ bid: '101', ask: '101.01' });
    await v.place({ id: 's', side: 'sell', qty: '10', stop: '100', limit: '99' });
    expect(v.step({ bid: '90', ask: '90.01', kind: 'gap' })).toEqual([]);
    expect(v.step({ bid: '98.99', ask: '99', kind: 'move' })).toEqual([]);
    expect(await v.status('s')).toBe('open 0/10');
    expect(v.step({ bid: '99.5', ask: '99.51', kind: 'move' })).toEqual(['sell 10@99']);
  });

  test('fills at its trigger when the price moves through trigger and limit', async () => {
    const v = venue();
    v.step({ bid: '101', ask: '101.01' });
    await v.place({ id: 's', side: 'sell', qty: '10', stop: '100', limit: '99' });
    expect(v.step({ bid: '95', ask: '95.01', kind: 'move' })).toEqual(['sell 10@100']);
  });

  test('is not a limit before it is elected', async () => {
    const v = venue();
    v.step({ bid: '101', ask: '101.01' });
    await v.place({ id: 's', side: 'sell', qty: '10', stop: '100', limit: '99' });
    expect(v.step({ bid: '105', ask: '105.01', kind: 'gap' })).toEqual([]);
  });
});

describe('rule 7: a trailing stop', () => {
  test('its high-water mark only ratchets: sell stop = mark − trail', async () => {
    const v = venue();
    v.step({ bid: '100', ask: '100.01' });
    await v.place({ id: 's', side: 'sell', qty: '10', trailPrice: '2' });
    const stop = async () => (await v.adapter.orderByClientId('s'))?.stopPrice?.toFixed();
    expect(await stop()).toBe('98');
    v.step({ bid: '105', ask: '105.01', kind: 'move' });
    expect(await stop()).toBe('103');
    v.step({ bid: '104', ask: '104.01', kind: 'move' });
    expect(await stop()).toBe('103');
    expect(v.step({ bid: '102', ask: '102.01', kind: 'move' })).toEqual(['sell 10@103']);
  });

  test('a percentage trails the mark: 110 × (1 − 5 %) = 104.50', async () => {
    const v = venue();
    v.step({ bid: '100', ask: '100.01' });
    await v.place({ id: 's', side: 'sell', qty: '10', trailPercent: '5' });
    v.step({ bid: '110', ask: '110.01', kind: 'move' });
    expect((await v.adapter.orderByClientId('s'))?.stopPrice?.toFixed()).toBe('104.5');
    expect(v.step({ bid: '104', ask: '104.01', kind: 'gap' })).toEqual(['sell 10@104']);
  });

  test('a buy trails the lowest ask', async () => {
    const v = venue();
    v.step({ bid: '100', ask: '100.01' });
    await v.place({ id: 'b', side: 'buy', qty: '10', trailPrice: '2' });
    v.step({ bid: '94.99', ask: '95', kind: 'move' });
    v.step({ bid: '96', ask: '96.01', kind: 'move' });
    expect(v.step({ bid: '98', ask: '98.01', kind: 'move' })).toEqual(['buy 10@97']);
  });

  test('a gap down meets the stop as it stood', async () => {
    const v = venue();
    v.step({ bid: '100', ask: '100.01' });
    await v.place({ id: 's', side: 'sell', qty: '10', trailPrice: '2' });
    expect(v.step({ bid: '90', ask: '90.01', kind: 'gap' })).toEqual(['sell 10@90']);
  });
});

describe('rule 8: a stop and a target in one bar', () => {
  const bar = { low: '89', high: '111', close: '100', key: 'both' } as const;
  async function long(v: TestVenue): Promise<void> {
    v.step({ bid: '100', ask: '100' });
    await v.place({ id: 'e', side: 'buy', qty: '10', takeProfit: '110', stopLoss: '90' });
    expect(v.step({ bid: '100', ask: '100' })).toEqual(['buy 10@100']);
  }

  test('end at the stop, even where the path touches the target first', async () => {
    const v = venue();
    await long(v);
    expect(v.step({ bid: '100', ask: '100', bar })).toEqual([]);
    expect(v.step({ bid: '111', ask: '111', kind: 'move', bar })).toEqual([]);
    expect(v.step({ bid: '89', ask: '89', kind: 'move', bar })).toEqual(['sell 10@90']);
    expect(await v.status('e-tp')).toBe('canceled 0/10');
  });

  test('a bar that holds the target alone fills it', async () => {
    const v = venue();
    await long(v);
    const up = { ...bar, low: '95' };
    v.step({ bid: '100', ask: '100', bar: up });
    expect(v.step({ bid: '111', ask: '111', kind: 'move', bar: up })).toEqual(['sell 10@110']);
    expect(await v.status('e-sl')).toBe('canceled 0/10');
  });

  test('an extreme that was there before the legs does not count, the end of the bar does', async () => {
    const v = venue();
    const rest = { low: '80', high: '120', close: '100', key: 'late' } as const;
    v.step({ bid: '100', ask: '100', bar: rest });
    await v.place({ id: 'e', side: 'buy', qty: '10', takeProfit: '110', stopLoss: '90' });
    v.step({ bid: '100', ask: '100', kind: 'move', bar: rest });
    expect(v.step({ bid: '111', ask: '111', kind: 'move', bar: rest })).toEqual(['sell 10@110']);

    const w = venue();
    const falls = { ...rest, close: '85' };
    w.step({ bid: '100', ask: '100', bar: falls });
    await w.place({ id: 'e', side: 'buy', qty: '10', takeProfit: '110', stopLoss: '90' });
    w.step({ bid: '100', ask: '100', kind: 'move', bar: falls });
    expect(w.step({ bid: '111', ask: '111', kind: 'move', bar: falls })).toEqual([]);
    expect(w.step({ bid: '85', ask: '85', kind: 'move', bar: falls })).toEqual(['sell 10@90']);
  });

  test('is the same every time', async () => {
    const journals = await Promise.all(
      [1, 2].map(async () => {
        const v = venue();
        await long(v);
        v.step({ bid: '111', ask: '111', bar });
        v.step({ bid: '89', ask: '89', kind: 'move', bar });
        return v.adapter.journal();
      }),
    );
    expect(journals[0]).toEqual(journals[1]);
  });
});

describe('rule 9: never on data older than the order', () => {
  test('a quote that was there before it fills nothing', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.05' });
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    expect(v.fills()).toEqual([]);
    expect(v.step({ bid: '11.00', ask: '11.05' })).toEqual(['buy 10@11.05']);
  });

  test('a leg never meets the step that filled its entry', async () => {
    const v = venue();
    v.step({ bid: '100', ask: '100.01' });
    await v.place({ id: 'e', side: 'buy', qty: '10', limit: '95', stopLoss: '90' });
    expect(v.step({ bid: '85', ask: '85.01', kind: 'gap' })).toEqual(['buy 10@85.01']);
    expect(v.step({ bid: '84', ask: '84.01', kind: 'gap' })).toEqual(['sell 10@84']);
  });

  test('a quote more than 30 s old when it is published defers', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.05' });
    await v.place({ id: 'b', side: 'buy', qty: '10' });
    expect(v.step({ bid: '10.00', ask: '10.05', ageMs: 30_001 })).toEqual([]);
    expect(v.step({ bid: '10.00', ask: '10.05', ageMs: 30_000 })).toEqual(['buy 10@10.05']);
  });

  test('a replaced order starts again with newer data', async () => {
    const v = venue();
    v.step({ bid: '10.00', ask: '10.05' });
    await v.place({ id: 'b', side: 'buy', qty: '10', limit: '9' });
    v.step({ bid: '10.00', ask: '10.05' });
    expect(await v.replace({ id: 'b', side: 'buy', qty: '10', limit: '10.05' })).toBe('accepted');
    expect(v.fills()).toEqual([]);
    expect(v.step({ bid: '10.00', ask: '10.05' })).toEqual(['buy 10@10.05']);
  });
});
