/** The example exchange as the suite of all brokers wants it. */
import type { BrokerDirectory, WireGate } from '#brokers/broker.ts';
import { accountId } from '#domain/principal.ts';
import type { BrokerAdapter } from '#ports.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import type { ConformanceBench, ConformanceSubject, VenueControls } from '../conformance/bench.ts';
import { EXAMPLE_CAPABILITIES } from './adapter.ts';
import { example } from './index.ts';
import { listingOf } from './listings.ts';
import { LIMITS } from './settings.ts';
import { KEY, MARKET, openSimulator, type Simulator } from './simulator.ts';

export const exampleSubject: ConformanceSubject = {
  broker: 'example',
  label: 'Example Exchange',
  capabilities: EXAMPLE_CAPABILITIES,
  drills: [
    'wire',
    'stream',
    'market',
    'elsewhere',
    'venue cancels',
    'venue expires',
    'venue rejects late',
    'clock',
  ],
  verifiedAgainst: 'a simulator of an exchange that does not exist',
  limits: LIMITS,
  historyBegins: 'now',
  async open(gate): Promise<ConformanceBench> {
    const clock = handClock();
    const sim = await openSimulator(() => clock.wallMs());
    const listing = listingOf(MARKET);
    if (listing === undefined) throw new Error('the simulator lists nothing');
    let adapter = connectTo(sim, clock, gate);
    return {
      adapter,
      clock,
      instrument: listing.instrument,
      listing,
      prices: { buyLimit: '180.00', sellLimit: '200.00', stopAbove: '205.00', stopBelow: '175.00' },
      qty: { whole: '10', part: '4' },
      product: undefined,
      secrets: [KEY],
      venue: venueOf(sim),
      async reopen() {
        adapter = connectTo(sim, clock, gate);
        return adapter;
      },
      async close() {
        await adapter.close();
        await sim.close();
      },
    };
  },
};

function connectTo(sim: Simulator, clock: HandClock, gate: WireGate): BrokerAdapter {
  const listing = listingOf(MARKET);
  const directory: BrokerDirectory = {
    byId: (id) => (id === listing?.instrument.id ? listing : undefined),
    bySymbol: (symbol) => (symbol === MARKET.symbol ? listing : undefined),
  };
  const settings = example.settings.parse({ endpoint: sim.url });
  const connection = {
    account: { id: accountId('example-1'), mode: 'paper', currency: 'USD', settings },
    credentials: example.credentials.parse({ key: KEY }),
    session: { read: () => undefined, write: () => undefined },
    clock,
    directory,
    gate,
  };
  // Without what is for brokers that keep books here, or trade on a feed that they were given.
  return example.connect(connection as unknown as Parameters<typeof example.connect>[0]);
}

function venueOf({ book, stream, ...sim }: Simulator): VenueControls {
  const working = (id: string) => {
    const order = book.find(id);
    if (order === undefined) throw new Error(`the venue has no order ${id}`);
    return order;
  };
  return {
    count: sim.count,
    asked: () => sim.asked,
    order(id) {
      const order = book.find(id);
      if (order === undefined) return undefined;
      const { side, type, qty, filled: filledQty, tif: timeInForce, status } = order;
      const isPartlyFilled = status === 'open' && filledQty !== '0';
      return {
        brokerOrderId: order.id,
        side,
        type,
        timeInForce,
        qty,
        filledQty,
        limitPrice: order.limit ?? undefined,
        stopPrice: undefined,
        status: isPartlyFilled ? 'partially_filled' : status,
      };
    },
    orderCount: () => book.orders.length,
    fill: async (id, qty, at) => book.fill(id, qty, at),
    end: async (id, status, reason) => book.end(working(id), status, reason),
    rejectNext(kind) {
      const refusal = `the simulated exchange refuses to ${kind}`;
      sim.next(kind, { carriedOut: false, refusal });
      return refusal;
    },
    async placeElsewhere({ side, qty, limit }) {
      const { symbol } = MARKET;
      book.place({ client_id: null, symbol, side, type: 'limit', tif: 'gtc', qty, limit });
      return book.orders.at(-1)?.id ?? '';
    },
    quote: async (bid, ask) => sim.quote(bid, ask),
    fault: sim.next,
    listen: (on) => sim.listen(on),
    skewClock: sim.skewClock,
    stream: {
      drop: async () => stream.drop(),
      freeze: () => stream.freeze(),
      hold: () => stream.hold(),
      release: async (how) => stream.release(how),
      sayUnknown: async () => {
        stream.tell({ type: 'quantum' });
        stream.tell({ type: 'order', order: { ...book.orders.at(-1), status: 'quantum' }, fill: null });
      },
      sayGarbage: async () => stream.raw('{"type":'),
    },
    market: {
      async quoteNonsense() {
        sim.quote('0', '190.1');
        sim.quote('191', '190');
      },
      barTimesMs: sim.barTimesMs,
      drop: async () => stream.drop(),
      freeze: () => stream.freeze(),
    },
  };
}
