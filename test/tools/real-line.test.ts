// The tools on the real order line, with a real store, tape and paper broker.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Principal } from '#domain/principal.ts';
import { openChangeFeed } from '#tools/change-feed.ts';
import { openDispatcher } from '#tools/dispatch.ts';
import { openMarketWatch } from '#tools/market-watch.ts';
import { mcpTool } from '#tools/mcp-shape.ts';
import { type RoomOptions, type TradingRoom, tradingRoom } from '../support/trading-room.ts';

/** The tools on the real order line, sample tape and paper broker; every answer is held against its advertised schema. */
async function openDoor(options: RoomOptions = {}): Promise<{
  readonly room: TradingRoom;
  readonly who: Principal;
  ask(tool: string, args?: unknown): Promise<Record<string, unknown>>;
}> {
  const room = await tradingRoom(options);
  const who = room.agent('claude', { commit: 'two_step' });
  const { access, audit, clock, markets } = room;
  const dispatcher = openDispatcher({
    desk: room.trading,
    watch: openMarketWatch({
      changes: openChangeFeed({ audit, markets, access }),
      clock,
      access,
    }),
    book: room.book,
    markets,
    access,
    audit,
    transaction: (work) => room.store.transaction(work),
    clock,
    version: '0.1.0',
    remoteMcp: () => true,
  });
  await room.play(3);
  return {
    room,
    who,
    async ask(name, args = {}) {
      const tool = dispatcher.tool(name);
      const waiting = dispatcher.call({ tool: name, args, principal: who, via: 'http' });
      // Cancels wait for the broker's word, which comes with the tape.
      await room.play(1);
      const answer = await waiting;
      if (tool === undefined || answer === null) throw new Error(`no tool ${name}`);
      const wire = answer.ok ? answer.output : { ...answer.refusal };
      const asSent = JSON.parse(JSON.stringify(wire)) as Record<string, unknown>;
      const checked = z.fromJSONSchema({ ...mcpTool(tool).outputSchema }).safeParse(asSent);
      expect(checked.error?.issues).toBeUndefined();
      return asSent;
    },
  };
}

/** An hour of minutes that go nowhere, so that an order away from the market rests. */
const QUIET = [
  'time_ms,open,high,low,close,volume',
  ...Array.from({ length: 60 }, (_, minute) =>
    [Date.UTC(2025, 2, 3, 14, 30 + minute), '4100', '4101', '4099', '4100', '1000000'].join(','),
  ),
].join('\n');

const BUY = { symbol: 'SPX', side: 'buy', qty: '2', type: 'market' };

async function bought(door: Awaited<ReturnType<typeof openDoor>>, key = 'key-1') {
  const preview = await door.ask('place_order', BUY);
  expect(preview).toMatchObject({ dry_run: true, action_token: expect.any(String) });
  const placed = await door.ask('place_order', {
    ...BUY,
    dry_run: false,
    action_token: preview['action_token'],
    idempotency_key: key,
  });
  await door.room.play(4);
  return placed as { dry_run: boolean; order: { order_id: string; status: string } };
}

