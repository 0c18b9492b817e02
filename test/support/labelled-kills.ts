/** Kills a process at a chosen step of the order line, again and again, while its venue lives on; and looks at what is left. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { verifyAudit } from '#audit/verify.ts';
import { OWNER_CLI, type Principal, SCOPES } from '#domain/principal.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore } from '#store/open.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { ACTS, type Act, type Target } from './kill-acts.ts';
import type { Order, Said } from './labelled-child.ts';
import { type OpenedLine, openLine } from './order-line.ts';
import { seededNumbers } from './random-trader.ts';
import { type ScriptedBroker, scriptedBroker } from './scripted-broker.ts';
import { flatTape, WIDE_MANDATE } from './trading-room.ts';
import { venueFaults } from './venue-books.ts';
import { serveVenue } from './wire-broker.ts';

/** Where to die: the number of a step of an act. */
export interface Death {
  readonly act: string;
  readonly step: number;
}

export interface Killed extends Death {
  /** What the step is. */
  readonly name: string;
  /** False: the books were such that the act did not come by so many steps. */
  readonly died: boolean;
  readonly readyMs: number;
  /** What is wrong afterwards, a sentence each. */
  readonly faults: readonly string[];
}

const CHILD = new URL('./labelled-child.ts', import.meta.url).pathname;
const FAST_DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** One session of a market that stands still. */
const CSV = flatTape('1450', 390);
/** So many fit into the session. */
const CYCLES_OF_A_LIFE = 10;
/** Everything unclear is settled within this of the venue being there again. */
const SETTLED_WITHIN_MS = 10_000;
const ABSENT_IS_FINAL_AFTER_MS = 2_000;

/** The steps of each act, as a process that is not killed comes by them. */
export async function stepsOfActs(): Promise<ReadonlyMap<string, readonly string[]>> {
  const steps = new Map<string, readonly string[]>();
  const life = openLife();
  try {
    for (const { name } of ACTS) steps.set(name, (await life.cycle({ act: name, step: -1 })).said);
  } finally {
    await life.end();
  }
  return steps;
}

/** So many deaths by a seed: those of `first` in any case, then every other step before any comes again. */
export function drawDeaths(
  steps: ReadonlyMap<string, readonly string[]>,
  seed: number,
  count: number,
  first: readonly string[] = [],
): readonly Death[] {
  const random = seededNumbers(seed);
  const all = [...steps].flatMap(([act, names]) => names.map((_, step) => ({ act, step })));
  const drawn: Death[] = all.filter(({ act }) => first.includes(act));
  const others = all.filter(({ act }) => !first.includes(act));
  while (drawn.length < count) drawn.push(...others.toSorted(() => random() - 0.5));
  return drawn.slice(0, count);
}

/** Dies all these deaths, so many in a folder of their own, and tells of each. */
export async function dieAll(deaths: readonly Death[]): Promise<readonly Killed[]> {
  const killed: Killed[] = [];
  for (let from = 0; from < deaths.length; from += CYCLES_OF_A_LIFE) {
    const life = openLife();
    try {
      for (const death of deaths.slice(from, from + CYCLES_OF_A_LIFE)) {
        const { said, ...seen } = await life.cycle(death);
        killed.push({ ...death, name: said.at(-1) ?? 'nothing', ...seen });
        // What follows in the same folder would tell of it again.
        if (seen.faults.length > 0) break;
      }
    } finally {
      await life.end();
    }
  }
  return killed;
}

interface Cycle {
  readonly said: readonly string[];
  readonly died: boolean;
  readonly readyMs: number;
  readonly faults: readonly string[];
}

interface Life {
  cycle(death: Death): Promise<Cycle>;
  end(): Promise<void>;
}

/** A line of the test's own between two processes: it prepares what the next one does, and looks at what the last one left. */
interface Scene {
  readonly line: OpenedLine;
  readonly clock: HandClock;
  /** Asked for when it is needed: under a fallen gate nobody is let in. */
  readonly who: () => Principal;
  readonly asking: () => Principal;
}

