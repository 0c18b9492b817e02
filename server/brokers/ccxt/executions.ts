/** Trades of ccxt as executions: with the fee in the account's currency, whatever it was taken in. */
import type { BrokerExecution } from '#domain/broker.ts';
import {
  add,
  type Money,
  type Price,
  type Quantity,
  value,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { BrokerListing } from '#ports.ts';
import { millisecondsOf, moneyOf, positivePriceOf, quantityOf } from './decimals.ts';
import { executionIdOf } from './history.ts';
import type { CcxtFee, CcxtTrade } from './types.ts';

export interface ExecutionReading {
  readonly listingOf: (symbol: string) => BrokerListing | undefined;
  readonly clientIdOf: (brokerOrderId: string) => string | null;
  readonly currency: string;
  /** Of one unit of another asset (a token that fees are paid in), in the account's currency; undefined: not known. */
  readonly rateOf: (asset: string) => Price | undefined;
  /** Told that fees in this asset could not be counted. */
  readonly uncounted: (asset: string) => void;
  readonly nowMs: number;
}

export function brokerExecution(
  trade: CcxtTrade,
  reading: ExecutionReading,
): Result<BrokerExecution, string> {
  const { symbol, order, side } = trade;
  const listing = typeof symbol === 'string' ? reading.listingOf(symbol) : undefined;
  if (listing === undefined) return err(`A trade of ${symbol} is not in an instrument of this account.`);
  const at = positivePriceOf(trade.price);
  const qty = quantityOf(trade.amount);
  if (at === undefined || qty === undefined || !qty.gt('0') || (side !== 'buy' && side !== 'sell'))
    return err(`A trade of ${symbol} came without its side, size or price.`);
  if (typeof order !== 'string' || order === '') return err(`A trade of ${symbol} came without its order.`);
  const { fee, feeQty } = feesOf(trade, { listing, at, reading });
  return ok({
    executionId: executionIdOf(trade),
    brokerOrderId: order,
    brokerClientId: reading.clientIdOf(order),
    instrument: listing.instrument.id,
    side,
    qty,
    price: at,
    fee,
    ...(feeQty.eq('0') ? {} : { feeQty }),
    timeMs: millisecondsOf(trade.timestamp) ?? reading.nowMs,
  });
}

function feesOf(
  { fee, fees }: CcxtTrade,
  context: { readonly listing: BrokerListing; readonly at: Price; readonly reading: ExecutionReading },
): { readonly fee: Money; readonly feeQty: Quantity } {
  const { listing, at, reading } = context;
  const told: readonly CcxtFee[] =
    fees !== null && fees !== undefined && fees.length > 0 ? fees : fee ? [fee] : [];
  let counted: Money = ZERO_MONEY;
  let feeQty: Quantity = ZERO_QUANTITY;
  for (const one of told) {
    const { currency } = one;
    const amount = moneyOf(one.cost);
    if (amount === undefined || amount.eq('0')) continue;
    const asset = currency ?? reading.currency;
    if (asset === reading.currency) {
      counted = add(counted, amount);
      continue;
    }
    const qty = quantityOf(one.cost) ?? ZERO_QUANTITY;
    const isOfIt = asset === listing.instrument.base;
    const rate = isOfIt ? at : reading.rateOf(asset);
    if (rate === undefined) {
      reading.uncounted(asset);
      continue;
    }
    counted = add(counted, value(rate, qty));
    // What an exchange pays for making is below zero: so much more is held.
    if (isOfIt) feeQty = add(feeQty, qty);
  }
  return { fee: counted, feeQty };
}