describe('the tools on the real order line', () => {
  it('look at everything without a word that its schema does not know', async () => {
    const door = await openDoor();
    for (const [tool, args] of [
      ['search_instruments', { query: '' }],
      ['get_instrument', { symbol: 'SPX' }],
      ['get_quotes', { symbols: ['SPX', 'AAPL'] }],
      ['watch_market', { symbols: ['SPX', 'AAPL'] }],
      ['get_market_depth', { symbol: 'SPX' }],
      ['get_market_clock', {}],
      ['get_gateway_status', {}],
      ['list_accounts', {}],
      ['get_account', {}],
      ['get_positions', { status: 'all' }],
      ['get_orders', {}],
      ['get_trades', {}],
      ['get_pnl_history', { days: 30 }],
      ['get_mandate', {}],
    ] as const) {
      expect(await door.ask(tool, args), tool).not.toHaveProperty('reason');
    }
    expect(await door.ask('get_mandate')).toMatchObject({
      agent: 'claude',
      door: 'http',
      accounts: ['paper'],
    });
  });

  it('answer bars of the tape, and refuse finer ones', async () => {
    const door = await openDoor();
    const { bars } = await door.ask('get_bars', { symbol: 'SPX', timeframe: '1d' });
    expect(Array.isArray(bars)).toBe(true);
    expect(await door.ask('get_bars', { symbol: 'SPX', timeframe: '1m' })).toMatchObject({
      reason: 'invalid_input',
      did_you_mean: ['1d'],
    });
  });

  it('preview, commit, fill, show and close a position', async () => {
    const door = await openDoor();
    const placed = await bought(door);
    expect(placed.dry_run).toBe(false);
    const found = await door.ask('get_order', { order_id: placed.order.order_id });
    expect(found['order']).toMatchObject({ status: 'filled', filled_qty: '2' });
    expect(await door.ask('get_positions')).toMatchObject({
      positions: [{ symbol: 'SPX', qty: '2', own_qty: '2' }],
    });
    expect((await door.ask('get_trades'))['trades']).not.toEqual([]);
    await door.ask('close_position', { symbol: 'SPX' });
    await door.room.play(4);
    expect(await door.ask('get_positions')).toEqual({ positions: [] });
  });

  it('answer a repeated commit with the same order, and send nothing twice', async () => {
    const door = await openDoor();
    const first = await bought(door);
    const again = await door.ask('place_order', {
      ...BUY,
      qty: 2,
      account: 'paper',
      dry_run: false,
      idempotency_key: 'key-1',
    });
    expect(again).toMatchObject({ dry_run: false, order: { order_id: first.order.order_id } });
    expect((await door.ask('get_orders'))['orders']).toHaveLength(1);
    expect(
      await door.ask('place_order', { ...BUY, qty: '3', dry_run: false, idempotency_key: 'key-1' }),
    ).toMatchObject({ reason: 'idempotency_conflict' });
  });

  it("refuse a commit without token, with another's arguments, or with a token that is spent", async () => {
    const door = await openDoor();
    const commit = { ...BUY, dry_run: false };
    expect(await door.ask('place_order', { ...commit, idempotency_key: 'a' })).toMatchObject({
      reason: 'token_required',
    });
    const { action_token } = await door.ask('place_order', BUY);
    expect(
      await door.ask('place_order', { ...commit, qty: '3', action_token, idempotency_key: 'b' }),
    ).toMatchObject({ reason: 'token_invalid' });
    await door.ask('place_order', { ...commit, action_token, idempotency_key: 'c' });
    expect(await door.ask('place_order', { ...commit, action_token, idempotency_key: 'd' })).toMatchObject({
      reason: 'token_invalid',
    });
    expect((await door.ask('get_orders'))['orders']).toHaveLength(1);
  });

  it('modify and cancel a resting order, then halt their caller', async () => {
    const door = await openDoor({ csv: QUIET });
    const resting = {
      symbol: 'SPX',
      side: 'buy',
      qty: '1',
      type: 'limit',
      limit_price: '4050',
      time_in_force: 'gtc',
    };
    const { action_token } = await door.ask('place_order', resting);
    const placed = await door.ask('place_order', {
      ...resting,
      dry_run: false,
      action_token,
      idempotency_key: 'r',
    });
    const { order_id } = placed['order'] as { order_id: string };
    const change = { order_id, qty: '2' };
    const preview = await door.ask('modify_order', change);
    const changed = await door.ask('modify_order', {
      ...change,
      dry_run: false,
      action_token: preview['action_token'],
      idempotency_key: 'm',
    });
    expect(changed).toMatchObject({ dry_run: false, order: { order_id } });
    await door.ask('cancel_all_orders', { dry_run: true });
    expect((await door.ask('get_orders', { status: 'open' }))['orders']).toHaveLength(1);
    await door.ask('cancel_order', { order_id });
    await door.room.play(2);
    expect((await door.ask('get_orders', { status: 'open' }))['orders']).toEqual([]);
    expect(await door.ask('halt_trading', { reason: 'enough for today' })).toEqual({
      trading_state: 'HALTED',
      agent: 'claude',
    });
    expect(await door.ask('place_order', BUY)).toMatchObject({ reason: 'trading_halted' });
  });

  it('put every call on the record, beside what it did', async () => {
    const door = await openDoor();
    await bought(door);
    const calls = door.room.events('tool.call');
    expect(calls.map(({ agent, outcome }) => [agent, outcome])).toEqual([
      ['claude', 'ok'],
      ['claude', 'ok'],
    ]);
    expect(calls[1]?.detail).toMatchObject({ order_id: expect.any(String) });
  });
});
