// Requests nobody meant, for every route of REST from its tool's schema: never a fault, always a body that keeps its schema.
import { randomInt } from 'node:crypto';
import { Agent } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tool } from '#tools/define.ts';
import { TOOLS } from '#tools/index.ts';
import { REST_BASE, restShape } from '#tools/rest-shape.ts';
import { answerJudge } from '../support/answer-judge.ts';
import { books } from '../support/books.ts';
import { bearer, type RawAnswer, send } from '../support/raw-http.ts';
import { fieldsFor, filledIn } from '../support/schema-inputs.ts';
import { meanwhile, openScene, type Scene } from '../support/still-market.ts';

/** Times 22 routes; with those of `test/tools/fuzz.test.ts` ten thousand. */
const REQUESTS_PER_ROUTE = 230;
/** Reruns are `FUZZ_SEED=… npx vitest run test/http/fuzz.test.ts`. */
const SEED = Number(process.env['FUZZ_SEED'] ?? randomInt(1_000_000_000));

const judge = answerJudge();
const connections = new Agent({ keepAlive: true, maxSockets: 1 });
let scene: Scene;
let port: number;
let order = '';
/** It may halt itself and tighten its mandate, and is asked nothing else. */
let haltingKey: string;

beforeAll(async () => {
  console.info(`fuzz of REST: FUZZ_SEED=${SEED}`);
  scene = await openScene('spx');
  port = Number(new URL(scene.gate.url).port);
  haltingKey = scene.gate.key('halting').key;
  await scene.filled();
  order = await scene.resting();
});
afterAll(async () => {
  connections.destroy();
  await scene.close();
});

interface Wire {
  readonly path: string;
  readonly body?: unknown;
}

const inAddress = (value: unknown): string =>
  encodeURIComponent((typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed());

/** Path and query as text, the rest as the body, as the OpenAPI document has them; a list is one value with commas. */
function asRequest(tool: Tool, args: Readonly<Record<string, unknown>>): Wire {
  const { path, inPath, inBody } = restShape(tool);
  const filled = inPath.reduce((so, name) => so.replace(`{${name}}`, inAddress(args[name] ?? 'none')), path);
  const rest = Object.entries(args).filter(([name]) => !inPath.includes(name));
  if (inBody.length > 0) return { path: `${REST_BASE}${filled}`, body: Object.fromEntries(rest) };
  const query = rest.map(
    ([name, value]) => `${inAddress(name)}=${inAddress(Array.isArray(value) ? value.join(',') : value)}`,
  );
  return { path: `${REST_BASE}${filled}${query.length === 0 ? '' : `?${query.join('&')}`}` };
}

/** Bodies that are not arguments, and addresses that say things twice. */
const bent: fc.Arbitrary<(wire: Wire) => Wire> = fc.constantFrom(
  (wire) => ({ ...wire, body: '{"symbol":' }),
  (wire) => ({ ...wire, body: [1, 2] }),
  (wire) => ({ ...wire, body: '"text"' }),
  (wire) => ({ ...wire, body: '{"__proto__":{"side":"buy"},"symbol":"SPX"}' }),
  (wire) => ({ ...wire, body: `${'['.repeat(5_000)}${']'.repeat(5_000)}` }),
  (wire) => asking(wire, 'symbol%5B%5D=SPX&__proto__=1'),
  (wire) => ({ ...wire, path: `${wire.path}/%2e%2e/%00` }),
  (wire) => ({ ...wire, path: `${wire.path}%` }),
);

const asking = (wire: Wire, query: string): Wire => ({
  ...wire,
  path: `${wire.path}${wire.path.includes('?') ? '&' : '?'}${query}`,
});

/** One of the tool's own fields, twice. */
const twice = (tool: Tool): fc.Arbitrary<(wire: Wire) => Wire> =>
  fc
    .constantFrom(...Object.keys(tool.inputSchema.properties), 'none')
    .map((field) => (wire) => asking(wire, `${field}=SPX&${field}=AAPL`));

const requestsFor = (tool: Tool): fc.Arbitrary<readonly [Record<string, unknown>, (wire: Wire) => Wire]> =>
  fc.tuple(
    fieldsFor(tool),
    fc.oneof(
      { weight: 15, arbitrary: fc.constant((wire: Wire) => wire) },
      { weight: 1, arbitrary: bent },
      { weight: 1, arbitrary: twice(tool) },
    ),
  );

/** What is wrong with an answer; undefined when it keeps every promise. */
function faultOf(tool: Tool, answer: RawAnswer): string | undefined {
  if (answer.status >= 500) return `${answer.status}: ${answer.text}`;
  const type = String(answer.headers['content-type']);
  if (answer.status === 200) return judge.ofSuccess(tool, answer.json());
  if (!type.startsWith('application/problem+json')) return `${answer.status} as ${type}: ${answer.text}`;
  const body = answer.json();
  return body['status'] === answer.status ? judge.ofProblem(body) : `${answer.status} tells another status`;
}

async function tryOut(tool: Tool, args: Record<string, unknown>, bend: (wire: Wire) => Wire): Promise<void> {
  const real = filledIn(args, { order, token: 'act_none' }) as Record<string, unknown>;
  const before = books(scene.gate.gateway.store);
  const ofCaller = tool.name === 'halt_trading' || tool.name === 'tighten_mandate';
  const key = ofCaller ? haltingKey : scene.key;
  const asked = { port, method: tool.rest.method, headers: bearer(key), agent: connections };
  const answer = await meanwhile(scene.gate, send({ ...asked, ...bend(asRequest(tool, real)) }));
  expect(faultOf(tool, answer)).toBeUndefined();
  if (tool.effect === 'read' || answer.status !== 200 || answer.json()['dry_run'] === true) {
    expect(books(scene.gate.gateway.store)).toEqual(before);
    return;
  }
  await scene.gate.clock.advanceAsync(3_000);
  if (tool.name.startsWith('close')) await scene.filled();
  if (!ofCaller) order = await scene.resting();
}

describe('every route takes whatever it is given', { timeout: 60_000 }, () => {
  test.each(TOOLS.map((tool) => [`${tool.rest.method} ${tool.rest.path}`, tool] as const))(
    '%s',
    async (_name, tool) => {
      await fc.assert(
        fc.asyncProperty(requestsFor(tool), ([args, bend]) => tryOut(tool, args, bend)),
        { seed: SEED, numRuns: REQUESTS_PER_ROUTE, endOnFailure: true },
      );
    },
  );
});
