/** One account at the example exchange: its parts put together, and how it stands. */
import type { BrokerConnection } from '#brokers/broker.ts';
import type { LiveSocket } from '#brokers/live-socket.ts';
import { percentOf, ratio, value } from '#domain/decimal.ts';
import type { BrokerAdapter, BrokerCapabilities, BrokerEvent } from '#ports.ts';
import { openApi } from './api.ts';
import { openMarket } from './market.ts';
import { cancel, place } from './placing.ts';
import { balance, historySince, openOrders, orderByClientId, positions } from './questions.ts';
import { baseUrlOf, type ExampleCredentials, type ExampleSettings } from './settings.ts';
import { followMessage, openStream } from './stream.ts';

export const EXAMPLE_CAPABILITIES: BrokerCapabilities = {
  orderTypes: ['market', 'limit'],
  timesInForce: ['day', 'gtc'],
  brackets: false,
  trailing: false,
  extendedHours: false,
  shortSelling: false,
  replace: false,
  depth: false,
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
    absentIsFinalAfterMs: 30_000,
  },
};
/** Published: of the value of a trade, whoever makes it. */
const FEE_PERCENT = ratio('0.1');

export function connectExample(
  connection: BrokerConnection<ExampleSettings, ExampleCredentials>,
): BrokerAdapter {
  const { account, credentials, clock, directory, gate } = connection;
  const baseUrl = baseUrlOf(account.mode, account.settings);
  const api = openApi(baseUrl, credentials.key, clock);
  const listeners = new Set<(events: readonly BrokerEvent[]) => void>();
  const tell = (events: readonly BrokerEvent[]): void => {
    for (const listener of listeners) listener(events);
  };

  let followed: readonly string[] = [];
  let stream: LiveSocket | undefined;
  const market = openMarket(api, clock, {
    follow(symbols) {
      followed = symbols;
      stream?.send(followMessage(symbols));
    },
    heardAtMs: () => stream?.heardAtMs(),
    reopen: (why) => stream?.reopen(why),
  });

  let standing: true | string = 'The stream is not open yet.';
  const away = (): string | undefined => (standing === true ? undefined : standing);
  function onState(now: true | string): void {
    const was = standing;
    standing = now;
    if ((was === true) !== (now === true))
      tell([{ kind: 'connection', connected: now === true, detail: away() ?? 'The exchange is connected.' }]);
  }

  return {
    account: account.id,
    broker: 'example',
    mode: account.mode,
    currency: account.currency,
    accountType: 'cash',
    capabilities: EXAMPLE_CAPABILITIES,
    market,
    start() {
      stream = openStream({
        url: `${baseUrl.replace(/^http/, 'ws')}/stream`,
        key: credentials.key,
        clock,
        followed: () => followed,
        onEvents: tell,
        onQuotes: (quotes) => market.take(quotes),
        onState,
      });
    },
    connected: () => standing === true,
    health: () => ({
      connected: standing === true,
      trouble: away() ?? null,
      signInNeeded: false,
      sessionEndsAtMs: null,
      requests: api.budget(),
    }),
    place: (order) => place({ api, directory, gate, away }, order),
    replace: async () => ({ kind: 'not_sent', reason: 'The exchange changes no orders.' }),
    cancel: (order) => cancel(api, order),
    orderByClientId: (clientId) => orderByClientId(api, clientId),
    openOrders: () => openOrders(api),
    historySince: (cursor) => historySince(api, cursor),
    positions: () => positions(api),
    balance: () => balance(api),
    estimateFee: ({ qty }, at) => percentOf(value(at, qty), FEE_PERCENT),
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      standing = 'The account is closed.';
      stream?.close();
      api.close();
    },
  };
}
