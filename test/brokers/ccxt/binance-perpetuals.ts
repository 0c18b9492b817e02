/** The routes and events of USD-M perpetuals. */
import { add, money, ZERO_MONEY } from '#domain/decimal.ts';
import { findIn, isAnswer, no, ok, RAW, STATUS, takeIn, tradesIn, type Wire } from './binance-orders.ts';
import { type BookOrder, isWorking, type VenueBook } from './venue-book.ts';

export function futuresWire(book: VenueBook, nowMs: () => number): Wire {
  const told = (order: BookOrder) => ({
    orderId: RAW(order.id),
    symbol: order.symbol,
    status: STATUS[order.status],
    clientOrderId: order.clientId ?? `web_${order.id}`,
    price: order.limit ?? '0',
    avgPrice: '0',
    origQty: order.qty,
    executedQty: order.filled,
    cumQuote: order.cost,
    timeInForce: order.force,
    type: order.type,
    origType: order.type,
    reduceOnly: order.reduceOnly === true,
    closePosition: false,
    side: order.side.toUpperCase(),
    positionSide: 'BOTH',
    stopPrice: '0',
    workingType: 'CONTRACT_PRICE',
    priceProtect: false,
    time: order.openedMs,
    updateTime: order.changedMs,
  });
  const held = (): string =>
    book.trades
      .map(({ order, qty }) => (order.side === 'buy' ? money(qty) : money(`-${qty}`)))
      .reduce((sum, one) => add(sum, one), ZERO_MONEY)
      .toFixed();
  const position = () => ({
    symbol: 'BTCUSDT',
    positionAmt: held(),
    entryPrice: book.trades.at(-1)?.price ?? '0',
    breakEvenPrice: '0',
    markPrice: book.touch().bid,
    unRealizedProfit: '0',
    unrealizedProfit: '0',
    liquidationPrice: '0',
    leverage: '10',
    isolated: false,
    positionSide: 'BOTH',
    notional: money(book.touch().bid).times(held()).toFixed(),
    marginAsset: 'USDT',
    isolatedMargin: '0',
    isolatedWallet: '0',
    initialMargin: '0',
    maintMargin: '0',
    positionInitialMargin: '0',
    openOrderInitialMargin: '0',
    adl: 1,
    bidNotional: '0',
    askNotional: '0',
    updateTime: nowMs(),
  });
  return {
    answer(request) {
      const { method, path } = request;
      const route = `${method} ${path.replace(/^\/fapi\/v\d/, '')}`;
      switch (route) {
        case 'POST /order': {
          const order = takeIn(book, request, '0.001');
          return isAnswer(order) ? order : ok(told(order));
        }
        case 'PUT /order':
        case 'DELETE /order':
        case 'GET /order': {
          const order = findIn(book, request);
          if (order === undefined) return no(method === 'GET' ? -2013 : -2011, 'Order does not exist.');
          if (method !== 'GET' && !isWorking(order)) return no(-2011, 'Unknown order sent.');
          if (method === 'DELETE') book.end(order, 'canceled');
          if (method === 'PUT')
            book.change(order, {
              qty: request.params.get('quantity') ?? order.qty,
              limit: request.params.get('price') ?? undefined,
            });
          return ok(told(order));
        }
        case 'GET /openOrders':
          return ok(book.orders.filter(isWorking).map(told));
        case 'GET /userTrades':
          return ok(
            tradesIn(book, request).map(({ id, order, qty, price, fee, feeAsset, timeMs }) => ({
              symbol: order.symbol,
              id: Number(id),
              orderId: RAW(order.id),
              side: order.side.toUpperCase(),
              price,
              qty,
              realizedPnl: '0',
              quoteQty: money(price).times(qty).toFixed(),
              commission: fee,
              commissionAsset: feeAsset,
              time: timeMs,
              positionSide: 'BOTH',
              buyer: order.side === 'buy',
              maker: true,
            })),
          );
        case 'GET /account':
          return ok({
            totalWalletBalance: '1000000',
            assets: [
              {
                asset: 'USDT',
                walletBalance: '1000000',
                unrealizedProfit: '0',
                marginBalance: '1000000',
                maintMargin: '0',
                initialMargin: '0',
                availableBalance: '1000000',
                updateTime: nowMs(),
              },
            ],
            positions: [position()],
          });
        case 'GET /positionRisk':
          return ok([position()]);
        case 'GET /leverageBracket':
          return ok([{ symbol: 'BTCUSDT', notionalCoef: 1, brackets: [] }]);
        default:
          return undefined;
      }
    },
    event({ order, ...change }) {
      const trade = change.kind === 'trade' ? change.trade : undefined;
      return {
        e: 'ORDER_TRADE_UPDATE',
        E: nowMs(),
        T: nowMs(),
        o: {
          s: order.symbol,
          c: order.clientId ?? `web_${order.id}`,
          S: order.side.toUpperCase(),
          o: order.type,
          f: order.force,
          q: order.qty,
          p: order.limit ?? '0',
          ap: '0',
          sp: '0',
          x: trade === undefined ? STATUS[order.status] : 'TRADE',
          X: STATUS[order.status],
          i: RAW(order.id),
          l: trade?.qty ?? '0',
          z: order.filled,
          L: trade?.price ?? '0',
          N: trade?.feeAsset ?? 'USDT',
          n: trade?.fee ?? '0',
          T: order.changedMs,
          t: trade === undefined ? 0 : Number(trade.id),
          m: true,
          R: false,
          ot: order.type,
          ps: 'BOTH',
          rp: '0',
        },
      };
    },
  };
}
