/** Two exchanges through ccxt as the suite of all brokers wants them: Binance spot and Kraken spot, which have little in common. */

import type { BrokerDirectory, WireGate } from '#brokers/broker.ts';
import { connectCcxt } from '#brokers/ccxt/adapter.ts';
import { capabilitiesOf } from '#brokers/ccxt/capabilities.ts';
import { toVenueId } from '#brokers/ccxt/client-id.ts';
import { openExchange } from '#brokers/ccxt/exchange.ts';
import { factsOf } from '#brokers/ccxt/facts.ts';
import { listingOf } from '#brokers/ccxt/listings.ts';
import { orderName } from '#brokers/ccxt/order-id.ts';
import { accountId } from '#domain/principal.ts';
import type { BrokerListing, Clock } from '#ports.ts';
import { wallClock } from '../../../server/clock.ts';
import { handClock } from '../../support/hand-clock.ts';
import type { ConformanceBench, ConformanceSubject, VenueControls } from '../conformance/bench.ts';
import { BINANCE_KEY, BINANCE_SECRET, type BinanceSim, openBinanceSim } from './binance-sim.ts';
import { KRAKEN_KEY, KRAKEN_SECRET, type KrakenSim, openKrakenSim } from './kraken-sim.ts';
import type { BookOrder } from './venue-book.ts';

export type Sim = BinanceSim | KrakenSim;

export interface Venue {
  readonly exchange: string;
  readonly symbol: string;
  readonly currency: string;
  readonly kind: 'spot' | 'swap';
  readonly credentials: { readonly apiKey: string; readonly secret: string };
  readonly open: (clock: Clock) => Promise<Sim>;
  readonly refusal: (words: string) => { readonly status: number; readonly body: unknown };
}

export const BINANCE: Venue = {
  exchange: 'binance',
  symbol: 'BTC/USDT',
  currency: 'USDT',
  kind: 'spot',
  credentials: { apiKey: BINANCE_KEY, secret: BINANCE_SECRET },
  open: (clock) => openBinanceSim(clock),
  refusal: (msg) => ({ status: 400, body: { code: -2010, msg } }),
};
export const PERPETUALS: Venue = {
  ...BINANCE,
  kind: 'swap',
  symbol: 'BTC/USDT:USDT',
  open: (clock) => openBinanceSim(clock, 'swap'),
};
export const KRAKEN: Venue = {
  exchange: 'kraken',
  symbol: 'BTC/USD',
  currency: 'USD',
  kind: 'spot',
  credentials: { apiKey: KRAKEN_KEY, secret: KRAKEN_SECRET },
  open: openKrakenSim,
  refusal: (words) => ({ status: 200, body: { error: [`EOrder:Invalid order:${words}`] } }),
};

const endpointsOf = ({ server }: Sim) => ({ rest: server.rest, stream: server.stream });

/** What the venue lists, read as a directory is refreshed. */
export async function directoryFrom(venue: Venue, sim: Sim, clock: Clock): Promise<BrokerDirectory> {
  const exchange = openExchange({
    ...venue,
    testnet: false,
    credentials: {},
    endpoints: endpointsOf(sim),
    clock,
  });
  try {
    const { ccxt } = exchange;
    const markets = await exchange.wire.run({ kind: 'read', left: false, status: undefined }, () =>
      ccxt.loadMarkets(),
    );
    const context = {
      directory: `ccxt:${venue.exchange}`,
      exchange: ccxt.id,
      precisionMode: ccxt.precisionMode,
    };
    const listings: readonly BrokerListing[] = Object.values(markets).flatMap(
      (one) => listingOf(one, context) ?? [],
    );
    return {
      byId: (id) => listings.find(({ instrument }) => instrument.id === id),
      bySymbol: (symbol) => listings.find(({ brokerSymbol }) => brokerSymbol === symbol),
    };
  } finally {
    exchange.close();
  }
}

export interface ConnectOptions {
  readonly clock: Clock;
  readonly directory: BrokerDirectory;
  readonly gate?: WireGate | undefined;
  readonly session?: { value: string | undefined };
  readonly credentials?: Venue['credentials'];
}

export function connectTo(venue: Venue, sim: Sim, options: ConnectOptions) {
  const session = options.session ?? { value: undefined };
  return connectCcxt({
    account: {
      id: accountId('exchange'),
      mode: 'live',
      currency: venue.currency,
      settings: {
        exchange: venue.exchange,
        kind: venue.kind,
        currency: venue.currency,
        endpoints: endpointsOf(sim),
      },
    },
    credentials: options.credentials ?? venue.credentials,
    session: {
      read: () => session.value,
      write: (value) => {
        session.value = value;
      },
    },
    clock: options.clock,
    directory: options.directory,
    gate: options.gate ?? (() => undefined),
  });
}

function capabilitiesAt({ exchange, kind }: Venue) {
  const made = openExchange({ exchange, kind, testnet: false, credentials: {}, clock: wallClock });
  try {
    return capabilitiesOf(made.ccxt, kind, factsOf(exchange));
  } finally {
    made.close();
  }
}

