/** Every way in which others would write what a symbol says: recognised for suggestions, never taken for the symbol itself. */
import { alpacaSymbol } from './alpaca.ts';
import { ccxtSymbol } from './ccxt.ts';
import { indianSymbol } from './indian.ts';
import { kiteMonthly, kiteWeekly } from './kite.ts';
import { oandaSymbol } from './oanda.ts';
import { occCompact, occSymbol } from './occ.ts';
import type { SymbolParts } from './parts.ts';

const VIEWS = [ccxtSymbol, occSymbol, occCompact, alpacaSymbol, oandaSymbol, indianSymbol, kiteWeekly];
/** Where a broker's list puts the exchange before the symbol. */
const EXCHANGES = ['NFO', 'BFO', 'CDS', 'MCX'];
const EXCHANGE_PREFIX = /^[A-Z]{2,4}:/;
/** Longer than any symbol. */
const LENGTH_MAX = 64;

export function otherSpellings(given: string): readonly string[] {
  const bare = given.slice(0, LENGTH_MAX).trim().replace(EXCHANGE_PREFIX, '');
  const found = [bare, bare.toUpperCase()].flatMap((text) => VIEWS.flatMap((view) => view.parse(text) ?? []));
  const spelled = found.flatMap(spellingsOf);
  return [...new Set(spelled)].filter((one) => one !== given);
}

function spellingsOf(parts: SymbolParts): readonly string[] {
  const plain = VIEWS.flatMap((view) => view.format(parts) ?? []);
  const monthly = kiteMonthly(parts) ?? [];
  const indian = [monthly, kiteWeekly.format(parts) ?? []].flat();
  return [...plain, ...indian, ...indian.flatMap((one) => EXCHANGES.map((exchange) => `${exchange}:${one}`))];
}
