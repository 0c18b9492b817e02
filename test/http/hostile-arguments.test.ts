/** Arguments as large as a body may be, on the real tools: a short refusal, never a long one, never a fault, over every door. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ToolAnswer } from '#tools/dispatch.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, send } from '../support/raw-http.ts';

let gate: TestGateway;
let headers: Record<string, string>;
beforeAll(async () => {
  gate = await openTestGateway();
  headers = bearer(gate.key().key);
});
afterAll(() => gate.close());

const LONG = 'x'.repeat(200_000);
const DIGITS = '9'.repeat(100_000);
const nested = (): unknown => JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
const fields = (): object => Object.fromEntries(Array.from({ length: 15_000 }, (_, n) => [`f${n}`, 1]));
const CASES: readonly (readonly [string, string, () => object])[] = [
  ['a list as one word', 'get_quotes', () => ({ symbols: LONG })],
  ['a list of 50,000', 'get_quotes', () => ({ symbols: Array.from({ length: 50_000 }, () => 'a') })],
  ['a list in a string', 'get_quotes', () => ({ symbols: `[${'1,'.repeat(100_000)}1]` })],
  ['a word', 'place_order', () => ({ symbol: LONG, side: LONG.slice(0, 10_000) })],
  [
    'decimals',
    'place_order',
    () => ({ symbol: 'SPX', side: 'buy', type: 'limit', qty: DIGITS, limit_price: `1.${DIGITS}` }),
  ],
  ['a name of a field', 'place_order', () => ({ [LONG]: 1 })],
  ['15,000 fields', 'place_order', fields],
  ['a cursor', 'get_orders', () => ({ cursor: LONG })],
  ['a name of a tool', LONG, () => ({})],
];
test.each(CASES)('%s is refused in few words, and quickly', async (_name, tool, args) => {
  const answer = await send({
    port: Number(new URL(gate.url).port),
    method: 'POST',
    path: '/mcp',
    headers,
    body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args() } },
  });
  expect([200, 400]).toContain(answer.status);
  expect(answer.text).toMatch(/invalid_input|"code":-32602|"code":-32700/);
  expect(answer.text.length).toBeLessThan(10_000);
});

/** Over the socket of this machine nothing looks at a message before it is parsed. */
test.each([
  ['everything', nested],
  ['a word', () => ({ symbols: nested() })],
  ['a list', () => ({ symbols: [nested()] })],
  ['a list in a string', () => ({ symbols: `${'['.repeat(100_000)}${']'.repeat(100_000)}` })],
  ['an unknown field', () => ({ symbols: ['SPX'], deep: nested() })],
] as const)('%s nested 100,000 deep is invalid input at the dispatcher', async (_name, args) => {
  const answer: ToolAnswer | null = await gate.call('get_quotes', args() as object);
  expect(answer).toMatchObject({ ok: false, refusal: { reason: 'invalid_input' } });
  expect(JSON.stringify(answer).length).toBeLessThan(10_000);
});
