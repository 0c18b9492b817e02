// OpenAPI is held to the routes: whatever a running gateway answers is a documented status whose schema takes it.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCOPES, type Scope } from '#domain/principal.ts';
import type { Tool } from '#tools/define.ts';
import { TOOLS } from '#tools/index.ts';
import { exampleRequest } from '#tools/reference.ts';
import { aimedAt, exampleOf, openScene, orderIdIn, type Scene } from '../support/example-scene.ts';
import { bearer, type RawAnswer, type RawRequest, send } from '../support/raw-http.ts';

type Json = Readonly<Record<string, unknown>>;
interface Response {
  readonly description: string;
  readonly headers?: Json;
  readonly content: Readonly<Record<string, { readonly schema: Json }>>;
}
interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>>
  >;
  readonly components: Json;
}

let scene: Scene;
let document: Document;
const openScenes: Scene[] = [];
async function newScene(settings?: Readonly<Record<string, string>>): Promise<Scene> {
  const opened = await openScene(settings);
  openScenes.push(opened);
  return opened;
}
beforeAll(async () => {
  scene = await newScene();
  const answer = await send({ port: portOf(scene), path: '/docs/openapi.json' });
  document = JSON.parse(answer.text) as Document;
});
afterAll(async () => {
  for (const one of openScenes) await one.gate.close();
});
const portOf = ({ gate }: Scene): number => Number(new URL(gate.url).port);

/** The example of a tool as a request, about an order that there is. */
function requestOf(
  tool: Tool,
  orderId: string,
  changes: Json = {},
): Pick<RawRequest, 'method' | 'path' | 'body'> {
  const args = { ...aimedAt(exampleOf(tool.name), orderId), ...changes };
  const { method, target, body } = exampleRequest({ ...tool, example: { prompt: '', arguments: args } });
  return { method, path: target, ...(body === undefined ? {} : { body }) };
}

const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } });
const judges = new Map<Json, ValidateFunction>();
/** One a schema: making one takes longer than an answer. */
function judgeOf(schema: Json): ValidateFunction {
  const judge = judges.get(schema) ?? ajv.compile({ ...schema, components: document.components });
  judges.set(schema, judge);
  return judge;
}

/** Why an answer is not what the document says of its operation, or nothing. */
function wrongWith(tool: Tool, answer: RawAnswer): unknown {
  const operation = document.paths[tool.rest.path]?.[tool.rest.method.toLowerCase()];
  const own = operation?.responses[String(answer.status)];
  const response = own ?? (answer.status >= 400 ? operation?.responses['default'] : undefined);
  if (response === undefined) return `${answer.status} is not documented`;
  const type = String(answer.headers['content-type']).split(';', 1)[0] ?? '';
  const media = response.content[type];
  if (media === undefined) return `${type} is not documented`;
  const validate = judgeOf(media.schema);
  const body = answer.json();
  if (!validate(body)) return validate.errors;
  if ('reason' in body && own === undefined)
    return `${answer.status} ${String(body['reason'])} is not documented`;
  if ('reason' in body && !response.description.includes(`\`${String(body['reason'])}\``))
    return `${String(body['reason'])} is not documented`;
  for (const header of ['retry-after', 'www-authenticate']) {
    const told = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase());
    if (answer.headers[header] !== undefined && !told.includes(header)) return `${header} is not documented`;
  }
  return undefined;
}

async function ask(
  tool: Tool,
  request: Omit<RawRequest, 'port'>,
  { key, at = scene }: { readonly key?: string; readonly at?: Scene } = {},
): Promise<RawAnswer> {
  const sent = send({ port: portOf(at), headers: key === undefined ? {} : bearer(key), ...request });
  // Only what gets as far as the broker needs the market to go on.
  const answer = await (tool.effect === 'read' || key !== at.key ? sent : at.meanwhile(sent));
  expect([tool.name, answer.status, wrongWith(tool, answer)]).toEqual([tool.name, answer.status, undefined]);
  return answer;
}

test('a judge that says yes to everything would be noticed', () => {
  const [tool] = TOOLS;
  if (tool === undefined) throw new Error('no tools');
  const answered = (status: number, body: Json, type = 'application/json'): RawAnswer => ({
    status,
    headers: { 'content-type': type },
    text: '',
    json: () => ({ ...body }),
  });
  const refusal = { type: 't', title: 't', status: 422, detail: 'd', reason: 'off_lot', retry_safe: true };
  expect(wrongWith(tool, answered(200, { instruments: [] }))).toBeUndefined();
  expect(wrongWith(tool, answered(200, { instruments: [{}] }))).toBeDefined();
  expect(wrongWith(tool, answered(200, { instruments: [] }, 'text/html'))).toBe(
    'text/html is not documented',
  );
  expect(wrongWith(tool, answered(204, {}))).toBe('204 is not documented');
  expect(wrongWith(tool, answered(422, refusal, 'application/problem+json'))).toMatch(/not documented/);
  expect(wrongWith(tool, answered(400, refusal, 'application/problem+json'))).toMatch(
    /off_lot is not documented/,
  );
});

test('every route answers its example as documented', async () => {
  const { key } = scene;
  const orderId = orderIdIn(await scene.place(exampleOf('place_order')));
  await scene.gate.clock.advanceAsync(1_000);
  // What ends the order, the position or the trading comes last.
  const last = [
    'cancel_order',
    'cancel_all_orders',
    'close_all_positions',
    'close_position',
    'tighten_mandate',
    'halt_trading',
  ];
  const inOrder = TOOLS.toSorted((a, b) => last.indexOf(a.name) - last.indexOf(b.name));
  for (const tool of inOrder) {
    const answer = await ask(tool, requestOf(tool, orderId), { key });
    expect([tool.name, answer.status]).toEqual([tool.name, 200]);
  }
});

