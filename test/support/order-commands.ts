/** What the model-based test may do to an order line: an agent's calls, a venue's moods, the owner's evidence, time and restarts. */
import fc from 'fast-check';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import type { BrokerEvent, BrokerOrder } from '#ports.ts';
import type { HandClock } from './hand-clock.ts';
import { draft } from './order-drafts.ts';
import type { OpenedLine } from './order-line.ts';
import type { OrderModel, Told, Word } from './order-model.ts';
import type { ScriptedBroker, Treatment } from './scripted-broker.ts';

export interface Real {
  readonly broker: ScriptedBroker;
  readonly told: Told;
  readonly restart: (real: Real) => Promise<void>;
  line: OpenedLine;
  clock: HandClock;
  who: Principal;
  /** Calls to be made again, with the same key. */
  readonly calls: (() => Promise<unknown>)[];
  number: number;
}

type Command = fc.AsyncCommand<OrderModel, Real>;

/** A step, and a look at everything that happened in it. */
function command(name: string, run: (real: Real) => void | Promise<void>): Command {
  return {
    check: () => true,
    toString: () => name,
    async run(model, real) {
      await run(real);
      await real.clock.advanceAsync(1);
      const wrong = model.look(real.line, real.broker);
      if (wrong.length > 0) throw new Error(`after ${name}: ${wrong.join('; ')}`);
    },
  };
}

const pick = <T>(from: readonly T[], at: number): T | undefined => from[at % Math.max(1, from.length)];
const ordersThat = (real: Real, where: string): readonly string[] =>
  real.line.store.db
    .prepare<[], string>(`SELECT order_id FROM orders WHERE ${where} ORDER BY seq`)
    .pluck()
    .all();
const WORKING = `status IN ('open', 'partially_filled', 'unknown', 'pending_replace', 'pending_cancel')`;

/** Begins a call; its answer may never come. */
function begin(real: Real, call: () => Promise<unknown>): void {
  // What a restart has cut off ends with the line that it was begun on.
  const quiet = (): Promise<unknown> => call().catch(() => undefined);
  real.calls.push(quiet);
  void quiet();
}

const treatments: fc.Arbitrary<Treatment> = fc.record({
  effect: fc.constantFrom('accept', 'accept', 'accept', 'reject', 'lose'),
  answer: fc.constantFrom('truth', 'truth', 'unknown', 'throw', 'never'),
});
const words = ({ effect, answer }: Treatment): string => `(${effect}, ${answer})`;

const places = fc
  .tuple(fc.constantFrom('buy', 'sell'), fc.integer({ min: 1, max: 4 }), fc.boolean(), treatments)
  .map(([side, qty, market, how]) =>
    command(`place ${side} ${qty}${market ? ' at the market' : ''} ${words(how)}`, (real) => {
      const key = `m${++real.number}`;
      const order = draft({ side, qty: String(qty), ...(market ? {} : { limit: '1450' }) });
      real.broker.next.place.splice(0, Infinity, how);
      const commit = { kind: 'commit', tool: 'place_order', digest: key, idempotencyKey: key } as const;
      begin(real, () => real.line.trading.placeOrder(real.who, { ...order, tag: key }, commit));
    }),
  );

const changes = fc
  .tuple(fc.nat(9), fc.constantFrom('cancel', 'replace', 'close'), treatments)
  .map(([at, what, how]) =>
    command(`${what} ${at} ${words(how)}`, (real) => {
      const key = `m${++real.number}`;
      const reduce = { tool: what, digest: key, dryRun: false, idempotencyKey: key };
      const { trading } = real.line;
      const { account } = draft({ side: 'sell' });
      real.broker.next[what === 'close' ? 'place' : what].splice(0, Infinity, how);
      if (what === 'close')
        return begin(real, () => trading.closePosition(real.who, { account, symbol: 'SPX' }, reduce));
      const orderId = pick(ordersThat(real, WORKING), at);
      if (orderId === undefined) return;
      if (what === 'cancel') return begin(real, () => trading.cancelOrder(real.who, orderId, reduce));
      const { limitPrice } = draft({ side: 'buy', limit: `144${at}` });
      const commit = { kind: 'commit', tool: what, digest: key, idempotencyKey: key } as const;
      if (limitPrice !== undefined)
        begin(real, () => trading.modifyOrder(real.who, { orderId, limitPrice }, commit));
    }),
  );

const again = fc
  .nat(20)
  .map((at) => command(`call ${at} again`, async (real) => void pick(real.calls, at)?.()));

