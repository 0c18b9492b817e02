/** One paper account as a broker: every request and every step is one durable transaction, and only then an answer or an event. */
import { isZero, type Money, type Price, ZERO_MONEY } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import { type ClearedOrder, PRODUCTS } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import type { TapeFeed } from '#market/tape-feed.ts';
import type {
  BrokerAdapter,
  BrokerCapabilities,
  CancelOutcome,
  PlaceOutcome,
  RestartOutcome,
} from '#ports.ts';
import type { Store } from '#store/open.ts';
import { type MarketView, marginFor } from './accept.ts';
import { type Book, brokerOrder, type PaperOrder, positionOf } from './book.ts';
import { buyingPower } from './buying-power.ts';
import { untilClosed } from './connection.ts';
import { openDelivery } from './delivery.ts';
import { type Desk, type DeskOptions, openDesk, type Work } from './desk.ts';
import { drawPercent } from './draw.ts';
import { equityOf } from './exposure.ts';
import { feeOf } from './fees.ts';
import { applyStep, expireDay } from './match.ts';
import type { PaperStep } from './prices.ts';
import { holdingsOf, productOf } from './products.ts';
import { restartBooks } from './restart.ts';
import { type Faults, type PaperSettings, PRESET_RULES } from './settings.ts';
import { type PaperTables, paperTables } from './tables.ts';
import { paperStep } from './tape-step.ts';
import { cancelOrder, placedBefore, placeOrder, replaceOrder } from './venue.ts';

export const PAPER_CAPABILITIES: BrokerCapabilities = {
  orderTypes: ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'],
  timesInForce: ['day', 'gtc', 'ioc', 'fok'],
  brackets: true,
  trailing: true,
  extendedHours: true,
  shortSelling: true,
  replace: true,
  depth: true,
  postOnly: true,
  reduceOnly: true,
  products: [],
  marginPreview: false,
  holdings: false,
  // A client id is remembered as long as the account: asking for it is proof, and the same order twice is one.
  ids: {
    scope: 'account',
    queryByClientId: true,
    dedupes: true,
    cancelOnDisconnect: false,
    absentIsFinalAfterMs: 0,
  },
};

export interface PaperAdapter extends BrokerAdapter {
  restart(cash: Money): Promise<RestartOutcome>;
  /** Everything that happened, one JSON line each, on the market clock: same tape and seed, same bytes. */
  journal(): readonly string[];
}

export interface PaperConnection {
  readonly account: { readonly id: AccountId; readonly settings: PaperSettings };
  readonly store: Store;
  readonly feed: TapeFeed;
}

/** Opens an account on a tape, with its deposit when it is new. Throws PaperError when its currency is not the tape's. */
export function connectPaper({ account, store, feed }: PaperConnection): PaperAdapter {
  const { instrument } = feed.tape;
  const venue = openVenue({
    account: account.id,
    settings: account.settings,
    rules: PRESET_RULES[account.settings.preset],
    store,
    market: { ...feed, instrument: (id) => (id === instrument.id ? instrument : undefined) },
    currency: instrument.currency,
  });
  const stop = feed.onStep((step) => venue.step(paperStep(step)));
  return {
    ...venue.adapter,
    async close() {
      stop();
      await venue.adapter.close();
    },
  };
}

export interface VenueOptions extends DeskOptions {
  readonly market: MarketView & DeskOptions['market'];
}

export interface Venue {
  readonly adapter: PaperAdapter;
  /** Matches one step; inside the transaction of whoever publishes it, or in its own. */
  step(step: PaperStep): void;
  /** Whether it holds that as mis, which the venue ends by itself (rule 23). */
  isIntraday(id: InstrumentId): boolean;
  /** Its open orders; to be looked at only. */
  working(): Iterable<PaperOrder>;
  /** Ends those whose session is over. */
  expire(isOver: (order: PaperOrder) => boolean): void;
}

/** Products, their margins and holdings are of accounts in rupees (rule 23). */
function capabilitiesOf({ settings, currency }: VenueOptions): BrokerCapabilities {
  const isIndian = currency === 'INR';
  return {
    ...PAPER_CAPABILITIES,
    shortSelling: settings.accountType === 'margin',
    products: isIndian ? PRODUCTS : [],
    holdings: isIndian,
    marginPreview: isIndian,
  };
}