export function subjectOf(
  venue: Venue,
  words: Pick<ConformanceSubject, 'broker' | 'name' | 'label' | 'verifiedAgainst' | 'limits'>,
): ConformanceSubject {
  return {
    ...words,
    broker: 'ccxt',
    capabilities: capabilitiesAt(venue),
    drills: [
      'wire',
      'stream',
      'market',
      'elsewhere',
      'venue cancels',
      'venue expires',
      // Binance refuses what is signed by a wrong time, and nothing is sent a second time.
      ...(venue.exchange === 'kraken' ? (['clock'] as const) : []),
    ],
    historyBegins: 'now',
    async open(gate): Promise<ConformanceBench> {
      const clock = handClock();
      const sim = await venue.open(clock);
      const directory = await directoryFrom(venue, sim, clock);
      const listing = directory.bySymbol(venue.symbol);
      if (listing === undefined) throw new Error(`the simulator lists no ${venue.symbol}`);
      const session = { value: undefined };
      const connect = () => connectTo(venue, sim, { clock, directory, gate, session });
      sim.server.asked.length = 0;
      let adapter = connect();
      return {
        adapter,
        clock,
        instrument: listing.instrument,
        listing,
        prices: { buyLimit: '49000', sellLimit: '51000', stopAbove: '52000', stopBelow: '48000' },
        qty: { whole: '0.01', part: '0.004' },
        product: undefined,
        secrets: [
          venue.credentials.apiKey,
          venue.credentials.secret,
          'canary-kraken-token-0001',
          'canary-listen-key-0001',
        ],
        venue: controlsOf(venue, sim),
        async reopen() {
          adapter = connect();
          return adapter;
        },
        async close() {
          await adapter.close();
          await sim.close();
        },
      };
    },
  };
}

function controlsOf(venue: Venue, sim: Sim): VenueControls {
  const { book, server } = sim;
  const facts = factsOf(venue.exchange);
  const nameOf = (id: string): string => orderName(id, venue.symbol, facts);
  const find = (id: string): BookOrder | undefined =>
    book.orders.findLast((one) => one.clientId === toVenueId(id, facts) || nameOf(one.id) === id);
  const must = (id: string): BookOrder => {
    const found = find(id);
    if (found === undefined) throw new Error(`the venue has no order ${id}`);
    return found;
  };
  return {
    count: (kind) => server.asked.filter((one) => one.kind === kind).length,
    asked: () => server.asked.map(({ request }) => `${request.method} ${request.path}`),
    order(id) {
      const found = find(id);
      return found && { ...shown(found), brokerOrderId: nameOf(found.id) };
    },
    orderCount: () => book.orders.length,
    fill: async (id, qty, price) => void book.fill(must(id), qty, price),
    end: async (id, status) => book.end(must(id), status),
    rejectNext(kind) {
      const words = `the simulated venue refuses to ${kind}`;
      server.refuse(kind, venue.refusal(words));
      return words;
    },
    placeElsewhere: async ({ side, qty, limit }) =>
      nameOf(
        book.place({
          clientId: undefined,
          symbol: book.orders[0]?.symbol ?? symbolOf(venue),
          side,
          type: typeOf(venue),
          force: 'GTC',
          qty,
          limit,
          stop: undefined,
        }).id,
      ),
    quote: async (bid, ask) => sim.quote(bid, ask),
    fault: (kind, fault) => server.fault(kind, fault),
    listen: (on) => server.listen(on),
    stream: {
      drop: async () => server.drop(true),
      freeze: () => server.freeze(true),
      hold: () => server.hold(),
      release: async (how) => server.release(how),
      sayUnknown: async () => server.raw(true, unknownEvent(venue, book.orders.at(-1))),
      sayGarbage: async () => server.raw(true, '{"e":'),
    },
    market: {
      quoteNonsense: async () => {
        const { bid, ask } = book.touch();
        sim.quote('0', ask);
        sim.quote(ask, '1');
        book.setTouch(bid, ask);
      },
      barTimesMs: sim.bars.timesMs,
      drop: async () => server.drop(false),
      freeze: () => server.freeze(false),
    },
    skewClock: (ms) => {
      sim.skewMs = ms;
    },
  };
}

const symbolOf = ({ exchange, symbol }: Venue): string => (exchange === 'kraken' ? symbol : 'BTCUSDT');
const typeOf = ({ exchange }: Venue): string => (exchange === 'kraken' ? 'limit' : 'LIMIT');

function shown({ side, type, force, qty, filled, limit, stop, status }: BookOrder) {
  const isMarket = /market/i.test(type);
  const kind =
    stop === undefined ? (isMarket ? 'market' : 'limit') : limit === undefined ? 'stop' : 'stop_limit';
  return {
    side,
    type: kind,
    timeInForce: force === 'IOC' ? 'ioc' : force === 'FOK' ? 'fok' : 'gtc',
    qty,
    filledQty: filled,
    limitPrice: limit,
    stopPrice: stop,
    status,
  } as const;
}

function unknownEvent({ exchange }: Venue, order: BookOrder | undefined): string {
  return exchange === 'kraken'
    ? JSON.stringify({
        channel: 'executions',
        type: 'update',
        data: [
          {
            order_id: order?.id,
            cl_ord_id: order?.clientId,
            symbol: 'BTC/USD',
            order_status: 'quantum',
            exec_type: 'quantum',
            order_qty: 1,
            side: 'buy',
            timestamp: '2026-01-05T12:00:00Z',
          },
        ],
      })
    : JSON.stringify({
        subscriptionId: 0,
        event: {
          e: 'executionReport',
          s: 'BTCUSDT',
          c: order?.clientId,
          S: 'BUY',
          o: 'LIMIT',
          f: 'GTC',
          q: '1',
          p: '1',
          x: 'QUANTUM',
          X: 'QUANTUM',
          i: Number(order?.id ?? '1'),
          z: '0',
          t: -1,
        },
      });
}
