/** Views of symbols: each reads back what it writes, and what one of them writes is found in the list of another. */
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instrumentBook } from '#market/instrument-book.ts';
import { alpacaSymbol } from '#market/symbols/alpaca.ts';
import { ccxtSymbol } from '#market/symbols/ccxt.ts';
import { indianSymbol } from '#market/symbols/indian.ts';
import { kiteMonthly, kiteWeekly } from '#market/symbols/kite.ts';
import { oandaSymbol } from '#market/symbols/oanda.ts';
import { occCompact, occSymbol } from '#market/symbols/occ.ts';
import type { SymbolParts, SymbolView } from '#market/symbols/parts.ts';
import { otherSpellings } from '#market/symbols/spellings.ts';
import { listing } from '../support/listings.ts';

const letters = (min: number, max: number) => fc.stringMatching(new RegExp(`^[A-Z]{${min},${max}}$`));
const expiry = fc
  .date({ min: new Date(Date.UTC(2000, 0, 1)), max: new Date(Date.UTC(2099, 11, 31)), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const strike = fc
  .tuple(fc.integer({ min: 1, max: 99_999 }), fc.integer({ min: 0, max: 999 }))
  .map(([whole, part]) => `${whole}.${String(part).padStart(3, '0')}`)
  .map((text) => text.replace(/\.?0+$/, (zeros) => (text.includes('.') ? '' : zeros)));
const right = fc.constantFrom('call' as const, 'put' as const);
const named = (name: fc.Arbitrary<string>) => ({
  future: fc.record({ kind: fc.constant('future' as const), underlying: fc.record({ name }), expiry }),
  option: fc.record({
    kind: fc.constant('option' as const),
    underlying: fc.record({ name }),
    expiry,
    strike,
    right,
  }),
});
const coin = letters(2, 5);
const settled = fc.record({ base: coin, quote: coin, settle: coin });
const pair: fc.Arbitrary<SymbolParts> = fc.record({
  kind: fc.constant('pair' as const),
  base: coin,
  quote: coin,
});
const perpetual: fc.Arbitrary<SymbolParts> = settled.map((of) => ({ kind: 'pair', ...of }));
/** Names that end with digits, as bonds and series do. */
const indianName = fc.tuple(letters(1, 8), fc.stringMatching(/^\d{0,4}$/)).map((parts) => parts.join(''));
const usName = letters(1, 6);

const VIEWS: readonly (readonly [string, SymbolView, fc.Arbitrary<SymbolParts>])[] = [
  [
    'ccxt',
    ccxtSymbol,
    fc.oneof(
      pair,
      perpetual,
      fc.record({ kind: fc.constant('future' as const), underlying: settled, expiry }),
      fc.record({ kind: fc.constant('option' as const), underlying: settled, expiry, strike, right }),
    ),
  ],
  ['occ', occSymbol, named(usName).option],
  ['occ without blanks', occCompact, named(usName).option],
  [
    'alpaca',
    alpacaSymbol,
    fc.oneof(
      named(usName).option,
      fc.record({
        kind: fc.constant('pair' as const),
        base: coin,
        quote: fc.constantFrom('USD', 'USDT', 'BTC'),
      }),
    ),
  ],
  [
    'oanda',
    oandaSymbol,
    fc.record({ kind: fc.constant('pair' as const), base: letters(3, 3), quote: letters(3, 3) }),
  ],
  ['indian', indianSymbol, fc.oneof(named(indianName).future, named(indianName).option)],
  ['kite, weekly', kiteWeekly, named(letters(2, 10)).option],
];

describe.each(VIEWS)('symbols of %s', (_name, view, parts) => {
  it('read back what they write', () => {
    fc.assert(
      fc.property(parts, (given) => {
        const symbol = view.format(given);
        expect(symbol).toBeDefined();
        expect(view.parse(symbol ?? '')).toEqual(given);
      }),
    );
  });

  it('say nothing of what is none of theirs', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (given) => {
        const found = view.parse(given);
        // What is read can be written, and says the same then.
        if (found !== undefined) expect(view.parse(view.format(found) ?? '')).toEqual(found);
      }),
    );
  });
});

