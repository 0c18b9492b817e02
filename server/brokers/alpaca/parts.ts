/** The parts of one connection to Alpaca, put together: what is heard on the stream becomes events, in order. */
import type { BrokerConnection } from '#brokers/broker.ts';
import type { LiveSocket } from '#brokers/live-socket.ts';
import type { BrokerEvent } from '#ports.ts';
import { type AccountReads, openAccountReads } from './account.ts';
import { at, openApi } from './api.ts';
import { type Chains, openChains } from './chains.ts';
import { type FillWatch, openFillWatch } from './fill-watch.ts';
import { type AlpacaMarket, openMarket } from './market.ts';
import { openOrderStream } from './order-stream.ts';
import { openRequests, type Requests } from './requests.ts';
import { type AlpacaCredentials, type AlpacaSettings, hostsOf } from './settings.ts';
import { openStanding, type Standing } from './standing.ts';
import { type OrderPayload, orderPayload } from './wire.ts';

export interface Parts {
  readonly requests: Requests;
  readonly chains: Chains;
  readonly reads: AccountReads;
  readonly standing: Standing;
  readonly market: AlpacaMarket;
  start(): void;
  close(): void;
}

type Tell = (events: readonly BrokerEvent[]) => void;

export function openParts(
  connection: BrokerConnection<AlpacaSettings, AlpacaCredentials>,
  tell: Tell,
): Parts {
  const { account, credentials, clock, directory, gate } = connection;
  const hosts = hostsOf(account.mode, account.settings);
  const dataFeed = account.settings.data_feed;
  const onKey = (isGood: boolean): void => standing.key(isGood);

  const api = openApi({
    hosts,
    credentials,
    dataFeed,
    clock,
    onKey,
    onThrottled: (waitMs) => standing.throttled(waitMs),
  });
  const chains = openChains({
    byId: (id) => api.read(orderPayload, at('/v2/orders', id), { kind: 'order' }),
    byClientId: (id) =>
      api.read(orderPayload, '/v2/orders:by_client_order_id', {
        kind: 'order',
        query: { client_order_id: id },
      }),
  });
  const reads = openAccountReads({
    api,
    chains,
    directory,
    onUnlisted: (symbol) => standing.unlisted(symbol),
  });
  const standing = openStanding({
    clock,
    currency: account.currency,
    reads,
    onChange: (connected, detail) => tell([{ kind: 'connection', connected, detail }]),
    onFirst: (venueNowMs) => fills.begin(venueNowMs),
  });
  const fills = openFillWatch({
    reads,
    clock,
    onFills: (executions) => tell(executions.map((execution) => ({ kind: 'execution', execution }))),
  });
  const onTrouble = (why: string | null): void => standing.prices(why);
  const market = openMarket({ api, hosts, credentials, dataFeed, clock, onTrouble });
  const onUpdate = openTelling({ chains, reads, standing, fills, tell });
  let stream: LiveSocket | undefined;

  return {
    requests: openRequests({ api, chains, directory, gate, away: () => standing.away() }),
    chains,
    reads,
    standing,
    market,
    start() {
      const onListening = (listening: boolean, why: string): void => standing.listening(listening, why);
      stream = openOrderStream({ url: hosts.orderStream, credentials, clock, onListening, onKey, onUpdate });
    },
    close() {
      standing.close();
      fills.close();
      stream?.close();
      market.close();
      api.close();
    },
  };
}

interface TellingOptions {
  readonly chains: Chains;
  readonly reads: AccountReads;
  readonly standing: Standing;
  readonly fills: FillWatch;
  readonly tell: Tell;
}
type Update = { readonly event: string; readonly order: OrderPayload } | undefined;

/** Fills are told of by these; every other word on the stream is about an order alone. */
const FILLS: ReadonlySet<string> = new Set(['fill', 'partial_fill']);

/** What an order has become, in the order in which it was told of it; after its executions where it was filled. */
function openTelling({ chains, reads, standing, fills, tell }: TellingOptions): (update: Update) => void {
  let told: Promise<void> = Promise.resolve();
  const tellOrder = (orderId: string): void => {
    told = told.then(async () => {
      try {
        const chain = await chains.of(orderId);
        const order = chain && reads.told(chain);
        if (order !== undefined) tell([{ kind: 'order', order }]);
      } catch {
        standing.doubt();
      }
    });
  };
  return (update) => {
    if (update === undefined) return standing.doubt();
    const { event, order } = update;
    chains.learn(order);
    if (!FILLS.has(event)) return tellOrder(order.id);
    void chains
      .of(order.id)
      .then((chain) => fills.await(chain?.root.id ?? order.id))
      .catch(() => standing.doubt())
      .finally(() => tellOrder(order.id));
  };
}
