/** What an account holds and can spend, as ccxt tells it of a spot wallet or of linear perpetuals. */
import type { BrokerDirectory } from '#brokers/broker.ts';
import type { BrokerBalance, BrokerPosition } from '#domain/broker.ts';
import {
  add,
  compare,
  isZero,
  type Money,
  negate,
  type Price,
  type Quantity,
  subtract,
  value,
  ZERO_MONEY,
} from '#domain/decimal.ts';
import { pricedIn } from '#domain/instrument.ts';
import type { BrokerListing, Quote } from '#ports.ts';
import { moneyOf, priceOf, quantityOf } from './decimals.ts';
import type { Exchange } from './exchange.ts';
import type { CcxtBalance, CcxtPosition } from './types.ts';

export interface StateContext {
  readonly exchange: Exchange;
  readonly currency: string;
  readonly listingOf: (symbol: string) => BrokerListing | undefined;
  /** Of one unit of a coin, in the account's currency; undefined: not known. */
  readonly rateOf: (asset: string) => Price | undefined;
}

/** Of one unit of each coin, by quotes in the account's currency alone: what ETH costs in BTC is no price of it in dollars. */
export function ratesIn(
  quotes: readonly Quote[],
  { directory, currency }: { readonly directory: BrokerDirectory; readonly currency: string },
): ReadonlyMap<string, Price> {
  const rates = new Map<string, Price>();
  for (const { instrument: id, bid } of quotes) {
    const instrument = directory.byId(id)?.instrument;
    if (instrument?.base !== undefined && pricedIn(instrument) === currency) rates.set(instrument.base, bid);
  }
  return rates;
}

export interface Held {
  readonly positions: readonly BrokerPosition[];
  /** Assets that are in the wallet and in no position: less than one step of their instrument, or in none of the account's. */
  readonly leftOut: readonly string[];
}

export async function readPositions(context: StateContext): Promise<Held> {
  const { exchange } = context;
  return exchange.kind === 'spot'
    ? coinsIn(await exchange.ccxt.fetchBalance(), context)
    : perpetualsIn(await exchange.ccxt.fetchPositions(), context);
}

/** Coins of a wallet are positions in their instrument against the account's currency. */
function coinsIn({ total = {} }: CcxtBalance, { currency, listingOf }: StateContext): Held {
  const positions: BrokerPosition[] = [];
  const leftOut: string[] = [];
  for (const [asset, figure] of Object.entries(total)) {
    const qty = quantityOf(figure);
    if (asset === currency || qty === undefined || isZero(qty)) continue;
    const instrument = listingOf(`${asset}/${currency}`)?.instrument;
    if (instrument === undefined || compare(qty, instrument.lot) < 0) leftOut.push(asset);
    else positions.push({ instrument: instrument.id, qty });
  }
  return { positions, leftOut };
}

function perpetualsIn(told: readonly CcxtPosition[], { listingOf }: StateContext): Held {
  const held = new Map<string, Quantity>();
  const leftOut: string[] = [];
  for (const { symbol, side, contracts } of told) {
    const size = quantityOf(contracts);
    if (size === undefined || isZero(size)) continue;
    const listing = typeof symbol === 'string' ? listingOf(symbol) : undefined;
    if (listing === undefined || (side !== 'long' && side !== 'short')) {
      leftOut.push(String(symbol));
      continue;
    }
    const qty = side === 'long' ? size : negate(size);
    const before = held.get(listing.brokerSymbol);
    held.set(listing.brokerSymbol, before === undefined ? qty : add(before, qty));
  }
  const positions = [...held].flatMap(([symbol, qty]) => {
    const instrument = listingOf(symbol)?.instrument;
    return instrument === undefined || isZero(qty) ? [] : { instrument: instrument.id, qty };
  });
  return { positions, leftOut };
}

export async function readBalance(
  context: StateContext,
  refreshRates: (assets: readonly string[]) => Promise<void>,
): Promise<BrokerBalance> {
  const { exchange, currency } = context;
  const wallet = await exchange.ccxt.fetchBalance();
  const total = moneyOf(wallet.total?.[currency]) ?? ZERO_MONEY;
  const buyingPower = moneyOf(wallet.free?.[currency]) ?? ZERO_MONEY;
  if (exchange.kind === 'spot') {
    await refreshRates(heldIn(wallet));
    return { currency, cash: total, equity: worthOf(wallet, total, context), buyingPower };
  }
  const positions = (await exchange.ccxt.fetchPositions()).filter((one) => settleOf(one) === currency);
  const gained = positions.reduce(
    (sum, one) => add(sum, moneyOf(one.unrealizedPnl) ?? ZERO_MONEY),
    ZERO_MONEY,
  );
  const margin = exchange.facts.totalIsEquity ? subtract(total, gained) : total;
  return {
    currency,
    cash: subtract(margin, costOf(positions, context)),
    equity: add(margin, gained),
    buyingPower,
  };
}

/** What a position gains in another coin is no part of this account's money. ccxt writes it behind the colon: `BTC/USDT:USDT`. */
const settleOf = ({ symbol }: CcxtPosition): string | undefined => symbol?.split(':')[1]?.split('-')[0];

/** What there is any of. */
const heldIn = ({ total = {} }: CcxtBalance): readonly string[] =>
  Object.entries(total).flatMap(([asset, figure]) => (quantityOf(figure)?.gt('0') === true ? asset : []));

/** Coins at their last prices; one without a price counts for nothing. */
function worthOf({ total = {} }: CcxtBalance, cash: Money, { currency, rateOf }: StateContext): Money {
  let worth = cash;
  for (const [asset, figure] of Object.entries(total)) {
    const qty = quantityOf(figure);
    const rate = asset === currency || qty === undefined ? undefined : rateOf(asset);
    if (qty !== undefined && rate !== undefined) worth = add(worth, value(rate, qty));
  }
  return worth;
}

/**
 * The gateway's books take a perpetual as bought for its whole value, so its cash is what would be left if every position were paid:
 * cash plus positions at their entry is the wallet.
 */
function costOf(positions: readonly CcxtPosition[], { listingOf }: StateContext): Money {
  let cost = ZERO_MONEY;
  for (const { symbol, side, contracts, entryPrice } of positions) {
    const instrument = listingOf(symbol ?? '')?.instrument;
    const size = quantityOf(contracts);
    const entry = priceOf(entryPrice);
    if (instrument === undefined || size === undefined || entry === undefined) continue;
    const paid = value(entry, size, instrument.multiplier);
    cost = add(cost, side === 'short' ? negate(paid) : paid);
  }
  return cost;
}
