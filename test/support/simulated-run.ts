/** One seeded run of an agent against a venue that times out, loses, repeats and reorders; then everything heals and the books are compared. */
import { rmSync } from 'node:fs';
import type { Principal } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import type { BrokerEvent, BrokerOrder } from '#ports.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { draft } from './order-drafts.ts';
import type { OpenedLine } from './order-line.ts';
import { seededNumbers } from './random-trader.ts';
import { HONEST, type ScriptedBroker, scriptedBroker, type Treatment } from './scripted-broker.ts';
import { newKey, startedLine, temporaryDisk } from './simulated-line.ts';
import { sentTwice, venueFaults } from './venue-books.ts';

export interface SimulatedRun {
  readonly seed: number;
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[];
  /** What was done, step by step. */
  readonly story: readonly string[];
  readonly sent: number;
  readonly fills: number;
  readonly unclear: number;
}

/** The acceptance: everything tells the same story so long after the last fault. */
const HEALED_WITHIN_MS = 10_000;
const STEPS = 30;
const BAD_ANSWERS: readonly Treatment['answer'][] = ['unknown', 'throw', 'never', 'never'];

interface World {
  readonly folder: string;
  readonly broker: ScriptedBroker;
  readonly random: () => number;
  readonly story: string[];
  /** Keys of calls that were made, to be made again. */
  readonly calls: (() => void)[];
  line: OpenedLine;
  clock: HandClock;
  who: Principal;
  /** Requests that took effect and were not answered. */
  readonly unanswered: Set<string>;
  /** While the positions are asked for the next time, something is filled. */
  fillNext: boolean;
  readonly login: (line: OpenedLine) => Principal;
}

