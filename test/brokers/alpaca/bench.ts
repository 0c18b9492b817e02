/** Alpaca's simulator as the suite of all brokers wants it. */
import { ALPACA_CAPABILITIES } from '#brokers/alpaca/adapter.ts';
import { TRADING_LIMITS } from '#brokers/alpaca/bounds.ts';
import { ORDER_TYPES, type OrderType, TIMES_IN_FORCE, type TimeInForce } from '#domain/order.ts';
import { handClock } from '../../support/hand-clock.ts';
import type {
  ConformanceBench,
  ConformanceSubject,
  MarketControls,
  StreamControls,
  VenueControls,
  VenueRequest,
  WireFault,
} from '../conformance/bench.ts';
import { connectTo, directoryOf } from './account.ts';
import { mustBeLawful } from './openapi-judge.ts';
import { type Exchange, type Fault, openSimulator, type Simulator } from './simulator/simulator.ts';

const SYMBOL = 'AAPL';
const BARS = [5, 4, 3].map((minutes) => minutes * 60_000);

const isKind: Readonly<Record<VenueRequest, (request: string) => boolean>> = {
  place: (request) => request.startsWith('POST /v2/orders'),
  replace: (request) => request.startsWith('PATCH /v2/orders/'),
  cancel: (request) => request.startsWith('DELETE /v2/orders/'),
  read: (request) => /^GET \/v2\/(?:account|orders|positions|clock)/.test(request),
  price: (request) => /^GET \/(?:v2\/stocks|v1beta3)\//.test(request),
};
const textOf = ({ method, url }: Exchange): string => `${method} ${url}`;

export const alpacaSubject: ConformanceSubject = {
  broker: 'alpaca',
  label: 'Alpaca',
  capabilities: ALPACA_CAPABILITIES,
  drills: ['wire', 'stream', 'market', 'elsewhere', 'venue cancels', 'venue expires', 'clock'],
  verifiedAgainst:
    'a simulator that Alpaca’s own SDK trades with, and Alpaca’s published OpenAPI documents, which every request and answer is held to',
  limits: TRADING_LIMITS,
  historyBegins: 'now',
  async open(gate): Promise<ConformanceBench> {
    const clock = handClock();
    const sim = await openSimulator(() => clock.wallMs());
    sim.state.cash = '10000000';
    sim.quote(SYMBOL, '190.00', '190.10');
    const barTimesMs = BARS.map((ago) => Math.floor(clock.wallMs() / 60_000) * 60_000 - ago);
    sim.bars(
      SYMBOL,
      barTimesMs.map((ms) => ({ t: new Date(ms).toISOString(), o: '1', h: '2', l: '1', c: '1.5', v: '100' })),
    );
    const options = { gate };
    const directory = directoryOf(sim.state);
    const listing = directory.bySymbol(SYMBOL);
    if (listing === undefined) throw new Error('the simulator lists no AAPL');
    let adapter = connectTo(sim, clock, options);
    return {
      adapter,
      clock,
      instrument: listing.instrument,
      listing,
      prices: { buyLimit: '180.00', sellLimit: '200.00', stopAbove: '205.00', stopBelow: '175.00' },
      qty: { whole: '10', part: '4' },
      product: undefined,
      secrets: [sim.state.keyId, sim.state.secret],
      venue: venueOf(sim, barTimesMs),
      async reopen() {
        adapter = connectTo(sim, clock, options);
        return adapter;
      },
      async close() {
        await adapter.close();
        await sim.close();
        mustBeLawful(sim.exchanges);
      },
    };
  },
};

