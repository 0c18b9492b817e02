/** Refusals: one status a reason, a stable shape, and nothing in them that could steer who reads them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  excerpt,
  fieldError,
  printable,
  REFUSAL_REASONS,
  refuse,
  refuseUnclear,
  statusOf,
} from '#domain/refusal.ts';

describe('a reason', () => {
  test('has one status of those that are promised', () => {
    for (const reason of REFUSAL_REASONS) {
      expect([400, 401, 403, 404, 409, 422, 429, 500, 503]).toContain(statusOf(reason));
    }
    expect(new Set(REFUSAL_REASONS).size).toBe(REFUSAL_REASONS.length);
  });

  test.each([
    [
      400,
      ['invalid_input', 'unknown_symbol', 'ambiguous_symbol', 'token_required', 'idempotency_key_required'],
    ],
    [401, ['unauthenticated', 'credential_revoked']],
    [404, ['not_found']],
    [429, ['rate_limited', 'throttled']],
    [500, ['internal']],
    [503, ['store_unavailable', 'broker_unavailable']],
  ])('of status %i is exactly one of these', (status, reasons) => {
    expect(REFUSAL_REASONS.filter((reason) => statusOf(reason) === status).toSorted()).toEqual(
      reasons.toSorted(),
    );
  });

  test('of a limit is told as what could not be processed', () => {
    for (const reason of REFUSAL_REASONS.filter((name) => name.startsWith('max_'))) {
      expect(statusOf(reason)).toBe(422);
    }
  });

  test('that is not one is a bug', () => {
    // @ts-expect-error: the types say so first
    expect(() => statusOf('made_up')).toThrow('unreachable');
  });
});

describe('a refusal', () => {
  test('is a problem document with its reason, and safe to repeat', () => {
    expect(refuse('max_order_value', 'Too much.', { retry_after: 3 })).toEqual({
      type: 'urn:portcullis:refusal:max_order_value',
      title: 'Max order value',
      status: 422,
      detail: 'Too much.',
      reason: 'max_order_value',
      retry_safe: true,
      retry_after: 3,
    });
  });

  test('of an unclear outcome is not safe to repeat, and says where to look', () => {
    expect(refuseUnclear('broker_unavailable', 'No answer.', 'get_order {"order_id":"x"}')).toMatchObject({
      retry_safe: false,
      verify_with: 'get_order {"order_id":"x"}',
    });
  });
});

describe('a field error', () => {
  test('shows what was given, shortened and printable', () => {
    expect(fieldError('qty', -5, 'positive', '1')).toEqual({
      field: 'qty',
      value: '-5',
      rule: 'positive',
      nearest: '1',
    });
    expect(fieldError('side', ' Buy\u001b[31m', 'one of').value).toBe(' Buy');
    expect(fieldError('x', { a: [1, 'two'] }, 'rule').value).toBe('{"a":[1,"two"]}');
    expect(fieldError('x', undefined, 'rule')).toMatchObject({ value: 'undefined', nearest: null });
    expect(fieldError('x', 'y'.repeat(10_000), 'rule').value).toHaveLength(80);
    expect(fieldError(`k\u202e${'y'.repeat(10_000)}`, '', 'rule').field).toBe(`k${'y'.repeat(79)}`);
  });
});

describe('printable text', () => {
  test.each([
    ['plain text, ünïcødé, 日本語, 🚀', 'plain text, ünïcødé, 日本語, 🚀'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b[2J\u001b[1;1Hgone', 'gone'],
    ['\u009b31mred', '31mred'],
    ['\u001b]0;title\u0007', ']0;title'],
    ['a\u0000b\nc\rd\te\u007f', 'abcde'],
    ['user\u202etxt.exe', 'usertxt.exe'],
    ['\u2066a\u2069\u200e\u200f\u061c', 'a'],
    ['zero\u200b\u200c\u200d\u2060\ufeffwidth\u00ad', 'zerowidth'],
    ['tag\u{e0041}\u{e0042}', 'tag'],
    ['select\ufe0f\u{e0101}\u{e0102}or', 'selector'],
    ['line\u2028para\u2029', 'linepara'],
    ['hangul\u115f\u1160\u3164\uffa0\u034f', 'hangul'],
    ['half\ud83d', 'half'],
    ['\udc00half', 'half'],
  ])('of %j is %j', (given, shown) => {
    expect(printable(given)).toBe(shown);
  });

  test('has nothing left to strip, and never grows', () => {
    const hostile = fc.string({
      unit: fc.oneof(
        fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
        fc.constantFrom('\u001b[', '\u001b', '[', '31m', '\u200b', '\u202e', '\ud83d', '\udc00', ';'),
      ),
    });
    fc.assert(
      fc.property(hostile, (given) => {
        const shown = printable(given);
        expect(printable(shown)).toBe(shown);
        expect(shown.length).toBeLessThanOrEqual(given.length);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
        expect(shown.isWellFormed()).toBe(true);
      }),
    );
  });

  test('in an excerpt is never cut within a character', () => {
    expect(excerpt('ab🚀', 3)).toBe('ab');
    expect(excerpt('ab🚀', 4)).toBe('ab🚀');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (given, lengthMax) => {
        expect(excerpt(given, lengthMax).isWellFormed()).toBe(true);
        expect(excerpt(given, lengthMax).length).toBeLessThanOrEqual(lengthMax);
      }),
    );
  });
});
