// A sample of the wrong calls over MCP and REST: what is refused is refused in the same words, whichever door it came to.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRecord } from '#tools/normalise.ts';
import { bearer, send } from '../support/raw-http.ts';
import { meanwhile, openScene, type Scene } from '../support/still-market.ts';
import { CALLS } from './calls/index.ts';
import { type Entry, noTool } from './entry.ts';

let scene: Scene;
let port: number;
beforeAll(async () => {
  scene = await openScene('spx');
  port = Number(new URL(scene.gate.url).port);
});
afterAll(() => scene.close());

/** Over the wire arguments are an object of fields, and what acts would act twice. */
const SAMPLE = CALLS.flatMap(({ entries }) => entries).filter(
  ({ args, scene: market, expect: wanted }, index) =>
    index % 2 === 0 &&
    market === undefined &&
    isRecord(args) &&
    args['dry_run'] !== false &&
    !Object.hasOwn(args, '__proto__') &&
    !/\{(?:resting|filled|foreign|token)\}/.test(JSON.stringify(args)) &&
    wanted.kind !== 'accepted',
);

async function overMcp(entry: Entry): Promise<Record<string, unknown>> {
  const body = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: entry.tool, arguments: entry.args },
  };
  const asked = send({ port, method: 'POST', path: '/mcp', headers: bearer(scene.key), body });
  return (await meanwhile(scene.gate, asked)).json();
}

async function overRest(entry: Entry): Promise<Record<string, unknown>> {
  const { rest } = scene.gate.gateway.dispatcher.tool(entry.tool) ?? { rest: { method: '', path: '' } };
  const asked = send({
    port,
    method: rest.method,
    path: `/api/v1${rest.path}`,
    headers: bearer(scene.key),
    body: entry.args,
  });
  return (await meanwhile(scene.gate, asked)).json();
}

/** The refusal, or what was repaired. */
async function atTheDispatcher(entry: Entry): Promise<Record<string, unknown>> {
  const answer = await scene.call(entry.tool, entry.args);
  if (answer === null) throw new Error(`no tool ${entry.tool}`);
  const said = answer.ok ? { normalized: answer.output['normalized'] } : answer.refusal;
  return JSON.parse(JSON.stringify(said)) as Record<string, unknown>;
}

const named = (entries: readonly Entry[]) =>
  entries.map((entry) => [`${entry.tool}: ${entry.why}`, entry] as const);
const isTool = ({ expect: wanted }: Entry): boolean => wanted.kind !== 'no_tool';
/** What travels in an address is text: there a number in quotes is right. */
const hasBody = ({ tool }: Entry): boolean =>
  ['place_order', 'close_position', 'cancel_all_orders', 'close_all_positions'].includes(tool);

describe('over MCP', () => {
  test.each(named(SAMPLE.filter(isTool)))('%s', async (_name, entry) => {
    const { result } = await overMcp(entry);
    const said = await atTheDispatcher(entry);
    expect(result).toMatchObject({ structuredContent: said });
    expect(isRecord(result) && result['isError'] === true).toBe('reason' in said);
  });
  test.each(named(SAMPLE.filter((entry) => !isTool(entry))))('there is no tool %s', async (_name, entry) => {
    const { nearest } = entry.expect as { readonly nearest: string | null };
    const { error } = await overMcp(entry);
    expect(error).toMatchObject({ code: -32602 });
    const { message } = error as { readonly message: string };
    expect(/Did you mean (\w+)\?/.exec(message)?.[1] ?? null).toBe(nearest);
  });
});

describe('over REST', () => {
  test.each(named(SAMPLE.filter((entry) => isTool(entry) && hasBody(entry))))('%s', async (_name, entry) => {
    expect(await overRest(entry)).toMatchObject(await atTheDispatcher(entry));
  });
});

test('the sample is one', () => {
  expect(SAMPLE.length).toBeGreaterThan(100);
});

test('the protocol itself wants an object: text is its error, and not a call', async () => {
  const asText = { tool: 'get_quotes', why: '', args: '{"symbols":["SPX"]}', expect: noTool(null) };
  expect((await overMcp(asText))['error']).toMatchObject({ code: -32602 });
});

test('a body that reaches for the prototype is not read at all', async () => {
  const body =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_mandate","arguments":{"__proto__":{}}}}';
  for (const path of ['/mcp', '/api/v1/orders/cancel-all']) {
    const answer = await send({ port, method: 'POST', path, headers: bearer(scene.key), body });
    expect(answer.status).toBe(400);
  }
});
