/** What a broker said a moment ago is used again, less all that was cleared since: it errs to the strict side, or it is asked anew. */
import { describe, expect, it } from 'vitest';
import { money, quantity, text } from '#domain/decimal.ts';
import type { Principal } from '#domain/principal.ts';
import { BALANCE_AGE_MAX_MS } from '#limits.ts';
import type { BrokerAdapter } from '#ports.ts';
import { buyingPowerLeft } from '#trading/funds.ts';
import { settled, UNTHROTTLED } from '../support/limit-storm.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  commit,
  draft,
  flatTape,
  granted,
  place,
  refusal,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

/** Above the touch and the slippage allowance: a unit is worth its limit. */
const LIMIT = '1470';

interface Scene {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
  /** Questions that have been asked since the scene began. */
  readonly asked: () => number;
  power: string;
  /** While set, questions wait here and are answered by what `power` was when they were asked. */
  shut: boolean;
  readonly waiting: (() => void)[];
}

async function scene(power: string): Promise<Scene> {
  const broker = scriptedBroker();
  const plain = broker.balance.bind(broker);
  let asked = 0;
  broker.balance = async () => {
    asked++;
    const told = { ...(await plain()), buyingPower: money(it.power) };
    if (it.shut) await new Promise<void>((resolve) => it.waiting.push(resolve));
    return told;
  };
  const it = { power, shut: false, waiting: [] as (() => void)[] };
  const room = await tradingRoom({
    csv: flatTape('1450', 300),
    adapter: (): BrokerAdapter => broker,
    throttle: UNTHROTTLED,
  });
  const before = asked;
  return Object.assign(it, { room, broker, claude: room.agent('claude'), asked: () => asked - before });
}

const buy = (qty = '1') => draft({ side: 'buy', qty, limit: LIMIT });
const tries = ({ room, claude }: Scene, qty?: string) => room.trading.placeOrder(claude, buy(qty), commit());
const reasonOf = async (scene: Scene, qty?: string) => refusal(await tries(scene, qty)).reason;
/** Used a moment ago, and long enough ago for a drop to ask by itself. */
async function withAnAnswer(power = '100000'): Promise<Scene> {
  const it = await scene(power);
  await place(it.room, it.claude, buy());
  expect(it.asked()).toBe(1);
  await it.room.clock.advanceAsync(1_100);
  return it;
}

describe('what the broker said a moment ago', () => {
  it('is used again, and not for longer than it may be old', async () => {
    const it = await withAnAnswer();
    await place(it.room, it.claude, buy());
    await it.room.clock.advanceAsync(BALANCE_AGE_MAX_MS - 1_100);
    await place(it.room, it.claude, buy());
    expect(it.asked()).toBe(1);
    await it.room.clock.advanceAsync(1);
    await place(it.room, it.claude, buy());
    expect(it.asked()).toBe(2);
  });

  it('is less by every order since, to the last unit', async () => {
    const it = await scene('4410');
    for (let n = 0; n < 3; n++) await place(it.room, it.claude, buy());
    expect(await reasonOf(it)).toBe('buying_power');
    expect(it.asked()).toBe(1);
    expect(it.broker.sent.place).toHaveLength(3);
  });

  it('is less by what a change added, and by no more', async () => {
    const it = await scene('4410');
    const { orderId } = await place(it.room, it.claude, buy());
    const change = { ...commit(), tool: 'modify_order' };
    granted(await it.room.trading.modifyOrder(it.claude, { orderId, qty: quantity('2') }, change));
    expect(await reasonOf(it, '2')).toBe('buying_power');
    await place(it.room, it.claude, buy());
    expect(it.asked()).toBe(1);
  });

  it('is not what an embedded broker is asked for: that one each time', async () => {
    const it = await scene('100000');
    it.broker.restart = () => Promise.resolve({ kind: 'refused', reason: 'not in this test' });
    for (let n = 0; n < 3; n++) await place(it.room, it.claude, buy());
    expect(it.asked()).toBe(3);
  });
});

describe('two hundred orders at once', () => {
  it.each(['asked for with the first of them', 'known already'])(
    'never pass a balance together that was %s',
    async (how) => {
      const it = await scene('102900');
      if (how === 'known already') await place(it.room, it.claude, buy());
      const before = it.broker.sent.place.length;
      const results = await settle(
        it.room,
        Array.from({ length: 200 }, () => tries(it)),
      );
      const sent = results.filter(({ ok }) => ok).length;
      expect(before + sent).toBe(it.broker.sent.place.length);
      // Seventy are paid for; ten a second may leave, and the broker goes on telling what it told at first.
      expect(it.broker.sent.place.length).toBeLessThanOrEqual(70);
      expect(it.asked()).toBe(1);
    },
  );
});
async function settle<T>(room: TradingRoom, answers: readonly Promise<T>[]): Promise<readonly T[]> {
  await settled();
  await room.clock.advanceAsync(1_000);
  return Promise.all(answers);
}

