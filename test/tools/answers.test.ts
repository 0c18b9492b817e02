// Every tool answers what its schemas promise, asks the desk for exactly what it was asked, and survives junk.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { accountId } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { openMarkets } from '#market/markets.ts';
import type { ToolAnswer } from '#tools/dispatch.ts';
import { TOOLS } from '#tools/index.ts';
import { mcpTool } from '#tools/mcp-shape.ts';
import { RefusalShape } from '#tools/shapes.ts';
import { toolRoom } from '../support/tool-room.ts';
import { ORDER } from '../support/written-desk.ts';

/** One good call of every tool, and of both ways of those that preview. */
const CALLS: readonly (readonly [string, Record<string, unknown>])[] = [
  ['search_instruments', { query: 'bitcoin' }],
  ['get_instrument', { symbol: 'BTC/USD' }],
  ['get_quotes', { symbols: ['SPX', 'AAPL'] }],
  ['watch_market', { symbols: ['SPX', 'AAPL'] }],
  ['get_market_depth', { symbol: 'SPX' }],
  ['get_bars', { symbol: 'SPX', timeframe: '1d', limit: 3 }],
  ['get_market_clock', {}],
  ['get_gateway_status', {}],
  ['list_accounts', {}],
  ['get_account', {}],
  ['get_positions', {}],
  ['get_holdings', {}],
  ['get_orders', {}],
  ['get_order', { order_id: 'ord_7' }],
  ['get_trades', {}],
  ['get_pnl_history', { days: 7 }],
  ['get_mandate', {}],
  ['preview_order', { symbol: 'SPX', side: 'buy', qty: '3', type: 'limit', limit_price: '4100.25' }],
  ['place_order', { symbol: 'SPX', side: 'buy', qty: '3', type: 'limit', limit_price: '4100.25' }],
  [
    'place_order',
    { symbol: 'SPX', side: 'buy', qty: '3', type: 'market', dry_run: false, idempotency_key: 'k' },
  ],
  ['modify_order', { order_id: 'ord_7', qty: '2' }],
  ['modify_order', { order_id: 'ord_7', qty: '2', dry_run: false, idempotency_key: 'k' }],
  ['cancel_order', { order_id: 'ord_7' }],
  ['cancel_all_orders', {}],
  ['close_position', { symbol: 'SPX' }],
  ['close_position', { symbol: 'SPX', dry_run: true }],
  ['close_all_positions', {}],
  ['close_all_positions', { dry_run: true }],
  ['halt_trading', { reason: 'drawdown' }],
  ['tighten_mandate', { max_daily_loss: '100' }],
  ['tighten_mandate', { sides: ['buy'], dry_run: true }],
];

function outputOf(answer: ToolAnswer): Record<string, unknown> {
  if (!answer.ok) throw new Error(answer.refusal.detail);
  return answer.output;
}

function validatorOf(name: string): z.ZodType {
  const tool = TOOLS.find((one) => one.name === name);
  if (tool === undefined) throw new Error(name);
  return z.fromJSONSchema({ ...mcpTool(tool).outputSchema });
}

