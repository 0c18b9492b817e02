/** What the simulated Alpaca says over REST, in the shapes of its published description. */
import { absolute, add, money, price, quantity, subtract, text, value } from '#domain/decimal.ts';
import type { SimFill, SimQuote, SimState } from './state.ts';

export function accountPayload(state: SimState): Record<string, unknown> {
  const { accountFlags: flags } = state;
  let worth = money('0');
  for (const [symbol, { qty, avg }] of state.positions)
    worth = add(worth, value(price(state.quotes.get(symbol)?.bid ?? avg), quantity(qty)));
  const equity = add(money(state.cash), worth);
  const power = text(money(money(state.cash).times(flags.multiplier).toFixed()));
  return {
    id: state.accountId,
    account_number: 'PA3SIMULATED',
    status: flags.status,
    crypto_status: 'ACTIVE',
    currency: flags.currency,
    cash: state.cash,
    equity: text(equity),
    portfolio_value: text(equity),
    last_equity: text(equity),
    buying_power: power,
    regt_buying_power: power,
    non_marginable_buying_power: state.cash,
    options_buying_power: state.cash,
    long_market_value: text(worth),
    short_market_value: '0',
    initial_margin: '0',
    maintenance_margin: '0',
    last_maintenance_margin: '0',
    sma: '0',
    multiplier: flags.multiplier,
    accrued_fees: '0',
    pending_transfer_in: '0',
    pending_transfer_out: '0',
    pending_reg_taf_fees: '0',
    created_at: '2023-01-01T18:20:20.272275Z',
    balance_asof: '2023-09-27',
    trading_blocked: flags.trading_blocked,
    transfers_blocked: false,
    account_blocked: flags.account_blocked,
    trade_suspended_by_user: flags.trade_suspended_by_user,
    shorting_enabled: flags.shorting_enabled,
    pattern_day_trader: false,
    daytrade_count: 0,
    daytrading_buying_power: '0',
    crypto_tier: 1,
  };
}

export function positionPayloads(state: SimState): readonly Record<string, unknown>[] {
  return [...state.positions].map(([symbol, { qty, avg }]) => {
    const asset = state.assets.get(symbol);
    const at = state.quotes.get(symbol)?.bid ?? avg;
    const worth = value(price(at), quantity(qty));
    const cost = value(price(avg), quantity(qty));
    const gain = text(subtract(worth, cost));
    return {
      asset_id: asset?.id ?? '00000000-0000-4000-8000-000000000000',
      // As the broker spells a pair that is held: without its slash.
      symbol: symbol.replace('/', ''),
      exchange: asset?.class === 'crypto' ? '' : (asset?.exchange ?? ''),
      asset_class: asset?.class ?? 'us_equity',
      asset_marginable: asset?.marginable ?? false,
      avg_entry_price: avg,
      qty,
      qty_available: text(absolute(quantity(qty))),
      side: quantity(qty).gt('0') ? 'long' : 'short',
      market_value: text(worth),
      cost_basis: text(cost),
      unrealized_pl: gain,
      unrealized_plpc: '0',
      unrealized_intraday_pl: gain,
      unrealized_intraday_plpc: '0',
      current_price: at,
      lastday_price: at,
      change_today: '0',
    };
  });
}

export const activityPayload = (fill: SimFill): Record<string, unknown> => ({
  id: fill.activityId,
  activity_type: 'FILL',
  transaction_time: fill.time,
  type: fill.kind,
  price: fill.price,
  qty: fill.qty,
  side: fill.order.side,
  symbol: fill.order.symbol,
  leaves_qty: fill.leavesQty,
  order_id: fill.order.id,
  cum_qty: fill.cumQty,
  order_status: fill.kind === 'fill' ? 'filled' : 'partially_filled',
});

export const quotePayload = (quote: SimQuote, crypto: boolean): Record<string, unknown> => ({
  t: quote.time,
  bp: Number(quote.bid),
  bs: Number(quote.bidSize),
  ap: Number(quote.ask),
  as: Number(quote.askSize),
  ...(crypto ? {} : { ax: 'Q', bx: 'Q', c: ['R'], z: 'C' }),
});

export const tradePayload = (quote: SimQuote, crypto: boolean): Record<string, unknown> => ({
  t: quote.time,
  p: Number(quote.last),
  s: crypto ? Number(quote.bidSize) : 1,
  i: 7,
  ...(crypto ? { tks: 'B' } : { c: ['@'], x: 'V', z: 'C' }),
});

export interface SimBar {
  readonly t: string;
  readonly o: string;
  readonly h: string;
  readonly l: string;
  readonly c: string;
  readonly v: string;
}
export const barPayload = (bar: SimBar): Record<string, unknown> => ({
  t: bar.t,
  o: Number(bar.o),
  h: Number(bar.h),
  l: Number(bar.l),
  c: Number(bar.c),
  v: Number(bar.v),
  n: 3,
  vw: Number(bar.c),
});
