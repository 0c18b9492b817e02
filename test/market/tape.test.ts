/** Loading a tape: every format it takes, and for everything else one sentence that says where and which rule. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import { loadTape, type OhlcPrices, type TapeBar, TapeError } from '#market/tape.ts';
import { instrumentOf, tapeFile, tapeFrom } from '../support/tapes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TRADES = 'time_ms,open,high,low,close,volume';
const BOTH = `${TRADES},bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size`;
/** 2026-01-05, a Monday. */
const MIDNIGHT = Date.UTC(2026, 0, 5);
const at = (minute: number): number => MIDNIGHT + minute * 60_000;

const prices = (of: OhlcPrices): string => [of.open, of.high, of.low, of.close].map(text).join(' ');
const sizes = (of: TapeBar): (string | null)[] =>
  [of.volume, of.bidSize, of.askSize].map((size) => (size === null ? null : text(size)));

describe('a tape of trades', () => {
  it('is rounded to the tick: trades to the nearest, bids down, asks one tick above', () => {
    const tape = tapeFrom('SPX', [
      'date,open,high,low,close,volume',
      '2026-01-05,100.019985,100.05,99.994,100.006,5',
    ]);
    const bar = tape.bar(0);
    expect(prices(bar)).toBe('100.02 100.05 99.99 100.01');
    expect(prices(bar.bid)).toBe('100.01 100.05 99.99 100');
    expect(prices(bar.ask)).toBe('100.02 100.06 100 100.01');
    expect(bar.source).toBe('derived');
  });

  it('displays 1 % of the volume, one lot at least, and anything where no volume was recorded', () => {
    const tape = tapeFrom('BTC/USD', [
      TRADES,
      `${at(0)},10,10,10,10,7.14319709`,
      `${at(1)},10,10,10,10,0.00000042`,
      `${at(2)},10,10,10,10,`,
      `${at(3)},10,10,10,10,0`,
    ]);
    expect([0, 1, 2, 3].map((index) => sizes(tape.bar(index)))).toEqual([
      ['7.14319709', '0.07143197', '0.07143197'],
      ['0.00000042', '0.00000001', '0.00000001'],
      [null, null, null],
      ['0', null, null],
    ]);
  });

  it('may come without a volume column, with an adjusted close, in another order, with capitals and \\r\\n', () => {
    const tape = tapeFrom(
      'SPX',
      '\ufeffDate,Close,Adj Close,Low,High,Open\r\n2026-01-05,2,9,1,4,3\r\n\r\n\n',
    );
    expect(tape.length).toBe(1);
    expect(prices(tape.bar(0))).toBe('3 4 1 2');
    expect(sizes(tape.bar(0))).toEqual([null, null, null]);
  });
});

describe('a tape of quotes', () => {
  it('has the prices of the bid where nobody traded, and recorded sizes', () => {
    const tape = tapeFrom('SPY', [
      BOTH,
      ...[0, 1].map((n) => `${at(870 + n)},,,,,,9.99,10,9,9.5,300,10.01,10.02,9.02,9.52,0`),
    ]);
    const bar = tape.bar(0);
    expect(bar.traded).toBe(false);
    expect(prices(bar)).toBe('9.99 10 9 9.5');
    expect(prices(bar.ask)).toBe('10.01 10.02 9.02 9.52');
    expect(bar.source).toBe('recorded');
    expect(sizes(bar)).toEqual([null, '300', null]);
    expect(tape.lastTradeBefore(1)).toBeUndefined();
  });

  it('rounds recorded bids down and asks up', () => {
    const tape = tapeFrom('YESBANK', [
      BOTH,
      ...[0, 1].map((n) => `${at(300 + n)},,,,,,10.01,10.09,9.99,10.04,,10.06,10.11,10.01,10.08,`),
    ]);
    expect(prices(tape.bar(0).bid)).toBe('10 10.05 9.95 10');
    expect(prices(tape.bar(0).ask)).toBe('10.1 10.15 10.05 10.1');
  });

  it('takes the lower side as the bid where the two cross', () => {
    const tape = tapeFrom('SPY', [
      BOTH,
      ...[0, 1].map((n) => `${at(870 + n)},,,,,,10,10.05,9.98,10,,10,10.03,9.96,10.01,`),
    ]);
    expect(prices(tape.bar(0).bid)).toBe('10 10.03 9.96 10');
    expect(prices(tape.bar(0).ask)).toBe('10 10.05 9.98 10.01');
  });

  it('puts a side that is missing one tick from the one that is there', () => {
    const tape = tapeFrom('SPY', [
      BOTH,
      `${at(870)},,,,,,10,10,10,10,5,,,,,`,
      `${at(871)},,,,,,,,,,,10,10,10,10,5`,
      `${at(872)},7,7,7,7,200,10,10,10,10,5,,,,,`,
    ]);
    const quoted = [0, 1, 2].map((index) => {
      const bar = tape.bar(index);
      return `${text(bar.bid.open)} ${text(bar.ask.open)} ${bar.source} ${bar.bidSize && text(bar.bidSize)}`;
    });
    expect(quoted).toEqual(['10 10.01 derived null', '9.99 10 derived null', '7 7.01 derived 2']);
  });
});