export function openVenue(options: VenueOptions): Venue {
  const { store, market, settings, rules } = options;
  const tables = paperTables(store, options.account);
  const delivery = openDelivery(settings.seed, rules.faults);
  const desk = openDesk(options, tables, (events) => delivery.send(events));
  let queries = 0;

  const known = knownIn(tables);
  const reached = <T>(book: Book, work: Work<T>): T | { kind: 'unknown'; reason: string } =>
    rules.faults === null ? work(book) : unreliably(book, rules.faults, work);
  const request = <T extends PlaceOutcome>(work: Work<T>): T | { kind: 'unknown'; reason: string } =>
    desk.change((book) => reached(book, work));
  const cancel = cancelsOfATurn(desk, (book, { brokerClientId, brokerOrderId }) =>
    reached(book, () => cancelOrder(book, known(book, brokerClientId, brokerOrderId))),
  );

  const adapter: PaperAdapter = {
    account: options.account,
    broker: 'paper',
    mode: 'paper',
    currency: options.currency,
    accountType: settings.accountType,
    capabilities: capabilitiesOf(options),
    market: undefined,
    start: () => undefined,
    connected: () => true,
    health: () => ({ connected: true, trouble: null, signInNeeded: false, sessionEndsAtMs: null }),
    place: async (order: ClearedOrder) =>
      request((book): PlaceOutcome => {
        const before = known(book, order.brokerClientId);
        if (before) return placedBefore(before, order);
        if (order.product !== undefined && !adapter.capabilities.products.includes(order.product))
          return { kind: 'rejected', reason: `the account knows no product ${order.product}` };
        const legs = [order.stopLoss, order.takeProfit].flatMap((leg) => leg?.brokerClientId ?? []);
        if (legs.some((id) => known(book, id))) return placedBefore(undefined, order);
        return placeOrder(book, market, order);
      }),
    replace: async (order: ClearedOrder) =>
      request(
        (book): PlaceOutcome =>
          replaceOrder(book, market, known(book, order.brokerClientId, order.brokerOrderId), order),
      ),
    cancel,
    orderByClientId: async (id) => {
      const { faults } = rules;
      if (faults && drawPercent(settings.seed, 'query', String(++queries)) < faults.queryFailsPercent) {
        throw new Error('the venue did not answer');
      }
      const found = desk.read((book) => known(book, id));
      return found && brokerOrder(found);
    },
    openOrders: async () => desk.read((book) => [...book.open.values()].map(brokerOrder)),
    historySince: async (cursor) => tables.history(cursor === undefined ? 0 : Number(cursor)),
    positions: async () =>
      desk.read((book) =>
        [...book.state.positions].flatMap(([instrument, { qty }]) =>
          isZero(qty) ? [] : { instrument, qty },
        ),
      ),
    balance: async () =>
      desk.read((book) => ({
        currency: book.state.currency,
        cash: book.state.cash,
        equity: equityOf(book, (id) => market.quote(id)),
        buyingPower: buyingPower(book, (id) => market.quote(id)),
      })),
    ...(options.currency === 'INR'
      ? {
          holdings: async () => desk.read((book) => holdingsOf(book, market.nowMs())),
          margin: async (order: OrderAsked) => desk.read((book) => marginFor(book, market, order)),
        }
      : {}),
    estimateFee: (order, at) => estimate(options, order, at),
    restart: async (cash) => desk.change((book) => restartBooks(book, cash, (id) => market.quote(id))),
    onEvents: (listener) => delivery.onEvents(listener),
    close: async () => delivery.close(),
    journal: () => tables.journal(),
  };
  const quoteAt = (step: PaperStep) => (id: InstrumentId) =>
    id === step.quote.instrument ? step.quote : market.quote(id);
  return {
    adapter: untilClosed(adapter),
    step: (step) => desk.step((book) => applyStep(book, step, quoteAt(step))),
    working: () => desk.read((book) => book.open.values()),
    isIntraday: (id) => desk.read((book) => positionOf(book, id).product === 'mis'),
    expire: (isOver) =>
      desk.step((book) => {
        book.moment = { timeMs: market.nowMs(), run: market.run() };
        expireDay(book, isOver);
      }),
  };
}

/** By our id or by the venue's: one that works, else one that is over. */
const knownIn =
  (tables: PaperTables) =>
  (book: Book, id: string, brokerId?: string): PaperOrder | undefined => {
    const working = book.open
      .values()
      .find((one) => one.brokerClientId === id || one.brokerOrderId === brokerId);
    return (
      working ??
      tables.orderByClientId(id) ??
      (brokerId === undefined ? undefined : tables.orderByBrokerId(brokerId))
    );
  };

type Cancel = BrokerAdapter['cancel'];

/**
 * Cancels that are asked for in one turn are one commit: the kill switch asks for all there are, and one after the other the last
 * would wait for as many syncs of the disk. What can not be stored is owed.
 */
function cancelsOfATurn(
  desk: Desk,
  work: (book: Book, order: Parameters<Cancel>[0]) => CancelOutcome,
): Cancel {
  const asked: {
    readonly order: Parameters<Cancel>[0];
    readonly answer: (outcome: CancelOutcome) => void;
  }[] = [];
  function cancelAsked(): void {
    const due = asked.splice(0);
    try {
      const outcomes = desk.change((book) => due.map(({ order }) => work(book, order)));
      for (const [index, { answer }] of due.entries())
        answer(outcomes[index] ?? { kind: 'unknown', reason: 'it was not answered' });
    } catch (cause) {
      const reason = `kept until the store heals: ${(cause as Error).message}`;
      for (const { order, answer } of due) {
        desk.owe((book) => void work(book, order));
        answer({ kind: 'unknown', reason });
      }
    }
  }
  return (order) =>
    new Promise((answer) => {
      asked.push({ order, answer });
      if (asked.length === 1) queueMicrotask(cancelAsked);
    });
}

type OrderAsked = Parameters<BrokerAdapter['estimateFee']>[0];

function estimate({ market }: VenueOptions, order: OrderAsked, at: Price): Money {
  const instrument = market.instrument(order.instrument);
  if (instrument === undefined) return ZERO_MONEY;
  const liquidity = order.postOnly ? 'maker' : 'taker';
  return feeOf(instrument, {
    product: productOf(instrument, order.product),
    side: order.side,
    qty: order.qty,
    price: at,
    liquidity,
    timeMs: market.nowMs(),
  });
}

/** A hostile venue loses requests on their way in, and answers on their way out. */
function unreliably<T>(book: Book, faults: Faults, work: Work<T>): T | { kind: 'unknown'; reason: string } {
  const number = String(++book.state.requests);
  book.changes.account = true;
  const fate = drawPercent(book.seed, 'request', number);
  if (fate < faults.requestLostPercent) return { kind: 'unknown', reason: 'the connection was reset' };
  const outcome = work(book);
  if (fate < faults.requestLostPercent + faults.answerLostPercent) {
    return { kind: 'unknown', reason: 'the answer timed out' };
  }
  return outcome;
}
