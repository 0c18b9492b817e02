/** What the parts of one account share: its exchange, its instruments, the orders it knows, and how the exchange's words are read. */
import type { BrokerConnection } from '#brokers/broker.ts';
import type { BrokerExecution, BrokerOrder } from '#domain/broker.ts';
import type { Price } from '#domain/decimal.ts';
import { type InstrumentId, pricedIn } from '#domain/instrument.ts';
import { printable } from '#domain/refusal.ts';
import type { BrokerListing } from '#ports.ts';
import { ratesIn, type StateContext } from './account-state.ts';
import { isClass } from './error-class.ts';
import { type Exchange, openExchange } from './exchange.ts';
import { brokerExecution } from './executions.ts';
import type { ExchangeFacts } from './facts.ts';
import { type KnownOrders, openKnownOrders } from './known-orders.ts';
import { directoryOf, idOf, kindOf } from './listings.ts';
import { type ExchangeMarket, openMarket } from './market.ts';
import { orderName, venueOrderId } from './order-id.ts';
import { brokerOrder } from './orders.ts';
import type { CcxtCredentials, CcxtSettings } from './settings.ts';
import type { CcxtOrder, CcxtTrade } from './types.ts';
import type { Errand } from './wire.ts';

export type CcxtConnection = Pick<
  BrokerConnection<CcxtSettings, CcxtCredentials>,
  'account' | 'credentials' | 'session' | 'clock' | 'directory' | 'gate'
>;

export interface Account {
  readonly exchange: Exchange;
  readonly market: ExchangeMarket;
  readonly known: KnownOrders;
  readonly state: StateContext;
  /** In the list, of this account's kind, and paid in its currency: everything else is another account's. */
  listingOf(symbol: string): BrokerListing | undefined;
  symbolOf(id: InstrumentId): string;
  /** A question that moves nothing. */
  readonly ask: <T>(call: () => Promise<T>) => Promise<T>;
  /** The exchange's clock, as far as it was compared. */
  readonly venueNowMs: () => number;
  /** Throws where an order of this account can not be read; orders of other instruments are left out. */
  ordersIn(told: readonly CcxtOrder[]): readonly BrokerOrder[];
  /** undefined: it says too little to be relied on. */
  orderIn(told: CcxtOrder): BrokerOrder | undefined;
  /**
   * Trades name the exchange's id of their order alone. One that has no name here is asked for first: the answer that named it may have
   * been lost, and a fill of ours must not be taken for a stranger's. Rejects where that can not be said.
   */
  executionsIn(trades: readonly CcxtTrade[]): Promise<readonly BrokerExecution[]>;
  openOrders(): Promise<readonly BrokerOrder[]>;
  /** Asks for the prices of coins that it holds; what can not be had stays as it was. */
  refreshRates(assets: readonly string[]): Promise<void>;
  /** A lasting remark for the owner under a name of its own; null takes it back. */
  note(name: string, sentence: string | null): void;
  remark(): string | null;
}

export const errandOf = (kind: Errand['kind'], gate?: Errand['gate']): Errand => ({
  kind,
  ...(gate === undefined ? {} : { gate }),
  left: false,
  status: undefined,
});

