/** One account at one exchange, as the order line sees it. */
import type { BrokerEvent } from '#domain/broker.ts';
import { ratio, scale, value, ZERO_MONEY } from '#domain/decimal.ts';
import type { BrokerAdapter } from '#ports.ts';
import { type CcxtConnection, openAccount } from './account.ts';
import { readBalance, readPositions } from './account-state.ts';
import { capabilitiesOf } from './capabilities.ts';
import { askKey } from './facts.ts';
import { cursorFrom, cursorText, openCursor, readHistory } from './history.ts';
import { openLookout } from './lookout.ts';
import { openSending } from './sending.ts';

const MAY_WITHDRAW =
  'The key may withdraw: make one that may read and trade and nothing else, at a decentralised exchange that of an agent wallet.';

/** Throws with one sentence when the account can not be opened. */
export function connectCcxt(connection: CcxtConnection): BrokerAdapter {
  const { account: of, clock, directory, gate } = connection;
  const account = openAccount(connection);
  const { exchange, market, known, state, ask, venueNowMs } = account;
  const listeners = new Set<(events: readonly BrokerEvent[]) => void>();
  const lookout = openLookout(account, clock, (events) => {
    if (events.length > 0) for (const listener of listeners) listener(events);
  });
  const capabilities = capabilitiesOf(exchange.ccxt, exchange.kind, exchange.facts);
  const sending = openSending(account, lookout, { gate, capabilities });

  return {
    account: of.id,
    broker: 'ccxt',
    mode: of.mode,
    currency: of.settings.currency,
    accountType: exchange.kind === 'swap' ? 'margin' : 'cash',
    capabilities,
    market,
    start: () => lookout.start(),
    connected: () => lookout.connected(),
    health: () => ({
      connected: lookout.connected(),
      trouble: lookout.trouble() ?? account.remark(),
      signInNeeded: false,
      sessionEndsAtMs: null,
      requests: exchange.wire.budget.stateNow(),
    }),
    place: (order) => sending.place(order),
    replace: (order) => sending.replace(order),
    cancel: (order) => sending.cancel(order),
    async orderByClientId(brokerClientId) {
      const found = await sending.find(brokerClientId);
      if (found === undefined && exchange.facts.lookUp === undefined)
        throw new Error('The exchange can be asked for open orders alone, and it is not among them.');
      return found;
    },
    openOrders: () => account.openOrders(),
    async historySince(stored) {
      if (stored === undefined)
        return { executions: [], settlements: [], cursor: cursorText(openCursor(venueNowMs())) };
      const { trades, cursor } = await ask(() =>
        readHistory(exchange, { cursor: cursorFrom(stored), symbols: known.symbols(), nowMs: venueNowMs() }),
      );
      return { executions: await account.executionsIn(trades), settlements: [], cursor: cursorText(cursor) };
    },
    async positions() {
      const { positions, leftOut } = await ask(() => readPositions(state));
      for (const { instrument } of positions) known.noteSymbol(account.symbolOf(instrument));
      account.note(
        'held',
        leftOut.length === 0
          ? null
          : `Not among the positions, for being less than one step or in no instrument of this account: ${leftOut.slice(0, 10).join(', ')}.`,
      );
      return positions;
    },
    balance: () => ask(() => readBalance(state, (assets) => account.refreshRates(assets))),
    async whyNotKey() {
      // Told here of a wallet; elsewhere the question is signed with the exchange's clock, which comes with its markets.
      if (exchange.facts.keyCheck !== 'wallet') await ask(() => exchange.ccxt.loadMarkets());
      return (await ask(() => askKey(exchange.ccxt, exchange.facts))) === 'can-withdraw'
        ? MAY_WITHDRAW
        : undefined;
    },
    estimateFee(order, at) {
      const listing = directory.byId(order.instrument);
      const rate = listing?.extra[order.postOnly ? 'maker' : 'taker'];
      if (listing === undefined || rate === undefined) return ZERO_MONEY;
      return scale(value(at, order.qty, listing.instrument.multiplier), ratio(rate));
    },
    onEvents(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      lookout.close();
      market.close();
      exchange.close();
    },
  };
}
