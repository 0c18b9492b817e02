/** An exchange's id of an order as a name that no other order of the account has: at some exchanges ids are unique in their instrument alone. */
import type { ExchangeFacts } from './facts.ts';

/** No symbol of ccxt has it. */
const MARK = '#';

/** As the gateway's books have it. */
export const orderName = (id: string, symbol: string, { orderIdsPerSymbol }: ExchangeFacts): string =>
  orderIdsPerSymbol ? `${symbol}${MARK}${id}` : id;

/** As the exchange takes it. */
export const venueOrderId = (name: string, { orderIdsPerSymbol }: ExchangeFacts): string =>
  orderIdsPerSymbol ? name.slice(name.indexOf(MARK) + 1) : name;
