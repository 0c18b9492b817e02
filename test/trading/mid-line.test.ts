/** What changes while an order is under way decides about it: the world is read again in the transaction that clears. */
import { describe, expect, it } from 'vitest';
import type { OrderDraft } from '#domain/order.ts';
import { OWNER_CLI, OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import { type Gate, gated, settled } from '../support/limit-storm.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  PAPER,
  place,
  type RoomOptions,
  refusal,
  type TradingRoom,
  tradingRoom,
  WIDE_MANDATE,
} from '../support/trading-room.ts';

interface Scene {
  readonly room: TradingRoom;
  readonly gate: Gate;
  readonly claude: Principal;
}
async function scene(options: RoomOptions = {}): Promise<Scene> {
  const gate = gated();
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => gate.adapter, ...options });
  return { room, gate, claude: room.agent('claude') };
}
const buy = draft({ side: 'buy', qty: '2', limit: '1460' });

/** The order is gathered, then this happens, and only then is it decided: its answer, as a reason or `granted`. */
async function meanwhile(
  { room, gate, claude }: Scene,
  happens: () => unknown,
  order: OrderDraft = buy,
): Promise<string> {
  gate.shut = true;
  const answer = room.trading.placeOrder(claude, order, commit());
  await settled();
  expect(gate.waiting).toHaveLength(1);
  await happens();
  gate.shut = false;
  for (const open of gate.waiting.splice(0)) open();
  const result = await answer;
  return result.ok ? 'granted' : result.error.reason;
}
const set = (room: TradingRoom, rules: object): unknown =>
  granted(room.access.mandates.set('claude', { ...WIDE_MANDATE, ...rules }, OWNER_CLI));

describe('between the gathering and the decision', () => {
  it.each<[string, (it: Scene) => unknown, string]>([
    ['nothing', () => undefined, 'granted'],
    ['the mandate is tightened below it', ({ room }) => set(room, { max_order_qty: '1' }), 'max_order_qty'],
    ['the mandate is tightened to just it', ({ room }) => set(room, { max_order_value: '2920' }), 'granted'],
    [
      'the mandate is a cent short',
      ({ room }) => set(room, { max_order_value: '2919.99' }),
      'max_order_value',
    ],
    [
      'the mandate is revoked',
      ({ room }) => granted(room.access.mandates.revoke('claude', OWNER_CLI)),
      'trading_reducing',
    ],
    [
      'the agent is halted',
      ({ room }) => granted(room.access.agents.halt('claude', OWNER_CLI, 'x')),
      'trading_halted',
    ],
    [
      'its key is revoked',
      ({ room, claude }) => granted(room.access.keys.revoke(claude.credential, OWNER_CLI)),
      'credential_revoked',
    ],
    [
      'the cap of positions is set to none',
      ({ room }) =>
        granted(
          room.trading.owner.accountLimits.change({
            account: PAPER,
            to: { max_positions: '0' },
            by: OWNER_CONSOLE,
          }),
        ),
      'max_positions',
    ],
    [
      'another order takes the last of the day',
      async ({ room, gate, claude }) => {
        set(room, { max_daily_orders: 1 });
        gate.shut = false;
        await place(room, claude, draft({ side: 'buy', limit: '1440' }));
      },
      'max_daily_orders',
    ],
  ])('%s', async (_what, happens, outcome) => {
    const it = await scene();
    const sent = it.gate.broker.sent.place;
    expect(await meanwhile(it, () => happens(it))).toBe(outcome);
    const others = outcome === 'max_daily_orders' ? 1 : 0;
    expect(sent).toHaveLength(outcome === 'granted' ? 1 : others);
  });

  it('the kill switch falls: nothing is sent, whatever was gathered', async () => {
    const it = await scene();
    const kill = (): unknown => it.room.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
    expect(['trading_halted', 'credential_revoked']).toContain(await meanwhile(it, kill));
    expect(it.gate.broker.sent.place).toHaveLength(0);
  });

  it('the quote goes stale: what was fresh at the door is looked at again', async () => {
    const it = await scene();
    it.room.feed.stop();
    await it.room.clock.advanceAsync(25_000);
    expect(await meanwhile(it, () => it.room.clock.advanceAsync(4_999))).toBe('granted');
    const later = await scene();
    later.room.feed.stop();
    await later.room.clock.advanceAsync(25_000);
    expect(await meanwhile(later, () => later.room.clock.advanceAsync(6_000))).toBe('stale_price');
    expect(later.gate.broker.sent.place).toHaveLength(0);
  });

  it('the broker does not answer in its time: nothing is sent', async () => {
    const it = await scene();
    expect(await meanwhile(it, () => it.room.clock.advanceAsync(10_000))).toBe('broker_unavailable');
    expect(it.gate.broker.sent.place).toHaveLength(0);
  });

  it('the day ends: it is counted on the day it is decided on', async () => {
    const it = await scene({ mandate: { max_daily_orders: 1 } });
    await place(it.room, it.claude, buy);
    const midnight = (): void => it.room.clock.setWall(Date.UTC(2026, 0, 6));
    expect(
      await meanwhile(it, async () => {
        midnight();
        await it.room.play(1);
      }),
    ).toBe('granted');
    expect(refusal(await it.room.trading.placeOrder(it.claude, buy, commit())).reason).toBe(
      'max_daily_orders',
    );
  });
});
