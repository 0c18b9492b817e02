/** The calendars by their own rules: sessions, edges, changes of the clocks, and what holds at any moment. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Calendar, type CalendarId, calendar, type Session, tapeCalendar } from '#market/calendar.ts';

const at = (iso: string): number => {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) throw new Error(`test wrote a time that is none: ${iso}`);
  return ms;
};
const iso = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString().replace(':00.000Z', 'Z');
const span = (session: Session | undefined): string =>
  session ? `${session.date} ${iso(session.openMs)}/${iso(session.closeMs)}` : 'closed';

const usEquity = calendar('us-equity');
const crypto = calendar('crypto');
const fx = calendar('fx');
const nse = calendar('nse');

describe('US equities', () => {
  it('trade from 09:30 to 16:00 New York, with extended hours from 04:00 to 20:00', () => {
    expect(usEquity.sessionOn('2024-07-10')).toEqual({
      date: '2024-07-10',
      preOpenMs: at('2024-07-10T08:00Z'),
      openMs: at('2024-07-10T13:30Z'),
      closeMs: at('2024-07-10T20:00Z'),
      postCloseMs: at('2024-07-11T00:00Z'),
      earlyClose: false,
    });
  });

  it('own the moment of the open and not the moment of the close', () => {
    const open = at('2024-07-10T13:30Z');
    const close = at('2024-07-10T20:00Z');
    expect(usEquity.sessionAt(open - 1)).toBeUndefined();
    expect(usEquity.sessionAt(open)?.date).toBe('2024-07-10');
    expect(usEquity.sessionAt(close - 1)?.date).toBe('2024-07-10');
    expect(usEquity.sessionAt(close)).toBeUndefined();
  });

  it('call before the open and after the close extended, and regular hours never', () => {
    const dateAt = (time: string): string | undefined => usEquity.extendedAt(at(time))?.date;
    expect(dateAt('2024-07-10T07:59Z')).toBeUndefined();
    expect(dateAt('2024-07-10T08:00Z')).toBe('2024-07-10');
    expect(dateAt('2024-07-10T13:29Z')).toBe('2024-07-10');
    expect(dateAt('2024-07-10T13:30Z')).toBeUndefined();
    expect(dateAt('2024-07-10T19:59Z')).toBeUndefined();
    expect(dateAt('2024-07-10T20:00Z')).toBe('2024-07-10');
    expect(dateAt('2024-07-10T23:59Z')).toBe('2024-07-10');
    expect(dateAt('2024-07-11T00:00Z')).toBeUndefined();
  });

  it.each([
    ['spring of 2024', '2024-03-08', '14:30', '2024-03-11', '13:30'],
    ['autumn of 2024', '2024-11-01', '13:30', '2024-11-04', '14:30'],
    ['spring of 2006, under the rule before 2007', '2006-03-31', '14:30', '2006-04-03', '13:30'],
    ['autumn of 2006, under the rule before 2007', '2006-10-27', '13:30', '2006-10-30', '14:30'],
  ])(
    'open at 09:30 on both sides of the change of the clocks: %s',
    (_, before, utcBefore, after, utcAfter) => {
      expect(iso(usEquity.sessionOn(before)?.openMs)).toBe(`${before}T${utcBefore}Z`);
      expect(iso(usEquity.sessionOn(after)?.openMs)).toBe(`${after}T${utcAfter}Z`);
    },
  );

  it.each([
    ['2024-11-29', 'the day after Thanksgiving'],
    ['2024-12-24', 'Christmas Eve'],
    ['2024-07-03', 'a Wednesday before Independence Day since 2013'],
    ['2002-07-05', 'the Friday after it before 2013'],
    ['2003-12-26', 'the Friday after Christmas 2003'],
    ['1999-12-31', 'the turn of the millennium'],
  ])('close at 13:00 on %s, %s, with the late session until 17:00', (date) => {
    const session = usEquity.sessionOn(date);
    expect(session?.earlyClose).toBe(true);
    expect((session?.closeMs ?? 0) - (session?.openMs ?? 0)).toBe(3.5 * 3_600_000);
    expect((session?.postCloseMs ?? 0) - (session?.closeMs ?? 0)).toBe(4 * 3_600_000);
    expect(usEquity.sessionAt(session?.closeMs ?? 0)).toBeUndefined();
  });

  it.each(['2002-07-03', '2013-07-05', '2021-07-02', '2027-12-23', '2022-12-23'])(
    'close at 16:00 on %s',
    (date) => {
      const session = usEquity.sessionOn(date);
      expect(session?.earlyClose).toBe(false);
      expect((session?.closeMs ?? 0) - (session?.openMs ?? 0)).toBe(6.5 * 3_600_000);
    },
  );

  it.each([
    ['2024-03-29', 'Good Friday'],
    ['2008-03-21', 'a Good Friday in March'],
    ['2001-09-12', 'the attacks of 2001'],
    ['2012-10-29', 'hurricane Sandy'],
    ['2025-01-09', 'mourning for a president'],
    ['2023-01-02', "New Year's Day on a Sunday"],
    ['2021-12-24', 'Christmas on a Saturday'],
    ['2027-06-18', 'Juneteenth on a Saturday'],
    ['2024-07-13', 'a Saturday'],
  ])('are closed on %s, %s', (date) => {
    expect(usEquity.sessionOn(date)).toBeUndefined();
    expect(usEquity.sessionAt(at(`${date}T16:00Z`))).toBeUndefined();
    expect(usEquity.extendedAt(at(`${date}T16:00Z`))).toBeUndefined();
  });

  it.each([
    ['2010-12-31', "a New Year's Day on a Saturday is not kept on the Friday"],
    ['2021-06-18', 'Juneteenth was not kept before 2022'],
    ['2020-06-19', 'Juneteenth was not kept before 2022'],
  ])('are open on %s: %s', (date) => {
    expect(usEquity.sessionOn(date)?.date).toBe(date);
  });

  it('lead from a Friday evening over a holiday to the Tuesday', () => {
    expect(usEquity.nextSession(at('2024-05-24T20:00Z'))?.date).toBe('2024-05-28');
    expect(usEquity.nextSession(at('2024-05-24T19:59Z'))?.date).toBe('2024-05-24');
  });

  it('count a day from one pre-market to the next, so that a weekend belongs to its Friday', () => {
    expect(usEquity.tradingDate(at('2024-05-24T08:00Z'))).toBe('2024-05-24');
    expect(usEquity.tradingDate(at('2024-05-24T23:00Z'))).toBe('2024-05-24');
    expect(usEquity.tradingDate(at('2024-05-27T16:00Z'))).toBe('2024-05-24');
    expect(usEquity.tradingDate(at('2024-05-28T07:59Z'))).toBe('2024-05-24');
    expect(usEquity.tradingDate(at('2024-05-28T08:00Z'))).toBe('2024-05-28');
  });

  it('have no sessions outside their range and say what it is', () => {
    expect(usEquity.range).toEqual({ first: '1998-01-01', last: '2028-12-31' });
    expect(usEquity.sessionOn('1997-12-31')).toBeUndefined();
    expect(usEquity.sessionOn('2029-01-02')).toBeUndefined();
    expect(usEquity.nextSession(at('2029-01-02T15:00Z'))).toBeUndefined();
    expect(usEquity.nextSession(at('1990-01-02T15:00Z'))?.date).toBe('1998-01-02');
  });

  it('outside their range, and before the first session, count a day by the clock in New York', () => {
    expect(usEquity.tradingDate(at('1997-06-02T03:00Z'))).toBe('1997-06-01');
    expect(usEquity.tradingDate(at('1998-01-01T15:00Z'))).toBe('1998-01-01');
    expect(usEquity.tradingDate(at('2028-12-31T15:00Z'))).toBe('2028-12-29');
    expect(usEquity.tradingDate(at('2029-01-02T15:00Z'))).toBe('2029-01-02');
  });
});

describe('crypto', () => {
  it('trades every UTC day from midnight to midnight', () => {
    expect(span(crypto.sessionOn('2024-02-29'))).toBe('2024-02-29 2024-02-29T00:00Z/2024-03-01T00:00Z');
    expect(crypto.sessionAt(at('2024-02-29T23:59:59.999Z'))?.date).toBe('2024-02-29');
    expect(crypto.sessionAt(at('2024-03-01T00:00Z'))?.date).toBe('2024-03-01');
    expect(crypto.tradingDate(at('2024-12-25T12:00Z'))).toBe('2024-12-25');
  });

  it('knows days before 1970 and has neither a range nor extended hours', () => {
    expect(crypto.sessionAt(-1)?.date).toBe('1969-12-31');
    expect(crypto.range).toBeUndefined();
    expect(crypto.extendedAt(at('2024-03-01T00:00Z'))).toBeUndefined();
  });
});

describe('FX', () => {
  it('ends its trading day at 17:00 New York and names it by that end', () => {
    expect(span(fx.sessionAt(at('2018-04-03T20:59Z')))).toBe(
      '2018-04-03 2018-04-02T21:00Z/2018-04-03T21:00Z',
    );
    expect(fx.sessionAt(at('2018-04-03T21:00Z'))?.date).toBe('2018-04-04');
    expect(fx.tradingDate(at('2018-04-03T21:00Z'))).toBe('2018-04-04');
  });

  it('is closed from Friday 17:00 to Sunday 17:00', () => {
    expect(fx.sessionAt(at('2018-04-06T20:59Z'))?.date).toBe('2018-04-06');
    expect(fx.sessionAt(at('2018-04-06T21:00Z'))).toBeUndefined();
    expect(fx.sessionAt(at('2018-04-08T20:59Z'))).toBeUndefined();
    expect(fx.sessionAt(at('2018-04-08T21:00Z'))?.date).toBe('2018-04-09');
    expect(fx.sessionOn('2018-04-07')).toBeUndefined();
    expect(fx.sessionOn('2018-04-08')).toBeUndefined();
    expect(fx.nextSession(at('2018-04-07T12:00Z'))?.date).toBe('2018-04-09');
    expect(fx.tradingDate(at('2018-04-08T20:59Z'))).toBe('2018-04-06');
  });

  it('keeps 17:00 over the weekends on which the clocks change', () => {
    expect(iso(fx.sessionOn('2024-03-08')?.closeMs)).toBe('2024-03-08T22:00Z');
    expect(iso(fx.sessionOn('2024-03-11')?.openMs)).toBe('2024-03-10T21:00Z');
    expect(iso(fx.sessionOn('2024-11-01')?.closeMs)).toBe('2024-11-01T21:00Z');
    expect(iso(fx.sessionOn('2024-11-04')?.openMs)).toBe('2024-11-03T22:00Z');
  });
});

describe('NSE', () => {
  it('trades from 09:15 to 15:30 Kolkata, Monday to Friday', () => {
    expect(span(nse.sessionOn('2019-07-09'))).toBe('2019-07-09 2019-07-09T03:45Z/2019-07-09T10:00Z');
    expect(nse.sessionOn('2019-07-13')).toBeUndefined();
    expect(nse.extendedAt(at('2019-07-09T03:40Z'))).toBeUndefined();
  });

  it('is closed on its holidays and counts them to the day before', () => {
    expect(nse.sessionOn('2019-08-15')).toBeUndefined();
    expect(nse.tradingDate(at('2019-08-15T06:00Z'))).toBe('2019-08-14');
    expect(nse.nextSession(at('2019-08-15T06:00Z'))?.date).toBe('2019-08-16');
  });
});

describe("a tape's own days", () => {
  it('give a daily bar the hours 09:30 to 16:00 in the zone of the instrument', () => {
    const tape = tapeCalendar({
      timezone: 'Europe/London',
      dates: ['2024-04-02', '2024-03-28', '2024-04-02'],
    });
    expect(tape.range).toEqual({ first: '2024-03-28', last: '2024-04-02' });
    expect(span(tape.sessionOn('2024-03-28'))).toBe('2024-03-28 2024-03-28T09:30Z/2024-03-28T16:00Z');
    expect(span(tape.nextSession(at('2024-03-28T16:00Z')))).toBe(
      '2024-04-02 2024-04-02T08:30Z/2024-04-02T15:00Z',
    );
    expect(tape.sessionOn('2024-03-29')).toBeUndefined();
    expect(tape.tradingDate(at('2024-03-30T12:00Z'))).toBe('2024-03-28');
    expect(tape.nextSession(at('2024-04-02T15:00Z'))).toBeUndefined();
  });

  it('keep their hours on the eve of a change of the clocks far east of Greenwich', () => {
    // Auckland leaves +13:00 at 2024-04-06T14:00Z: 16:00 on its clock comes before, 16:00 in UTC after.
    const tape = tapeCalendar({ timezone: 'Pacific/Auckland', dates: ['2024-04-06'] });
    expect(span(tape.sessionOn('2024-04-06'))).toBe('2024-04-06 2024-04-05T20:30Z/2024-04-06T03:00Z');
  });

  it('take other hours when given', () => {
    const tape = tapeCalendar({
      timezone: 'UTC',
      dates: ['2024-04-02'],
      openAt: '00:00',
      closeAt: '24:00',
    });
    expect(span(tape.sessionOn('2024-04-02'))).toBe('2024-04-02 2024-04-02T00:00Z/2024-04-03T00:00Z');
  });

  it('run from the first bar of a day to the end of its last when the tape is intraday', () => {
    const barStartsMs = [
      '2024-04-02T13:30Z',
      '2024-04-02T13:31Z',
      '2024-04-02T13:45Z',
      '2024-04-03T13:32Z',
    ].map(at);
    const tape = tapeCalendar({ timezone: 'America/New_York', barStartsMs, barMs: 60_000 });
    expect(span(tape.sessionOn('2024-04-02'))).toBe('2024-04-02 2024-04-02T13:30Z/2024-04-02T13:46Z');
    expect(tape.sessionAt(at('2024-04-02T13:40Z'))?.date).toBe('2024-04-02');
    expect(tape.sessionAt(at('2024-04-02T13:46Z'))).toBeUndefined();
    expect(span(tape.nextSession(at('2024-04-02T13:46Z')))).toBe(
      '2024-04-03 2024-04-03T13:32Z/2024-04-03T13:33Z',
    );
  });

  it('part at local midnight, which one day a year is 23 hours after the last', () => {
    const first = at('2024-03-30T00:00Z');
    const barStartsMs = Array.from({ length: 71 }, (_, hour) => first + hour * 3_600_000);
    const tape = tapeCalendar({ timezone: 'Europe/London', barStartsMs, barMs: 3_600_000 });
    expect(['2024-03-30', '2024-03-31', '2024-04-01'].map((date) => span(tape.sessionOn(date)))).toEqual([
      '2024-03-30 2024-03-30T00:00Z/2024-03-31T00:00Z',
      '2024-03-31 2024-03-31T00:00Z/2024-03-31T23:00Z',
      '2024-04-01 2024-03-31T23:00Z/2024-04-01T23:00Z',
    ]);
  });

  it('end a bar that runs past midnight where the next day begins', () => {
    const barStartsMs = ['2024-04-02T23:30Z', '2024-04-03T00:15Z'].map(at);
    const tape = tapeCalendar({ timezone: 'UTC', barStartsMs, barMs: 3_600_000 });
    expect(iso(tape.sessionOn('2024-04-02')?.closeMs)).toBe('2024-04-03T00:15Z');
  });

  it('refuse a tape that is empty, out of order, or dated by what is no date', () => {
    const timezone = 'UTC';
    expect(() => tapeCalendar({ timezone, dates: [] })).toThrow(RangeError);
    expect(() => tapeCalendar({ timezone, dates: ['2024-02-30'] })).toThrow(RangeError);
    expect(() =>
      tapeCalendar({ timezone, dates: ['2024-02-28'], openAt: '16:00', closeAt: '09:30' }),
    ).toThrow(RangeError);
    expect(() => tapeCalendar({ timezone, dates: ['2024-02-28'], openAt: '25:00' })).toThrow(RangeError);
    expect(() => tapeCalendar({ timezone, barStartsMs: [], barMs: 60_000 })).toThrow(RangeError);
    expect(() => tapeCalendar({ timezone, barStartsMs: [60_000, 0], barMs: 60_000 })).toThrow(RangeError);
    expect(() => tapeCalendar({ timezone, barStartsMs: [0], barMs: 0 })).toThrow(RangeError);
  });
});

describe('any calendar, at any moment', () => {
  const ids: readonly CalendarId[] = ['us-equity', 'crypto', 'fx', 'nse'];
  const calendars: readonly (readonly [string, Calendar])[] = [
    ...ids.map((id) => [id, calendar(id)] as const),
    ['tape', tapeCalendar({ timezone: 'Asia/Tokyo', dates: ['2005-03-01', '2005-03-02', '2020-08-03'] })],
  ];
  /** Inside every range, and away from its ends. */
  const moment = fc.integer({ min: at('2004-06-01T00:00Z'), max: at('2028-06-01T00:00Z') });
  const begin = (session: Session): number => session.preOpenMs ?? session.openMs;
  const end = (session: Session): number => session.postCloseMs ?? session.closeMs;
  const dateAfter = (ms: number, days: number): string =>
    new Date(ms + days * 86_400_000).toISOString().slice(0, 10);

  it.each(calendars)('%s: sessions never overlap, extended hours included', (_, venue) => {
    fc.assert(
      fc.property(moment, (ms) => {
        const session = venue.nextSession(ms);
        const following = session && venue.nextSession(session.closeMs);
        if (!session || !following) return;
        expect(begin(session)).toBeLessThanOrEqual(session.openMs);
        expect(session.openMs).toBeLessThan(session.closeMs);
        expect(session.closeMs).toBeLessThanOrEqual(end(session));
        expect(end(session)).toBeLessThanOrEqual(begin(following));
        expect(session.date < following.date).toBe(true);
      }),
    );
  });

  it.each(calendars)('%s: the next session is the earliest by date that has not closed', (name, venue) => {
    fc.assert(
      fc.property(moment, (ms) => {
        const next = venue.nextSession(ms);
        const nearby = Array.from({ length: 14 }, (_, index) => venue.sessionOn(dateAfter(ms, index - 3)));
        const expected = nearby.find((session) => session !== undefined && session.closeMs > ms);
        // The tape of this test has fifteen years without a session: no neighbour, but a session ahead.
        if (name !== 'tape' || expected) expect(next).toEqual(expected);
        expect(next?.date).toBe(next && venue.sessionOn(next.date)?.date);
      }),
    );
  });

  it.each(calendars)('%s: later moments never have earlier sessions or trading dates', (_, venue) => {
    fc.assert(
      fc.property(moment, fc.integer({ min: 0, max: 10 * 86_400_000 }), (ms, aheadMs) => {
        const sooner = venue.nextSession(ms);
        const later = venue.nextSession(ms + aheadMs);
        if (sooner && later) expect(sooner.openMs).toBeLessThanOrEqual(later.openMs);
        expect(sooner !== undefined || later === undefined).toBe(true);
        expect(venue.tradingDate(ms) <= venue.tradingDate(ms + aheadMs)).toBe(true);
      }),
    );
  });

  it.each(calendars)('%s: a moment is regular, extended or closed, never two of them', (_, venue) => {
    fc.assert(
      fc.property(moment, (ms) => {
        const regular = venue.sessionAt(ms);
        const extended = venue.extendedAt(ms);
        const next = venue.nextSession(ms);
        expect(regular && extended).toBeUndefined();
        expect(regular).toEqual(next && next.openMs <= ms ? next : undefined);
        const session = regular ?? extended;
        if (session) expect(venue.tradingDate(ms)).toBe(session.date);
        if (session) expect(begin(session) <= ms && ms < end(session)).toBe(true);
      }),
    );
  });

  it.each(calendars)('%s: what is no date or no time is refused', (_, venue) => {
    expect(() => venue.sessionOn('2024-2-9')).toThrow(RangeError);
    expect(() => venue.sessionOn('2023-02-29')).toThrow(RangeError);
    expect(() => venue.sessionAt(Number.NaN)).toThrow(RangeError);
    expect(() => venue.tradingDate(Number.NaN)).toThrow(RangeError);
  });

  it('is made once, and asks for no new formatter when it answers', () => {
    for (const id of ids) expect(calendar(id)).toBe(calendar(id));
    const Original = Intl.DateTimeFormat;
    let constructed = 0;
    class Counted extends Original {
      constructor(...options: ConstructorParameters<typeof Original>) {
        super(...options);
        constructed += 1;
      }
    }
    Intl.DateTimeFormat = Counted as typeof Original;
    try {
      // Control: the count sees a zone that no calendar has used.
      tapeCalendar({ timezone: 'Pacific/Chatham', dates: ['2024-01-02'] });
      expect(constructed).toBe(1);
      for (const [, venue] of calendars) {
        for (let minute = 0; minute < 5000; minute++) {
          venue.sessionAt(1_700_000_000_000 + minute * 60_000);
          venue.tradingDate(1_700_000_000_000 + minute * 60_000);
        }
      }
      expect(constructed).toBe(1);
    } finally {
      Intl.DateTimeFormat = Original;
    }
  });
});
