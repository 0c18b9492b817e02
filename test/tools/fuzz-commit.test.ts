// Orders that are really sent, out of calls nobody meant: whatever comes through has kept to the mandate, one order a key.
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FINAL_STATES } from '#domain/order.ts';
import type { Principal } from '#domain/principal.ts';
import { answerJudge } from '../support/answer-judge.ts';
import { filledIn, nearlyRight } from '../support/schema-inputs.ts';
import { openScene, type Scene } from '../support/still-market.ts';

const AGENTS = 30;
const STEPS_PER_AGENT = 25;
const SEED = Number(process.env['FUZZ_SEED'] ?? randomInt(1_000_000_000));

/** Narrow: every limit is met within a few orders. */
const MANDATE = {
  symbols: ['SPX'],
  asset_classes: ['index'],
  order_types: ['market', 'limit', 'stop'],
  allow_short: false,
  max_order_qty: '4',
  max_order_value: '15500',
  max_daily_value: '80000',
  max_daily_orders: 4,
  max_open_orders: 3,
  max_gross_exposure: '26000',
  commit: 'one_step',
};
/** Of the tape, which stands still, with what an order without a price is valued at. */
const BID = 5_000;
const VALUED_AT = 5_000.01 * 1.005;

const judge = answerJudge();
let scene: Scene;
beforeAll(async () => {
  console.info(`fuzz of commits: FUZZ_SEED=${SEED}`);
  scene = await openScene('spx', MANDATE);
});
afterAll(() => scene.close());

interface Row {
  readonly order_id: string;
  readonly status: string;
  readonly effect: 'adding' | 'reducing';
  readonly side: string;
  readonly type: string;
  readonly symbol: string;
  readonly qty: string;
  readonly filled_qty: string;
  readonly limit_price: string | null;
  readonly stop_price: string | null;
}

const ordersOf = (who: Principal): readonly Row[] =>
  scene.gate.gateway.store.db
    .prepare(
      "SELECT * FROM orders WHERE agent_id = ? AND origin = 'agent' AND role = 'entry' AND status <> 'refused' ORDER BY seq",
    )
    .all(who.agent) as readonly Row[];

const heldBy = (who: Principal): number => {
  const rows = scene.gate.gateway.store.db
    .prepare('SELECT qty FROM holdings WHERE holder = ?')
    .pluck()
    .all(who.agent) as readonly string[];
  return rows.reduce((sum, qty) => sum + Number(qty), 0);
};

const isWorking = ({ status }: Row): boolean => !(FINAL_STATES as readonly string[]).includes(status);
const priceOf = ({ limit_price, stop_price }: Row): number =>
  Math.max(VALUED_AT, Number(limit_price ?? 0), Number(stop_price ?? 0));

function keptToTheMandate(who: Principal): void {
  const orders = ordersOf(who);
  const adding = orders.filter(({ effect }) => effect === 'adding');
  for (const order of adding) {
    expect(MANDATE.order_types).toContain(order.type);
    expect(order.symbol).toBe('SPX');
    expect(Number(order.qty)).toBeLessThanOrEqual(Number(MANDATE.max_order_qty));
    expect(Number(order.qty) * Number(order.limit_price ?? BID)).toBeLessThanOrEqual(
      Number(MANDATE.max_order_value),
    );
  }
  const held = heldBy(who);
  expect(held, 'nothing is sold that is not held').toBeGreaterThanOrEqual(0);
  const working = adding.filter(isWorking);
  expect(working.length).toBeLessThanOrEqual(MANDATE.max_open_orders);
  expect(adding.length).toBeLessThanOrEqual(MANDATE.max_daily_orders);
  const promised = working.reduce(
    (sum, order) => sum + (Number(order.qty) - Number(order.filled_qty)) * priceOf(order),
    0,
  );
  expect(held * BID + promised).toBeLessThanOrEqual(Number(MANDATE.max_gross_exposure));
  const selling = orders.filter((order) => order.side === 'sell' && isWorking(order));
  const onOffer = selling.reduce((sum, order) => sum + Number(order.qty) - Number(order.filled_qty), 0);
  expect(onOffer, 'no more is offered than is held').toBeLessThanOrEqual(held);
}

const TOOLS_USED = [
  'place_order',
  'place_order',
  'place_order',
  'modify_order',
  'cancel_order',
  'close_position',
];

/** In place of the quantity drawn, or null to keep it. */
const AROUND_THE_LIMITS = fc.constantFrom(null, null, '1', '1', '3', '4', '5');

/** Calls at once, each with one of a few keys, so that keys are met again. */
function stepOf(): fc.Arbitrary<
  readonly { readonly tool: string; readonly args: Record<string, unknown> }[]
> {
  const call = fc.constantFrom(...TOOLS_USED).chain((name) => {
    const tool = scene.gate.gateway.dispatcher.tool(name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    return fc
      .tuple(nearlyRight(tool), fc.integer({ min: 1, max: 60 }), AROUND_THE_LIMITS)
      .map(([args, key, qty]) => ({
        tool: name,
        args: {
          ...args,
          ...(qty === null || args['qty'] === undefined ? {} : { qty }),
          dry_run: false,
          idempotency_key: `k${key}`,
        },
      }));
  });
  return fc.array(call, { minLength: 1, maxLength: 3 });
}

let agents = 0;
let sent = 0;
let refused = 0;
async function live(
  steps: readonly (readonly { tool: string; args: Record<string, unknown> }[])[],
): Promise<void> {
  const who = scene.agent(`fuzz-${++agents}`);
  const byKey = new Map<string, string>();
  for (const calls of steps) {
    const order = ordersOf(who).at(-1)?.order_id ?? 'ord_none';
    const answers = await Promise.all(
      calls.map(async ({ tool, args }) => {
        const given = filledIn(args, { order, token: 'act_none' });
        return {
          tool,
          key: `${tool} ${String(args['idempotency_key'])}`,
          answer: await scene.call(tool, given, who),
        };
      }),
    );
    for (const { tool, key, answer } of answers) {
      const used = scene.gate.gateway.dispatcher.tool(tool);
      if (answer === null || used === undefined) throw new Error(`no tool ${tool}`);
      const fault = judge.ofCall(used, answer);
      if (fault !== undefined) expect.fail([fault, ...scene.faults()].join('\n'));
      if (!answer.ok) refused++;
      const { order: placed } = answer.ok ? (answer.output as { order?: { order_id: string } | null }) : {};
      // A cancel that finds its work done binds no key, and a close without a position has no order.
      if (!placed || (tool !== 'place_order' && tool !== 'modify_order')) continue;
      sent++;
      expect(byKey.get(key) ?? placed.order_id, 'one key is one order').toBe(placed.order_id);
      byKey.set(key, placed.order_id);
    }
    keptToTheMandate(who);
    await scene.gate.clock.advanceAsync(1_000);
    keptToTheMandate(who);
  }
}

test('whatever is sent has kept to the mandate', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepOf(), { minLength: STEPS_PER_AGENT, maxLength: STEPS_PER_AGENT }), live),
    { seed: SEED, numRuns: AGENTS, endOnFailure: true },
  );
  console.info(`fuzz of commits: ${sent} answers with an order, ${refused} refusals`);
  expect(sent).toBeGreaterThan(AGENTS);
});
