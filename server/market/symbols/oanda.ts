/** OANDA's symbols: `EUR_USD`. */
import type { SymbolView } from './parts.ts';

const SYMBOL = /^(?<base>[A-Z0-9]{2,10})_(?<quote>[A-Z]{3})$/;

export const oandaSymbol: SymbolView = {
  parse(symbol) {
    const { base, quote } = SYMBOL.exec(symbol)?.groups ?? {};
    return base === undefined || quote === undefined ? undefined : { kind: 'pair', base, quote };
  },
  format: (parts) =>
    parts.kind === 'pair' && parts.settle === undefined ? `${parts.base}_${parts.quote}` : undefined,
};
