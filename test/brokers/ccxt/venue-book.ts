/** The books of a simulated exchange: orders that work until somebody fills or ends them, trades, and a wallet that pays for them. */
import { money, price, quantity, text } from '#domain/decimal.ts';

export type BookStatus = 'open' | 'partially_filled' | 'filled' | 'canceled' | 'expired' | 'rejected';

export interface BookOrder {
  readonly id: string;
  readonly clientId: string | undefined;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly type: string;
  readonly force: string;
  qty: string;
  limit: string | undefined;
  stop: string | undefined;
  readonly reduceOnly?: boolean;
  filled: string;
  /** Of all that was filled, in the quote currency. */
  cost: string;
  status: BookStatus;
  readonly openedMs: number;
  changedMs: number;
}

export interface BookTrade {
  readonly id: string;
  readonly order: BookOrder;
  readonly qty: string;
  readonly price: string;
  readonly fee: string;
  readonly feeAsset: string;
  readonly timeMs: number;
}

export type BookChange =
  | { readonly kind: 'new' | 'ended' | 'changed'; readonly order: BookOrder }
  | { readonly kind: 'trade'; readonly order: BookOrder; readonly trade: BookTrade };

export interface BookOptions {
  readonly base: string;
  readonly quote: string;
  readonly wallet: Readonly<Record<string, string>>;
  /** Part of the value, taken in the quote currency. */
  readonly feeRate: string;
  readonly orderId: (number: number) => string;
  readonly tradeId: (number: number) => string;
  readonly nowMs: () => number;
}

export type VenueBook = ReturnType<typeof openVenueBook>;
export const isWorking = ({ status }: BookOrder): boolean =>
  status === 'open' || status === 'partially_filled';

export function openVenueBook(options: BookOptions) {
  const { base, quote, nowMs } = options;
  const orders: BookOrder[] = [];
  const trades: BookTrade[] = [];
  const wallet = new Map(Object.entries(options.wallet));
  const listeners = new Set<(change: BookChange) => void>();
  let touch = { bid: '0', ask: '0' };
  const tell = (change: BookChange): void => {
    for (const listener of listeners) listener(change);
  };
  const move = (asset: string, by: string): void =>
    void wallet.set(asset, text(money(wallet.get(asset) ?? '0').plus(by) as ReturnType<typeof money>));

  /** What working orders hold of an asset. */
  const locked = (asset: string): string =>
    text(
      orders.filter(isWorking).reduce((sum, { side, qty, filled, limit, stop }) => {
        const left = quantity(qty).minus(filled);
        if (side === 'sell') return asset === base ? (sum.plus(left) as typeof sum) : sum;
        return asset === quote ? (sum.plus(left.times(limit ?? stop ?? '0')) as typeof sum) : sum;
      }, money('0')),
    );

  return {
    ...options,
    orders,
    trades,
    wallet,
    locked,
    touch: () => touch,
    setTouch: (bid: string, ask: string): void => {
      touch = { bid, ask };
    },
    onChange(listener: (change: BookChange) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    free: (asset: string): string =>
      text(money(wallet.get(asset) ?? '0').minus(locked(asset)) as ReturnType<typeof money>),
    place(
      said: Pick<
        BookOrder,
        'clientId' | 'symbol' | 'side' | 'type' | 'force' | 'qty' | 'limit' | 'stop' | 'reduceOnly'
      >,
    ): BookOrder {
      const order: BookOrder = {
        ...said,
        id: options.orderId(orders.filter(({ symbol }) => symbol === said.symbol).length + 1),
        filled: '0',
        cost: '0',
        status: 'open',
        openedMs: nowMs(),
        changedMs: nowMs(),
      };
      orders.push(order);
      tell({ kind: 'new', order });
      return order;
    },
    change(order: BookOrder, terms: Partial<Pick<BookOrder, 'qty' | 'limit' | 'stop'>>): void {
      Object.assign(order, terms, { changedMs: nowMs() });
      if (quantity(order.filled).gte(order.qty)) order.status = 'filled';
      tell({ kind: 'changed', order });
    },
    end(order: BookOrder, status: 'canceled' | 'expired' | 'rejected'): void {
      Object.assign(order, { status, changedMs: nowMs() });
      tell({ kind: 'ended', order });
    },
    fill(order: BookOrder, qty: string, at: string): BookTrade {
      const worth = price(at).times(qty);
      const fee = worth.times(options.feeRate).toFixed();
      order.filled = quantity(order.filled).plus(qty).toFixed();
      order.cost = money(order.cost).plus(worth).toFixed();
      order.status = quantity(order.filled).gte(order.qty) ? 'filled' : 'partially_filled';
      order.changedMs = nowMs();
      const trade: BookTrade = {
        id: options.tradeId(trades.length + 1),
        order,
        qty,
        price: at,
        fee,
        feeAsset: quote,
        timeMs: nowMs(),
      };
      trades.push(trade);
      move(base, order.side === 'buy' ? qty : `-${qty}`);
      move(quote, (order.side === 'buy' ? worth.times('-1') : worth).minus(fee).toFixed());
      tell({ kind: 'trade', order, trade });
      return trade;
    },
  };
}
