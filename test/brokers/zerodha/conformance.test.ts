/** Zerodha's adapter through the suite, over the simulated Kite. */

import type { WireGate } from '#brokers/broker.ts';
import { ZERODHA_CAPABILITIES } from '#brokers/zerodha/adapter.ts';
import { KITE_RULES } from '#brokers/zerodha/client.ts';
import { tagOf } from '#brokers/zerodha/tag.ts';
import type { OrderType } from '#domain/order.ts';
import type { Clock } from '#ports.ts';
import type {
  ConformanceBench,
  VenueControls,
  VenueOrder,
  VenueRequest,
  WireFault,
} from '../conformance/bench.ts';
import { runConformance } from '../conformance/suite.ts';
import type { SimOrder } from './kite-books.ts';
import type { SimGtt } from './kite-gtt.ts';
import { type KiteRoom, openKiteRoom } from './kite-room.ts';
import { type KiteSim, SIM_KEY, SIM_SECRET, type SimFault, type SimRequest } from './kite-sim.ts';
import { ist } from './kite-world.ts';

runConformance({
  broker: 'zerodha',
  label: 'Zerodha (Kite Connect)',
  capabilities: ZERODHA_CAPABILITIES,
  drills: [
    'wire',
    'stream',
    'session',
    'market',
    'elsewhere',
    'venue cancels',
    'venue rejects late',
    'clock',
  ],
  verifiedAgainst:
    'a simulator that the official client (kiteconnect 5.3) drives, and the payloads published for Kite Connect; no OpenAPI document is published for it, so there was no third witness',
  limits: KITE_RULES,
  historyBegins: 'now',
  open: openBench,
});

const INFY = 'NSE:INFY';
const MINUTE_MS = 60_000;

async function openBench(gate: WireGate): Promise<ConformanceBench> {
  const skew = { ms: 0 };
  const room = await openKiteRoom({
    gate,
    started: false,
    venueClock: (clock: Clock) => ({ ...clock, wallMs: () => clock.wallMs() + skew.ms }),
  });
  const { sim, clock } = room;
  // What fills, fills on request.
  sim.books.matches = false;
  const barTimesMs = [5, 4, 3].map((ago) => Math.floor(clock.wallMs() / MINUTE_MS - ago) * MINUTE_MS);
  sim.candles.set(
    '408065:minute',
    barTimesMs.map((ms) => [`${ist(ms).replace(' ', 'T')}+0530`, 1500.1, 1500.5, 1499.9, 1500.2, 100]),
  );
  const listing = room.listing(INFY);
  return {
    adapter: room.adapter,
    clock,
    instrument: listing.instrument,
    listing,
    prices: { buyLimit: '1490', sellLimit: '1510', stopAbove: '1520', stopBelow: '1480' },
    qty: { whole: '10', part: '4' },
    product: 'cnc',
    products: ['cnc', 'mis'],
    timeInForce: 'day',
    secrets: [SIM_KEY, SIM_SECRET, sim.token() ?? ''],
    venue: controlsOf(room, skew, barTimesMs),
    async reopen() {
      await room.restart();
      return room.adapter;
    },
    close: () => room.close(),
  };
}

const REQUESTS: { readonly [kind in VenueRequest]: RegExp } = {
  place: /^POST \/(?:orders|gtt\/triggers)/,
  replace: /^PUT \/(?:orders|gtt\/triggers)/,
  cancel: /^DELETE \/(?:orders|gtt\/triggers)/,
  read: /^(?:GET \/(?:orders|trades|portfolio|user|gtt)|POST \/margins)/,
  price: /^GET \/(?:quote|instruments)/,
};
const nameOf = ({ method, path }: SimRequest): string => `${method} ${path}`;