describe('an answer', () => {
  it('does not have what was on its way when it was asked for', async () => {
    const it = await scene('2940');
    it.broker.next.place.push({ effect: 'accept', answer: 'never' });
    it.broker.silent = true;
    const first = tries(it);
    await settled();
    await it.room.clock.advanceAsync(BALANCE_AGE_MAX_MS + 1);
    // The broker has the first one by now, and did not when it was asked.
    it.shut = true;
    const second = tries(it, '2');
    await settled();
    const [sent = ''] = it.broker.sent.place;
    it.broker.answerLate(sent, { kind: 'accepted', brokerOrderId: 'b1' });
    await first;
    it.waiting.splice(0)[0]?.();
    expect(refusal(await second).reason).toBe('buying_power');
    it.shut = false;
    await place(it.room, it.claude, buy());
    expect(it.broker.sent.place).toHaveLength(2);
  });

  it('that was asked for before something happened is not kept, whenever it comes', async () => {
    const it = await scene('100000');
    const resting = await place(it.room, it.claude, buy());
    await it.room.clock.advanceAsync(BALANCE_AGE_MAX_MS + 1);
    it.shut = true;
    const early = tries(it);
    await settled();
    it.power = '1470';
    it.broker.fill(resting.brokerClientId, '1', LIMIT);
    await settled();
    it.shut = false;
    // A later question is answered first.
    const late = place(it.room, it.claude, buy());
    await late;
    for (const go of it.waiting.splice(0)) go();
    expect(refusal(await early).reason).toBe('buying_power');
    expect(await reasonOf(it)).toBe('buying_power');
    expect(it.broker.sent.place).toHaveLength(2);
  });

  it('of a process that has ended is nobody’s: the next one asks, and counts what is unclear', async () => {
    const it = await scene('4410');
    it.broker.next.place.push({ effect: 'accept', answer: 'unknown' });
    it.broker.deaf = true;
    await tries(it, '2');
    const before = it.asked();
    const room = await it.room.restart();
    it.broker.deaf = false;
    const claude = room.agent('claude');
    await room.clock.advanceAsync(0);
    const answer = await room.trading.placeOrder(claude, buy('2'), commit());
    expect(answer.ok).toBe(false);
    expect(it.asked()).toBeGreaterThanOrEqual(before);
  });
});

describe('is dropped, and asked for once more in advance, where orders flow', () => {
  const untrue: readonly (readonly [string, (it: Scene, resting: string) => unknown])[] = [
    ['an execution', ({ broker }, resting) => broker.fill(resting, '1', LIMIT)],
    ['a cancel at the broker', ({ broker }, resting) => broker.end(resting, 'canceled')],
    [
      'an order from another screen',
      ({ broker }, resting) => {
        const { instrument } = broker.order(resting) ?? {};
        if (instrument === undefined) throw new Error('nothing rests there');
        broker.placeElsewhere({ instrument, side: 'buy', qty: '1' });
      },
    ],
    [
      'the connection was lost',
      ({ broker }) => broker.emit({ kind: 'connection', connected: false, detail: 'reset' }),
    ],
  ];
  it.each(untrue)('%s', async (_what, happens) => {
    const it = await withAnAnswer();
    const [resting = ''] = it.broker.sent.place;
    await happens(it, resting);
    await settled();
    expect(it.asked()).toBe(2);
    // A second one in the same second asks nobody: the next order does.
    it.broker.emit({ kind: 'connection', connected: false, detail: 'reset' });
    await settled();
    expect(it.asked()).toBe(2);
    await place(it.room, it.claude, buy());
    expect(it.asked()).toBe(3);
  });

  it('a rejection by the broker', async () => {
    const it = await withAnAnswer();
    it.broker.next.place.push({ effect: 'reject', answer: 'truth' });
    await tries(it);
    await settled();
    expect(it.asked()).toBe(2);
  });

  it('the kill switch, which asks nobody', async () => {
    const it = await withAnAnswer();
    await it.room.trading.kill({ cancel: 'none', flatten: false, by: 'test' });
    await settled();
    expect(it.asked()).toBe(1);
    granted(it.room.trading.resume('test'));
    const again = it.room.agent('again');
    await place(it.room, again, buy());
    expect(it.asked()).toBe(2);
  });

  it('and where none flow nobody is asked', async () => {
    const it = await withAnAnswer();
    await it.room.clock.advanceAsync(BALANCE_AGE_MAX_MS + 1);
    const [resting = ''] = it.broker.sent.place;
    it.broker.fill(resting, '1', LIMIT);
    await settled();
    expect(it.asked()).toBe(1);
  });
});

describe('coins at a broker that lends for shares only', () => {
  const balance = {
    currency: 'USD',
    cash: money('50000'),
    equity: money('50000'),
    buyingPower: money('200000'),
  };
  const left = (assetClass: 'crypto' | 'equity', coinBuyingPower?: string): string =>
    text(
      buyingPowerLeft(
        { ...balance, ...(coinBuyingPower === undefined ? {} : { coinBuyingPower: money(coinBuyingPower) }) },
        { funds: undefined, unsettled: [], of: { assetClass } },
      ),
    );

  it('are bought with what it says of coins, and shares with all of it', () => {
    expect(left('crypto', '50000')).toBe('50000');
    expect(left('crypto', '0')).toBe('0');
    expect(left('equity', '50000')).toBe('200000');
    expect(left('crypto'), 'it says nothing of coins').toBe('200000');
  });
});