describe('what a symbol says', () => {
  it.each([
    [
      '726GS203225APR2497PE',
      { kind: 'option', underlying: { name: '726GS2032' }, expiry: '2024-04-25', strike: '97', right: 'put' },
    ],
    [
      'NIFTY28MAR2420800CE',
      { kind: 'option', underlying: { name: 'NIFTY' }, expiry: '2024-03-28', strike: '20800', right: 'call' },
    ],
    ['BANKNIFTY24APR24FUT', { kind: 'future', underlying: { name: 'BANKNIFTY' }, expiry: '2024-04-24' }],
    [
      'USDINR26APR2482.25CE',
      {
        kind: 'option',
        underlying: { name: 'USDINR' },
        expiry: '2024-04-26',
        strike: '82.25',
        right: 'call',
      },
    ],
  ])('of India: %s', (symbol, parts) => {
    expect(indianSymbol.parse(symbol)).toEqual(parts);
    expect(indianSymbol.format(parts as SymbolParts)).toBe(symbol);
  });

  it('has no date that does not exist, and no strike that has no room', () => {
    expect(indianSymbol.parse('NIFTY31APR24FUT')).toBeUndefined();
    expect(ccxtSymbol.parse('BTC/USDT:USDT-240231')).toBeUndefined();
    expect(occCompact.parse('AAPL260230C00250000')).toBeUndefined();
    const option = {
      kind: 'option',
      underlying: { name: 'AAPL' },
      expiry: '2026-01-16',
      right: 'call',
    } as const;
    expect(occSymbol.format({ ...option, strike: '250.5' })).toBe('AAPL  260116C00250500');
    expect(occSymbol.format({ ...option, strike: '250.0001' })).toBeUndefined();
    expect(occSymbol.format({ ...option, strike: '123456' })).toBeUndefined();
  });

  it('is written by the broker of the week or of the month', () => {
    const option: SymbolParts = {
      kind: 'option',
      underlying: { name: 'NIFTY' },
      expiry: '2024-10-17',
      strike: '25000',
      right: 'put',
    };
    expect([kiteWeekly.format(option), kiteMonthly(option)]).toEqual([
      'NIFTY24O1725000PE',
      'NIFTY24OCT25000PE',
    ]);
  });
});

it('the spelling of another is suggested by the name in the list, and never taken for it', () => {
  const listed = [
    listing('AAPL260116C00250000'),
    listing('NFO:NIFTY24MAR20800CE'),
    listing('BTC/USDT:USDT'),
    listing('BTC/USDT'),
    listing('EUR_USD'),
  ].map(({ instrument }) => instrument);
  const book = instrumentBook(listed);
  const meant = (symbol: string): unknown => {
    const found = book.resolve(symbol, ['acme']);
    return found.ok ? found.value.id : found.error.did_you_mean?.[0];
  };
  expect(meant('AAPL  260116C00250000')).toBe('AAPL260116C00250000');
  expect(meant('NIFTY28MAR2420800CE')).toBe('NFO:NIFTY24MAR20800CE');
  expect(meant('BTCUSDT')).toBe('BTC/USDT');
  expect(meant('EUR/USD')).toBe('EUR_USD');
  expect(otherSpellings('x'.repeat(5_000))).toEqual([]);
});

const PROPERTIES = new URL('../../../shared/data/market/symbol-properties-database.csv', import.meta.url);
const absent = !existsSync(PROPERTIES);
if (absent)
  console.log('skipped: recorded symbol properties (../shared/data/market) are not beside the project');

describe.skipIf(absent)('a published list of symbols', () => {
  const rows = absent
    ? []
    : readFileSync(PROPERTIES, 'utf8')
        .split('\n')
        .filter((line) => /^(?:coinbase|binance|kraken|oanda),/.test(line))
        .map((line) => line.split(','))
        .map(([market = '', symbol = '', type = '', , quote = '']) => ({ market, symbol, type, quote }))
        .filter(
          ({ symbol, quote }) => symbol.endsWith(quote) && /^[A-Z0-9]+$/.test(symbol) && symbol !== quote,
        );

  it('splits into the coins that it says', () => {
    const crypto = rows.filter(
      ({ type, quote }) => type === 'crypto' && ['USD', 'USDT', 'USDC', 'BTC'].includes(quote),
    );
    expect(crypto.length).toBeGreaterThan(500);
    const wrong = crypto.filter(({ symbol, quote }) => {
      const base = symbol.slice(0, -quote.length);
      if (base.length > 10) return false;
      const parts = alpacaSymbol.parse(symbol);
      return parts?.kind !== 'pair' || parts.base !== base || parts.quote !== quote;
    });
    expect(wrong).toEqual([]);
  });

  it('is written as pairs that read back', () => {
    const currencies = rows.filter(({ market, type }) => market === 'oanda' && type === 'forex');
    expect(currencies.length).toBeGreaterThan(20);
    for (const { symbol, quote } of currencies) {
      const parts: SymbolParts = { kind: 'pair', base: symbol.slice(0, -quote.length), quote };
      expect(oandaSymbol.parse(oandaSymbol.format(parts) ?? '')).toEqual(parts);
      expect(ccxtSymbol.parse(ccxtSymbol.format(parts) ?? '')).toEqual(parts);
    }
  });
});
