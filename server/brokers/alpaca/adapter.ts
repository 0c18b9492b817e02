/** One Alpaca account, paper or live: requests, questions and the stream of orders put together, and how all of it stands. */
import type { BrokerConnection } from '#brokers/broker.ts';
import { ZERO_MONEY } from '#domain/decimal.ts';
import type { BrokerAdapter, BrokerCapabilities, BrokerEvent } from '#ports.ts';
import { ABSENT_IS_FINAL_AFTER_MS } from './bounds.ts';
import { feeOf } from './fees.ts';
import { cursorAt, cursorFrom, cursorText } from './fills.ts';
import { openParts } from './parts.ts';
import type { AlpacaCredentials, AlpacaSettings } from './settings.ts';

export const ALPACA_CAPABILITIES: BrokerCapabilities = {
  orderTypes: ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'],
  timesInForce: ['day', 'gtc', 'ioc', 'fok'],
  // The legs of Alpaca's brackets take no ids of ours, and protect nothing before the whole entry is filled.
  brackets: false,
  trailing: true,
  extendedHours: true,
  shortSelling: true,
  replace: true,
  depth: true,
  postOnly: false,
  reduceOnly: false,
  products: [],
  marginPreview: false,
  holdings: false,
  ids: {
    scope: 'account',
    queryByClientId: true,
    dedupes: true,
    cancelOnDisconnect: false,
    absentIsFinalAfterMs: ABSENT_IS_FINAL_AFTER_MS,
  },
};

export function connectAlpaca(
  connection: BrokerConnection<AlpacaSettings, AlpacaCredentials>,
): BrokerAdapter {
  const { account, clock, directory } = connection;
  const listeners = new Set<(events: readonly BrokerEvent[]) => void>();
  const parts = openParts(connection, (events) => {
    for (const listener of listeners) listener(events);
  });
  const { requests, chains, reads, standing, market } = parts;

  return {
    account: account.id,
    broker: 'alpaca',
    mode: account.mode,
    currency: account.currency,
    get accountType() {
      return standing.mayShort() ? 'margin' : 'cash';
    },
    capabilities: ALPACA_CAPABILITIES,
    market,
    start: () => parts.start(),
    connected: () => standing.connected(),
    health: () => ({ ...standing.health(), requests: parts.budget() }),
    place: (order) => requests.submit(order),
    replace: (order) => requests.change(order),
    cancel: (order) => requests.cancel(order),
    async orderByClientId(id) {
      const chain = await chains.byClientId(id);
      if (chain === undefined) return undefined;
      const order = reads.told(chain);
      if (order === undefined)
        throw new Error('Alpaca has it as an order that is in no words of this gateway.');
      return order;
    },
    openOrders: () => reads.openOrders(),
    async historySince(cursor) {
      // What was before is in the cash and the positions that the account begins with.
      if (cursor === undefined) {
        const nowMs = await reads.venueNowMs();
        return { executions: [], settlements: [], cursor: cursorText(cursorAt(nowMs)) };
      }
      const found = await parts.fills.since(cursorFrom(cursor));
      return { executions: found.executions, settlements: [], cursor: cursorText(found.cursor) };
    },
    positions: () => reads.positions(),
    balance: () => reads.balance(),
    brokerAccount: () => reads.id(),
    estimateFee(order, price) {
      const listing = directory.byId(order.instrument);
      if (listing === undefined) return ZERO_MONEY;
      const { side, qty } = order;
      const [timeMs, coinTier] = [clock.wallMs(), reads.coinTier()];
      return feeOf(listing.instrument, { side, qty, price, timeMs, coinTier });
    },
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      parts.close();
    },
  };
}