function controlsOf(room: KiteRoom, skew: { ms: number }, barTimesMs: readonly number[]): VenueControls {
  const { sim } = room;
  const rowOf = (id: string): SimOrder | undefined =>
    sim.books.orders.find((row) => row.tag === tagOf(id) || row.order_id === id);
  const mustFind = (id: string): SimOrder => {
    const row = rowOf(id);
    if (row === undefined) throw new Error(`the venue has no order ${id}`);
    return row;
  };
  return {
    count: (kind) => sim.requests.filter((one) => REQUESTS[kind].test(nameOf(one))).length,
    asked: () => sim.requests.map(nameOf),
    order: (id) => {
      const row = rowOf(id);
      return row === undefined ? triggerOf(room, id) : venueOrder(row);
    },
    orderCount: () => sim.books.orders.length + sim.gtts.all.length,
    fill: async (id, qty, price) => void sim.books.fill(mustFind(id).order_id, Number(qty), Number(price)),
    end: async (id, status, reason) => {
      const { order_id: orderId } = mustFind(id);
      if (status === 'rejected') sim.books.reject(orderId, reason);
      else sim.books.lapse(orderId);
    },
    rejectNext(kind) {
      const message = 'RMS: the order is not allowed';
      const body = JSON.stringify({ status: 'error', message, data: null, error_type: 'OrderException' });
      sim.fault({ match: REQUESTS[kind], handled: false, does: { status: 400, body } });
      return message;
    },
    placeElsewhere: async ({ side, qty, limit }) =>
      sim.books.place('regular', {
        exchange: 'NSE',
        tradingsymbol: 'INFY',
        transaction_type: side === 'buy' ? 'BUY' : 'SELL',
        order_type: 'LIMIT',
        product: 'CNC',
        quantity: qty,
        price: limit,
      }).order_id,
    quote: async (bid, ask) => {
      touch(sim, Number(bid), Number(ask));
      sim.pushTicks(INFY);
    },
    fault: (kind, { carriedOut, answer }) =>
      sim.fault({ match: REQUESTS[kind], handled: carriedOut, does: doesOf(answer) }),
    listen: (on) => sim.listen(on),
    skewClock(ms) {
      skew.ms = ms;
    },
    stream: {
      drop: async () => sim.dropSockets(),
      freeze: () => sim.freezeSockets(),
      hold: () => sim.hold(),
      release: async (how) => sim.release(how),
      sayUnknown: async () => {
        sim.pushRaw(JSON.stringify({ type: 'alert', data: { of: 'something new' } }));
        for (const row of sim.books.orders)
          sim.pushRaw(JSON.stringify({ type: 'order', id: '', data: { ...row, status: 'HOLOGRAPHIC' } }));
      },
      sayGarbage: async () => {
        sim.pushRaw('{"type":"order","data":{"order_id":');
        sim.pushRaw(Buffer.from([0, 9, 0, 184, 1, 2, 3]));
      },
      expireSession: async () => sim.expireToken(),
    },
    market: {
      quoteNonsense: async () => {
        touch(sim, 1502, 1499);
        sim.pushTicks(INFY);
        touch(sim, 0, 1501);
        sim.pushTicks(INFY);
      },
      barTimesMs: barTimesMs,
      drop: async () => sim.dropSockets(),
      freeze: () => sim.freezeSockets(),
    },
  };
}

function touch(sim: KiteSim, bid: number, ask: number): void {
  sim.setMarket(INFY, {
    bids: bid > 0 ? [{ price: bid, quantity: 100, orders: 1 }] : [],
    asks: [{ price: ask, quantity: 100, orders: 1 }],
  });
}

function doesOf(answer: WireFault['answer']): SimFault['does'] {
  switch (answer.kind) {
    case 'status': {
      const headers = answer.retryAfter === undefined ? {} : { 'retry-after': answer.retryAfter };
      const type = answer.status < 500 ? 'InputException' : 'NetworkException';
      const body = JSON.stringify({ status: 'error', message: 'the venue says no', error_type: type });
      return { status: answer.status, body, headers };
    }
    case 'silent':
      return 'hang';
    case 'reset':
      return 'drop';
    case 'cut':
      return 'cut';
    case 'malformed':
      return { status: 200, body: '<html>busy</html>' };
    case 'unknown-value':
      return { rewrite: (body) => body.replace(/"status":"[A-Z ]+"/g, '"status":"HOLOGRAPHIC"') };
  }
}

const TYPES: Readonly<Record<string, OrderType>> = {
  MARKET: 'market',
  LIMIT: 'limit',
  'SL-M': 'stop',
  SL: 'stop_limit',
};
const text = (value: number): string | undefined => (value === 0 ? undefined : String(value));

function venueOrder(row: SimOrder): VenueOrder {
  const ended = { COMPLETE: 'filled', CANCELLED: 'canceled', REJECTED: 'rejected' } as const;
  const status =
    ended[row.status as keyof typeof ended] ?? (row.filled_quantity > 0 ? 'partially_filled' : 'open');
  return {
    brokerOrderId: row.order_id,
    side: row.transaction_type === 'BUY' ? 'buy' : 'sell',
    type: TYPES[row.order_type] ?? 'market',
    timeInForce: row.validity === 'IOC' ? 'ioc' : 'day',
    qty: String(row.quantity),
    filledQty: String(row.filled_quantity),
    limitPrice: text(row.price),
    stopPrice: text(row.trigger_price),
    status,
  };
}

/** A trigger carries no name: what the adapter wrote down is how it is found. */
function triggerOf({ sim, slot }: KiteRoom, id: string): VenueOrder | undefined {
  const kept = JSON.parse(slot.read() ?? '{"ids":[]}') as {
    readonly ids: readonly (readonly [string, string])[];
  };
  const name = kept.ids.find(([client]) => client === id)?.[1];
  const gtt = sim.gtts.all.find((one) => `gtt:${one.id}` === name);
  return gtt && triggerOrder(gtt);
}
function triggerOrder({ id, condition, orders: [order], status }: SimGtt): VenueOrder | undefined {
  if (order === undefined) return undefined;
  const trigger = condition.trigger_values[0] ?? 0;
  const isBuy = order.transaction_type === 'BUY';
  const isStop = isBuy ? trigger > condition.last_price : trigger < condition.last_price;
  return {
    brokerOrderId: `gtt:${id}`,
    side: isBuy ? 'buy' : 'sell',
    type: isStop ? 'stop_limit' : 'limit',
    timeInForce: 'gtc',
    qty: String(order.quantity),
    filledQty: '0',
    limitPrice: String(order.price),
    stopPrice: isStop ? String(trigger) : undefined,
    status: status === 'active' ? 'open' : 'canceled',
  };
}