describe.each(TOOLS.map((tool) => [tool.name, tool] as const))('%s', (_, tool) => {
  const request = requestOf(tool, 'ord_000000000000000000000000');

  test('refuses strangers, missing scopes, and arguments that are none, as documented', async () => {
    expect((await ask(tool, request)).status).toBe(401);
    expect((await ask(tool, request, { key: `pcl_${'x'.repeat(43)}` })).status).toBe(401);
    const others: readonly Scope[] = SCOPES.filter((scope) => scope !== tool.scope);
    const { key: outsider } = scene.gate.key('outsider', others);
    expect((await ask(tool, request, { key: outsider })).status).toBe(403);
    const wrong = requestOf(tool, 'ord_000000000000000000000000', { no_such_field: 'x' });
    const strange =
      request.body === undefined
        ? { ...wrong, path: `${request.path}${request.path?.includes('?') ? '&' : '?'}no_such_field=x` }
        : wrong;
    const invalid = await ask(tool, strange, { key: scene.key });
    expect(invalid.json()).toMatchObject({ reason: 'invalid_input', status: 400 });
  });

  test('refuses a request that is none, as documented', async () => {
    const { key } = scene;
    const json = { ...bearer(key), 'content-type': 'application/json' };
    if (tool.rest.method !== 'GET') {
      expect((await ask(tool, { ...request, headers: json, body: '{broken' })).status).toBe(400);
      expect((await ask(tool, { ...request, headers: json, body: `"${'x'.repeat(300_000)}"` })).status).toBe(
        413,
      );
      const text = { ...bearer(key), 'content-type': 'text/plain' };
      expect((await ask(tool, { ...request, headers: text, body: 'x' })).status).toBe(415);
    }
    expect((await ask(tool, { ...request, headers: { ...json, host: 'evil.example' } })).status).toBe(421);
    expect(
      (await ask(tool, { ...request, headers: { ...json, origin: 'https://evil.example' } })).status,
    ).toBe(403);
  });
});

describe('what the order line refuses', () => {
  let fresh: Scene;
  beforeAll(async () => {
    fresh = await newScene();
  });
  const place = (changes: Json): Json => ({
    symbol: 'SPX',
    side: 'buy',
    qty: '1',
    type: 'market',
    ...changes,
  });
  const commit = { dry_run: false, idempotency_key: 'k' };
  const named = (name: string): Tool => {
    const tool = TOOLS.find((one) => one.name === name);
    if (tool === undefined) throw new Error(name);
    return tool;
  };
  test.each([
    ['unknown_symbol', place({ symbol: 'NOPE' })],
    ['account_not_allowed', place({ account: 'elsewhere' })],
    ['symbol_not_allowed', place({ symbol: 'BTC/USD' })],
    ['idempotency_key_required', place({ dry_run: false })],
    ['token_required', place(commit)],
    ['token_invalid', place({ ...commit, action_token: 'act_none' })],
    ['off_lot', place({ qty: '1.5' })],
    ['off_tick', place({ type: 'limit', limit_price: '1400.001' })],
    ['price_collar', place({ type: 'limit', limit_price: '1' })],
    ['max_order_value', place({ qty: '9' })],
    ['max_order_qty', place({ qty: '11' })],
    ['short_not_allowed', place({ side: 'sell', qty: '5' })],
  ])('%s is documented where it is answered', async (reason, body) => {
    const tool = named('place_order');
    const answer = await ask(
      tool,
      { method: 'POST', path: '/api/v1/orders', body },
      { key: fresh.key, at: fresh },
    );
    expect(answer.json()).toMatchObject({ reason });
  });

  test('about orders that are not there or have ended, and positions that are not there', async () => {
    const { key } = fresh;
    const orderId = orderIdIn(await fresh.place(exampleOf('place_order')));
    await fresh.ask('cancel_order', { order_id: orderId });
    await fresh.ask('close_position', { symbol: 'SPX' });
    await fresh.gate.clock.advanceAsync(20_000);
    for (const [name, id, reason] of [
      ['get_order', 'ord_000000000000000000000000', 'not_found'],
      ['modify_order', 'ord_000000000000000000000000', 'not_found'],
      ['cancel_order', 'ord_000000000000000000000000', 'not_found'],
      ['modify_order', orderId, 'order_final'],
      ['close_position', '', 'not_reducing'],
    ] as const) {
      const answer = await ask(named(name), requestOf(named(name), id), { key, at: fresh });
      expect(answer.json()).toMatchObject({ reason });
    }
  });
});

test('too many calls are refused as documented, with the time to wait', async () => {
  const hasty = await newScene({ PORTCULLIS_RATE_LIMIT_READ: '1 per minute' });
  for (const tool of TOOLS.filter(({ effect }) => effect === 'read')) {
    const answer = await ask(tool, requestOf(tool, 'ord_1'), { key: hasty.key, at: hasty });
    expect(answer.json()).toMatchObject({ reason: 'rate_limited' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
});

test('after the kill switch every route answers 401 as documented', async () => {
  const { access, store } = scene.gate.gateway;
  store.transaction(() => {
    access.setGatewayState('HALTED', 'kill switch');
    access.bumpEpoch();
  });
  for (const tool of TOOLS) {
    const answer = await ask(tool, requestOf(tool, 'ord_1'), { key: scene.key });
    expect([answer.status, answer.json()['reason']]).toEqual([401, 'trading_halted']);
  }
});
