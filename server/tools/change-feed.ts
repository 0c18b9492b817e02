/** What changed, as topics that resources name: read off the record, where every change of state is, and off the market feed. */
import type { AuditEvent } from '#audit/event.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Markets } from '#market/markets.ts';
import type { FeedTick } from '#ports.ts';

/** What something can be told of; agents by the name that the record gives them. */
export const topic = {
  /** An agent's orders, and one of them. */
  orders: (agent: string) => `orders:${agent}`,
  order: (orderId: string) => `order:${orderId}`,
  /** Money of an account, and what it holds. */
  account: (account: string) => `account:${account}`,
  holdings: (account: string) => `holdings:${account}`,
  mandate: (agent: string) => `mandate:${agent}`,
  /** The trading state of an agent; of the gateway. */
  stateOf: (agent: string) => `state:${agent}`,
  state: 'state',
  /** Whether brokers are connected, and which accounts there are. */
  connections: 'connections',
  quote: (instrument: string) => `quote:${instrument}`,
  session: (instrument: string) => `session:${instrument}`,
  /** What an agent may see and use, and what everybody may. */
  listsOf: (agent: string) => `lists:${agent}`,
  lists: 'lists',
  /** Some credential has ended: whoever serves one looks whether it was theirs. */
  credentials: 'credentials',
} as const;

/** `now`: as soon as can be. `market`: prices, which change so often that a slower beat is enough. */
export type Pace = 'now' | 'market';

export interface ChangeFeed {
  /** Called after the commit, on the path of orders: it must be quick and never throw. Returns what ends it. */
  onChange(listener: (topics: readonly string[], pace: Pace) => void): () => void;
}

export interface ChangeSources {
  readonly audit: Pick<AuditLog, 'onRecorded'>;
  readonly markets: Pick<Markets, 'onTick'>;
  readonly access: { onEpochChange(listener: () => void): void };
}

type OfEvent = (event: AuditEvent, agent: string, account: string) => readonly string[];

const ofOrder: OfEvent = ({ detail }, agent, account) => {
  const orderId = detail?.['order_id'];
  const filled = detail?.['to'] === 'filled';
  return [
    ...(typeof orderId === 'string' ? [topic.order(orderId)] : []),
    topic.orders(agent),
    topic.mandate(agent),
    topic.account(account),
    ...(filled ? [topic.holdings(account)] : []),
  ];
};
const ofAgent: OfEvent = (_event, agent) => [topic.mandate(agent), topic.stateOf(agent)];
const ofMandate: OfEvent = (event, ...of) => [...ofAgent(event, ...of), topic.listsOf(of[0])];
const ofConnection: OfEvent = (_event, _agent, account) => [topic.connections, topic.account(account)];
const ofAccounts: OfEvent = (event, ...of) => [...ofConnection(event, ...of), topic.lists];
/** A limit of an agent, or of a whole account. */
const ofLimit: OfEvent = (event, ...of) =>
  event.account === undefined ? ofAgent(event, ...of) : ofConnection(event, ...of);
const ofCredential: OfEvent = () => [topic.credentials];

/** Kinds of events that change what a resource says. Everything else on the record is a look, or changes nothing that is shown. */
const OF_KIND: ReadonlyMap<string, OfEvent> = new Map<string, OfEvent>([
  ['order.created', ofOrder],
  ['order.transition', ofOrder],
  ['order.executed', (event, ...of) => [...ofOrder(event, ...of), topic.holdings(of[1])]],
  ['reconcile.mismatch', (_event, _agent, account) => [topic.account(account), topic.holdings(account)]],
  ['ledger.adjusted', (_event, _agent, account) => [topic.account(account)]],
  ['limit.breached', ofLimit],
  ['limit.lifted', ofAgent],
  ['agent.halted', ofAgent],
  ['agent.lifted', ofAgent],
  ['agent.reducing', ofAgent],
  ['agent.reducing_ended', ofAgent],
  ['mandate.set', ofMandate],
  ['mandate.tightened', ofMandate],
  ['mandate.revoked', ofMandate],
  ['broker.connected', ofConnection],
  ['broker.disconnected', ofConnection],
  ['account.lifted', ofConnection],
  ['account.added', ofAccounts],
  ['account.changed', ofAccounts],
  ['account.removed', ofAccounts],
  ['kill.drill', ofConnection],
  ['kill.drill_report', ofConnection],
  ['account.restarted', (_event, _agent, account) => [topic.account(account), topic.holdings(account)]],
  // While it is halted there are no lists to look at.
  [
    'gateway.state',
    ({ detail }) => (detail?.['after'] === 'HALTED' ? [topic.state] : [topic.state, topic.lists]),
  ],
  ['key.revoked', ofCredential],
  ['key.rotated', ofCredential],
  ['oauth.grant_ended', ofCredential],
  ['oauth.client_changed', ofCredential],
  ['oauth.client_revoked', ofCredential],
]);

export function openChangeFeed({ audit, markets, access }: ChangeSources): ChangeFeed {
  const listeners = new Set<(topics: readonly string[], pace: Pace) => void>();
  const tell = (topics: readonly string[], pace: Pace): void => {
    for (const listener of listeners) listener(topics, pace);
  };
  /** Instruments whose session has ended: their next tick opens another. */
  const closed = new Set<string>();
  const stops: (() => void)[] = [];

  function onTick({ quote, sessionEnd }: FeedTick): void {
    const { instrument } = quote;
    tell([topic.quote(instrument)], 'market');
    if (sessionEnd !== closed.has(instrument)) tell([topic.session(instrument)], 'now');
    if (sessionEnd) closed.add(instrument);
    else closed.delete(instrument);
  }
  function onRecorded(event: AuditEvent): void {
    const topics = OF_KIND.get(event.kind)?.(event, event.agent ?? '', event.account ?? '');
    if (topics) tell(topics, 'now');
  }

  // The epoch changes from memory too, when the store is broken: that is not on the record yet.
  access.onEpochChange(() => tell([topic.credentials], 'now'));
  return {
    onChange(listener) {
      // Nobody pays for it while nobody listens.
      if (listeners.size === 0) stops.push(audit.onRecorded(onRecorded), markets.onTick(onTick));
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) for (const stop of stops.splice(0)) stop();
      };
    },
  };
}