/** Throws with one sentence when the account can not be opened. */
export function openAccount(connection: CcxtConnection): Account {
  const { account, credentials, session, clock, directory } = connection;
  const { settings } = account;
  const { currency, kind } = settings;
  const testnet = account.mode === 'paper';
  const list = directoryOf(settings.exchange, testnet);
  const common = { exchange: settings.exchange, kind, testnet, endpoints: settings.endpoints, clock };
  const exchange = openExchange({ ...common, credentials });
  const { ccxt, wire } = exchange;
  const market = openMarket(openExchange({ ...common, credentials: {} }), list, clock);
  const notes = new Map<string, string>();
  const rates = new Map<string, Price>();
  const ask = <T>(call: () => Promise<T>): Promise<T> => wire.run(errandOf('read'), call);
  const note: Account['note'] = (name, sentence) => {
    if (sentence === null) notes.delete(name);
    else notes.set(name, printable(sentence));
  };
  const venueNowMs = (): number => {
    const apart = ccxt.options['timeDifference'];
    return Math.trunc(clock.wallMs()) - (typeof apart === 'number' ? Math.trunc(apart) : 0);
  };
  const known = openKnownOrders(exchange.facts, session, venueNowMs);

  function listingOf(symbol: string): BrokerListing | undefined {
    const listing = directory.bySymbol(symbol) ?? directory.byId(idOf(list, symbol));
    if (listing === undefined || kindOf(listing.instrument) !== kind) return undefined;
    return pricedIn(listing.instrument) === currency ? listing : undefined;
  }
  const told = toldBy({
    facts: exchange.facts,
    known,
    listingOf,
    note,
    rates,
    currency,
    nowMs: () => clock.wallMs(),
  });
  const noteRates = (quotes: Awaited<ReturnType<typeof market.quotes>>): void => {
    for (const [asset, rate] of ratesIn(quotes, { directory, currency })) rates.set(asset, rate);
  };
  market.onQuotes(noteRates);
  async function nameOf(brokerOrderId: string, symbol: string): Promise<void> {
    if (ccxt.has['fetchOrder'] !== true) return;
    try {
      const [found] = told.ordersIn([
        await ask(() => ccxt.fetchOrder(venueOrderId(brokerOrderId, exchange.facts), symbol)),
      ]);
      if (found?.brokerClientId === null) known.noteStranger(brokerOrderId);
    } catch (fault) {
      if (!isClass(fault, 'OrderNotFound')) throw fault;
    }
  }
  return {
    exchange,
    market,
    known,
    state: { exchange, currency, listingOf, rateOf: (asset) => rates.get(asset) },
    listingOf,
    symbolOf: (id) => directory.byId(id)?.brokerSymbol ?? '',
    ask,
    venueNowMs,
    ...told,
    async executionsIn(trades) {
      for (const { order, symbol } of trades) {
        if (typeof order !== 'string' || typeof symbol !== 'string' || !listingOf(symbol)) continue;
        const brokerOrderId = orderName(order, symbol, exchange.facts);
        if (known.isNew(brokerOrderId)) await nameOf(brokerOrderId, symbol);
      }
      return told.executionsIn(trades);
    },
    openOrders: async () => told.ordersIn(await ask(() => ccxt.fetchOpenOrders())),
    async refreshRates(assets) {
      const held = assets.flatMap((asset) => listingOf(`${asset}/${currency}`) ?? []);
      noteRates(await market.quotes(held).catch(() => []));
    },
    note,
    remark: () => notes.values().next().value ?? null,
  };
}

interface Telling {
  readonly facts: ExchangeFacts;
  readonly known: KnownOrders;
  readonly listingOf: Account['listingOf'];
  readonly note: Account['note'];
  readonly rates: ReadonlyMap<string, Price>;
  readonly currency: string;
  readonly nowMs: () => number;
}

function toldBy({ facts, known, listingOf, note, rates, currency, nowMs }: Telling) {
  const named = (id: CcxtOrder['id'], symbol: CcxtOrder['symbol']): CcxtOrder['id'] =>
    id && symbol ? orderName(id, symbol, facts) : id;
  const read = (told: CcxtOrder) =>
    brokerOrder(
      { ...told, id: named(told.id, told.symbol) },
      {
        instrumentOf: (symbol) => listingOf(symbol)?.instrument.id,
        clientIdOf: (venueId, brokerOrderId) => known.clientIdOf(venueId, brokerOrderId),
        termsOf: (id) => known.byClientId(id)?.terms,
        nowMs: nowMs(),
      },
    );
  function noted(order: BrokerOrder, symbol: string): BrokerOrder {
    known.noteSymbol(symbol);
    const { brokerClientId } = order;
    if (brokerClientId === null) return order;
    if (known.byClientId(brokerClientId) === undefined) known.sending({ brokerClientId, symbol });
    known.acknowledged(brokerClientId, order.brokerOrderId);
    return order;
  }
  return {
    ordersIn: (told: readonly CcxtOrder[]): readonly BrokerOrder[] =>
      told.flatMap((one) => {
        if (typeof one.symbol === 'string' && listingOf(one.symbol) === undefined) {
          note('orders', `Orders in ${one.symbol} are not this account’s and are left out.`);
          return [];
        }
        const order = read(one);
        if (!order.ok) throw new Error(order.error);
        return noted(order.value, one.symbol ?? '');
      }),
    orderIn(told: CcxtOrder): BrokerOrder | undefined {
      const order = read(told);
      return order.ok ? noted(order.value, told.symbol ?? '') : undefined;
    },
    executionsIn: (trades: readonly CcxtTrade[]): readonly BrokerExecution[] =>
      trades.flatMap((trade) => {
        const ofOrder = { ...trade, order: named(trade.order, trade.symbol) };
        const execution = brokerExecution(ofOrder, {
          listingOf,
          clientIdOf: (brokerOrderId) => known.clientIdOf(undefined, brokerOrderId),
          currency,
          rateOf: (asset) => rates.get(asset),
          uncounted: (asset) =>
            note('fees', `Fees taken in ${asset} have no price here and are not counted.`),
          nowMs: nowMs(),
        });
        if (execution.ok) return execution.value;
        note('trades', execution.error);
        return [];
      }),
  };
}
