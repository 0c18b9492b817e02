/** What is known of single exchanges beyond what ccxt says of them, as data: nothing is claimed that was not tried or published. */
import { isRecord, textsIn } from './answer.ts';
import type { Ccxt } from './types.ts';

export type AccountKind = 'spot' | 'swap';

export interface ExchangeFacts {
  /** Ids of ours that the exchange takes as they are; others are mapped by `mapping`. */
  readonly clientIdFits: RegExp;
  readonly mapping: 'uuid' | 'short';
  /** Two orders in two instruments may have the same id there. */
  readonly orderIdsPerSymbol: boolean;
  /**
   * How an order is found by our id, whatever became of it. Absent: only among open orders, so that its absence proves nothing.
   */
  readonly lookUp?: 'by-client-id' | 'open-then-closed';
  /** The name of that parameter. */
  readonly lookUpParameter?: string;
  /** Where one call changes an order in place: it keeps its ids, and is never two orders. */
  readonly amendsInPlace: readonly AccountKind[];
  /** Where stops are orders like any other: listed among the open ones, with the same ids when they trigger. */
  readonly stops: readonly AccountKind[];
  readonly stopParameter: 'triggerPrice' | 'stopLossPrice';
  /** Its streams say of orders and fills what its lists say, under the same ids; elsewhere a stream only says that it is time to ask. */
  readonly streamsAreExact: boolean;
  /** Most trades that one answer holds. */
  readonly tradesPerAnswer: number;
  /** The name of what skips so many of them, where pages are counted from the newest. */
  readonly tradesOffset?: string;
  /** Where being told to slow down is said before an order is looked at, so that it is a refusal and not an open question. */
  readonly throttlesBeforeActing: boolean;
  /** How long after sending an order can still come to be that was not there. */
  readonly absentIsFinalAfterMs: number;
  /** Where less than ccxt's own rate is taken, because of how much may come at once. */
  readonly unitsPerWindow?: number;
  readonly windowMs?: number;
  /** Its requests carry rising numbers and must arrive in their order, so that each waits for the one before. */
  readonly oneAtATime: boolean;
  /** What ccxt calls the total of a margin account: with what open positions have gained, or the wallet alone. */
  readonly totalIsEquity: boolean;
  /** Sent along with every order. */
  readonly orderParameters?: Readonly<Record<string, string>>;
  readonly keyCheck?: KeyCheck;
}

export type KeyCheck = AskedKeyCheck | 'wallet';

/** `wallet` in its place: the key of the wallet that holds the money can do everything, one of an agent wallet trades alone. */
export interface AskedKeyCheck {
  /** The method of ccxt that asks. */
  readonly method: string;
  /** Part of `urls.api` that it needs; a testnet without it can not be asked. */
  readonly section: string;
  /** The answer, read: whether the key can take money out. */
  readonly canWithdraw: (answer: unknown) => boolean;
}

/** Nothing is known: ids as short as the shortest rule there is, none unique beyond its instrument, no look-up, no change, no stops, streams that only ring. */
const UNKNOWN: ExchangeFacts = {
  clientIdFits: /^[A-Za-z0-9]{1,18}$/,
  mapping: 'short',
  orderIdsPerSymbol: true,
  amendsInPlace: [],
  stops: [],
  stopParameter: 'triggerPrice',
  streamsAreExact: false,
  tradesPerAnswer: 50,
  throttlesBeforeActing: false,
  absentIsFinalAfterMs: 60_000,
  oneAtATime: false,
  totalIsEquity: false,
};

/** Ids `^[.A-Z:/a-z0-9_-]{1,36}$`; a request older than its window of five seconds is refused, so absence is final soon. */
const BINANCE: ExchangeFacts = {
  clientIdFits: /^[.A-Z:/a-z0-9_-]{1,36}$/,
  mapping: 'uuid',
  orderIdsPerSymbol: true,
  lookUp: 'by-client-id',
  lookUpParameter: 'origClientOrderId',
  // Its spot "cancel-replace" is two orders under two ids; of perpetuals PUT changes the order itself.
  amendsInPlace: ['swap'],
  // Stops of perpetuals are orders of another list, with other ids.
  stops: ['spot'],
  stopParameter: 'triggerPrice',
  streamsAreExact: true,
  tradesPerAnswer: 1_000,
  throttlesBeforeActing: true,
  absentIsFinalAfterMs: 15_000,
  oneAtATime: false,
  totalIsEquity: true,
  keyCheck: {
    method: 'sapiGetAccountApiRestrictions',
    section: 'sapi',
    canWithdraw: (answer) =>
      isRecord(answer) && (answer['enableWithdrawals'] === true || answer['enableWithdrawals'] === 'true'),
  },
};