describe('the hours of a tape', () => {
  it('makes every date a session of 09:30 to 16:00 in the zone of the instrument', () => {
    const tape = tapeFrom('SPX', ['date,open,high,low,close', '2026-01-03,1,1,1,1', '2026-07-06,1,1,1,1']);
    const first = tape.bar(0);
    expect(tape.timeframe).toBe('1d');
    expect(new Date(first.timeMs).toISOString()).toBe('2026-01-03T14:30:00.000Z');
    expect(new Date(first.endMs).toISOString()).toBe('2026-01-03T21:00:00.000Z');
    expect(new Date(tape.bar(1).timeMs).toISOString()).toBe('2026-07-06T13:30:00.000Z');
    expect(tape.calendar.nextSession(first.endMs)?.date).toBe('2026-07-06');
    expect([first.firstOfSession, first.lastOfSession, first.lastOfDay]).toEqual([true, true, true]);
  });

  it('keeps US equities to their calendar: early closes, extended hours, nothing on a holiday', () => {
    const daily = tapeFrom('AAPL', [
      'date,open,high,low,close',
      '2025-11-26,1,1,1,1',
      '2025-11-27,1,1,1,1',
      '2025-11-28,1,1,1,1',
    ]);
    expect(daily.length).toBe(2);
    expect(daily.closedRows).toBe(1);
    expect(new Date(daily.bar(1).endMs).toISOString()).toBe('2025-11-28T18:00:00.000Z');

    const newYork = (minute: number): number => at(300 + minute);
    const minutes = [239, 240, 569, 570, 959, 960, 1199, 1200].map(
      (minute) => `${newYork(minute)},1,1,1,1,1`,
    );
    const tape = tapeFrom('SPY', [TRADES, ...minutes]);
    const phases = Array.from({ length: tape.length }, (_, index) => tape.bar(index)).map((bar) => [
      (bar.timeMs - newYork(0)) / 60_000,
      bar.phase,
      [bar.firstOfSession && 'first', bar.lastOfSession && 'last', bar.lastOfDay && 'day']
        .filter(Boolean)
        .join(),
    ]);
    expect(tape.closedRows).toBe(2);
    expect(phases).toEqual([
      [240, 'extended', ''],
      [569, 'extended', ''],
      [570, 'open', 'first'],
      [959, 'open', 'last'],
      [960, 'extended', ''],
      [1199, 'extended', 'day'],
    ]);
  });

  it('trades crypto around the clock in UTC days and FX until 17:00 New York', () => {
    const hourly = [20, 21, 22, 23, 24].map((hour) => `${at(hour * 60)},1,1,1,1,1`);
    const crypto = tapeFrom('BTC/USD', [TRADES, ...hourly]);
    const fx = tapeFrom('EUR/USD', [TRADES, ...hourly]);
    const ends = (tape: typeof crypto): number[] =>
      [0, 1, 2, 3, 4].filter((index) => tape.bar(index).lastOfSession).map((index) => index + 20);
    expect([crypto.timeframe, fx.timeframe]).toEqual(['1h', '1h']);
    expect(ends(crypto)).toEqual([23, 24]);
    expect(ends(fx)).toEqual([21, 24]);
    expect(fx.bar(2).sessionDate).toBe('2026-01-06');
  });

  it('lets days of a known market be written as moments: UTC midnight or the midnight of the zone', () => {
    for (const shift of [0, 5 * 60]) {
      const rows = [0, 1, 2].map((day) => `${at(day * 1440 + shift)},1,1,1,1,1`);
      const tape = tapeFrom('SPY', [TRADES, ...rows]);
      expect([tape.timeframe, tape.bar(0).sessionDate, tape.length]).toEqual(['1d', '2026-01-05', 3]);
    }
  });

  it.each([
    ['1m', [0, 1, 7]],
    ['5m', [0, 5, 15]],
    ['15m', [0, 30, 45]],
    ['1h', [0, 60, 360]],
    ['1d', [0, 1440, 4320]],
  ])('recognises a timeframe of %s', (timeframe, minutes) => {
    const rows = minutes.map((minute) => `${at(minute)},1,1,1,1,1`);
    expect(tapeFrom('BTC/USD', [TRADES, ...rows]).timeframe).toBe(timeframe);
  });

  it('clips a bar to the end of its session', () => {
    const newYork = (minute: number): number => at(300 + minute);
    const tape = tapeFrom('SPY', [
      TRADES,
      `${newYork(14 * 60 + 30)},1,1,1,1,1`,
      `${newYork(15 * 60 + 30)},1,1,1,1,1`,
    ]);
    expect(tape.bar(1).endMs).toBe(newYork(16 * 60));
  });
});

