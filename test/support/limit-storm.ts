/** Two hundred orders at once against one limit, while the venue fills, rejects, loses and forgets; what holds is added up from outside. */
import { expect } from 'vitest';
import { add, type Money, price, quantity, text, value, ZERO_MONEY } from '#domain/decimal.ts';
import { isFinal } from '#domain/order.ts';
import type { Principal } from '#domain/principal.ts';
import type { BrokerAdapter, BrokerBalance, BrokerOrder } from '#ports.ts';
import type { OrderRecord } from '#trading/views.ts';
import { seededNumbers } from './random-trader.ts';
import { HONEST, type ScriptedBroker, scriptedBroker, type Treatment } from './scripted-broker.ts';
import { commit, draft, flatTape, granted, type TradingRoom, tradingRoom } from './trading-room.ts';

/** Answers for the balance only when told to, so that all orders have been gathered before the first is decided. */
export interface Gate {
  readonly adapter: BrokerAdapter;
  readonly broker: ScriptedBroker;
  readonly waiting: (() => void)[];
  shut: boolean;
}
export function gated(): Gate {
  const broker = scriptedBroker();
  const waiting: (() => void)[] = [];
  const adapter: BrokerAdapter = {
    ...broker,
    balance: async (): Promise<BrokerBalance> => {
      if (gate.shut) await new Promise<void>((resolve) => waiting.push(resolve));
      return broker.balance();
    },
    // As one whose books are here: each order asks for itself.
    restart: () => Promise.resolve({ kind: 'refused', reason: 'not in this test' }),
  };
  const gate: Gate = { adapter, broker, waiting, shut: false };
  return gate;
}

export async function settled(turns = 4): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** More refusals and orders than an agent of a gateway without settings may have: it is not the throttle that is under test. */
export const UNTHROTTLED = {
  refusals: { count: 100_000, per: 'minute' },
  executions: { count: 100_000, per: 'minute' },
} as const;

const ORDERS = 200;
const LIMITS = [
  'max_daily_orders',
  'max_open_orders',
  'max_daily_value',
  'max_gross_exposure',
  'above',
] as const;
type LimitName = (typeof LIMITS)[number];

export interface Weather {
  readonly limit: LimitName;
  readonly max: number;
  readonly sent: number;
}

/** One storm. Throws as soon as more is sent, held or filled than the limit allows. */
export async function limitStorm(seed: number): Promise<Weather> {
  const random = seededNumbers(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const limit = LIMITS[below(LIMITS.length)] ?? 'max_daily_orders';
  const counted = limit === 'max_daily_orders' || limit === 'max_open_orders';
  const max = counted ? 1 + below(120) : 1_460 + below(1_460 * 150);
  const gate = gated();
  const room = await tradingRoom({ csv: MARKET, adapter: () => gate.adapter, throttle: UNTHROTTLED });
  const rules =
    limit === 'above' ? { approval: { above: String(max) } } : { [limit]: counted ? max : String(max) };
  const claude = room.agent('claude', rules);
  gate.shut = true;
  const answers = Array.from({ length: ORDERS }, () =>
    room.trading.placeOrder(
      claude,
      // Above the touch and the slippage allowance: a unit is worth its limit.
      draft({ side: 'buy', qty: String(1 + below(3)), limit: String(1_458 + below(13)) }),
      commit(),
    ),
  );
  await settled();
  while (gate.waiting.length > 0) {
    for (let order = 0; order < 10 && gate.waiting.length > 0; order++) {
      if (random() < 0.3) gate.broker.next.place.push(MISHAPS[below(MISHAPS.length)] ?? HONEST);
      gate.waiting.splice(below(gate.waiting.length), 1)[0]?.();
      if (random() < 0.5) await settled(1);
    }
    await settled();
    await holds(room, { claude, gate, limit, max });
    happen(gate.broker, below, random);
    await room.clock.advanceAsync(1_000);
    await holds(room, { claude, gate, limit, max });
  }
  gate.shut = false;
  await Promise.all(answers);
  await holds(room, { claude, gate, limit, max });
  await room.leave();
  return { limit, max, sent: gate.broker.sent.place.length };
}

const MARKET = flatTape('1450', 200);
const MISHAPS: readonly Treatment[] = [
  { effect: 'reject', answer: 'truth' },
  { effect: 'accept', answer: 'unknown' },
  { effect: 'accept', answer: 'throw' },
  { effect: 'lose', answer: 'unknown' },
];

/** What the venue does with what rests there: fills of every size, and ends that nobody asked for. */
function happen(broker: ScriptedBroker, below: (n: number) => number, random: () => number): void {
  for (const order of broker.everyOrder()) {
    const open = order.status === 'open' || order.status === 'partially_filled';
    const { brokerClientId } = order;
    if (!open || brokerClientId === null || random() < 0.6) continue;
    // Somebody at the venue: the line is not asked, and hears of it as an event.
    if (random() < 0.2) void broker.cancel({ brokerClientId });
    else broker.fill(brokerClientId, String(1 + below(leftOf(order))), String(1_450 + below(9)));
  }
}

const leftOf = ({ qty, filledQty }: BrokerOrder): number => Number(qty.minus(filledQty).toFixed());

interface Holding {
  readonly claude: Principal;
  readonly gate: Gate;
  readonly limit: LimitName;
  readonly max: number;
}

async function holds(room: TradingRoom, { claude, gate, limit, max }: Holding): Promise<void> {
  const { items } = granted(await room.trading.orders(claude, { status: 'all', limit: 500 }));
  const sent = items.filter(({ status }) => status !== 'refused' && status !== 'pending_approval');
  expect(gate.broker.sent.place.length).toBe(sent.length);
  const used = usedOf(limit, sent, gate.broker);
  expect(used.lte(String(max)), `${limit}: ${text(used)} of ${max}`).toBe(true);
}

function usedOf(limit: LimitName, sent: readonly OrderRecord[], broker: ScriptedBroker): Money {
  const working = sent.filter(({ status }) => !isFinal(status));
  const count = (orders: readonly unknown[]): Money => value(price(String(orders.length)), quantity('1'));
  const rest = working
    .map(({ limitPrice = price('0'), qty, filledQty }) =>
      value(limitPrice, quantity(text(qty.minus(filledQty) as typeof qty))),
    )
    .reduce(add, ZERO_MONEY);
  const at = (execution: { readonly price: typeof MARK }): typeof MARK =>
    limit === 'max_gross_exposure' ? MARK : execution.price;
  const filled = broker.executions
    .map((execution) => value(at(execution), execution.qty))
    .reduce(add, ZERO_MONEY);
  switch (limit) {
    case 'max_daily_orders':
      return count(sent);
    case 'max_open_orders':
      return count(working);
    case 'max_daily_value':
    case 'max_gross_exposure':
    case 'above':
      return add(rest, filled);
    default:
      return limit satisfies never;
  }
}
const MARK = price('1450');