/** One data folder and one venue. */
function openLife(): Life {
  const folder = mkdtempSync(join(FAST_DISK, 'portcullis-kills-'));
  const broker = fillingMarketOrders(
    scriptedBroker('paper', { absentIsFinalAfterMs: ABSENT_IS_FINAL_AFTER_MS }),
  );
  let wallMs = Date.UTC(2026, 0, 5, 12);
  const apiKeys = new Map<string, string>();
  let cycles = 0;
  let spare = startChild();

  async function open(): Promise<Scene & { readonly readyMs: number }> {
    const clock = handClock(wallMs);
    const beganMs = performance.now();
    const line = openLine(folder, clock, { csv: CSV, adapter: () => broker });
    await line.trading.start();
    const readyMs = Math.round(performance.now() - beganMs);
    line.feed.start();
    await clock.advanceAsync(0);
    const as = (agent: keyof typeof AGENTS) => (): Principal => {
      const key = apiKeys.get(agent) ?? newKey(line, agent);
      apiKeys.set(agent, key);
      return authenticated(line, key);
    };
    return { line, clock, who: as('claude'), asking: as('careful'), readyMs };
  }
  async function close({ line, clock }: Scene): Promise<void> {
    wallMs = clock.wallMs();
    await line.close();
  }

  return {
    async cycle({ act: name, step }) {
      const act = ACTS.find((one) => one.name === name);
      if (act === undefined) throw new Error(`no act ${name}`);
      const key = `c${cycles++}`;
      const before = await open();
      const target = await act.prepare({
        trading: before.line.trading,
        who: before.who(),
        asking: before.asking(),
        broker,
        key,
        settle: () => before.clock.advanceAsync(0),
      });
      await close(before);
      const child = spare;
      spare = startChild();
      const door = await serveVenue(broker);
      const { said, died } = await child.run({
        folder,
        csv: CSV,
        wallMs,
        port: door.port,
        apiKey: apiKeys.get('claude') ?? '',
        act: name,
        target,
        dieAt: step < 0 ? null : step,
      });
      await door.close();
      const after = await open();
      const faults = [
        ...lost(after.line, act, target, said),
        ...(await asksAgain(after, act, target, folder)),
        ...venueFaults(after.line.store, broker),
      ];
      // So that the next act comes by the same steps.
      await cancelAll(after);
      await close(after);
      return { said, died, readyMs: after.readyMs, faults: [...faults, ...recordFaults(folder)] };
    },
    async end() {
      await spare.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An order that was durable when the process died is there before anybody asks for it. */
function lost(line: OpenedLine, act: Act, { key }: Target, said: readonly string[]): readonly string[] {
  const durable = act.makesOrder && said.some((step) => step.startsWith('committed: received, submitting'));
  const there = line.store.db.prepare('SELECT 1 FROM orders WHERE tag = ?').get(key) !== undefined;
  return durable && !there ? [`an order that was durable is gone: ${key}`] : [];
}

/** What a client does after a crash: the same call with the same key, twice; then everything comes to rest. */
async function asksAgain(
  { line, clock, who }: Scene,
  act: Act,
  target: Target,
  folder: string,
): Promise<readonly string[]> {
  const faults: string[] = [];
  await clock.advanceAsync(SETTLED_WITHIN_MS);
  const answers: string[] = [];
  for (const time of ['once', 'twice']) {
    try {
      const answer = act.work?.(line.trading, act.name === 'kill' ? NOBODY : who(), target);
      answers.push(orderIdIn(await settled(clock, answer ?? Promise.resolve())));
    } catch (cause) {
      faults.push(`asked ${time} more in ${folder}: ${String(cause)}`);
    }
  }
  if (act.makesOrder && new Set(answers).size > 1)
    faults.push(`one key, two orders: ${answers.join(' and ')}`);
  if (act.name === 'kill') faults.push(...stillExposed(line));
  return faults;
}

/** The answer, with the clock going on until it is there, and a moment longer for what comes after it. */
async function settled<T>(clock: HandClock, answer: Promise<T>): Promise<T> {
  const pending = { over: false };
  const over = (): void => {
    pending.over = true;
  };
  answer.then(over, over);
  for (let waitedMs = 0; waitedMs < 2 * SETTLED_WITHIN_MS && !pending.over; waitedMs += 250)
    await clock.advanceAsync(250);
  await clock.advanceAsync(0);
  if (!pending.over) throw new Error('it was not answered');
  return answer;
}

/** The owner presses the switch, and no agent is asked about it. */
const NOBODY = undefined as unknown as Principal;

const orderIdIn = (answer: unknown): string =>
  typeof answer === 'object' && answer !== null && 'orderId' in answer ? String(answer.orderId) : '';

/** Under a fallen gate nothing works that adds, and the flatten has closed what was held; then the gate is raised. */
function stillExposed(line: OpenedLine): readonly string[] {
  const ask = (sql: string): readonly unknown[] => line.store.db.prepare(sql).all();
  const left = ask(`SELECT order_id, status FROM orders WHERE effect = 'adding' AND role = 'entry'
    AND status NOT IN ('filled', 'canceled', 'rejected', 'refused', 'expired')`);
  const held = ask(`SELECT holder, qty FROM holdings WHERE qty <> '0'`);
  const raised = line.trading.resume('cli');
  return [
    ...left.map((one) => `still working after the kill: ${JSON.stringify(one)}`),
    ...held.map((one) => `still held after the flatten: ${JSON.stringify(one)}`),
    ...(raised.ok ? [] : [`the gate was not down: ${raised.error.detail}`]),
  ];
}

async function cancelAll({ line, clock, who, asking }: Scene): Promise<void> {
  const everything = { tool: 'cancel_all_orders', digest: 'all', dryRun: false };
  for (const agent of [who, asking]) {
    await settled(clock, line.trading.cancelAllOrders(agent(), {}, everything));
  }
}

function recordFaults(folder: string): readonly string[] {
  const keyring = openKeyring(join(folder, 'keys'));
  const store = openStore(join(folder, 'data'));
  try {
    const report = verifyAudit({ store, keyring, folder: join(folder, 'log') });
    return report.ok ? [] : [`the record is broken: ${JSON.stringify(report.first_bad)}`];
  } finally {
    store.close();
  }
}

const AGENTS = { claude: WIDE_MANDATE, careful: { ...WIDE_MANDATE, approval: 'always' } };

function newKey(line: OpenedLine, agent: keyof typeof AGENTS): string {
  const { agents, mandates, keys } = line.access;
  const made = agents.create(agent, ['paper'], OWNER_CLI);
  const set = mandates.set(agent, AGENTS[agent], OWNER_CLI);
  const key = keys.create({ agent, scopes: [...SCOPES], by: OWNER_CLI });
  if (!made.ok || !set.ok || !key.ok) throw new Error('no agent');
  return key.value.key;
}

function authenticated(line: OpenedLine, apiKey: string): Principal {
  const who = line.access.keys.authenticate(apiKey, { door: 'http' });
  if (!who.ok) throw new Error(who.error.detail);
  return who.value;
}

/** Market orders fill: one unit before the answer is given, the rest right after it. */
function fillingMarketOrders(broker: ScriptedBroker): ScriptedBroker {
  const place = broker.place.bind(broker);
  broker.place = async (order) => {
    const answer = place(order);
    const known = order.type === 'market' && broker.order(order.brokerClientId) !== undefined;
    if (known) broker.fill(order.brokerClientId, '1', '1450');
    const rest = order.qty.minus('1');
    if (known && rest.gt('0'))
      setImmediate(() => void broker.fill(order.brokerClientId, rest.toFixed(), '1450'));
    return answer;
  };
  return broker;
}

interface SpareChild {
  /** What it said until it died, or was done. */
  run(order: Order): Promise<Pick<Cycle, 'said' | 'died'>>;
  stop(): Promise<void>;
}

/** Started before it is needed: what takes longest is to import everything. */
function startChild(): SpareChild {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [CHILD], {
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'portcullis-kills-compiled') },
  });
  const steps: string[] = [];
  let over = false;
  let trouble = '';
  child.stdin.on('error', () => undefined);
  child.stderr.setEncoding('utf8').on('data', (text: string) => (trouble += text));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Said;
    if ('step' in said) steps.push(said.step);
    else over = true;
  });
  const ended = once(child, 'close');
  return {
    async run(order) {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      const patience = setTimeout(() => child.kill('SIGTERM'), 20_000);
      await ended;
      clearTimeout(patience);
      const died = child.signalCode === 'SIGKILL';
      if (died === over)
        throw new Error(
          `${order.act}, to die at ${order.dieAt}: ended with ${child.signalCode ?? child.exitCode} after ${steps.join('; ')}: ${trouble}`,
        );
      return { said: steps, died };
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