describe('the fingerprint', () => {
  it('is the same for the same bytes and another for others', () => {
    const lines = ['date,open,high,low,close', '2026-01-05,1,1,1,1'];
    const one = tapeFrom('SPX', lines).fingerprint;
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(tapeFrom('SPX', lines).fingerprint).toBe(one);
    expect(tapeFrom('SPX', [...lines, '2026-01-06,1,1,1,1']).fingerprint).not.toBe(one);
  });
});

describe('the sample', () => {
  it('is the S&P 500 of twenty years, found through the installed package', () => {
    const tape = loadTape({ file: 'sample', instrument: instrumentOf('SPX') });
    expect([tape.length, tape.timeframe, tape.id]).toEqual([5105, '1d', 'INDEX:SPX']);
    expect(prices(tape.bar(0))).toBe('1469.25 1478 1438.36 1455.22');
    expect(text(tape.bar(0).bid.low)).toBe('1438.35');
    expect(text(tape.bar(0).bidSize ?? tape.bar(0).open)).toBe('9318000');
  });

  it('is the tape of nothing else', () => {
    expect(() => loadTape({ file: 'sample', instrument: instrumentOf('SPY') })).toThrow(
      new TapeError('The sample tape is SPX; it can not be the tape of SPY.'),
    );
  });
});

const D = 'date,open,high,low,close,volume';
const T0 = `${at(0)},1,1,1,1,1`;
const T1 = `${at(1)},1,1,1,1,1`;

