/** Orders and trades of the Binance simulators, spot and perpetuals alike: how they are taken, found and said. */
import { money, quantity } from '#domain/decimal.ts';
import type { SimAnswer, SimRequest } from './sim-server.ts';
import type { BookChange, BookOrder, VenueBook } from './venue-book.ts';
import { isWorking } from './venue-book.ts';

export const ok = (body: unknown): SimAnswer => ({ status: 200, body });
export const no = (code: number, msg: string, status = 400): SimAnswer => ({ status, body: { code, msg } });

export const STATUS = {
  open: 'NEW',
  partially_filled: 'PARTIALLY_FILLED',
  filled: 'FILLED',
  canceled: 'CANCELED',
  expired: 'EXPIRED',
  rejected: 'REJECTED',
} as const;
export const at8 = (figure: string | undefined): string => money(figure ?? '0').toFixed(8);

export interface Wire {
  answer(request: SimRequest): SimAnswer | undefined;
  event(change: BookChange): unknown;
}

/** What both have in common: an order is asked for by either of its ids, which are those of its instrument alone. */
export function findIn(book: VenueBook, { params }: SimRequest): BookOrder | undefined {
  const id = params.get('orderId');
  const clientId = params.get('origClientOrderId');
  const symbol = params.get('symbol');
  return book.orders.findLast(
    (one) => one.symbol === symbol && (id === null ? one.clientId === clientId : one.id === id),
  );
}
export function tradesIn(book: VenueBook, { params }: SimRequest) {
  const fromMs = Number(params.get('startTime') ?? '0');
  const untilMs = Number(params.get('endTime') ?? '9e15');
  return book.trades
    .filter(({ timeMs }) => timeMs >= fromMs && timeMs <= untilMs)
    .filter(({ order }) => order.symbol === params.get('symbol'))
    .slice(0, Number(params.get('limit') ?? '500'));
}
/** An order as it was asked for, or why not. */
export function takeIn(book: VenueBook, { params }: SimRequest, lot: string): BookOrder | SimAnswer {
  const side = params.get('side') === 'BUY' ? 'buy' : 'sell';
  const qty = params.get('quantity') ?? '0';
  const limit = params.get('price') ?? undefined;
  const clientId = params.get('newClientOrderId') ?? undefined;
  if (params.get('symbol') !== 'BTCUSDT') return no(-1121, 'Invalid symbol.');
  if (clientId !== undefined && !/^[.A-Z:/a-z0-9_-]{1,36}$/.test(clientId))
    return no(-1100, "Illegal characters found in parameter 'newClientOrderId'.");
  if (book.orders.some((one) => isWorking(one) && one.clientId === clientId))
    return no(-2010, 'Duplicate order sent.');
  if (!quantity(qty).mod(lot).eq('0')) return no(-1013, 'Filter failure: LOT_SIZE');
  const at = limit ?? book.touch().ask;
  if (side === 'buy' && money(book.free('USDT')).lt(money(qty).times(at)))
    return no(-2010, 'Account has insufficient balance for requested action.');
  const order = book.place({
    clientId,
    symbol: 'BTCUSDT',
    side,
    type: params.get('type') ?? 'LIMIT',
    force: params.get('timeInForce') ?? 'GTC',
    qty,
    limit,
    stop: params.get('stopPrice') ?? undefined,
    reduceOnly: params.get('reduceOnly') === 'true',
  });
  if (order.type === 'MARKET') book.fill(order, qty, side === 'buy' ? book.touch().ask : book.touch().bid);
  else if (order.force === 'IOC' || order.force === 'FOK') book.end(order, 'expired');
  return order;
}
export const isAnswer = (value: BookOrder | SimAnswer): value is SimAnswer => 'body' in value;

/** A whole number above 2^53, written without quotes as Binance writes it. */
export const RAW = (digits: string): unknown =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);