/** What the venue does by itself. */
const venue = fc.tuple(fc.nat(9), fc.constantFrom('fills one', 'fills', 'cancels')).map(([at, what]) =>
  command(`the venue ${what} ${at}`, async ({ broker }) => {
    const order = pick(
      broker.everyOrder().filter(({ status }) => status === 'open' || status === 'partially_filled'),
      at,
    );
    if (order === undefined || order.brokerClientId === null) return;
    // Its own doing meets no fault of the wire.
    broker.next.cancel.length = 0;
    if (what === 'cancels') await broker.cancel({ brokerClientId: order.brokerClientId });
    else
      broker.fill(
        order.brokerClientId,
        what === 'fills' ? order.qty.minus(order.filledQty).toFixed() : '1',
        '1450',
      );
  }),
);

const moods = fc
  .constantFrom('silent', 'deaf', 'hears', 'tells', 'tells twice', 'forgets', 'goes', 'comes back')
  .map((mood) =>
    command(`the venue ${mood}`, ({ broker }) => {
      if (mood === 'silent') broker.silent = true;
      else if (mood === 'deaf' || mood === 'hears') broker.deaf = mood === 'deaf';
      else if (mood === 'tells') broker.release();
      else if (mood === 'tells twice') broker.release((events) => [...events, ...events]);
      else if (mood === 'forgets') broker.release(() => []);
      else broker.stay(mood === 'comes back');
    }),
  );

/** What the owner reads on the broker's own screen; the owner may err. */
const evidence = fc
  .tuple(fc.nat(9), fc.constantFrom('never_received', 'rejected', 'canceled', 'expired', 'working'))
  .map(([at, outcome]) =>
    command(`the owner records ${outcome} of ${at}`, (real) => {
      const orderId = pick(ordersThat(real, `status = 'unknown'`), at);
      if (orderId === undefined) return;
      const { line, told } = real;
      const id = line.store.db
        .prepare<[string], string>('SELECT broker_client_id FROM orders WHERE order_id = ?')
        .pluck()
        .get(orderId);
      told.add(id ?? null, 'recorded by the owner');
      line.trading.owner.recordEvidence({
        orderId,
        outcome,
        source: 'the order page',
        text: `It says ${outcome}.`,
        observedAtMs: real.clock.wallMs(),
        by: OWNER_CLI,
      });
    }),
  );

const time = fc
  .constantFrom(500, 5_000, 10_500, 31_000)
  .map((ms) => command(`${ms} ms pass`, ({ clock }) => clock.advanceAsync(ms)));
const restarts = fc.constant(command('restart', (real) => real.restart(real)));

export const commands = fc.commands(
  [places, places, changes, again, venue, venue, moods, moods, evidence, time, time, restarts],
  { maxCommands: 40, size: '+1' },
);

/** Everything that the venue says goes by here before the line hears it. */
export function overheard(broker: ScriptedBroker, told: Told, wallMs: () => number): ScriptedBroker {
  const sentAtMs = new Map<string, number>();
  const order = ({ brokerClientId, status }: BrokerOrder): void => {
    const word: Word | undefined =
      status === 'open' || status === 'partially_filled'
        ? 'working'
        : status === 'refused'
          ? undefined
          : status;
    if (word !== undefined) told.add(brokerClientId, word);
  };
  const event = (one: BrokerEvent): void => {
    if (one.kind === 'order') order(one.order);
    if (one.kind === 'execution') told.add(one.execution.brokerClientId, 'executed');
  };
  const { place, replace, onEvents, openOrders, orderByClientId, historySince } = bound(broker);
  for (const [name, ask] of [
    ['place', place],
    ['replace', replace],
  ] as const)
    broker[name] = async (cleared) => {
      sentAtMs.set(cleared.brokerClientId, wallMs());
      const outcome = await ask(cleared);
      if (outcome.kind === 'not_sent') told.add(cleared.brokerClientId, 'not sent');
      else if (outcome.kind !== 'unknown') told.add(cleared.brokerClientId, outcome.kind);
      return outcome;
    };
  broker.onEvents = (listener) =>
    onEvents((events) => {
      for (const one of events) event(one);
      listener(events);
    });
  broker.openOrders = async () => {
    const open = await openOrders();
    for (const one of open) order(one);
    return open;
  };
  broker.orderByClientId = async (id) => {
    const found = await orderByClientId(id);
    if (found !== undefined) order(found);
    // The venue's own figure: before that a request may still be on its way, and "no such order" says nothing.
    else if (wallMs() - (sentAtMs.get(id) ?? 0) >= broker.capabilities.ids.absentIsFinalAfterMs)
      told.add(id, 'absent');
    return found;
  };
  broker.historySince = async (cursor) => {
    const history = await historySince(cursor);
    for (const { brokerClientId } of history.executions) told.add(brokerClientId, 'executed');
    return history;
  };
  return broker;
}

function bound(broker: ScriptedBroker) {
  return {
    place: broker.place.bind(broker),
    replace: broker.replace.bind(broker),
    onEvents: broker.onEvents.bind(broker),
    openOrders: broker.openOrders.bind(broker),
    orderByClientId: broker.orderByClientId.bind(broker),
    historySince: broker.historySince.bind(broker),
  };
}
