/** What may be granted is what may be ticked at that moment, and nothing that was only sent. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SCOPES, type Scope } from '#domain/principal.ts';
import { CONSENT_DAYS, type ConsentForm, judgeConsent } from '#oauth/consent.ts';

const NOW_MS = Date.UTC(2026, 10, 21);
const SHOWN = 'what was shown';
const form = (scopes: readonly string[], expires = '30'): ConsentForm => ({
  scopes,
  expires,
  shown: SHOWN,
});
const granted = (sent: ConsentForm, offered: readonly Scope[]) => {
  const judged = judgeConsent(sent, { scopes: offered, digest: SHOWN }, NOW_MS);
  return judged.ok ? judged.value : judged.error.reason;
};

test('exactly what was ticked is granted, and what writes is told apart', () => {
  expect(granted(form(['read:market']), SCOPES)).toMatchObject({ scopes: ['read:market'], writes: false });
  expect(granted(form(['write:orders', 'read:market']), SCOPES)).toMatchObject({
    scopes: ['read:market', 'write:orders'],
    writes: true,
  });
});

test('nothing ticked grants nothing', () => {
  expect(granted(form([]), SCOPES)).toMatchObject({ scopes: [], writes: false });
});

test('a tick that is not offered refuses all of it, the good ticks too', () => {
  const offered: readonly Scope[] = ['read:market', 'read:account'];
  for (const forged of ['write:orders', 'admin', '', 'read:market write:orders', 'READ:MARKET'])
    expect(granted(form(['read:market', forged]), offered), forged).toBe('insufficient_scope');
});

test('what was shown is another agent or mandate: nothing is granted', () => {
  const judged = judgeConsent(form(['read:market']), { scopes: SCOPES, digest: 'another' }, NOW_MS);
  expect(judged.ok ? 'granted' : judged.error.status).toBe(409);
});

test('an end that is none of the choices is refused', () => {
  for (const expires of ['', '0', '-1', '365', '1e3', '30.0', ' 30', 'for ever'])
    expect(granted(form(['read:market'], expires), SCOPES), expires).toBe('invalid_input');
  for (const days of CONSENT_DAYS)
    expect(granted(form(['read:market'], String(days)), SCOPES)).toMatchObject({
      expiresAtMs: NOW_MS + days * 86_400_000,
    });
});

test('whatever is sent: never more than offered, never for longer than 180 days', () => {
  const anything = fc.oneof(fc.constantFrom<string>(...SCOPES), fc.string());
  fc.assert(
    fc.property(
      fc.array(anything, { maxLength: 6 }),
      fc.oneof(fc.constantFrom(...CONSENT_DAYS.map(String)), fc.string()),
      fc.subarray([...SCOPES]),
      (scopes, expires, offered) => {
        const judged = judgeConsent(form(scopes, expires), { scopes: offered, digest: SHOWN }, NOW_MS);
        if (!judged.ok) return;
        expect(scopes.every((scope) => judged.value.scopes.some((one) => one === scope))).toBe(true);
        expect(judged.value.scopes.every((scope) => offered.includes(scope))).toBe(true);
        expect(judged.value.expiresAtMs - NOW_MS).toBeLessThanOrEqual(180 * 86_400_000);
      },
    ),
  );
});
