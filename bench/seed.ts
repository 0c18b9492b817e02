/** Fills a folder with what a long life leaves behind: a thousand orders at work and a million lines on the record. */
import { openOffice } from '#cli/office.ts';
import { wallClock } from '#clock.ts';
import { openGateway } from '#compose.ts';
import type { Clock } from '#ports.ts';
import { configIn } from './gateway.ts';
import { pause } from './time.ts';
import type { Trader } from './traders.ts';

export const OPEN_ORDERS = 1_000;
export const AUDIT_LINES = 1_000_000;
const LINES_PER_COMMIT = 10_000;
/** Between two orders of an account, which may send ten a second. */
export const ORDER_GAP_MS = 120;
const FIRST_QUOTE_MS = 50;
/** As far above the market as the collar lets an order be, on a tape that begins with a fall: it stays at work. */
const FAR_ABOVE = 1.045;

export interface Load {
  readonly orders: number;
  readonly lines: number;
}

/** While no engine runs on the folder. Orders take the whole way to the paper broker; lines go through the record itself. */
export async function seedLoad(folder: string, traders: readonly Trader[], load: Load): Promise<void> {
  seedLines(folder, load.lines);
  await seedOrders(folder, traders, load.orders);
}

/** Of every kind that a day brings most of, of as many agents. */
export function seedLines(folder: string, lines: number, agents = 8): void {
  const office = openOffice(configIn(folder), wallClock);
  const { store, audit } = office;
  try {
    for (let written = 0; written < lines; ) {
      store.transaction(() => {
        for (const upTo = Math.min(lines, written + LINES_PER_COMMIT); written < upTo; written++)
          audit.record(written % 3 === 0 ? transition(written, agents) : call(written, agents));
      });
      audit.flush();
    }
  } finally {
    office.close();
  }
}

const call = (n: number, agents: number) => ({
  kind: 'tool.call',
  agent: `trader-${n % agents}`,
  credential: 'key_0123456789abcdef',
  door: 'http' as const,
  tool: 'get_quotes',
  scope: 'read:market',
  outcome: 'ok' as const,
  latencyMs: 0.4,
  ...(n % 3 === 1 ? { args: { symbols: ['SPX'] } } : {}),
});
const transition = (n: number, agents: number) => ({
  kind: 'order.transition',
  agent: `trader-${n % agents}`,
  account: `account-${n % agents}`,
  outcome: 'ok' as const,
  detail: {
    order_id: `ord_${String(n).padStart(24, '0')}`,
    from: 'submitting',
    to: 'open',
    qty: '1',
    filled_qty: '0',
    limit_price: '1400.25',
    text: 'accepted by the broker',
  },
});

/** Can be put forward, so that no account sends too many orders a second. */
export function hastyClock(): Clock & { advance(ms: number): void } {
  let aheadMs = 0;
  return {
    ...wallClock,
    monotonicMs: () => wallClock.monotonicMs() + aheadMs,
    advance(ms) {
      aheadMs += ms;
    },
  };
}

async function seedOrders(folder: string, traders: readonly Trader[], orders: number): Promise<void> {
  const clock = hastyClock();
  const gateway = await openGateway(configIn(folder), { http: false, clock });
  try {
    await gateway.start();
    // The first quote of a tape comes at its first tick.
    await pause(FIRST_QUOTE_MS);
    const [instrument] = gateway.feed.instruments();
    const quote = instrument && gateway.feed.quote(instrument.id);
    if (!quote) throw new Error('The tape has no quote to place orders by.');
    const limit = (Math.floor(Number(quote.bid.toFixed()) * FAR_ABOVE * 10) / 10).toFixed(2);
    for (let n = 0; n < orders; n++) {
      const trader = traders[n % traders.length];
      clock.advance(ORDER_GAP_MS / traders.length);
      const principal = gateway.access.keys.authenticate(trader?.key ?? '', { door: 'rest' });
      if (!principal.ok) throw new Error(principal.error.detail);
      const placed = await gateway.dispatcher.call({
        tool: 'place_order',
        args: {
          symbol: 'SPX',
          side: 'sell',
          qty: '1',
          type: 'limit',
          limit_price: limit,
          time_in_force: 'gtc',
          dry_run: false,
          idempotency_key: `seed-${n}`,
        },
        principal: principal.value,
        via: 'rest',
      });
      if (placed?.ok !== true) throw new Error(`Order ${n} was refused: ${placed?.refusal.detail}`);
    }
    if (gateway.trading.workingOrders() < orders) throw new Error('Not every order is at work.');
  } finally {
    await gateway.stop();
  }
}
