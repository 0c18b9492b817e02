/** Alpaca's symbols: pairs with a slash, and without one as it used to write them; options as the OCC does, without blanks. */
import { occCompact } from './occ.ts';
import type { SymbolView } from './parts.ts';

/** What coins are quoted in there; the longest first, because one ends with another. */
const PAIR = /^(?<base>[A-Z0-9]{1,10}?)\/?(?<quote>USDT|USDC|USD|BTC)$/;

export const alpacaSymbol: SymbolView = {
  parse(symbol) {
    const { base, quote } = PAIR.exec(symbol)?.groups ?? {};
    if (base !== undefined && quote !== undefined) return { kind: 'pair', base, quote };
    return occCompact.parse(symbol);
  },
  format: (parts) =>
    parts.kind === 'pair'
      ? parts.settle === undefined
        ? `${parts.base}/${parts.quote}`
        : undefined
      : occCompact.format(parts),
};