function venueOf(sim: Simulator, barTimesMs: readonly number[]): VenueControls {
  return {
    count: (kind) => sim.exchanges.filter((one) => isKind[kind](textOf(one))).length,
    asked: () => sim.exchanges.map(textOf),
    order(id) {
      const found = sim.state.orders.findLast((one) => one.client_order_id.replace(/~\d+$/, '') === id);
      return (
        found && {
          brokerOrderId: found.id,
          side: found.side,
          type: typeOf(found.type),
          timeInForce: timeOf(found.time_in_force),
          qty: found.qty,
          filledQty: found.filled_qty,
          limitPrice: found.limit_price ?? undefined,
          stopPrice: found.stop_price ?? undefined,
          status: statusOf(found.status),
        }
      );
    },
    // A change makes another order of the same one.
    orderCount: () => sim.state.orders.filter(({ replaces }) => replaces === null).length,
    fill: async (id, qty, price) => void sim.fillLatest(id, qty, price),
    end: async (id, status) => sim.book.end(sim.order(id), status),
    rejectNext(kind) {
      const message = `the simulated venue refuses to ${kind}`;
      const body = JSON.stringify({ code: 42210000, message });
      sim.next(isKind[kind], { kind: 'status', status: 422, body });
      return message;
    },
    placeElsewhere: async ({ side, qty, limit }) => {
      const answer = sim.book.submit({
        symbol: SYMBOL,
        side,
        qty,
        type: 'limit',
        limit_price: limit,
        time_in_force: 'day',
      });
      return (answer.body as { id: string }).id;
    },
    quote: async (bid, ask) => sim.quote(SYMBOL, bid, ask),
    fault: (kind, fault) => sim.next(isKind[kind], faultOf(fault)),
    listen: (on) => sim.listen(on),
    stream: streamOf(sim),
    market: marketOf(sim, barTimesMs),
    skewClock: (ms) => {
      sim.clockSkewMs = ms;
    },
  };
}

const typeOf = (type: string): OrderType => ORDER_TYPES.find((one) => one === type) ?? 'market';
const timeOf = (time: string): TimeInForce => TIMES_IN_FORCE.find((one) => one === time) ?? 'day';

function statusOf(status: string) {
  switch (status) {
    case 'filled':
    case 'canceled':
    case 'expired':
    case 'rejected':
    case 'partially_filled':
      return status;
    default:
      return 'open';
  }
}

function faultOf({ carriedOut: done, answer }: WireFault): Fault {
  switch (answer.kind) {
    case 'status': {
      const headers = answer.retryAfter === undefined ? {} : { 'retry-after': answer.retryAfter };
      return { kind: 'status', status: answer.status, headers, done };
    }
    case 'silent':
      return { kind: 'silence', done };
    case 'reset':
      return { kind: 'reset', done };
    case 'cut':
      return { kind: 'cut', done };
    case 'malformed':
      return { kind: 'answer', done, text: () => '{"id": "61e6' };
    case 'unknown-value':
      return {
        kind: 'answer',
        done,
        text: (text) => text.replaceAll(/"status":"\w+"/g, '"status":"quantum"'),
      };
  }
}

function streamOf({ streams, state }: Simulator): StreamControls {
  return {
    drop: async () => streams.drop('orders'),
    freeze: () => streams.freeze('orders'),
    hold: () => streams.hold(),
    release: async (how) => streams.release(how),
    sayUnknown: async () => {
      const order = state.orders.at(-1);
      streams.raw(
        'orders',
        JSON.stringify({
          stream: 'trade_updates',
          data: { event: 'quantum', order: order && { ...order, status: 'quantum' } },
        }),
      );
    },
    sayGarbage: async () => streams.raw('orders', '{"stream":'),
  };
}

function marketOf({ streams }: Simulator, barTimesMs: readonly number[]): MarketControls {
  const t = '2026-01-05T12:00:00Z';
  return {
    quoteNonsense: async () =>
      streams.raw(
        'prices',
        JSON.stringify([
          { T: 'q', S: SYMBOL, t, bp: 0, bs: 0, ap: 190.1, as: 1 },
          { T: 'q', S: SYMBOL, t, bp: 191, bs: 1, ap: 190, as: 1 },
        ]),
      ),
    barTimesMs,
    drop: async () => streams.drop('prices'),
    freeze: () => streams.freeze('prices'),
  };
}
