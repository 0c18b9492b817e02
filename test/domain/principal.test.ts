/** Names and trading states. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NAME_PATTERN, strictest, TRADING_STATES } from '#domain/principal.ts';

describe('the strictest of trading states', () => {
  test('is in none ACTIVE, and in many the one that allows least, in any order', () => {
    expect(strictest()).toBe('ACTIVE');
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...TRADING_STATES), { minLength: 1 }), (states) => {
        const order = states.map((state) => TRADING_STATES.indexOf(state));
        expect(strictest(...states)).toBe(TRADING_STATES[Math.max(...order)]);
        expect(strictest(...states.toReversed())).toBe(strictest(...states));
      }),
    );
  });
});

describe('a name', () => {
  test.each(['claude', 'a', '0', 'my-agent_2.b', 'x'.repeat(40)])('may be %j', (name) => {
    expect(NAME_PATTERN.test(name)).toBe(true);
  });
  test.each(['', '-a', '.a', '_a', 'A', 'a b', 'a/b', 'a\n', 'ä', '*', '../x', 'x'.repeat(41)])(
    'may not be %j',
    (name) => {
      expect(NAME_PATTERN.test(name)).toBe(false);
    },
  );
});
