/** Prompts and completions as clients of both SDK lines meet them: by scope, and of the caller's own things only. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Scope } from '#domain/principal.ts';
import { COMPLETIONS_MAX } from '#limits.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { currentClient, olderClient } from '../support/mcp-clients.ts';
import { restingOrder, trader } from '../support/traders.ts';

let gate: TestGateway;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  gate = await openTestGateway();
  await gate.clock.advanceAsync(5_000);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => gate.close());

async function everyClient(agent?: string, scopes?: readonly Scope[]) {
  const { key } = gate.key(agent, scopes);
  const clients = [
    await currentClient(gate.url, key),
    await currentClient(gate.url, key, 'legacy'),
    await olderClient(gate.url, key),
  ] as const;
  for (const client of clients) closers.push(() => client.close());
  return clients;
}
type AnyClient = Awaited<ReturnType<typeof everyClient>>[number];

const PROMPT = (name: string) => ({ type: 'ref/prompt' as const, name });
const TEMPLATE = (uri: string) => ({ type: 'ref/resource' as const, uri });
async function completed(
  client: AnyClient,
  ref: ReturnType<typeof PROMPT> | ReturnType<typeof TEMPLATE>,
  name: string,
  value: string,
): Promise<readonly string[]> {
  const { completion } = await client.complete({ ref, argument: { name, value } });
  expect(completion.values.length).toBeLessThanOrEqual(COMPLETIONS_MAX);
  return completion.values;
}

describe('prompts', () => {
  test('are listed with their arguments, and got as one message of the user', async () => {
    for (const client of await everyClient()) {
      const { prompts } = await client.listPrompts();
      expect(prompts.map(({ name }) => name)).toEqual(['review_portfolio', 'plan_trade', 'explain_refusal']);
      expect(prompts[1]?.arguments).toEqual([
        { name: 'symbol', description: expect.any(String), required: true },
        { name: 'idea', description: expect.any(String), required: false },
        { name: 'account', description: expect.any(String), required: false },
      ]);
      const got = await client.getPrompt({ name: 'plan_trade', arguments: { symbol: 'BTC/USD' } });
      expect(got.messages).toMatchObject([{ role: 'user', content: { type: 'text' } }]);
      expect(JSON.stringify(got.messages)).toContain('get_mandate');
    }
  });
  test('that the caller has no tools for are neither listed nor got', async () => {
    for (const client of await everyClient('watcher', ['read:market'])) {
      expect((await client.listPrompts()).prompts).toEqual([]);
      await expect(client.getPrompt({ name: 'review_portfolio' })).rejects.toMatchObject({ code: -32602 });
    }
  });
  test('with wrong arguments are -32602 with the refusal as data', async () => {
    for (const client of await everyClient()) {
      await expect(client.getPrompt({ name: 'explain_refusal' })).rejects.toMatchObject({
        code: -32602,
        data: { reason: 'invalid_input', errors: [{ field: 'reason' }] },
      });
      await expect(client.getPrompt({ name: 'plan_tarde' })).rejects.toMatchObject({ code: -32602 });
    }
  });
});

describe('completions', () => {
  test('offer symbols by name too, reasons by their start', async () => {
    for (const client of await everyClient()) {
      expect(await completed(client, PROMPT('plan_trade'), 'symbol', 'bitcoin')).toEqual(['BTC/USD']);
      expect(await completed(client, TEMPLATE('portcullis://quotes/{symbol}'), 'symbol', 'SP')).toContain(
        'SPX',
      );
      expect(await completed(client, PROMPT('explain_refusal'), 'reason', 'max_order')).toEqual([
        'max_order_qty',
        'max_order_value',
      ]);
      for (const unknown of ['idea', 'constructor', 'toString'])
        expect(await completed(client, PROMPT('plan_trade'), unknown, 'x')).toEqual([]);
    }
  });
  test('offer the accounts and orders of the caller and of nobody else', async () => {
    const [mine, other] = [trader(gate, 'mine'), trader(gate, 'other')];
    const order = await restingOrder(gate, mine);
    const ofOrders = TEMPLATE('portcullis://orders/{order_id}');
    for (const client of await everyClient('mine')) {
      expect(await completed(client, PROMPT('plan_trade'), 'account', '')).toEqual(['paper']);
      expect(await completed(client, PROMPT('plan_trade'), 'account', 'x')).toEqual([]);
      expect(await completed(client, ofOrders, 'order_id', '')).toEqual([order]);
    }
    for (const client of await everyClient(other.name)) {
      expect(await completed(client, ofOrders, 'order_id', '')).toEqual([]);
      expect(await completed(client, ofOrders, 'order_id', order)).toEqual([]);
    }
  });
  test('of what the caller may not read are refused', async () => {
    for (const client of await everyClient('watcher', ['read:market']))
      for (const [ref, argument] of [
        [TEMPLATE('portcullis://accounts/{account}'), 'account'],
        [TEMPLATE('portcullis://nothing/{x}'), 'x'],
        [PROMPT('plan_trade'), 'symbol'],
      ] as const)
        await expect(completed(client, ref, argument, '')).rejects.toMatchObject({ code: -32602 });
  });
});
