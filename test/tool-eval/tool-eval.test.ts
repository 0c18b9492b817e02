// Calls as models get them wrong: each is repaired or refused as it should be, and a refusal says how to go on.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Refusal } from '#domain/refusal.ts';
import type { ToolAnswer } from '#tools/dispatch.ts';
import { TOOLS } from '#tools/index.ts';
import { nearestTool } from '#tools/nearest.ts';
import { openScene, type Scene, type SceneName } from '../support/still-market.ts';
import { CALLS } from './calls/index.ts';
import type { Entry } from './entry.ts';
import { follow, ledOn } from './follow.ts';

const scenes = new Map<SceneName, Scene>();
beforeAll(async () => {
  for (const name of ['spx', 'yesbank', 'bitcoin'] as const) scenes.set(name, await openScene(name));
});
afterAll(async () => {
  for (const scene of scenes.values()) await scene.close();
});

const refusalOf = (answer: ToolAnswer): Refusal | undefined => (answer.ok ? undefined : answer.refusal);

/** Text with the ids and tokens of this scene in the place of their names. */
async function filledIn(scene: Scene, entry: Entry): Promise<unknown> {
  let text = JSON.stringify([entry.args, entry.previewed?.args ?? {}]);
  const put = async (name: string, value: () => Promise<string>): Promise<void> => {
    if (text.includes(name)) text = text.replaceAll(name, await value());
  };
  await put('{resting}', () => scene.resting());
  await put('{filled}', () => scene.filled());
  await put('{foreign}', () => scene.resting(scene.other));
  await put('{token}', async () => {
    const [, previewed] = JSON.parse(text) as readonly unknown[];
    const preview = await scene.call(entry.previewed?.tool ?? entry.tool, previewed);
    const token = preview?.ok === true ? preview.output['action_token'] : undefined;
    if (typeof token !== 'string') throw new Error(`no token: ${JSON.stringify(preview)}`);
    return token;
  });
  return (JSON.parse(text) as readonly unknown[])[0];
}

/** Entries whose refusal could be followed to the letter, and led on. */
const followable = new Set<Entry>();
const followed = new Set<Entry>();
const acceptedThen = new Set<Entry>();
const asExpected = new Set<Entry>();

async function check(entry: Entry): Promise<void> {
  const scene = scenes.get(entry.scene ?? 'spx');
  if (scene === undefined) throw new Error('no scene');
  const args = await filledIn(scene, entry);
  const answer = await scene.call(entry.tool, args);
  judge(entry, answer);
  asExpected.add(entry);
  const { kind } = entry.expect;
  if (kind !== 'points_at' && kind !== 'preview_again') return;
  followable.add(entry);
  const refusal = answer === null ? undefined : refusalOf(answer);
  const properties = scene.gate.gateway.dispatcher.tool(entry.tool)?.inputSchema.properties ?? {};
  const next = refusal === undefined ? undefined : follow(args, refusal, properties);
  if (next === undefined) return;
  const second = await scene.call(entry.tool, next.args);
  if (second === null || !ledOn(next, refusalOf(second))) return;
  followed.add(entry);
  if (second.ok) acceptedThen.add(entry);
}

function judge(entry: Entry, answer: ToolAnswer | null): void {
  const { expect: wanted } = entry;
  if (wanted.kind === 'no_tool') {
    expect(answer).toBeNull();
    expect(
      nearestTool(
        entry.tool,
        TOOLS.map(({ name }) => name),
      ),
    ).toBe(wanted.nearest);
    return;
  }
  if (answer === null) throw new Error(`no tool ${entry.tool}`);
  if (wanted.kind === 'accepted' || wanted.kind === 'repaired') {
    expect(answer).toMatchObject({ ok: true });
    if (answer.ok)
      expect(answer.output['normalized']).toEqual(wanted.kind === 'repaired' ? wanted.normalized : undefined);
    return;
  }
  if (wanted.kind === 'warned') {
    const warning = expect.stringContaining(wanted.of) as string;
    expect(answer).toMatchObject({
      ok: true,
      output: { preview: { warnings: expect.arrayContaining([warning]) as string[] } },
    });
    return;
  }
  expect(answer).toMatchObject({ ok: false, refusal: { reason: wanted.reason, retry_safe: true } });
  const refusal = refusalOf(answer);
  const errors = refusal?.errors ?? [];
  if (wanted.kind === 'points_at')
    for (const [field, nearest] of Object.entries(wanted.nearest)) {
      expect(errors).toContainEqual(expect.objectContaining({ field, nearest }));
      if (nearest === null)
        expect(errors.find((error) => error.field === field)?.rule).toMatch(
          /leave (it|the field) out|one level up/,
        );
    }
  if (wanted.kind === 'left_open') {
    expect(errors.map(({ field }) => field)).toEqual(expect.arrayContaining([...wanted.fields]));
    for (const error of errors) {
      if (!wanted.fields.includes(error.field)) continue;
      expect(error.nearest).toBeNull();
      expect(error.rule).not.toMatch(/leave (it|the field) out|one level up/);
    }
    if (errors.every(({ nearest }) => nearest === null)) expect(refusal).not.toHaveProperty('did_you_mean');
  }
}

describe.each(CALLS)('$theme', ({ entries }) => {
  test.each(entries.map((entry) => [`${entry.tool}: ${entry.why}`, entry] as const))('%s', (_name, entry) =>
    check(entry),
  );
});

interface Score {
  /** Calls in the tables: they may only become more. */
  readonly entries: number;
  /** Refusals that name a fix. */
  readonly followable: number;
  /** Of those, the ones that, followed to the letter, lead to another answer. */
  readonly followed: number;
  /** Of those, the ones that were accepted then. */
  readonly accepted: number;
}

test('the score is the one on file, and has not fallen', () => {
  const all = CALLS.flatMap(({ entries }) => entries);
  const score: Score = {
    entries: all.length,
    followable: followable.size,
    followed: followed.size,
    accepted: acceptedThen.size,
  };
  const share = (part: number): string => `${((100 * part) / score.followable).toFixed(1)} %`;
  console.info(
    `tool-eval: ${asExpected.size} of ${all.length} calls answered as expected; of ${score.followable} refusals that name a fix, ${score.followed} lead on when it is followed (${share(score.followed)}), ${score.accepted} to acceptance (${share(score.accepted)})`,
  );
  for (const entry of followable)
    if (!acceptedThen.has(entry))
      console.info(
        `  ${followed.has(entry) ? 'another refusal' : 'led nowhere'}: ${entry.tool}: ${entry.why}`,
      );
  const floor = JSON.parse(readFileSync(new URL('score.json', import.meta.url), 'utf8')) as Score;
  expect(asExpected.size).toBe(all.length);
  expect(score.entries, 'no call is taken out of the tables').toBeGreaterThanOrEqual(floor.entries);
  expect(score.followed / score.followable, 'the score may only rise').toBeGreaterThanOrEqual(
    floor.followed / floor.followable,
  );
  expect(score.accepted, 'the score may only rise').toBeGreaterThanOrEqual(floor.accepted);
  expect(score, 'write the new score to test/tool-eval/score.json').toEqual(floor);
});
