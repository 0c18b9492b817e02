/** What the simulated Alpaca holds: money, assets, quotes, orders and fills, changed only through `book.ts`. */
import { randomUUID } from 'node:crypto';

export type Status =
  | 'new'
  | 'accepted'
  | 'pending_new'
  | 'partially_filled'
  | 'filled'
  | 'done_for_day'
  | 'canceled'
  | 'expired'
  | 'replaced'
  | 'pending_cancel'
  | 'pending_replace'
  | 'rejected';

export interface SimOrder {
  readonly id: string;
  readonly client_order_id: string;
  readonly created_at: string;
  updated_at: string;
  readonly submitted_at: string;
  filled_at: string | null;
  expired_at: string | null;
  canceled_at: string | null;
  failed_at: string | null;
  replaced_at: string | null;
  replaced_by: string | null;
  readonly replaces: string | null;
  readonly asset_id: string;
  readonly symbol: string;
  readonly asset_class: 'us_equity' | 'crypto';
  readonly notional: null;
  readonly qty: string;
  filled_qty: string;
  filled_avg_price: string | null;
  readonly order_class: string;
  readonly order_type: string;
  readonly type: string;
  readonly side: 'buy' | 'sell';
  readonly time_in_force: string;
  readonly limit_price: string | null;
  readonly stop_price: string | null;
  status: string;
  readonly extended_hours: boolean;
  readonly legs: null;
  readonly trail_percent: string | null;
  readonly trail_price: string | null;
  readonly hwm: null;
  readonly subtag: null;
  readonly source: null;
}

export interface SimAsset {
  readonly id: string;
  readonly class: 'us_equity' | 'crypto';
  readonly exchange: string;
  readonly symbol: string;
  readonly name: string;
  status: 'active' | 'inactive';
  tradable: boolean;
  readonly marginable: boolean;
  readonly shortable: boolean;
  readonly easy_to_borrow: boolean;
  readonly fractionable: boolean;
  readonly min_order_size?: string;
  readonly min_trade_increment?: string;
  readonly price_increment?: string;
}

export interface SimQuote {
  readonly bid: string;
  readonly ask: string;
  readonly bidSize: string;
  readonly askSize: string;
  readonly last: string;
  readonly time: string;
}

export interface SimFill {
  readonly activityId: string;
  /** What the stream calls it: nothing published says that it is the id of the activity, and here it is not. */
  readonly executionId: string;
  readonly order: SimOrder;
  readonly qty: string;
  readonly price: string;
  readonly cumQty: string;
  readonly leavesQty: string;
  readonly time: string;
  readonly kind: 'fill' | 'partial_fill';
  /** What the stream said of it, kept to be said again. */
  update?: unknown;
  /** Not in the history yet. */
  hidden: boolean;
}

export interface SimState {
  keyId: string;
  accountId: string;
  secret: string;
  cash: string;
  /** Of coins that are bought; otherwise they are taken at once. */
  feesAtDaysEnd: boolean;
  accountFlags: {
    trading_blocked: boolean;
    account_blocked: boolean;
    trade_suspended_by_user: boolean;
    shorting_enabled: boolean;
    status: string;
    multiplier: string;
    currency: string;
  };
  readonly assets: Map<string, SimAsset>;
  readonly quotes: Map<string, SimQuote>;
  readonly orders: SimOrder[];
  readonly fills: SimFill[];
  readonly positions: Map<string, { qty: string; avg: string }>;
}

const asset = (symbol: string, exchange: string, name: string, more: Partial<SimAsset> = {}): SimAsset => ({
  id: randomUUID(),
  class: 'us_equity',
  exchange,
  symbol,
  name,
  status: 'active',
  tradable: true,
  marginable: true,
  shortable: true,
  easy_to_borrow: true,
  fractionable: true,
  ...more,
});
const COIN = {
  class: 'crypto',
  marginable: false,
  shortable: false,
  easy_to_borrow: false,
} as const satisfies Partial<SimAsset>;

export function simState(): SimState {
  const assets = [
    asset('AAPL', 'NASDAQ', 'Apple Inc. Common Stock'),
    asset('SPY', 'ARCA', 'SPDR S&P 500 ETF Trust'),
    asset('BRK.B', 'NYSE', 'Berkshire Hathaway Inc.', { fractionable: false }),
    asset('PENNY', 'OTC', 'Penny Mines Ltd.', { marginable: false, shortable: false, easy_to_borrow: false }),
    asset('HALTED', 'NASDAQ', 'Halted Corp.', { tradable: false }),
    asset('GONE', 'NASDAQ', 'Delisted Corp.', { status: 'inactive', tradable: false }),
    asset('BTC/USD', 'CRYPTO', 'Bitcoin / US Dollar', {
      ...COIN,
      min_order_size: '0.0001',
      min_trade_increment: '0.000000001',
      price_increment: '0.01',
    }),
    asset('ETH/BTC', 'CRYPTO', 'Ethereum / Bitcoin', {
      ...COIN,
      min_order_size: '0.001',
      min_trade_increment: '0.000000001',
      price_increment: '0.000000001',
    }),
  ];
  return {
    keyId: 'PKSIMULATED000000001',
    accountId: 'e6fe16f3-64a4-4921-8928-cadf02f92f98',
    secret: 'simulated-secret-of-forty-characters-000',
    cash: '100000',
    feesAtDaysEnd: false,
    accountFlags: {
      trading_blocked: false,
      account_blocked: false,
      trade_suspended_by_user: false,
      shorting_enabled: true,
      status: 'ACTIVE',
      multiplier: '2',
      currency: 'USD',
    },
    assets: new Map(assets.map((one) => [one.symbol, one])),
    quotes: new Map(),
    orders: [],
    fills: [],
    positions: new Map(),
  };
}