/** cl_ord_id is a UUID, or 18 characters; its throttling is an answer about an order that was not taken. */
const KRAKEN: ExchangeFacts = {
  clientIdFits: /^[A-Za-z0-9-]{1,18}$/,
  mapping: 'uuid',
  orderIdsPerSymbol: false,
  lookUp: 'open-then-closed',
  lookUpParameter: 'cl_ord_id',
  amendsInPlace: ['spot'],
  stops: ['spot'],
  stopParameter: 'stopLossPrice',
  streamsAreExact: true,
  tradesPerAnswer: 50,
  tradesOffset: 'ofs',
  throttlesBeforeActing: true,
  absentIsFinalAfterMs: 60_000,
  // A counter of 20 that each private request fills by one (3 of ccxt's units); it falls by a half to one a second, by the account's tier.
  unitsPerWindow: 60,
  windowMs: 30_000,
  oneAtATime: true,
  totalIsEquity: false,
  // Fees in the currency of the account, so that what was bought is what is held.
  orderParameters: { oflags: 'fciq' },
  keyCheck: {
    method: 'privatePostGetApiKeyInfo',
    section: 'private',
    canWithdraw: (answer) => textsIn(answer, 'permissions').some((one) => /withdraw/i.test(one)),
  },
};

const BYBIT: ExchangeFacts = {
  ...UNKNOWN,
  clientIdFits: /^[A-Za-z0-9_-]{1,36}$/,
  mapping: 'uuid',
  tradesPerAnswer: 100,
  keyCheck: {
    method: 'privateGetV5UserQueryApi',
    section: 'private',
    canWithdraw: (answer) => textsIn(answer, 'Wallet').some((one) => /withdraw/i.test(one)),
  },
};

const OKX: ExchangeFacts = {
  ...UNKNOWN,
  clientIdFits: /^[A-Za-z0-9]{1,32}$/,
  tradesPerAnswer: 100,
  totalIsEquity: true,
  keyCheck: {
    method: 'privateGetAccountConfig',
    section: 'rest',
    canWithdraw: (answer) => textsIn(answer, 'perm').some((one) => /withdraw/i.test(one)),
  },
};

/** The owner's wallet withdraws by signing; an agent wallet that it approved has a key, and so an address, of its own. */
const HYPERLIQUID: ExchangeFacts = { ...UNKNOWN, keyCheck: 'wallet' };

/** The same rules of orders; its own keys can not be asked what they may do. */
const { keyCheck: _ofBinance, ...BINANCE_US } = BINANCE;

const KNOWN: { readonly [exchange: string]: ExchangeFacts } = {
  binance: BINANCE,
  binanceusdm: BINANCE,
  binanceus: BINANCE_US,
  kraken: KRAKEN,
  bybit: BYBIT,
  okx: OKX,
  hyperliquid: HYPERLIQUID,
};

export const factsOf = (exchange: string): ExchangeFacts => KNOWN[exchange] ?? UNKNOWN;

/** Whether it was asked, and what it said; `unasked` where the venue has no such question or a testnet does not answer it. */
export async function askKey(ccxt: Ccxt, facts: ExchangeFacts): Promise<'unasked' | 'safe' | 'can-withdraw'> {
  const { keyCheck } = facts;
  if (keyCheck === undefined) return 'unasked';
  if (keyCheck === 'wallet') return isOfWallet(ccxt) ? 'can-withdraw' : 'unasked';
  const { api } = ccxt.urls;
  if (isRecord(api) && typeof api[keyCheck.section] !== 'string') return 'unasked';
  const ask = (ccxt as unknown as Readonly<Record<string, unknown>>)[keyCheck.method];
  if (typeof ask !== 'function') return 'unasked';
  const answer: unknown = await (ask.call(ccxt, {}) as Promise<unknown>);
  return keyCheck.canWithdraw(answer) ? 'can-withdraw' : 'safe';
}

/** Told here, without a word to anybody. A key that is none signs nothing, and the exchange says so. */
function isOfWallet(ccxt: Ccxt): boolean {
  const wallet = ccxt as unknown as Wallet;
  try {
    const address = wallet.ethGetAddressFromPrivateKey(wallet.privateKey ?? '');
    return address.toLowerCase() === wallet.walletAddress?.toLowerCase();
  } catch {
    return false;
  }
}

interface Wallet {
  readonly privateKey?: string;
  readonly walletAddress?: string;
  ethGetAddressFromPrivateKey(key: string): string;
}