describe('a broken tape', () => {
  it.each([
    ['an empty file', '', 1, 'number 1', 'is not a column'],
    ['no time', ['open,high,low,close', '1,1,1,1'], 1, 'time_ms', 'must have a column time_ms or date'],
    ['two times', [`${TRADES},date`, T0], 1, 'date', 'either time_ms or date'],
    ['no close', ['date,open,high,low', '2026-01-05,1,1,1'], 1, 'close', 'must have the column close'],
    ['no prices', ['date,volume', '2026-01-05,1'], 1, 'open', 'or those of bid and ask'],
    [
      'a bid without an ask',
      [`${D},bid_open,bid_high,bid_low,bid_close`, ''],
      1,
      'ask_open',
      'both bid and ask',
    ],
    ['a misspelt column', ['date,opne,high,low,close', ''], 1, 'opne', '(nearest: open)'],
    ['an unknown column', ['date,open,high,low,close,vwap_x', ''], 1, 'vwap_x', '(known: time_ms, date,'],
    ['a column twice', ['date,open,high,low,close,open', ''], 1, 'open', 'once'],
    ['no rows', [D], 2, 'date', 'must be a first row'],
    ['a short row', [D, '2026-01-05,1,1,1,1'], 2, 'date', 'must have 6 cells like the header, not 5'],
    ['a long row', [D, '2026-01-05,1,1,1,1,1,1'], 2, 'date', 'must have 6 cells like the header, not 7'],
    [
      'a blank line between rows',
      [D, '2026-01-05,1,1,1,1,1', '', '2026-01-06,1,1,1,1,1'],
      3,
      'date',
      '6 cells',
    ],
    ['a word for a price', [D, '2026-01-05,1,abc,1,1,1'], 2, 'high', 'must be a plain decimal number'],
    ['an exponent', [D, '2026-01-05,1,1,1,1e5,1'], 2, 'close', 'must be a plain decimal number'],
    ['a comma for a point', [D, '2026-01-05,"1,5",2,1,1,1'], 2, 'date', 'must have 6 cells'],
    ['quotes around', [D, '2026-01-05,"1",1,1,1,1'], 2, 'open', 'must be a plain decimal number'],
    ['a space', [D, '2026-01-05, 1,1,1,1,1'], 2, 'open', 'must be a plain decimal number'],
    ['a negative price', [D, '2026-01-05,1,1,-1,1,1'], 2, 'low', 'must be a plain decimal number'],
    ['a price of 0', [D, '2026-01-05,1,1,0,1,1'], 2, 'low', 'at least one tick'],
    ['a price below a tick', [D, '2026-01-05,1,1,0.004,1,1'], 2, 'low', 'at least one tick'],
    [
      'a price that rounds to a bid of 0',
      [D, '2026-01-05,1,1,0.006,1,1'],
      2,
      'low',
      'a bid of at least one tick',
    ],
    ['a huge price', [D, '2026-01-05,1,100000000000000000,1,1,1'], 2, 'high', 'must be a smaller number'],
    ['NaN', [D, '2026-01-05,1,1,1,1,NaN'], 2, 'volume', 'plain decimal number, 0, or empty'],
    ['a negative volume', [D, '2026-01-05,1,1,1,1,-3'], 2, 'volume', 'plain decimal number, 0, or empty'],
    ['a high below the open', [D, '2026-01-05,3,2,1,1,1'], 2, 'high', 'at least open, low and close'],
    ['a low above the close', [D, '2026-01-05,3,3,2,1,1'], 2, 'low', 'at most open and close'],
    ['half a side', [D, '2026-01-05,3,,1,1,1'], 2, 'high', 'must not be empty'],
    ['nothing in a row', [D, '2026-01-05,,,,,'], 2, 'open', 'neither a trade nor a quote'],
    ['a date that is not one', [D, '2026-02-30,1,1,1,1,1'], 2, 'date', 'a date that exists'],
    ['an American date', [D, '1/5/2026,1,1,1,1,1'], 2, 'date', 'YYYY-MM-DD'],
    [
      'a date twice',
      [D, '2026-01-05,1,1,1,1,1', '2026-01-05,1,1,1,1,1'],
      3,
      'date',
      'later than the row before',
    ],
    ['time going back', [TRADES, T1, T0], 3, 'time_ms', 'later than the row before'],
    ['seconds', [TRADES, '1767571200,1,1,1,1,1'], 2, 'time_ms', 'whole epoch milliseconds'],
    ['a fraction of time', [TRADES, '1767571200000.5,1,1,1,1,1'], 2, 'time_ms', 'whole epoch milliseconds'],
    [
      'half a minute',
      [TRADES, T0, `${at(0.5)},1,1,1,1,1`],
      3,
      'time_ms',
      'whole minutes after the row before',
    ],
    ['a single moment', [TRADES, T0], 2, 'time_ms', 'a second row'],
  ])('with %s is refused, naming line, column and rule', (_, lines, line, column, rule) => {
    const thrown = refusalOf(() => tapeFrom('BTC/USD', lines));
    expect(thrown).toContain(`tape.csv, line ${line}, column ${column}: `);
    expect(thrown).toContain(rule);
    expect(thrown).toMatch(/\.$/);
    expect(thrown).not.toContain('\n');
  });

  it('with no row in trading hours is refused rather than never moving', () => {
    const thrown = refusalOf(() => tapeFrom('SPY', [TRADES, T0, T1]));
    expect(thrown).toContain('must lie in the trading hours of SPY, and no row does');
  });

  it('that is a folder, or absent, is refused in one sentence', () => {
    const folder = join(temporaryFolder(), 'inner.csv');
    mkdirSync(folder);
    const instrument = instrumentOf('SPX');
    expect(refusalOf(() => loadTape({ file: folder, instrument }))).toBe(
      'The tape inner.csv can not be read: it is not a file.',
    );
    expect(refusalOf(() => loadTape({ file: `${folder}.not`, instrument }))).toBe(
      'The tape inner.csv.not can not be read: there is no such file.',
    );
  });

  it('shows of a hostile value neither control characters nor its length', () => {
    const thrown = refusalOf(() => tapeFrom('SPX', [D, `2026-01-05,\u001b[31m${'9'.repeat(5_000)},1,1,1,1`]));
    expect(thrown.length).toBeLessThan(250);
    expect(thrown).not.toContain('\u001b');
  });

  it('never throws anything but a TapeError, whatever the bytes', () => {
    const cell = fc.constantFrom('1', '2.5', '', '0', '-1', 'x', '2026-01-05', `${at(0)}`, `${at(1)}`, '1e9');
    const row = fc.array(cell, { minLength: 1, maxLength: 7 }).map((cells) => cells.join(','));
    const header = fc.oneof(fc.constant(TRADES), fc.constant(D), row, fc.string());
    fc.assert(
      fc.property(header, fc.array(row, { maxLength: 5 }), (first, rows) => {
        try {
          const tape = tapeFrom('BTC/USD', [first, ...rows]);
          expect(tape.length).toBeGreaterThan(0);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(TapeError);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is named as its owner named it', () => {
    const file = tapeFile([D, '2026-01-05,x,1,1,1,1'], 'spy daily.csv');
    expect(refusalOf(() => loadTape({ file, instrument: instrumentOf('SPX') }))).toBe(
      'The tape spy daily.csv, line 2, column open: "x" must be a plain decimal number.',
    );
  });
});

function refusalOf(load: () => unknown): string {
  try {
    load();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(TapeError);
    return thrown instanceof TapeError ? thrown.message : '';
  }
  throw new Error('the tape was taken');
}
