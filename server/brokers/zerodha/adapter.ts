/** One account at Zerodha as a broker: its session, its stream, its books at Kite, told as events that may repeat and never lie. */
import type { BrokerConnection } from '#brokers/broker.ts';
import { indianCharges } from '#brokers/indian-charges.ts';
import type { LiveState } from '#brokers/live-socket.ts';
import { KITE_ABSENT_IS_FINAL_MS } from '#limits.ts';
import type { BrokerAdapter, BrokerCapabilities, BrokerListing, Quote } from '#ports.ts';
import { NO_SESSION, openKiteClient } from './client.ts';
import { openDayList } from './day-list.ts';
import { openExecutions } from './executions.ts';
import { openKiteMarket, quoteOf } from './market.ts';
import { openMemory } from './memory.ts';
import { openNews } from './news.ts';
import { openOrders } from './order-book.ts';
import { openPortfolio } from './portfolio.ts';
import { type SessionWatch, watchSession } from './session.ts';
import { endpointsOf, type ZerodhaCredentials, type ZerodhaSettings } from './settings.ts';
import { openTicker } from './ticker.ts';
import { openTrading, productFor } from './trading.ts';

export const ZERODHA_CAPABILITIES: BrokerCapabilities = {
  orderTypes: ['market', 'limit', 'stop', 'stop_limit'],
  timesInForce: ['day', 'gtc', 'ioc'],
  marketTimeInForce: 'day',
  brackets: false,
  trailing: false,
  extendedHours: false,
  shortSelling: true,
  replace: true,
  depth: true,
  postOnly: false,
  reduceOnly: false,
  products: ['cnc', 'mis', 'nrml'],
  marginPreview: true,
  holdings: true,
  // A tag names an order and does not make it the only one; it is looked for among the day's orders alone.
  ids: {
    scope: 'open_orders',
    queryByClientId: true,
    dedupes: false,
    cancelOnDisconnect: false,
    absentIsFinalAfterMs: KITE_ABSENT_IS_FINAL_MS,
  },
};

/** Its books are at Kite, and its prices its own: of the store and the feed here it knows nothing. */
export type ZerodhaConnection = Omit<BrokerConnection<ZerodhaSettings, ZerodhaCredentials>, 'store' | 'feed'>;

export function connectZerodha(connection: ZerodhaConnection): BrokerAdapter {
  const { account, clock, directory } = connection;
  const { settings } = account;
  const link = openLink(connection);
  const { client, memory, session, ticker } = link;
  const day = openDayList({ client, memory, directory, clock });
  const orders = openOrders({ day, memory, clock });
  const executions = openExecutions(client, orders, directory);
  const portfolio = openPortfolio(client, directory);
  const market = openKiteMarket({ client, clock, ticker, quotesHeard: link.quotesHeard });
  const news = openNews(orders, executions);
  const listingOf = (id: BrokerListing['instrument']['id']): BrokerListing => {
    const listing = directory.byId(id);
    if (listing === undefined) throw new RangeError(`${id} is not in Zerodha’s list.`);
    return listing;
  };
  let toldConnected = false;
  const connected = (): boolean => session.token() !== undefined && ticker.isOpen();
  link.heard = {
    text: (message) => news.read(message),
    change(detail) {
      if (connected() === toldConnected) return;
      toldConnected = connected();
      news.tell([{ kind: 'connection', connected: toldConnected, detail }]);
    },
  };

  return {
    account: account.id,
    broker: 'zerodha',
    mode: 'live',
    currency: 'INR',
    accountType: 'margin',
    capabilities: ZERODHA_CAPABILITIES,
    market,
    signIn: session.signIn,
    start: () => ticker.start(),
    connected,
    health: () => ({
      connected: connected(),
      trouble: link.trouble() ?? leftOut([...portfolio.strange, ...day.strange]),
      signInNeeded: session.token() === undefined,
      sessionEndsAtMs: session.endsAtMs() ?? null,
      requests: client.budget.stateNow(),
    }),
    ...openTrading({
      client,
      memory,
      orders,
      portfolio,
      directory,
      clock,
      settings,
      gate: connection.gate,
      whyNot: () => (session.token() === undefined ? NO_SESSION : undefined),
      lastPrice: (listing) => market.lastPrice(listing),
      changed: (brokerOrderId) => news.ask(brokerOrderId),
    }),
    orderByClientId: (id) => orders.orderByClientId(id),
    openOrders: () => orders.openOrders(),
    historySince: async (cursor) => ({ ...(await executions.since(cursor)), settlements: [] }),
    positions: () => portfolio.positions(),
    balance: () => portfolio.balance(),
    holdings: () => portfolio.holdings(),
    async margin(order) {
      const listing = listingOf(order.instrument);
      const product = await productFor({ portfolio, settings }, order, listing);
      if (typeof product === 'string') throw new RangeError(product);
      return portfolio.margin(order, listing, product.product);
    },
    estimateFee(order, price) {
      const { instrument } = listingOf(order.instrument);
      const own = instrument.assetClass === 'equity' ? settings.equity_product : settings.derivatives_product;
      const { side, qty, product = own } = order;
      return indianCharges(instrument, { side, qty, price, product, timeMs: clock.wallMs() });
    },
    onEvents: (listener) => news.onEvents(listener),
    async close() {
      link.close();
      await news.close();
    },
  };
}

