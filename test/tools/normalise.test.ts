// What is repaired and what is suggested, over everything that can be drawn: side, size, price and symbol are never touched, and a second look changes nothing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SIDES } from '#domain/order.ts';
import type { Tool } from '#tools/define.ts';
import { TOOLS } from '#tools/index.ts';
import { isPositiveDecimal, nearestDecimal } from '#tools/near-decimal.ts';
import { isTime, nearestTime } from '#tools/near-time.ts';
import { isRecord, normalise } from '#tools/normalise.ts';
import { argumentsFor } from '../support/schema-inputs.ts';

const RUNS = { numRuns: 300 };
/** What an order is: nothing of it is ever made out of something else. */
const UNTOUCHED = ['symbol', 'qty', 'notional', 'limit_price', 'stop_price', 'trail_percent', 'trail_price'];

const tools = fc.constantFrom(...TOOLS);
const calls = tools.chain((tool) => argumentsFor(tool).map((args) => ({ tool, args })));

const repairable = (tool: Tool, field: string): boolean => {
  const property = tool.inputSchema.properties[field];
  return property?.enum !== undefined || property?.type === 'array' || property?.type === 'object';
};

describe('normalising', () => {
  test('never changes a symbol, a size or a price', () => {
    fc.assert(
      fc.property(calls, ({ tool, args }) => {
        fc.pre(isRecord(args));
        const { args: after, repaired } = normalise(args, tool.inputSchema);
        if (!isRecord(args) || !isRecord(after)) throw new Error('no longer an object');
        expect(Object.keys(after).sort()).toEqual(Object.keys(args).sort());
        for (const field of UNTOUCHED) {
          expect(after[field]).toBe(args[field]);
          expect(repaired).not.toHaveProperty(field);
        }
      }),
      RUNS,
    );
  });

  test('leaves a side alone, or takes away its case and the space around it', () => {
    const place = TOOLS.find(({ name }) => name === 'place_order');
    if (place === undefined) throw new Error('no place_order');
    const near = fc
      .tuple(
        fc.constantFrom(...SIDES, 'BUY', 'sELL', 'long', 'b'),
        fc.string({ maxLength: 2 }),
        fc.string({ maxLength: 2 }),
      )
      .map(([word, before, after]) => `${before}${word}${after}`);
    fc.assert(
      fc.property(near, (side) => {
        const { args } = normalise({ side }, place.inputSchema);
        if (!isRecord(args)) throw new Error('no longer an object');
        if (args['side'] !== side) expect(args['side']).toBe(side.trim().toLowerCase());
        if (SIDES.includes(side.trim().toLowerCase() as (typeof SIDES)[number]))
          expect(args['side']).toBe(side.trim().toLowerCase());
      }),
      RUNS,
    );
  });

  test('touches enums, lists and objects alone, and says each time that it did', () => {
    fc.assert(
      fc.property(calls, ({ tool, args }) => {
        const { args: after, repaired } = normalise(args, tool.inputSchema);
        for (const field of Object.keys(repaired))
          expect(field === 'arguments' || repairable(tool, field), field).toBe(true);
        if (!isRecord(args) || !isRecord(after)) return;
        for (const field of Object.keys(args))
          expect(Object.hasOwn(repaired, field)).toBe(!Object.is(after[field], args[field]));
      }),
      RUNS,
    );
  });

  test('a second time changes nothing and says nothing', () => {
    fc.assert(
      fc.property(calls, ({ tool, args }) => {
        const once = normalise(args, tool.inputSchema);
        fc.pre(isRecord(once.args));
        expect(normalise(once.args, tool.inputSchema)).toEqual({ args: once.args, repaired: {} });
      }),
      RUNS,
    );
  });

  test('what was taken once is taken again, and is prepared the same', () => {
    let taken = 0;
    fc.assert(
      fc.property(calls, ({ tool, args }) => {
        const first = tool.prepare(args);
        if (!first.ok) return;
        taken++;
        const again = tool.prepare(normalise(args, tool.inputSchema).args);
        if (!again.ok) throw new Error(again.error.detail);
        expect(again.value.dryRun).toBe(first.value.dryRun);
        expect(again.value.repaired).toEqual({});
      }),
      RUNS,
    );
    expect(taken).toBeGreaterThan(20);
  });
});

describe('suggestions', () => {
  const nearNumbers = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."0123456789.,-+eEk $€%_'".split('')), maxLength: 20 }),
    fc.string({ maxLength: 30 }),
    fc.double(),
  );
  test('a suggested number is one that is taken', () => {
    fc.assert(
      fc.property(nearNumbers, fc.constantFrom('units', 'money', 'percent'), (given, counted) => {
        const near = nearestDecimal(given, counted);
        if (near !== null) expect(isPositiveDecimal(near)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
  test('zeros before a number are nothing, whatever stands behind it', () => {
    for (const [given, near] of [
      ['00k', null],
      ['007k', '7000'],
      ['0.5k', '500'],
      ['007', '7'],
      ['00.50', '0.50'],
      ['01e2', '100'],
    ] as const)
      expect([given, nearestDecimal(given, 'units')]).toEqual([given, near]);
  });
  test('a number that is right is suggested as it is, and its negative never', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.nat(999), (whole, part) => {
        const written = part === 0 ? String(whole) : `${whole}.${String(part).padStart(3, '0')}`;
        expect(nearestDecimal(written, 'money')).toBe(written);
        expect(nearestDecimal(`-${written}`, 'money')).toBeNull();
        expect(nearestDecimal(`${written} or ${written}`, 'money')).toBeNull();
      }),
      RUNS,
    );
  });
  test('a suggested time is one that is taken, and the same moment where the engine can tell', () => {
    const moments = fc.date({
      min: new Date('2001-09-10'),
      max: new Date('2286-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, (moment) => {
        const seconds = Math.floor(moment.getTime() / 1_000);
        for (const written of [seconds, seconds * 1_000, String(seconds), moment.toUTCString()]) {
          const near = nearestTime(written);
          expect(near !== null && isTime(near)).toBe(true);
          expect(Date.parse(near ?? '')).toBe(seconds * 1_000);
        }
      }),
      RUNS,
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: fc.constantFrom(...'0123456789-/.:TZ +JanGMT'.split('')), maxLength: 30 }),
        ),
        (given) => {
          const near = nearestTime(given);
          if (near !== null) expect(isTime(near)).toBe(true);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
