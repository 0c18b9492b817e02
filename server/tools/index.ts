/** The tools, in the order in which they are listed: one line each. */

import { cancelAllOrders } from './cancel-all-orders.ts';
import { cancelOrder } from './cancel-order.ts';
import { closeAllPositions } from './close-all-positions.ts';
import { closePosition } from './close-position.ts';
import type { Tool } from './define.ts';
import { getAccount } from './get-account.ts';
import { getBars } from './get-bars.ts';
import { getGatewayStatus } from './get-gateway-status.ts';
import { getHoldings } from './get-holdings.ts';
import { getInstrument } from './get-instrument.ts';
import { getMandate } from './get-mandate.ts';
import { getMarketClock } from './get-market-clock.ts';
import { getMarketDepth } from './get-market-depth.ts';
import { getOrder } from './get-order.ts';
import { getOrders } from './get-orders.ts';
import { getPnlHistory } from './get-pnl-history.ts';
import { getPositions } from './get-positions.ts';
import { getQuotes } from './get-quotes.ts';
import { getTrades } from './get-trades.ts';
import { haltTrading } from './halt-trading.ts';
import { listAccounts } from './list-accounts.ts';
import { modifyOrder } from './modify-order.ts';
import { placeOrder } from './place-order.ts';
import { previewOrder } from './preview-order.ts';
import { searchInstruments } from './search-instruments.ts';
import { tightenMandate } from './tighten-mandate.ts';
import { watchMarket } from './watch-market.ts';

export const TOOLS: readonly Tool[] = [
  searchInstruments,
  getInstrument,
  getQuotes,
  watchMarket,
  getMarketDepth,
  getBars,
  getMarketClock,
  getGatewayStatus,
  listAccounts,
  getAccount,
  getPositions,
  getHoldings,
  getOrders,
  getOrder,
  getTrades,
  getPnlHistory,
  getMandate,
  previewOrder,
  placeOrder,
  modifyOrder,
  cancelOrder,
  cancelAllOrders,
  closePosition,
  closeAllPositions,
  haltTrading,
  tightenMandate,
];