describe('what every tool answers', () => {
  it('covers every tool', () => {
    expect(new Set(CALLS.map(([name]) => name))).toEqual(new Set(TOOLS.map(({ name }) => name)));
  });

  it.each(CALLS)('%s %j is what its schemas promise', async (name, args) => {
    const room = toolRoom();
    const output = JSON.parse(JSON.stringify(outputOf(await room.call(name, args))));
    expect(room.dispatcher.tool(name)?.output.safeParse(output)).toMatchObject({ success: true });
    expect(validatorOf(name).safeParse(output).success).toBe(true);
    expect(JSON.stringify(output)).not.toMatch(/[\u202e\u001b]/);
  });

  it('shows an order letter by letter as the contract has it', async () => {
    const room = toolRoom();
    const { order, timeline } = outputOf(await room.call('get_order', { order_id: 'ord_7' }));
    expect(order).toEqual({
      order_id: 'ord_7',
      client_order_id: 'mine-1',
      account: 'paper',
      symbol: 'SPX',
      side: 'buy',
      type: 'limit',
      qty: '3',
      filled_qty: '1',
      avg_fill_price: '4100',
      limit_price: '4100.25',
      stop_price: null,
      trail_percent: '2.5',
      take_profit: '4200',
      time_in_force: 'day',
      post_only: false,
      reduce_only: false,
      extended_hours: false,
      status: 'partially_filled',
      reason: 'half of it is done',
      effect: 'adding',
      role: 'entry',
      tag: 'mean-reversion',
      created_at: '2026-01-05T12:00:00.000Z',
      updated_at: '2026-01-05T12:00:01.500Z',
    });
    expect(timeline).toEqual([
      { time: '2026-01-05T12:00:00.000Z', status: 'open', detail: 'accepted by the broker' },
    ]);
  });

  it("gives the caller no id that is the broker's or another agent's", async () => {
    const room = toolRoom();
    const output = JSON.stringify(outputOf(await room.call('get_orders', {})));
    expect(output).not.toContain(ORDER.brokerClientId);
    expect(output).not.toContain(ORDER.agent);
  });

  it('never answers money as a JSON number', async () => {
    const room = toolRoom();
    const statistics =
      /^(age_ms|tick_age_ms|.*_pct|trades|daily_orders|open_orders|max_daily_orders|max_open_orders|version)$/;
    for (const [name, args] of CALLS) {
      const output = outputOf(await room.call(name, args));
      JSON.stringify(output, (key, value: unknown) => {
        if (typeof value === 'number' && name !== 'close_all_positions') expect(key).toMatch(statistics);
        return value;
      });
    }
  });
});

describe('quotes, depth, bars and the clock', () => {
  it('quotes what a feed carries and lists what none does', async () => {
    const room = toolRoom();
    room.clock.advance(1_234);
    const output = outputOf(await room.call('get_quotes', { symbols: ['SPX', 'AAPL', 'SPX'] }));
    expect(output).toEqual({
      quotes: [
        {
          symbol: 'SPX',
          bid: '4100',
          ask: '4100.25',
          last: '4100.1',
          bid_size: null,
          ask_size: '20',
          time: '2026-01-04T12:00:00.000Z',
          age_ms: 1_234,
          source: 'derived',
        },
      ],
      unavailable: [{ symbol: 'AAPL', reason: 'no feed quotes it here' }],
    });
  });

  it('refuses a symbol nobody knows, and names the near one', async () => {
    const answer = await toolRoom().call('get_quotes', { symbols: ['SPX', 'BTCUSD'] });
    expect(answer).toMatchObject({
      ok: false,
      refusal: { reason: 'unknown_symbol', did_you_mean: ['BTC/USD'] },
    });
  });

  it('never shows a negative age when the wall clock was set back', async () => {
    const output = outputOf(await toolRoom().call('get_market_depth', { symbol: 'SPX' }));
    expect(output).toMatchObject({ age_ms: 0, bids: [{ price: '4100', size: null }] });
  });

  it('says which feeds there are when an instrument has none', async () => {
    for (const [tool, extra] of [
      ['get_market_depth', {}],
      ['get_bars', { timeframe: '1d' }],
      ['get_market_clock', {}],
    ] as const) {
      const answer = await toolRoom().call(tool, { symbol: 'AAPL', ...extra });
      expect(answer).toMatchObject({
        ok: false,
        refusal: { reason: 'no_reference_price', detail: expect.stringContaining('carried: SPX') },
      });
      expect(answer.ok ? {} : answer.refusal, 'SPX is another thing than AAPL').not.toHaveProperty(
        'did_you_mean',
      );
    }
  });

  it('refuses bars finer than the tape and names the finest', async () => {
    const answer = await toolRoom().call('get_bars', { symbol: 'SPX', timeframe: '1m' });
    expect(answer).toMatchObject({
      ok: false,
      refusal: { reason: 'invalid_input', errors: [{ field: 'timeframe', value: '1m', nearest: '1d' }] },
    });
  });

  it.each([[{}], [{ start: '2025-12-20' }]])('pages through all bars once, from %j', async (from) => {
    const room = toolRoom();
    const seen: unknown[] = [];
    let cursor: unknown;
    for (let page = 0; page < 10; page++) {
      const output = outputOf(
        await room.call('get_bars', {
          symbol: 'SPX',
          timeframe: '1d',
          limit: 3,
          ...from,
          ...(cursor === undefined ? {} : { cursor }),
        }),
      );
      seen.push(...(output['bars'] as { time: string }[]).map(({ time }) => time));
      cursor = output['next_cursor'];
      if (cursor === undefined) break;
    }
    expect(seen).toHaveLength(10);
    expect(new Set(seen).size).toBe(10);
  });

  it('does not follow a cursor of an earlier run, nor one that it never gave', async () => {
    const room = toolRoom({
      change: (services) => ({
        ...services,
        markets: openMarkets({ feed: { ...services.markets.all(), run: () => 2 }, directory: 'built-in' }),
      }),
    });
    const foreign = ['bars:1:before:0', 'bars:2:sideways:0', 'seq:1', 'x'].map((plain) =>
      Buffer.from(plain).toString('base64url'),
    );
    for (const cursor of foreign) {
      const answer = await room.call('get_bars', { symbol: 'SPX', timeframe: '1d', cursor });
      expect(answer).toMatchObject({ ok: false, refusal: { reason: 'invalid_input' } });
    }
  });
});

