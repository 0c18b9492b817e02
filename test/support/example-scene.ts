/** What a gateway answers to the example of every tool: one agent on the sample tape, under a clock turned by hand. */
import { EXAMPLE_MANDATE } from '#cli/mandates.ts';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import { TOOLS } from '#tools/index.ts';
import { openTestGateway, type TestGateway } from './gateway.ts';

type Wire = Readonly<Record<string, unknown>>;

/** The order that the examples speak of, whatever id it really got. */
export const EXAMPLE_ORDER = 'ord_8c1f04a29be37d5560ab91e2';

export interface Scene {
  readonly gate: TestGateway;
  readonly key: string;
  /** Lets the market go on until the work is done. */
  meanwhile<T>(work: Promise<T>): Promise<T>;
  /** Through the dispatcher, as a script over REST; throws on a refusal. */
  ask(tool: string, args: Wire): Promise<Wire>;
  /** Previews and commits; the answer of the commit. */
  place(args: Wire): Promise<Wire>;
}

export const exampleOf = (name: string): Wire =>
  TOOLS.find((tool) => tool.name === name)?.example.arguments ?? {};

/** The example's arguments, about an order that there is. */
export const aimedAt = (args: Wire, orderId: string): Wire =>
  Object.hasOwn(args, 'order_id') ? { ...args, order_id: orderId } : args;

export const orderIdIn = (answer: Wire): string =>
  (answer['order'] as { readonly order_id: string }).order_id;

/** An agent `trend` with a mandate and two units of SPX in hand. */
export async function openScene(settings: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const gate = await openTestGateway({ settings });
  const { key } = gate.key('trend');
  const set = gate.gateway.access.mandates.set('trend', EXAMPLE_MANDATE, OWNER_CLI);
  if (!set.ok) throw new Error(set.error.detail);
  const found = gate.gateway.access.keys.authenticate(key, { door: 'rest', address: '127.0.0.1' });
  if (!found.ok) throw new Error(found.error.detail);
  const who: Principal = found.value;
  const scene: Scene = {
    gate,
    key,
    async meanwhile(work) {
      let settled = false;
      const done = work.finally(() => {
        settled = true;
      });
      done.catch(() => undefined);
      for (let turn = 0; turn < 2_000 && !settled; turn++) await gate.clock.advanceAsync(10);
      return done;
    },
    async ask(tool, args) {
      const answer = await scene.meanwhile(
        gate.gateway.dispatcher.call({ tool, args, principal: who, via: 'rest' }),
      );
      if (answer?.ok !== true) throw new Error(`${tool}: ${JSON.stringify(answer)}`);
      return answer.output;
    },
    async place(args) {
      const { action_token } = await scene.ask('place_order', args);
      const key = String(action_token).slice(4, 24);
      return scene.ask('place_order', { ...args, dry_run: false, action_token, idempotency_key: key });
    },
  };
  await gate.clock.advanceAsync(5_000);
  await scene.place({ symbol: 'SPX', side: 'buy', type: 'market', qty: '2' });
  // Into the sixth day of the tape, on which the examples' limits rest below the market and within the collar.
  await gate.clock.advanceAsync(50_000);
  return scene;
}

/** In an order in which each has something to answer. */
const TOLD: readonly string[] = [
  'place_order',
  ...TOOLS.filter(({ effect }) => effect === 'read').map(({ name }) => name),
  'modify_order',
  'cancel_order',
  'cancel_all_orders',
  'close_all_positions',
  'close_position',
  'tighten_mandate',
  'halt_trading',
];

export interface ExampleAnswers {
  /** By tool. */
  readonly answers: Readonly<Record<string, Wire>>;
  /** What the commit answered, of tools that preview first. */
  readonly commits: Readonly<Record<string, Wire>>;
}

/** The same at every run: ids and tokens, which are random, are replaced. */
export async function exampleAnswers(): Promise<ExampleAnswers> {
  const scene = await openScene();
  try {
    const answers = new Map<string, Wire>();
    const commits = new Map<string, Wire>();
    let orderId = '';
    for (const name of TOLD) {
      if (name === 'cancel_all_orders') await scene.place(exampleOf('place_order'));
      const args = aimedAt(exampleOf(name), orderId);
      const answer = await scene.ask(name, args);
      answers.set(name, answer);
      if (answer['action_token'] === undefined) continue;
      const commit = { dry_run: false, action_token: answer['action_token'], idempotency_key: 'monday-1' };
      const committed = await scene.ask(name, { ...args, ...commit });
      commits.set(name, committed);
      orderId = orderIdIn(committed);
      await scene.gate.clock.advanceAsync(1_000);
    }
    const inOrder = (found: ReadonlyMap<string, Wire>) =>
      Object.fromEntries(TOOLS.flatMap(({ name }) => (found.has(name) ? [[name, found.get(name)]] : [])));
    const told = JSON.stringify({ answers: inOrder(answers), commits: inOrder(commits) });
    return JSON.parse(withoutChance(told, orderId)) as ExampleAnswers;
  } finally {
    await scene.gate.close();
  }
}

function withoutChance(text: string, orderId: string): string {
  const seen = new Map<string, string>([[orderId, EXAMPLE_ORDER]]);
  return text
    .replaceAll(/\bord_[0-9a-f]{24}\b/g, (id) => {
      const replaced = seen.get(id) ?? `ord_${String(seen.size + 1).repeat(24)}`;
      seen.set(id, replaced);
      return replaced;
    })
    .replaceAll(/\bd2F0Y2g6[\w-]+/g, 'd2F0Y2g6Y2hhbmdlczo0MjppbmRleGVz')
    .replaceAll(/\bact_[\w-]{43}/g, 'act_Zk3Qm0pXv7LrT1dNwYc5hUeBfGjSa9RoK2i8x4yHnPs')
    .replaceAll(/\bkey_[0-9a-f]{16}\b/g, 'key_5be1907c2ad84f36');
}