function leftOut(strange: readonly string[]): string | null {
  if (strange.length === 0) return null;
  const names = strange.slice(0, 5).join(', ');
  return `Left out here, since it is nothing that Zerodha’s list has for this gateway: ${names}.`;
}

/** The session and the two lines that hang on it: what one of them learns of its end, the others follow. */
function openLink(connection: ZerodhaConnection) {
  const { credentials, clock } = connection;
  const endpoints = endpointsOf(connection.account.settings);
  const memory = openMemory(connection.session);
  const quotesHeard = new Set<(quotes: readonly Quote[]) => void>();
  let streamTrouble = 'The stream of Kite has not opened yet.';
  const link = {
    memory,
    quotesHeard,
    heard: { text: (_message: string): void => undefined, change: (_detail: string): void => undefined },
  };
  const client = openKiteClient({
    baseUrl: endpoints.api,
    apiKey: credentials.api_key,
    clock,
    token: () => session.token(),
    onTokenEnded: (token) => session.ended(token),
  });
  const session: SessionWatch = watchSession({
    memory,
    clock,
    credentials,
    loginUrl: endpoints.login,
    client: () => client,
    onChange(why) {
      link.heard.change(why);
      ticker.reopen(why);
    },
  });
  function onState(state: LiveState): void {
    streamTrouble = state.kind === 'open' ? '' : `The stream of Kite is down. ${state.why}`;
    link.heard.change(state.kind === 'open' ? 'the stream of Kite is open' : state.why);
    // A stream that is refused says only that; whether it is the token, Kite says when it is asked.
    if (state.kind === 'down' && state.status === 403)
      void client.read({ path: '/user/profile' }).catch(() => undefined);
  }
  const ticker = openTicker({
    clock,
    url() {
      const token = session.token();
      if (token === undefined) return undefined;
      const url = new URL(endpoints.stream);
      url.searchParams.set('api_key', credentials.api_key);
      url.searchParams.set('access_token', token);
      return String(url);
    },
    onText: (message) => link.heard.text(message),
    onTicks(ticks) {
      const nowMs = clock.wallMs();
      const quotes = ticks.flatMap(({ listing, tick }) => quoteOf(listing, tick, nowMs) ?? []);
      if (quotes.length === 0) return;
      for (const listener of quotesHeard) listener(quotes);
    },
    onState,
  });
  return Object.assign(link, {
    client,
    session,
    ticker,
    trouble(): string | undefined {
      const signInNeeded = session.token() === undefined;
      return !signInNeeded && !ticker.isOpen() ? streamTrouble : session.trouble();
    },
    close() {
      session.close();
      ticker.close();
      client.close();
      quotesHeard.clear();
    },
  });
}
