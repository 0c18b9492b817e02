/** The master of instruments and the book: exact symbols only, and a way out for every other spelling. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import { defineInstrument, type Instrument, isOnLot, isOnTick } from '#domain/instrument.ts';
import type { Refusal } from '#domain/refusal.ts';
import { SEARCH_RESULTS_MAX } from '#limits.ts';
import { type InstrumentBook, instrumentBook } from '#market/instrument-book.ts';
import { BUILT_IN } from '#market/master.ts';

const book = instrumentBook(BUILT_IN);

function refused(of: InstrumentBook, symbol: string): Refusal {
  const found = of.resolve(symbol, ['built-in']);
  if (found.ok) throw new Error(`${symbol} was resolved to ${found.value.id}`);
  return found.error;
}
const suggested = (symbol: string): readonly string[] => refused(book, symbol).did_you_mean ?? [];

function made(
  id: string,
  symbol: string,
  extras: Partial<Pick<Instrument, 'name' | 'aliases'>> = {},
): Instrument {
  return defineInstrument({
    id,
    symbol,
    name: extras.name ?? symbol,
    assetClass: 'equity',
    currency: 'USD',
    tick: '0.01',
    lot: '1',
    calendar: 'us-equity',
    timezone: 'America/New_York',
    aliases: extras.aliases ?? [],
  });
}

describe('the built-in master', () => {
  it('knows the seven instruments, each with class, steps, currency and calendar', () => {
    const rows = BUILT_IN.map((one) =>
      [one.symbol, one.assetClass, text(one.tick), text(one.lot), one.currency, one.calendar].join(' '),
    );
    expect(rows).toEqual([
      'SPX index 0.01 1 USD tape',
      'BTC/USD crypto 0.01 0.00000001 USD crypto',
      'ETH/USD crypto 0.01 0.00000001 USD crypto',
      'SPY equity 0.01 1 USD us-equity',
      'AAPL equity 0.01 1 USD us-equity',
      'EUR/USD fx 0.00001 1 USD fx',
      'YESBANK equity 0.05 1 INR tape',
    ]);
  });

  it('says of the index alone that it can be practised on but not bought', () => {
    const onPaper = BUILT_IN.filter((one) => one.tradable === 'paper');
    expect(onPaper.map((one) => one.symbol)).toEqual(['SPX']);
    expect(onPaper[0]?.note).toMatch(/can not be bought/);
  });

  it('has steps that its own steps are multiples of, and no alias that is a symbol', () => {
    const symbols = new Set(BUILT_IN.map((one) => one.symbol));
    for (const one of BUILT_IN) {
      expect(isOnTick(one.tick, one) && isOnLot(one.lot, one)).toBe(true);
      for (const alias of one.aliases) expect(symbols.has(alias), alias).toBe(false);
    }
  });
});

describe('resolving a symbol', () => {
  it('finds the exact symbol and nothing else', () => {
    for (const one of BUILT_IN) {
      expect(book.resolve(one.symbol, ['built-in'])).toEqual({ ok: true, value: one });
      expect(book.byId(one.id)).toBe(one);
    }
  });

  it.each([
    ['btc/usd', ['BTC/USD']],
    ['BTCUSD', ['BTC/USD']],
    ['btc-usd', ['BTC/USD']],
    ['^GSPC', ['SPX']],
    ['s&p 500', ['SPX']],
    [' AAPL ', ['AAPL']],
    ['APPL', ['AAPL']],
    ['EURUSD', ['EUR/USD']],
    ['YESBANK.NS', ['YESBANK']],
    ['YESBNAK', ['YESBANK']],
  ])('refuses %j as unknown and suggests %j', (given, wanted) => {
    const refusal = refused(book, given);
    expect(refusal).toMatchObject({ reason: 'unknown_symbol', status: 400, did_you_mean: wanted });
    expect(refusal.detail).toContain(wanted[0]);
  });

  it('suggests every neighbour when no spelling is near enough to be the only one', () => {
    expect(suggested('SPZ')).toEqual(['SPX', 'SPY']);
  });

  it('suggests nothing for what resembles nothing, and points to the search', () => {
    const refusal = refused(book, 'FLUX CAPACITOR');
    expect(refusal.did_you_mean).toBeUndefined();
    expect(refusal.detail).toContain('search_instruments');
  });

  it('refuses a symbol that two instruments share, naming both ids and choosing neither', () => {
    const shared = instrumentBook([made('XNAS:ABC', 'ABC'), made('XLON:ABC', 'ABC')]);
    const refusal = refused(shared, 'ABC');
    expect(refusal.reason).toBe('ambiguous_symbol');
    expect(refusal.did_you_mean).toEqual(['XNAS:ABC', 'XLON:ABC']);
  });

  it('takes no two instruments of one id', () => {
    expect(() => instrumentBook([made('XNAS:ABC', 'ABC'), made('XNAS:ABC', 'ABD')])).toThrow(/share an id/);
  });

  it('never repairs: whatever is written, only an exact symbol is resolved', () => {
    const spelling = fc.oneof(
      fc.string({ maxLength: 50 }),
      fc.constantFrom(...BUILT_IN.flatMap((one) => [one.symbol, one.symbol.toLowerCase(), ...one.aliases])),
    );
    fc.assert(
      fc.property(spelling, (given) => {
        const found = book.resolve(given, ['built-in']);
        expect(found.ok).toBe(BUILT_IN.some((one) => one.symbol === given));
        if (found.ok) expect(found.value.symbol).toBe(given);
        else expect((found.error.did_you_mean ?? []).length).toBeLessThanOrEqual(3);
      }),
    );
  });

  it('echoes no control characters and no long text', () => {
    const refusal = refused(book, `\u001b[31mSPX\u202e${'x'.repeat(10_000)}`);
    expect(refusal.detail.length).toBeLessThan(200);
    expect(refusal.detail).not.toMatch(/[\u001b\u202e]/);
  });
});

describe('searching', () => {
  const found = (query: string, limit = 10): string[] =>
    book.search(query, limit, ['built-in']).map((one) => one.symbol);

  it('ranks the symbol before the alias and the alias before the name', () => {
    const three = instrumentBook([
      made('A:1', 'ONE', { name: 'Gold Trust' }),
      made('A:2', 'TWO', { aliases: ['GOLD'] }),
      made('A:3', 'GOLD'),
      made('A:4', 'OTHER'),
    ]);
    expect(three.search('gold', 10, ['built-in']).map((one) => one.symbol)).toEqual(['GOLD', 'TWO', 'ONE']);
  });

  it.each([
    ['bitcoin', ['BTC/USD']],
    ['aapl', ['AAPL']],
    ['s&p', ['SPX', 'SPY']],
    ['usd', ['BTC/USD', 'ETH/USD', 'EUR/USD']],
    ['nothing like it', []],
  ])('finds for %j %j', (query, wanted) => {
    expect(found(query)).toEqual(wanted);
  });

  it('lists all for an empty query, and never more than the limit or the bound', () => {
    expect(found(' ')).toHaveLength(BUILT_IN.length);
    expect(found('', 2)).toEqual(['SPX', 'BTC/USD']);
    const many = Array.from({ length: 200 }, (_, n) => made(`X:${n}`, `S${n}`));
    expect(instrumentBook(many).search('s', 1_000, ['built-in'])).toHaveLength(SEARCH_RESULTS_MAX);
  });
});
