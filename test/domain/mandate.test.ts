/** The mandate document as the order line reads it; what is refused by field is tested with `access/mandates.ts`. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { text } from '#domain/decimal.ts';
import { MandateDocument, mandateOf, nonNegativeDecimal } from '#domain/mandate.ts';
import { MANDATE } from '../support/access-room.ts';

const stored = { version: 3, resolved: ['INDEX:SPX'], revokedAtMs: null };

describe('a mandate document', () => {
  test('read again as it is stored stays what it is', () => {
    const once = MandateDocument.parse(MANDATE);
    expect(MandateDocument.parse(JSON.parse(JSON.stringify(once)))).toEqual(once);
  });

  test('becomes values and sets, with its instruments by id', () => {
    const mandate = mandateOf(MandateDocument.parse(MANDATE), stored);
    expect(mandate).toMatchObject({ version: 3, revokedAtMs: null, expiresAtMs: Date.UTC(2027, 0, 1) });
    expect(mandate.accounts).toEqual(new Set(['paper']));
    expect(mandate.instruments).toEqual(new Set(['INDEX:SPX']));
    expect(text(mandate.maxOrderValue)).toBe('10000');
    expect(mandate.approvalAbove).toMatchObject({});
    expect(typeof mandate.approvalAbove === 'string' || text(mandate.approvalAbove)).toBe('2000');
  });

  test('without expiry and without limits of approval says so', () => {
    const document = MandateDocument.parse({ ...MANDATE, expires_at: null, approval: 'never' });
    const mandate = mandateOf(document, { ...stored, resolved: 'any', revokedAtMs: 7 });
    expect(mandate).toMatchObject({
      expiresAtMs: null,
      approvalAbove: 'never',
      instruments: 'any',
      revokedAtMs: 7,
    });
  });

  test('takes an expiry in any zone for the moment that it is', () => {
    const document = MandateDocument.parse({ ...MANDATE, expires_at: '2027-01-01T05:30:00+05:30' });
    expect(mandateOf(document, stored).expiresAtMs).toBe(Date.UTC(2027, 0, 1));
  });
});

describe('a limit', () => {
  test('is a decimal string of zero or more, or a whole number', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (n) => {
        expect(nonNegativeDecimal.parse(n)).toBe(String(n));
        expect(nonNegativeDecimal.parse(String(n))).toBe(String(n));
      }),
    );
    expect(nonNegativeDecimal.parse('0.000000000000000001')).toBe('0.000000000000000001');
  });

  test.each([
    -1,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '-1',
    '-0',
    '1e3',
    '',
    ' 1',
    null,
    true,
    [],
  ])('is not %j', (given) => {
    expect(nonNegativeDecimal.safeParse(given).success).toBe(false);
  });
});
