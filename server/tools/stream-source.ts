/** What a stream for programs is told: quotes as they stand, orders and executions from where it was, accounts when they change. */
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import { type AccountId, accountId, type Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { STREAM_ORDER_EVENTS_PAGE } from '#limits.ts';
import type { Clock, MarketFeed, Quote } from '#ports.ts';
import type { Desk } from '#trading/desk.ts';
import type { OrderEvent, OrderEvents, OrderEventsCursor } from '#trading/order-events.ts';
import { type CallersMarket, type MarketServices, marketOfCall } from './callers-market.ts';
import { type ChangeFeed, topic } from './change-feed.ts';
import type { Dispatcher } from './dispatch.ts';
import { accountWire, orderWire, quoteWire, timelineWire, tradeWire } from './project.ts';
import type { Reader } from './resource-reader.ts';
import { type StreamEventName, type StreamInput, streamId } from './stream-shape.ts';

export interface StreamEvent {
  readonly event: StreamEventName;
  /** JSON. */
  readonly data: string;
  /** Where orders and executions go on behind it. */
  readonly id?: string;
}

/** That there is something to tell; what, is looked up when it is told. */
export type StreamNotice =
  | { readonly kind: 'quote'; readonly instrument: Instrument }
  | { readonly kind: 'orders' }
  | { readonly kind: 'account'; readonly account: AccountId };

export interface StreamSource {
  readonly changes: ChangeFeed;
  /**
   * Begins with a read of each tool behind it, as the caller: the same refusals, rate and record as theirs. `after`: where orders
   * and executions go on; undefined: with what comes now.
   */
  open(
    input: StreamInput,
    by: Reader,
    after: OrderEventsCursor | undefined,
  ): Promise<Result<StreamSubject, Refusal>>;
}

/** What one stream is about. */
export interface StreamSubject {
  readonly ready: StreamEvent;
  /** By topic of changes, as the caller's accounts are now; undefined: nothing of it is theirs any more. */
  notices(): ReadonlyMap<string, StreamNotice> | undefined;
  /** undefined: there is none, or none that was not told. */
  quote(instrument: Instrument): StreamEvent | undefined;
  /** The next of them; what was given is not given again. */
  orders(): { readonly events: readonly StreamEvent[]; readonly more: boolean };
  account(account: AccountId): Promise<StreamEvent | undefined>;
  /** Its symbols need not be followed any more. */
  close(): void;
}

export interface StreamServices extends MarketServices {
  readonly changes: ChangeFeed;
  readonly desk: Pick<Desk, 'account'> & { readonly orderEvents: OrderEvents };
  readonly clock: Clock;
}

export function openStreamSource(services: StreamServices, dispatcher: Dispatcher): StreamSource {
  const render = quoteRenderer(services.clock);
  async function read(tool: string, args: object, by: Reader): Promise<Refusal | undefined> {
    const answer = await dispatcher.call({ tool, args, principal: by.principal, via: by.via });
    if (answer === null) throw new Error(`there is no tool ${tool}`);
    return answer.ok ? undefined : answer.refusal;
  }
  return {
    changes: services.changes,
    async open(input, by, after) {
      const account = input.account === undefined ? {} : { account: input.account };
      const { topics, symbols } = input;
      const refused =
        (topics.includes('quotes') && (await read('watch_market', { symbols, ...account }, by))) ||
        (topics.some((one) => one !== 'quotes') && (await read('get_orders', { limit: 1, ...account }, by)));
      if (refused) return err(refused);
      const market = marketOfCall(services, by.principal, input.account);
      if (!market.ok) return market;
      const instruments = market.value.resolveAll(symbols);
      if (!instruments.ok) return instruments;
      return ok(
        subjectOf(services, {
          input,
          principal: by.principal,
          market: market.value,
          instruments: instruments.value,
          after,
          render,
        }),
      );
    },
  };
}

interface SubjectOptions {
  readonly input: StreamInput;
  readonly principal: Principal;
  readonly market: CallersMarket;
  readonly instruments: readonly Instrument[];
  readonly after: OrderEventsCursor | undefined;
  readonly render: (quote: Quote, symbol: string) => string;
}

function subjectOf(services: StreamServices, options: SubjectOptions): StreamSubject {
  const { input, principal, instruments, after, render } = options;
  const { orderEvents } = services.desk;
  const topics = new Set(input.topics);
  const kinds = kindsOf(input);
  const now = orderEvents.now();
  const resumed = after !== undefined && after.changes <= now.changes && after.executions <= now.executions;
  let cursor = resumed ? after : now;
  const held = holding(
    options.market.feed,
    instruments.map(({ id }) => id),
  );
  const told = new Map<InstrumentId, Quote>();
  const idNow = () => (kinds.size === 0 ? {} : { id: streamId(cursor) });
  const own = (): readonly AccountId[] => {
    const all = services.access.agents.accountsOf(principal.agent);
    return input.account === undefined ? all : all.filter((id) => id === input.account);
  };

  return {
    ready: {
      event: 'ready',
      data: JSON.stringify({
        topics: input.topics,
        symbols: instruments.map(({ symbol }) => symbol),
        ...(after === undefined || resumed ? {} : { lagged: true }),
      }),
      ...idNow(),
    },
    notices() {
      const market = marketOfCall(services, principal, input.account);
      if (!market.ok) return undefined;
      held.move(market.value.feed);
      const notices = new Map<string, StreamNotice>();
      for (const instrument of instruments)
        if (market.value.feed.carries(instrument.id))
          notices.set(topic.quote(instrument.id), { kind: 'quote', instrument });
      if (kinds.size > 0) notices.set(topic.orders(principal.agentName), { kind: 'orders' });
      if (topics.has('accounts'))
        for (const account of own()) notices.set(topic.account(account), { kind: 'account', account });
      return notices;
    },
    quote(instrument) {
      const quote = held.feed().quote(instrument.id);
      // Another account's feed of the same instrument has ticked, or the first look has told it.
      if (quote === undefined || told.get(instrument.id) === quote) return undefined;
      told.set(instrument.id, quote);
      return { event: 'quote', data: render(quote, instrument.symbol), ...idNow() };
    },
    orders() {
      const page = orderEvents.since(cursor, {
        agent: principal.agent,
        account: input.account === undefined ? undefined : accountId(input.account),
        kinds,
        limit: STREAM_ORDER_EVENTS_PAGE,
      });
      ({ cursor } = page);
      return { events: page.events.map(orderEventOf), more: page.more };
    },
    async account(account) {
      if (!own().includes(account)) return undefined;
      const view = await services.desk.account(principal, account).catch(() => err(unknownFault()));
      return view.ok
        ? { event: 'account', data: JSON.stringify(accountWire(view.value)), ...idNow() }
        : { event: 'trouble', data: JSON.stringify({ account, refusal: view.error }), ...idNow() };
    },
    close: () => held.release(),
  };
}

/** Nobody waits for this answer: a fault in it must end no stream, and no process. */
const unknownFault = (): Refusal =>
  refuse('internal', 'The figures of the account could not be read; the owner can see why in the record.');

function kindsOf({ topics }: StreamInput): ReadonlySet<OrderEvent['kind']> {
  const kinds = new Set<OrderEvent['kind']>();
  if (topics.includes('orders')) kinds.add('order');
  if (topics.includes('executions')) kinds.add('execution');
  return kinds;
}

function orderEventOf(event: OrderEvent): StreamEvent {
  const id = streamId(event.cursor);
  switch (event.kind) {
    case 'order': {
      const data = { order: orderWire(event.order), change: timelineWire(event.entry) };
      return { event: 'order', data: JSON.stringify(data), id };
    }
    case 'execution':
      return { event: 'execution', data: JSON.stringify(tradeWire(event.trade)), id };
    default:
      return event satisfies never;
  }
}

/** Follows the instruments on one feed, and on another from then on. */
function holding(first: MarketFeed, ids: readonly InstrumentId[]) {
  let feed = first;
  let release = feed.hold(ids, 'watched');
  return {
    feed: () => feed,
    release: () => release(),
    move(next: MarketFeed) {
      if (next === feed) return;
      const before = release;
      feed = next;
      release = feed.hold(ids, 'watched');
      before();
    },
  };
}

/** The same quote is told to many at one time: it is written out once. */
function quoteRenderer(clock: Clock): (quote: Quote, symbol: string) => string {
  const rendered = new WeakMap<Quote, { readonly wallMs: number; readonly symbol: string; data: string }>();
  return (quote, symbol) => {
    const wallMs = clock.wallMs();
    const known = rendered.get(quote);
    if (known?.wallMs === wallMs && known.symbol === symbol) return known.data;
    const data = JSON.stringify(quoteWire(symbol, quote, wallMs));
    rendered.set(quote, { wallMs, symbol, data });
    return data;
  };
}
