// Inputs nobody meant, for every tool from its own schema: no fault, no answer outside its schema, and nothing refused leaves a trace.
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import type { Tool } from '#tools/define.ts';
import type { ToolAnswer } from '#tools/dispatch.ts';
import { TOOLS } from '#tools/index.ts';
import { answerJudge } from '../support/answer-judge.ts';
import { books } from '../support/books.ts';
import { argumentsFor, filledIn } from '../support/schema-inputs.ts';
import { openScene, type Scene } from '../support/still-market.ts';

/** Times 23 tools; as many again come over REST (`test/http/fuzz.test.ts`). */
const CALLS_PER_TOOL = 240;
/** Reruns are `FUZZ_SEED=… npx vitest run test/tools/fuzz.test.ts`. */
const SEED = Number(process.env['FUZZ_SEED'] ?? randomInt(1_000_000_000));

const judge = answerJudge();
let scene: Scene;
let order = '';
let token = 'act_none';
/** It may halt itself and tighten its mandate, and is asked nothing else. */
let halting: Principal;

beforeAll(async () => {
  console.info(`fuzz of the tools: FUZZ_SEED=${SEED}`);
  scene = await openScene('spx');
  halting = scene.agent('halting');
  await scene.filled();
  await renew();
});
afterAll(() => scene.close());

/** Orders to look at, change and cancel, and a position to close. */
async function renew(): Promise<void> {
  order = await scene.resting();
  const preview = await scene.call('place_order', { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' });
  if (preview?.ok === true) token = String(preview.output['action_token']);
}

/** Takes from what its caller may do, for good. */
const ofCaller = ({ name }: Tool): boolean => name === 'halt_trading' || name === 'tighten_mandate';

const acted = (tool: Tool, answer: ToolAnswer): boolean =>
  tool.effect !== 'read' && answer.ok && answer.output['dry_run'] !== true;

async function tryOut(tool: Tool, drawn: unknown): Promise<void> {
  const args = filledIn(drawn, { order, token });
  const before = books(scene.gate.gateway.store);
  const answer = await scene.call(tool.name, args, ofCaller(tool) ? halting : scene.caller);
  if (answer === null) throw new Error('the tool is not there');
  const fault = judge.ofCall(tool, answer);
  if (fault !== undefined) expect.fail([fault, ...scene.faults()].join('\n'));
  if (acted(tool, answer)) {
    await scene.gate.clock.advanceAsync(3_000);
    if (tool.name.startsWith('close')) await scene.filled();
    if (!ofCaller(tool)) await renew();
    return;
  }
  expect(books(scene.gate.gateway.store)).toEqual(before);
}

describe('every tool takes whatever it is given', { timeout: 60_000 }, () => {
  test.each(TOOLS.map((tool) => [tool.name, tool] as const))('%s', async (_name, tool) => {
    await fc.assert(
      fc.asyncProperty(argumentsFor(tool), (drawn) => tryOut(tool, drawn)),
      { seed: SEED, numRuns: CALLS_PER_TOOL, endOnFailure: true },
    );
  });
});

test('the judge can fail, and the books can differ', async () => {
  const [tool] = TOOLS.filter(({ name }) => name === 'place_order');
  if (tool === undefined) throw new Error('no place_order');
  const said = { dry_run: false, order: { order_id: 'x', qty: 1 } };
  expect(judge.ofCall(tool, { ok: true, output: said })).toContain('place_order');
  expect(judge.ofProblem({ reason: 'because' })).toContain('Refusal');
  const fault = await scene.call('get_order', { order_id: 'ord_none' });
  if (fault?.ok !== false) throw new Error('found');
  expect(judge.ofCall(tool, fault)).toBeUndefined();
  expect(judge.ofCall(tool, { ok: false, refusal: { ...fault.refusal, status: 500 } })).toBeDefined();
  const before = books(scene.gate.gateway.store);
  await scene.resting();
  expect(books(scene.gate.gateway.store)).not.toEqual(before);
});
