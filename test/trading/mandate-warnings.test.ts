/** What the owner is told of a mandate under which nothing can be ordered, and what the agent is not told to try. */
import { describe, expect, it } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { mandate, refusedFor } from '../support/facts.ts';
import { flatTape, granted, tradingRoom, WIDE_MANDATE } from '../support/trading-room.ts';

async function warned(fields: Readonly<Record<string, unknown>>) {
  const room = await tradingRoom({ csv: flatTape('1400', 60) });
  room.agent('claude');
  const set = granted(room.access.mandates.set('claude', { ...WIDE_MANDATE, ...fields }, OWNER_CLI));
  return room.trading.owner.mandateWarnings(set);
}

describe('a mandate that is saved', () => {
  it('is warned of where one lot is worth more than an order may be', async () => {
    expect(await warned({ symbols: ['SPX'], max_order_value: '1399.99' })).toEqual([
      'One lot of SPX is worth about 1400.00 USD, more than max_order_value 1399.99: nothing can be ordered.',
    ]);
    expect(await warned({ symbols: ['SPX'], max_order_value: '1400' })).toEqual([]);
    expect(await warned({ symbols: ['*'], max_order_value: '300' })).toHaveLength(1);
  });

  it('is warned of where one lot is more than an order may be, and where no feed carries a symbol', async () => {
    expect(await warned({ symbols: ['SPX'], max_order_qty: '0.5' })).toEqual([
      'One lot of SPX is 1, more than max_order_qty 0.5: nothing can be ordered.',
    ]);
    expect(await warned({ symbols: ['SPX', 'BTC/USD'], asset_classes: undefined })).toEqual([
      'BTC/USD has no feed here: nothing can be ordered in it.',
    ]);
  });
});

describe('a refusal for the size of one order', () => {
  const tight = (fields: Readonly<Record<string, unknown>>) =>
    refusedFor({ mandate: mandate(fields) }, { qty: '1', limit: '101' }).detail;
  it('does not say to take a smaller quantity where one lot is too much', () => {
    expect(tight({ max_order_value: '100' })).toMatch(
      /this order 101; one lot of XYZ is worth 101 USD already, so that nothing can be ordered until the owner raises it\.$/,
    );
    expect(tight({ max_order_qty: '0.5' })).toMatch(/one lot of XYZ is 1 already/);
    expect(
      refusedFor({ mandate: mandate({ max_order_value: '101' }) }, { qty: '2', limit: '101' }).detail,
    ).toMatch(/take a smaller quantity\.$/);
  });
});
