/** The parts of one connection to Alpaca, put together: what is heard on the stream becomes events, in order. */
import type { BrokerConnection } from '#brokers/broker.ts';
import type { LiveSocket } from '#brokers/live-socket.ts';
import type { BrokerEvent, BrokerRequests } from '#ports.ts';
import { type AccountReads, openAccountReads } from './account.ts';
import { at, openApi } from './api.ts';
import { type Chains, openChains } from './chains.ts';
import { type FillWatch, openFillWatch } from './fill-watch.ts';
import { type Fills, openFills } from './fills.ts';
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
  readonly fills: Fills;
  readonly standing: Standing;
  readonly market: AlpacaMarket;
  /** Of trading; prices have a budget of their own. */
  readonly budget: () => BrokerRequests;
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
    byId: (id, kind) => api.read(orderPayload, at('/v2/orders', id), { kind }),
    byClientId: (id, kind) =>
      api.read(orderPayload, '/v2/orders:by_client_order_id', {
        kind,
        query: { client_order_id: id },
      }),
  });
  const asked = { api, chains, directory, onUnlisted: (symbol: string) => standing.unlisted(symbol) };
  const reads = openAccountReads(asked);
  const fills = openFills(asked, () => reads.coinTier());
  const standing = openStanding({
    clock,
    currency: account.currency,
    reads,
    onChange: (connected, detail) => tell([{ kind: 'connection', connected, detail }]),
    onFirst: (venueNowMs) => watch.begin(venueNowMs),
  });
  const watch = openFillWatch({
    fills,
    clock,
    onFills: (executions) => tell(executions.map((execution) => ({ kind: 'execution', execution }))),
  });
  const onTrouble = (why: string | null): void => standing.prices(why);
  const market = openMarket({ api, hosts, credentials, dataFeed, clock, onTrouble });
  const onUpdate = openTelling({ chains, reads, standing, watch, tell });
  let stream: LiveSocket | undefined;

  return {
    requests: openRequests({ api, chains, directory, gate, away: () => standing.away() }),
    chains,
    reads,
    fills,
    standing,
    market,
    budget: () => api.budget(),
    start() {
      const onListening = (listening: boolean, why: string): void => standing.listening(listening, why);
      stream = openOrderStream({ url: hosts.orderStream, credentials, clock, onListening, onKey, onUpdate });
    },
    close() {
      standing.close();
      watch.close();
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
  readonly watch: FillWatch;
  readonly tell: Tell;
}
type Update = { readonly event: string; readonly order: OrderPayload } | undefined;

/** Fills are told of by these; every other word on the stream is about an order alone. */
const FILLS: ReadonlySet<string> = new Set(['fill', 'partial_fill']);
/** What was executed is taken back or told otherwise: no word of ours undoes an execution, so the account is compared. */
const CORRECTIONS: ReadonlySet<string> = new Set(['trade_bust', 'trade_correct']);

/** What an order has become, in the order in which it was told of it; after its executions where it was filled. */
function openTelling({ chains, reads, standing, watch, tell }: TellingOptions): (update: Update) => void {
  /** Orders of which fills are being looked for: what has become of them is told with those. */
  const awaited = new Map<string, number>();
  let told: Promise<void> = Promise.resolve();
  const tellOrder = (orderId: string): void => {
    told = told.then(async () => {
      try {
        const chain = await chains.of(orderId);
        const order = chain && reads.told(chain);
        if (order !== undefined && !awaited.has(orderId)) tell([{ kind: 'order', order }]);
      } catch {
        standing.doubt();
      }
    });
  };
  async function afterFills(orderId: string): Promise<void> {
    awaited.set(orderId, (awaited.get(orderId) ?? 0) + 1);
    try {
      const chain = await chains.of(orderId);
      await watch.await(chain?.root.id ?? orderId);
    } catch {
      standing.doubt();
    }
    const left = (awaited.get(orderId) ?? 1) - 1;
    if (left > 0) awaited.set(orderId, left);
    else awaited.delete(orderId);
    tellOrder(orderId);
  }
  return (update) => {
    if (update === undefined) return standing.doubt();
    chains.learn(update.order);
    if (CORRECTIONS.has(update.event)) standing.doubt();
    if (FILLS.has(update.event)) void afterFills(update.order.id);
    else tellOrder(update.order.id);
  };
}
