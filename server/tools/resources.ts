/** The resources: what a host may show or keep in view, each a projection of a tool under an address, in the order of the list. */
import type { InstrumentId } from '#domain/instrument.ts';
import type { AccountId, Principal } from '#domain/principal.ts';
import { topic } from './change-feed.ts';
import type { Tool } from './define.ts';
import { getAccount } from './get-account.ts';
import { getGatewayStatus } from './get-gateway-status.ts';
import { getMandate } from './get-mandate.ts';
import { getMarketClock } from './get-market-clock.ts';
import { getOrder } from './get-order.ts';
import { getOrders } from './get-orders.ts';
import { getPositions } from './get-positions.ts';
import { getQuotes } from './get-quotes.ts';
import { listAccounts } from './list-accounts.ts';
import { RESOURCE_SCHEME, type Segments, segmentsOfTemplate } from './resource-uri.ts';

export type Variable = 'account' | 'symbol' | 'order_id';
type Values = Readonly<Record<string, string>>;

export interface Resource {
  /** RFC 6570, level 1: segments and `{variable}`; a resource without variables is an address. */
  readonly template: string;
  readonly segments: Segments;
  readonly variables: readonly Variable[];
  readonly name: string;
  readonly title: string;
  /** With its variables in their braces. */
  readonly description: string;
  readonly describe: (values: Values) => string;
  /** Reading it is a call of this tool: its scope, rate and record are the resource's. */
  readonly tool: Tool;
  readonly args: (values: Values) => Readonly<Record<string, unknown>>;
  /** What changes its answer, prices and ages left out except where they are what it is about. */
  readonly topics: (seen: Seen, values: Values) => readonly string[];
  /** Instruments whose quotes it is about: while somebody follows it, they are kept current. */
  readonly quotes: (seen: Seen, values: Values) => readonly InstrumentId[];
  /** 0 to 1: how much a host should want it in front of the model. */
  readonly priority: number;
}

/** As much of the world as decides what a caller's resource is about. */
export interface Seen {
  readonly agent: string;
  readonly accounts: readonly AccountId[];
  /** Those with a feed. */
  readonly instruments: readonly InstrumentId[];
  /** The instrument of a symbol or alias, if there is one. */
  readonly instrumentOf: (symbol: string | undefined) => InstrumentId | undefined;
}

interface Definition extends Pick<Resource, 'title' | 'tool' | 'priority' | 'topics'> {
  readonly path: string;
  readonly name: string;
  readonly args?: Resource['args'];
  readonly quotes?: Resource['quotes'];
}

function resource(definition: Definition): Resource {
  const { path, tool, args = () => ({}), quotes = () => [], ...rest } = definition;
  const template = RESOURCE_SCHEME + path;
  const segments = segmentsOfTemplate(template);
  const variables = VARIABLES.filter((variable) => segments.includes(`{${variable}}`));
  const values = Object.fromEntries(variables.map((variable) => [variable, `{${variable}}`]));
  const describe = (given: Values) =>
    `As JSON, what the tool ${tool.name} answers to ${JSON.stringify(args(given))}.`;
  return {
    ...rest,
    template,
    segments,
    variables,
    description: describe(values),
    describe,
    tool,
    args,
    quotes,
  };
}

const VARIABLES = ['account', 'symbol', 'order_id'] as const;
const ofAccount = ({ account }: Values) => ({ account });
const instrumentOf: Resource['quotes'] = (seen, { symbol }) => {
  const instrument = seen.instrumentOf(symbol);
  return instrument === undefined ? [] : [instrument];
};
const ofInstrument =
  (of: (instrument: string) => string): Resource['topics'] =>
  (...about) =>
    instrumentOf(...about).map(of);

export const RESOURCES: readonly Resource[] = [
  resource({
    path: 'mandate',
    name: 'mandate',
    title: 'My mandate',
    tool: getMandate,
    topics: ({ agent }) => [topic.mandate(agent), topic.state],
    priority: 1,
  }),
  resource({
    path: 'accounts',
    name: 'accounts',
    title: 'My accounts',
    tool: listAccounts,
    topics: ({ accounts }) => [...accounts.map(topic.account), topic.state],
    priority: 0.8,
  }),
  resource({
    path: 'positions',
    name: 'positions',
    title: 'Open positions',
    tool: getPositions,
    topics: ({ accounts }) => accounts.map(topic.holdings),
    priority: 0.9,
  }),
  resource({
    path: 'orders',
    name: 'orders',
    title: 'My latest orders',
    tool: getOrders,
    topics: ({ agent }) => [topic.orders(agent)],
    priority: 0.7,
  }),
  resource({
    path: 'orders/open',
    name: 'open-orders',
    title: 'My open orders',
    tool: getOrders,
    args: () => ({ status: 'open' }),
    topics: ({ agent }) => [topic.orders(agent)],
    priority: 0.8,
  }),
  resource({
    path: 'market-clock',
    name: 'market-clock',
    title: 'Market clock',
    tool: getMarketClock,
    topics: ({ instruments }) => instruments.map(topic.session),
    priority: 0.4,
  }),
  resource({
    path: 'status',
    name: 'status',
    title: 'Gateway status',
    tool: getGatewayStatus,
    topics: ({ agent }) => [topic.state, topic.stateOf(agent), topic.connections],
    priority: 0.4,
  }),
  resource({
    path: 'accounts/{account}',
    name: 'account',
    title: 'An account',
    tool: getAccount,
    args: ofAccount,
    topics: (_seen, { account = '' }) => [topic.account(account), topic.state],
    priority: 0.7,
  }),
  resource({
    path: 'accounts/{account}/positions',
    name: 'account-positions',
    title: 'Open positions of an account',
    tool: getPositions,
    args: ofAccount,
    topics: (_seen, { account = '' }) => [topic.holdings(account)],
    priority: 0.7,
  }),
  resource({
    path: 'orders/{order_id}',
    name: 'order',
    title: 'An order and its timeline',
    tool: getOrder,
    args: ({ order_id }) => ({ order_id }),
    topics: (_seen, { order_id = '' }) => [topic.order(order_id)],
    priority: 0.5,
  }),
  resource({
    path: 'quotes/{symbol}',
    name: 'quote',
    title: 'A quote',
    tool: getQuotes,
    args: ({ symbol }) => ({ symbols: [symbol] }),
    topics: ofInstrument(topic.quote),
    quotes: instrumentOf,
    priority: 0.6,
  }),
  resource({
    path: 'market-clock/{symbol}',
    name: 'market-clock-of-symbol',
    title: 'Market clock of a symbol',
    tool: getMarketClock,
    args: ({ symbol }) => ({ symbol }),
    topics: ofInstrument(topic.session),
    priority: 0.3,
  }),
];

export const mayRead = (principal: Principal, { tool }: Pick<Resource, 'tool'>): boolean =>
  principal.scopes.has(tool.scope);
