/** The owner's calendar: mandate days and trading hours, through both turns of the clock. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ownerCalendar } from '#access/trading-hours.ts';

const utc = ownerCalendar('UTC');
const at = (iso: string): number => Date.parse(iso);
const berlin = {
  timezone: 'Europe/Berlin',
  days: ['mon', 'tue', 'wed', 'thu', 'fri'] as ('mon' | 'tue' | 'wed' | 'thu' | 'fri')[],
  from: '09:00',
  to: '17:30',
};

describe('the mandate day', () => {
  test('is the date in the owner’s zone', () => {
    expect(utc.mandateDay(at('2026-01-05T23:59:59.999Z'))).toBe('2026-01-05');
    expect(utc.mandateDay(at('2026-01-06T00:00:00Z'))).toBe('2026-01-06');
    const kolkata = ownerCalendar('Asia/Kolkata');
    expect(kolkata.mandateDay(at('2026-01-05T18:29:59Z'))).toBe('2026-01-05');
    expect(kolkata.mandateDay(at('2026-01-05T18:30:00Z'))).toBe('2026-01-06');
  });

  test('in UTC is the ISO date, always', () => {
    const times = fc.integer({ min: at('2000-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z') });
    fc.assert(
      fc.property(times, (ms) => {
        expect(utc.mandateDay(ms)).toBe(new Date(ms).toISOString().slice(0, 10));
      }),
    );
  });

  test('never goes back while time goes forward, whatever the zone', () => {
    const zones = fc.constantFrom('America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'Pacific/Apia');
    const times = fc.integer({ min: at('2010-01-01T00:00:00Z'), max: at('2030-01-01T00:00:00Z') });
    fc.assert(
      fc.property(zones, times, fc.nat(7_200_000), (zone, ms, laterMs) => {
        const calendar = ownerCalendar(zone);
        expect(calendar.mandateDay(ms + laterMs) >= calendar.mandateDay(ms)).toBe(true);
      }),
    );
  });

  test('of an unknown zone is refused when it is set, not when it is asked', () => {
    expect(() => ownerCalendar('Mars/Base')).toThrow(RangeError);
  });
});

describe('trading hours', () => {
  test('any time is inside "any"', () => {
    expect(utc.inTradingHours('any', 0)).toBe(true);
  });

  test('begin with their first minute and end before their last', () => {
    expect(utc.inTradingHours(berlin, at('2026-01-05T07:59:59.999Z'))).toBe(false);
    expect(utc.inTradingHours(berlin, at('2026-01-05T08:00:00Z'))).toBe(true);
    expect(utc.inTradingHours(berlin, at('2026-01-05T16:29:59.999Z'))).toBe(true);
    expect(utc.inTradingHours(berlin, at('2026-01-05T16:30:00Z'))).toBe(false);
  });

  test('go by the day of their own zone', () => {
    const early = { ...berlin, timezone: 'Asia/Tokyo', days: ['mon' as const], from: '00:00', to: '08:00' };
    expect(utc.inTradingHours(early, at('2026-01-04T15:00:00Z'))).toBe(true);
    expect(utc.inTradingHours(early, at('2026-01-05T15:00:00Z'))).toBe(false);
    expect(utc.inTradingHours(berlin, at('2026-01-04T12:00:00Z'))).toBe(false);
  });

  test('follow summer time on both turns', () => {
    expect(utc.inTradingHours(berlin, at('2026-03-27T08:00:00Z'))).toBe(true);
    expect(utc.inTradingHours(berlin, at('2026-03-30T07:00:00Z'))).toBe(true);
    expect(utc.inTradingHours(berlin, at('2026-03-27T07:00:00Z'))).toBe(false);
    expect(utc.inTradingHours(berlin, at('2026-10-26T07:00:00Z'))).toBe(false);
  });

  test('take midnight for 00:00, not for 24:00', () => {
    const night = { ...berlin, timezone: 'UTC', from: '00:00', to: '00:01' };
    expect(utc.inTradingHours(night, at('2026-01-05T00:00:30Z'))).toBe(true);
    expect(utc.inTradingHours(night, at('2026-01-05T00:01:00Z'))).toBe(false);
  });
});
