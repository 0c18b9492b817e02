/** A mandate goes into the editor's form and comes out of it the same, whatever it holds; what was mistyped stays what it is. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentFrom, valuesOf } from '#console/mandate-form.ts';
import { MANDATE_TEMPLATES } from '#console/mandate-templates.ts';
import { ASSET_CLASSES } from '#domain/instrument.ts';
import { MandateDocument, WEEKDAYS } from '#domain/mandate.ts';
import { ORDER_TYPES, SIDES } from '#domain/order.ts';

const some = <T>(items: readonly T[]) => fc.subarray([...items], { minLength: 1 });
const amount = fc.nat({ max: 10_000_000 }).map((cents) => String(cents / 100));
const count = fc.integer({ min: 0, max: 1_000_000 });
const expiry = fc.option(
  fc
    .integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2036, 0, 1) })
    .map((ms) => new Date(ms - (ms % 60_000)).toISOString()),
);
const symbols = fc.oneof(
  fc.record({ symbols: fc.constant(['*']), asset_classes: some(ASSET_CLASSES) }),
  fc.record({ symbols: some(['SPX', 'BTC/USD', 'YESBANK']) }),
);
const carriedTest = fc.record({
  principal: fc.constant('claude'),
  order: fc.record({
    symbol: fc.constantFrom('SPX', 'BTC/USD'),
    side: fc.constantFrom(...SIDES),
    type: fc.constant('limit'),
    qty: fc.integer({ min: 1, max: 9 }).map(String),
    limit_price: fc.constant('1450.25'),
  }),
  expect: fc.constantFrom('allow', 'approve', 'deny'),
});
const documents = fc
  .tuple(
    symbols,
    fc.record({
      accounts: some(['paper', 'second']),
      sides: some(SIDES),
      may_reduce: fc.constantFrom('own', 'account'),
      order_types: some(ORDER_TYPES),
      allow_short: fc.boolean(),
      max_order_qty: amount,
      max_order_value: amount,
      max_daily_value: amount,
      max_daily_orders: count,
      max_daily_loss: amount,
      max_open_orders: count,
      max_gross_exposure: amount,
      trading_hours: fc.oneof(
        fc.constantFrom('any', 'session'),
        fc.record({
          timezone: fc.constantFrom('UTC', 'America/New_York', 'Asia/Kolkata'),
          days: some(WEEKDAYS),
          from: fc.constant('09:15'),
          to: fc.constant('15:30'),
        }),
      ),
      expires_at: expiry,
      commit: fc.constantFrom('one_step', 'two_step'),
      approval: fc.oneof(fc.constantFrom('always', 'never'), fc.record({ above: amount })),
    }),
    fc.oneof(fc.constant({}), fc.record({ tests: fc.array(carriedTest, { minLength: 1, maxLength: 5 }) })),
  )
  .map(([of, rest, tests]) => MandateDocument.parse({ ...of, ...rest, ...tests }));

describe('the form of a mandate', () => {
  test('gives back the document that was put into it, in any time zone', () => {
    fc.assert(
      fc.property(
        documents,
        fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata'),
        (document, timezone) => {
          const again = MandateDocument.parse(documentFrom(valuesOf(document, timezone), timezone));
          // An hour that the clocks repeat is written the same twice.
          const ambiguous = document.expires_at !== null && again.expires_at !== document.expires_at;
          if (ambiguous) expect(valuesOf(again, timezone)).toEqual(valuesOf(document, timezone));
          else expect(again).toEqual(document);
        },
      ),
    );
  });

  test.each(MANDATE_TEMPLATES)('holds the template $label', ({ document }) => {
    const given = document(['paper'], ['SPX']);
    expect(MandateDocument.parse(given)).toEqual(given);
    expect(documentFrom(valuesOf(given, 'UTC'), 'UTC')).toEqual(given);
  });

  test('two templates open nothing, and only one of them closes what others opened', () => {
    const nothing = MANDATE_TEMPLATES.map(({ id, document }) => ({
      id,
      ...document(['paper'], ['SPX']),
    })).filter(({ max_order_value }) => max_order_value === '0');
    expect(nothing.map(({ id, may_reduce }) => `${id} ${may_reduce}`)).toEqual([
      'close_only account',
      'read_only own',
    ]);
  });

  const values = valuesOf(MandateDocument.parse(MANDATE_TEMPLATES[1]?.document(['paper'], ['SPX'])), 'UTC');
  test('takes amounts as people write them, and guesses at nothing', () => {
    expect(documentFrom({ ...values, max_order_value: '12,500.50' }, 'UTC')['max_order_value']).toBe(
      '12500.50',
    );
    for (const wrong of ['', 'lots', '1e3', '12.', '-5'])
      expect(
        MandateDocument.safeParse(documentFrom({ ...values, max_order_value: wrong }, 'UTC')).success,
      ).toBe(false);
    expect(
      MandateDocument.safeParse(documentFrom({ ...values, max_daily_orders: '1.5' }, 'UTC')).success,
    ).toBe(false);
  });

  test('tests that are no JSON are refused, and none are none', () => {
    expect(documentFrom({ ...values, tests: ' ' }, 'UTC')).not.toHaveProperty('tests');
    for (const wrong of ['[{', 'deny everything', '{}', '[{"expect": "deny"}]'])
      expect(MandateDocument.safeParse(documentFrom({ ...values, tests: wrong }, 'UTC')).success).toBe(false);
  });

  test('an end is on the owner’s clock, and a day that does not exist is none', () => {
    const at = (expires_at: string, zone: string) =>
      documentFrom({ ...values, expires_at }, zone)['expires_at'];
    expect(at('2026-07-01T09:30', 'Europe/Berlin')).toBe('2026-07-01T07:30:00.000Z');
    expect(at('', 'UTC')).toBeNull();
    for (const wrong of ['2026-02-31T10:00', '2026-13-01T10:00', 'tomorrow', '2026-07-01T25:00'])
      expect(
        MandateDocument.safeParse({ ...documentFrom({ ...values, expires_at: wrong }, 'UTC') }).success,
      ).toBe(false);
  });

  test('nothing ticked is nothing, and the mandate is refused for it', () => {
    const { sides: _sides, ...rest } = values;
    const parsed = MandateDocument.safeParse(documentFrom(rest, 'UTC'));
    expect(parsed.error?.issues.map(({ path }) => path.join('.'))).toEqual(['sides']);
  });
});
