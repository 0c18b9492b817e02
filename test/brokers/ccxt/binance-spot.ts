/** The routes and events of spot. */
import { money } from '#domain/decimal.ts';
import { at8, findIn, isAnswer, no, ok, RAW, STATUS, takeIn, tradesIn, type Wire } from './binance-orders.ts';
import { type BookOrder, isWorking, type VenueBook } from './venue-book.ts';

export function spotWire(book: VenueBook, nowMs: () => number): Wire {
  const told = (order: BookOrder) => ({
    symbol: order.symbol,
    orderId: RAW(order.id),
    orderListId: -1,
    clientOrderId: order.clientId ?? `web_${order.id}`,
    price: at8(order.limit),
    origQty: at8(order.qty),
    executedQty: at8(order.filled),
    cummulativeQuoteQty: at8(order.cost),
    status: STATUS[order.status],
    timeInForce: order.force,
    type: order.type,
    side: order.side.toUpperCase(),
    stopPrice: at8(order.stop),
    icebergQty: '0.00000000',
    time: order.openedMs,
    updateTime: order.changedMs,
    isWorking: true,
  });
  return {
    answer(request) {
      const { method, path } = request;
      switch (`${method} ${path}`) {
        case 'POST /api/v3/order': {
          const order = takeIn(book, request, '0.00001');
          return isAnswer(order) ? order : ok({ ...told(order), transactTime: nowMs(), fills: [] });
        }
        case 'DELETE /api/v3/order': {
          const order = findIn(book, request);
          if (order === undefined || !isWorking(order)) return no(-2011, 'Unknown order sent.');
          book.end(order, 'canceled');
          return ok(told(order));
        }
        case 'GET /api/v3/order': {
          const order = findIn(book, request);
          return order === undefined ? no(-2013, 'Order does not exist.') : ok(told(order));
        }
        case 'GET /api/v3/openOrders':
          return ok(book.orders.filter(isWorking).map(told));
        case 'GET /api/v3/myTrades':
          return ok(
            tradesIn(book, request).map(({ id, order, qty, price, fee, feeAsset, timeMs }) => ({
              symbol: order.symbol,
              id: Number(id),
              orderId: RAW(order.id),
              price: at8(price),
              qty: at8(qty),
              quoteQty: money(price).times(qty).toFixed(8),
              commission: fee,
              commissionAsset: feeAsset,
              time: timeMs,
              isBuyer: order.side === 'buy',
              isMaker: true,
              isBestMatch: true,
            })),
          );
        case 'GET /api/v3/account':
          return ok({
            makerCommission: 10,
            takerCommission: 10,
            canTrade: true,
            canWithdraw: true,
            updateTime: nowMs(),
            accountType: 'SPOT',
            balances: [...book.wallet.keys()].map((asset) => ({
              asset,
              free: book.free(asset),
              locked: book.locked(asset),
            })),
          });
        default:
          return undefined;
      }
    },
    event({ order, ...change }) {
      const trade = change.kind === 'trade' ? change.trade : undefined;
      return {
        subscriptionId: 0,
        event: {
          e: 'executionReport',
          E: nowMs(),
          s: order.symbol,
          c: order.clientId ?? `web_${order.id}`,
          S: order.side.toUpperCase(),
          o: order.type,
          f: order.force,
          q: at8(order.qty),
          p: at8(order.limit),
          P: at8(order.stop),
          F: '0.00000000',
          g: -1,
          C: '',
          x: trade === undefined ? STATUS[order.status] : 'TRADE',
          X: STATUS[order.status],
          r: 'NONE',
          i: RAW(order.id),
          l: at8(trade?.qty),
          z: at8(order.filled),
          L: at8(trade?.price),
          n: trade?.fee ?? '0',
          N: trade?.feeAsset ?? null,
          T: order.changedMs,
          t: trade === undefined ? -1 : Number(trade.id),
          w: true,
          m: true,
          O: order.openedMs,
          Z: at8(order.cost),
          Y: '0.00000000',
          Q: '0.00000000',
        },
      };
    },
  };
}