export async function simulate(seed: number): Promise<SimulatedRun> {
  const folder = temporaryDisk();
  try {
    const world = await openWorld(folder, seed);
    try {
      for (let number = 0; number < STEPS; number++) await step(world);
      await heal(world);
      const { broker, line, story } = world;
      const unclear = line.store.db
        .prepare<[], number>(`SELECT count(DISTINCT order_id) FROM order_timeline WHERE status = 'unknown'`)
        .pluck()
        .get();
      return {
        seed,
        faults: [...sentTwice(broker), ...venueFaults(line.store, broker)],
        story,
        sent: broker.sent.place.length,
        fills: broker.executions.length,
        unclear: unclear ?? 0,
      };
    } finally {
      await world.line.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openWorld(folder: string, seed: number): Promise<World> {
  const broker = scriptedBroker('paper', { absentIsFinalAfterMs: 2_000 });
  const clock = handClock();
  const line = await startedLine(folder, clock, broker);
  const login = newKey(line);
  const random = seededNumbers(seed);
  const who = login(line);
  const world: World = {
    folder,
    broker,
    random,
    story: [],
    calls: [],
    line,
    clock,
    who,
    unanswered: new Set(),
    fillNext: false,
    login,
  };
  for (const method of ['place', 'replace'] as const) {
    const ask = broker[method].bind(broker);
    broker[method] = (order) => {
      const how = broker.next[method][0] ?? HONEST;
      // A late word on what was lost would be a lie.
      if (how.effect === 'accept' && how.answer === 'never') world.unanswered.add(order.brokerClientId);
      else world.unanswered.delete(order.brokerClientId);
      return ask(order);
    };
  }
  const positions = broker.positions.bind(broker);
  broker.positions = () => {
    if (world.fillNext) {
      world.fillNext = false;
      broker.silent = true;
      fillOrder(world);
    }
    return positions();
  };
  return world;
}

type Step = (world: World) => void | Promise<void>;

/** What may happen, and how often. */
const STEPS_BY_WEIGHT: readonly (readonly [number, string, Step])[] = [
  [12, 'place', placeOrder],
  [3, 'replace', replaceOrder],
  [4, 'cancel', cancelOrder],
  [2, 'close', closePosition],
  [3, 'a call again', askAgain],
  [12, 'fill', fillOrder],
  [3, 'a fill between two questions', fillBetweenQuestions],
  [2, 'a cancel races a fill', raceCancel],
  [3, 'events are held back', (world) => void (world.broker.silent = true)],
  [4, 'events come, some twice, in any order', releaseShuffled],
  [2, 'events are lost', (world) => world.broker.release(() => [])],
  [2, 'no question is answered', (world) => void (world.broker.deaf = true)],
  [3, 'questions are answered', (world) => void (world.broker.deaf = false)],
  [2, 'the connection goes', disconnect],
  [3, 'the connection is back', reconnect],
  [2, 'an answer comes late', answerLate],
  [5, 'time passes', (world) => world.clock.advanceAsync(Math.floor(world.random() * 12_000))],
  [1, 'restart', restart],
];
const WEIGHT = STEPS_BY_WEIGHT.reduce((sum, [weight]) => sum + weight, 0);

async function step(world: World): Promise<void> {
  let at = world.random() * WEIGHT;
  for (const [weight, name, act] of STEPS_BY_WEIGHT) {
    at -= weight;
    if (at >= 0) continue;
    world.story.push(name);
    await act(world);
    await world.clock.advanceAsync(200);
    return;
  }
}

const pick = <T>({ random }: World, from: readonly T[]): T | undefined =>
  from[Math.floor(random() * from.length)];

/** How the venue will treat the next request. */
function treatment(world: World): Treatment {
  const { random, broker } = world;
  if (!broker.connected()) return { effect: 'lose', answer: 'throw' };
  if (random() < 0.5) return HONEST;
  const effect = pick(world, ['accept', 'accept', 'lose', 'reject'] as const) ?? 'accept';
  const answer = pick(world, BAD_ANSWERS) ?? 'unknown';
  return effect === 'reject' && random() < 0.5 ? { effect, answer: 'truth' } : { effect, answer };
}

/** Makes a call that may never be answered, and keeps it for whoever makes it again. */
function call(world: World, make: () => Promise<unknown>, what: string): void {
  world.story.push(what);
  const once = (): void =>
    void make().catch((cause: unknown) => {
      // Whoever closed the line has ended what was on its way.
      if (!String(cause).includes('not open')) world.story.push(`THROWN: ${String(cause)}`);
    });
  world.calls.push(once);
  once();
}

let keys = 0;

function placeOrder(world: World): void {
  const { random, broker } = world;
  const key = `k${++keys}`;
  const limit = (1_440 + Math.floor(random() * 20)).toFixed(2);
  const side = random() < 0.6 ? 'buy' : 'sell';
  const order = {
    ...draft({
      side,
      qty: String(1 + Math.floor(random() * 5)),
      ...(random() < 0.7 ? { limit } : {}),
    }),
    tag: key,
  };
  const how = treatment(world);
  broker.next.place.splice(0, Infinity, how);
  call(
    world,
    () =>
      world.line.trading.placeOrder(world.who, order, {
        kind: 'commit',
        tool: 'place_order',
        digest: key,
        idempotencyKey: key,
      }),
    `  ${key} ${side} ${order.type}: ${how.effect}, ${how.answer}`,
  );
}

/** Orders that the gateway thinks are working. */
const working = ({ line }: World): readonly string[] =>
  line.store.db
    .prepare<[], string>(
      `SELECT order_id FROM orders WHERE status IN ('open', 'partially_filled', 'unknown')`,
    )
    .pluck()
    .all();

function replaceOrder(world: World): void {
  const orderId = pick(world, working(world));
  const key = `k${++keys}`;
  const { limitPrice } = draft({ side: 'buy', limit: (1_440 + Math.floor(world.random() * 20)).toFixed(2) });
  if (orderId === undefined || limitPrice === undefined) return;
  const how = treatment(world);
  world.broker.next.replace.splice(0, Infinity, how);
  const commit = { kind: 'commit', tool: 'modify_order', digest: key, idempotencyKey: key } as const;
  call(
    world,
    () => world.line.trading.modifyOrder(world.who, { orderId, limitPrice }, commit),
    `  ${key} ${orderId} to ${limitPrice.toFixed()}: ${how.effect}, ${how.answer}`,
  );
}

function cancelOrder(world: World): void {
  const orderId = pick(world, working(world));
  if (orderId === undefined) return;
  const how = treatment(world);
  world.broker.next.cancel.splice(0, Infinity, how);
  const commit = { tool: 'cancel_order', digest: orderId, dryRun: false };
  call(
    world,
    () => world.line.trading.cancelOrder(world.who, orderId, commit),
    `  ${orderId}: ${how.effect}, ${how.answer}`,
  );
}

function closePosition(world: World): void {
  const key = `k${++keys}`;
  const how = treatment(world);
  world.broker.next.place.splice(0, Infinity, how);
  const commit = { tool: 'close_position', digest: key, dryRun: false, idempotencyKey: key };
  const { account } = draft({ side: 'sell' });
  call(
    world,
    () => world.line.trading.closePosition(world.who, { account, symbol: 'SPX' }, commit),
    `  ${key}: ${how.effect}, ${how.answer}`,
  );
}

function askAgain(world: World): void {
  world.broker.next.place.length = 0;
  pick(world, world.calls)?.();
}

const fillable = ({ broker }: World): readonly (BrokerOrder & { readonly brokerClientId: string })[] =>
  broker
    .everyOrder()
    .filter(({ status }) => status === 'open' || status === 'partially_filled')
    .flatMap((order) =>
      order.brokerClientId === null ? [] : [{ ...order, brokerClientId: order.brokerClientId }],
    );

function fillOrder(world: World): void {
  const order = pick(world, fillable(world));
  if (order === undefined) return;
  const left = order.qty.minus(order.filledQty);
  const part = world.random() < 0.5 ? left.toFixed() : '1';
  world.broker.fill(order.brokerClientId, part, order.limitPrice?.toFixed() ?? '1450');
  world.story.push(`  ${order.brokerClientId} ${part} of ${left.toFixed()}`);
}

/** The history has been told, and while the positions are asked for something is filled: the two are of different moments. */
function fillBetweenQuestions(world: World): void {
  world.fillNext = true;
}

/** A part is filled at the venue when the cancel comes, and the gateway hears of both afterwards, the end first. */
function raceCancel(world: World): void {
  const order = pick(
    world,
    fillable(world).filter(({ qty, filledQty }) => qty.minus(filledQty).gt('1')),
  );
  const ours =
    order &&
    world.line.store.db
      .prepare<[string], string>('SELECT order_id FROM orders WHERE broker_client_id = ?')
      .pluck()
      .get(order.brokerClientId);
  if (order === undefined || ours === undefined) return;
  world.broker.silent = true;
  world.broker.fill(order.brokerClientId, '1', '1450');
  const commit = { tool: 'cancel_order', digest: ours, dryRun: false };
  call(world, () => world.line.trading.cancelOrder(world.who, ours, commit), `  ${ours}`);
  if (world.random() < 0.7) world.broker.release((events) => events.toReversed());
}

function releaseShuffled({ broker, random }: World): void {
  broker.release((events) => shuffled([...events, ...events.filter(() => random() < 0.4)], random));
}

/** Executions in any order; what is said of one order's state stays in its order, as every broker's stream has it. */
function shuffled(events: readonly BrokerEvent[], random: () => number): BrokerEvent[] {
  return events
    .map((event) => ({ event, at: event.kind === 'execution' ? random() : 0.5 }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ event }) => event);
}

function disconnect({ broker }: World): void {
  broker.stay(false);
  broker.silent = true;
}

function reconnect({ broker }: World): void {
  // What happened meanwhile is told by no stream.
  broker.release(() => []);
  broker.stay(true);
}

function answerLate(world: World): void {
  const order = pick(
    world,
    fillable(world).filter(({ brokerClientId }) => world.unanswered.has(brokerClientId)),
  );
  if (order === undefined) return;
  const { brokerClientId, brokerOrderId } = order;
  world.broker.answerLate(brokerClientId, { kind: 'accepted', brokerOrderId });
}

async function restart(world: World): Promise<void> {
  await world.line.close();
  world.clock = handClock(world.clock.wallMs());
  world.line = await startedLine(world.folder, world.clock, world.broker);
  world.who = world.login(world.line);
}

/**
 * Calls go on being unanswered until the last one has timed out; then the venue is there again, and its stream, with or without
 * what it held back.
 */
async function heal(world: World): Promise<void> {
  const { broker, clock } = world;
  for (const requests of Object.values(broker.next)) requests.length = 0;
  broker.silent = true;
  broker.deaf = true;
  await clock.advanceAsync(BROKER_CALL_TIMEOUT_MS);
  broker.deaf = false;
  world.fillNext = false;
  broker.release(world.random() < 0.5 ? () => [] : undefined);
  broker.stay(true);
  await clock.advanceAsync(HEALED_WITHIN_MS);
}