describe('what the desk is asked', () => {
  it('gets a draft with nothing guessed, and the digest of the arguments', async () => {
    const room = toolRoom();
    await room.call('place_order', {
      symbol: 'SPX',
      side: 'BUY',
      qty: 3,
      type: 'stop_limit',
      stop_price: '4100',
      limit_price: '4101',
      take_profit: '4200',
      client_order_id: 'mine-1',
      dry_run: false,
      action_token: 'act_1',
      idempotency_key: 'key-1',
    });
    const [asked] = room.written.asked;
    expect(JSON.parse(JSON.stringify(asked))).toEqual({
      method: 'placeOrder',
      args: [
        {
          account: 'paper',
          symbol: 'SPX',
          side: 'buy',
          size: { kind: 'qty', qty: '3' },
          type: 'stop_limit',
          timeInForce: 'day',
          limitPrice: '4101',
          stopPrice: '4100',
          postOnly: false,
          reduceOnly: false,
          extendedHours: false,
          takeProfit: '4200',
          clientOrderId: 'mine-1',
        },
        {
          kind: 'commit',
          tool: 'place_order',
          digest: expect.stringMatching(/^[0-9a-f]{64}$/),
          token: 'act_1',
          idempotencyKey: 'key-1',
        },
      ],
    });
  });

  it('gets the same digest from preview and commit', async () => {
    const room = toolRoom();
    const order = { symbol: 'SPX', side: 'buy', qty: '3', type: 'market' };
    await room.call('place_order', order);
    await room.call('place_order', {
      ...order,
      qty: 3,
      side: 'Buy',
      dry_run: false,
      action_token: 'a',
      idempotency_key: 'k',
    });
    await room.call('place_order', { ...order, qty: '3.0' });
    const digests = room.written.asked.map(({ args }) => (args[1] as { digest: string }).digest);
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  it('gets a digest that names the account, left out or not: a preview never commits to another', async () => {
    let only = 'paper';
    const room = toolRoom({
      change: (services) => ({
        ...services,
        access: { ...services.access, agents: { accountsOf: () => [accountId(only)] } },
      }),
    });
    const order = { symbol: 'SPX', side: 'buy', qty: '3', type: 'market' };
    await room.call('place_order', order);
    await room.call('place_order', { ...order, account: 'paper' });
    only = 'second';
    await room.call('place_order', order);
    const digests = room.written.asked.map(({ args }) => (args[1] as { digest: string }).digest);
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  it('is not asked to commit without an idempotency key', async () => {
    const room = toolRoom();
    for (const [tool, args] of [
      ['place_order', { symbol: 'SPX', side: 'buy', qty: '3', type: 'market' }],
      ['modify_order', { order_id: 'ord_7', qty: '2' }],
    ] as const) {
      const answer = await room.call(tool, { ...args, dry_run: false, action_token: 'act_1' });
      expect(answer).toMatchObject({
        ok: false,
        refusal: { reason: 'idempotency_key_required', status: 400 },
      });
    }
    expect(room.written.asked).toEqual([]);
  });

  it('is asked for a preview unless told otherwise, and a token does not turn one into an order', async () => {
    const room = toolRoom();
    const order = { symbol: 'SPX', side: 'buy', qty: '3', type: 'market' };
    const answer = outputOf(
      await room.call('place_order', { ...order, action_token: 'act_1', idempotency_key: 'k' }),
    );
    expect(answer).toMatchObject({ dry_run: true });
    expect((answer['preview'] as { warnings: string[] }).warnings).toEqual([
      'The market is closed.',
      expect.stringContaining('preview'),
    ]);
    expect(room.written.asked[0]?.args[1]).toMatchObject({ kind: 'preview' });
  });

  it('is told to act by reduce tools on the first call', async () => {
    const room = toolRoom();
    await room.call('cancel_order', { order_id: 'ord_7' });
    await room.call('close_position', { symbol: 'SPX', qty: '1', idempotency_key: 'k' });
    expect(room.written.asked.map(({ args }) => args.at(-1))).toEqual([
      { tool: 'cancel_order', digest: expect.any(String), dryRun: false },
      { tool: 'close_position', digest: expect.any(String), dryRun: false, idempotencyKey: 'k' },
    ]);
  });

  it('is asked about the only account, and never about one of several', async () => {
    const room = toolRoom();
    await room.call('get_account', {});
    expect(room.written.asked).toEqual([{ method: 'account', args: ['paper'] }]);
    const two = toolRoom({
      change: (services) => ({
        ...services,
        access: {
          ...services.access,
          agents: { accountsOf: () => [accountId('paper'), accountId('second')] },
        },
      }),
    });
    for (const [tool, args] of [
      ['get_account', {}],
      ['get_pnl_history', { days: 7 }],
      ['place_order', { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' }],
      ['close_position', { symbol: 'SPX' }],
    ] as const) {
      expect(await two.call(tool, args)).toMatchObject({
        ok: false,
        refusal: {
          reason: 'invalid_input',
          did_you_mean: ['paper', 'second'],
          errors: [{ field: 'account' }],
        },
      });
    }
    expect(two.written.asked).toEqual([]);
  });

  it('pages by sequence', async () => {
    const room = toolRoom();
    const first = outputOf(await room.call('get_orders', { limit: 1 }));
    await room.call('get_orders', { limit: 1, cursor: first['next_cursor'] });
    expect(room.written.asked.map(({ args }) => args[0])).toEqual([
      { status: 'all', limit: 1 },
      { status: 'all', limit: 1, beforeSeq: 7 },
    ]);
    expect(await room.call('get_trades', { cursor: 'c2VxOi0x' })).toMatchObject({
      ok: false,
      refusal: { reason: 'invalid_input', errors: [{ field: 'cursor' }] },
    });
  });

  it('passes a refusal on as it is', async () => {
    const room = toolRoom();
    const refusal = refuse('max_order_value', 'Too large.', {
      limits: [{ limit: 'max_order_value', used: '0', order: '2', max: '1', unit: 'USD' }],
    });
    room.written.refuseWith(refusal);
    const answer = await room.call('place_order', { symbol: 'SPX', side: 'buy', qty: '3', type: 'market' });
    expect(answer).toEqual({ ok: false, refusal });
  });
});

describe('junk', () => {
  it('is refused or answered as promised, and never throws', async () => {
    const room = toolRoom({
      rates: { read: { count: 10_000, per: 'second' }, write: { count: 10_000, per: 'second' } },
    });
    const shape = z.union([RefusalShape]);
    const fieldNames = [...new Set(TOOLS.flatMap(({ inputSchema }) => Object.keys(inputSchema.properties)))];
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(
        'SPX',
        'buy',
        'market',
        'limit',
        '1',
        'BTC/USD',
        'gtc',
        true,
        false,
        1,
        '1d',
        '2025-01-01',
      ),
    );
    const args = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...fieldNames, '__proto__', 'x'), value),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...TOOLS), args, async (tool, given) => {
        const answer = await room.call(tool.name, given);
        if (answer.ok) expect(tool.output.safeParse(answer.output).success).toBe(true);
        else expect(shape.safeParse(answer.refusal).success).toBe(true);
      }),
      { numRuns: 1_500 },
    );
  });
});
