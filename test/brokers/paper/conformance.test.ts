/** The paper broker through the suite, over real books: its venue is the one in this process, moved step by step. */
import { PAPER_CAPABILITIES } from '#brokers/paper/adapter.ts';
import type { Faults, PaperRules } from '#brokers/paper/settings.ts';
import { price, subtract, text } from '#domain/decimal.ts';
import { FINAL_STATES } from '#domain/order.ts';
import type { BrokerAdapter } from '#ports.ts';
import { handClock } from '../../support/hand-clock.ts';
import { ABC, PLAIN, paperVenue, type TestVenue } from '../../support/paper-venue.ts';
import type { ConformanceBench, VenueControls, VenueOrder, VenueRequest } from '../conformance/bench.ts';
import { runConformance } from '../conformance/suite.ts';

const SAYS_NO: Faults = {
  rejectPercent: 100,
  requestLostPercent: 0,
  answerLostPercent: 0,
  queryFailsPercent: 0,
  eventRepeatedPercent: 0,
  eventDelayedPercent: 0,
  eventDelayMax: 0,
};
const isFinal = (status: string): boolean => (FINAL_STATES as readonly string[]).includes(status);

runConformance({
  broker: 'paper',
  label: 'Paper trading',
  capabilities: PAPER_CAPABILITIES,
  drills: ['venue expires'],
  verifiedAgainst: 'its own venue, whose rules have tests of their own (test/brokers/paper/)',
  limits: [],
  historyBegins: 'at the first',
  open: () => Promise.resolve(openBench()),
});

function openBench(): ConformanceBench {
  // Read at every request, so that one of them can meet another rule.
  const rules: { -readonly [key in keyof PaperRules]: PaperRules[key] } = { ...PLAIN };
  let venue = paperVenue({ rules });
  const counts: Record<VenueRequest, number> = { place: 0, replace: 0, cancel: 0, read: 0, price: 0 };
  const asked: string[] = [];
  const once = <T>(kind: VenueRequest, ask: Promise<T>): Promise<T> => {
    counts[kind] += 1;
    asked.push(kind);
    rules.faults = null;
    return ask;
  };
  const counted = ({ adapter }: TestVenue): BrokerAdapter => ({
    ...adapter,
    place: (order) => once('place', adapter.place(order)),
    replace: (order) => once('replace', adapter.replace(order)),
    cancel: (order) => once('cancel', adapter.cancel(order)),
  });
  const rejectNext = (): string => {
    rules.faults = SAYS_NO;
    return 'order rejected';
  };
  venue.step({ bid: '100.00', ask: '100.01' });

  return {
    adapter: counted(venue),
    clock: handClock(),
    instrument: ABC,
    listing: undefined,
    prices: { buyLimit: '95.00', sellLimit: '105.00', stopAbove: '110.00', stopBelow: '90.00' },
    qty: { whole: '10', part: '4' },
    product: undefined,
    secrets: [],
    venue: controlsOf(() => venue, { counts, asked, rejectNext }),
    reopen() {
      venue = venue.reopen();
      return Promise.resolve(counted(venue));
    },
    close: () => Promise.resolve(venue.close()),
  };
}

interface Kept {
  readonly counts: Readonly<Record<VenueRequest, number>>;
  readonly asked: readonly string[];
  readonly rejectNext: () => string;
}

function controlsOf(venue: () => TestVenue, { counts, asked, rejectNext }: Kept): VenueControls {
  return {
    count: (kind) => counts[kind],
    asked: () => asked,
    order: (id) => rowsOf(venue()).find(({ clientId }) => clientId === id)?.order,
    orderCount: () => rowsOf(venue()).length,
    fill(id, qty, at) {
      const side = rowsOf(venue()).find(({ clientId }) => clientId === id)?.order.side;
      const below = text(subtract(price(at), ABC.tick));
      const above = text(price(at).plus(ABC.tick) as typeof ABC.tick);
      // So much comes to the order's price, and everything else stays away from it.
      if (side === 'sell') venue().step({ bid: at, ask: above, bids: `${qty}@${at}` });
      else venue().step({ bid: below, ask: at, asks: `${qty}@${at}` });
      venue().step({ bid: '100.00', ask: '100.01' });
      return Promise.resolve();
    },
    end(_id, status) {
      if (status !== 'expired')
        throw new Error('the paper venue lets orders expire, and does no more by itself');
      venue().step({ bid: '100.00', ask: '100.01', sessionEnd: true });
      return Promise.resolve();
    },
    rejectNext,
    quote(bid, ask) {
      venue().step({ bid, ask });
      return Promise.resolve();
    },
  };
}

function rowsOf({ store }: TestVenue): readonly { readonly clientId: string; readonly order: VenueOrder }[] {
  const rows = store.db.prepare<[], { state: string }>('SELECT state FROM paper_orders').all();
  return rows.map(({ state }) => {
    const one = JSON.parse(state) as VenueOrder & {
      readonly brokerClientId: string;
      readonly limitPrice: string | null;
    };
    const { brokerOrderId, side, type, timeInForce, qty, filledQty, limitPrice, stopPrice, status } = one;
    return {
      clientId: one.brokerClientId,
      order: {
        brokerOrderId,
        side,
        type,
        timeInForce,
        qty,
        filledQty,
        limitPrice: limitPrice ?? undefined,
        stopPrice: stopPrice ?? undefined,
        status: isFinal(status) || status === 'partially_filled' ? status : 'open',
      },
    };
  });
}
