/** The order line on a real store, record, tape and paper broker (or a scripted one), with a hand-turned clock; it can be restarted. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Access } from '#access/access.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Price } from '#domain/decimal.ts';
import type { OrderDraft } from '#domain/order.ts';
import { type AccountId, OWNER_CLI, type Principal, SCOPES } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { InstrumentBook } from '#market/instrument-book.ts';
import type { Markets } from '#market/markets.ts';
import type { TapeFeed } from '#market/tape-feed.ts';
import type { BrokerAdapter } from '#ports.ts';
import type { Store } from '#store/open.ts';
import type { Trading } from '#trading/open.ts';
import type { OrderRecord } from '#trading/views.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { draft } from './order-drafts.ts';
import { type LineOptions, openLine, PAPER, SECOND } from './order-line.ts';

/** A disk in memory where there is one: the order line is under test here, not how fast a disk syncs. */
const FAST_DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export { draft, PAPER, SECOND };

export interface RoomOptions extends LineOptions {
  readonly mandate?: Readonly<Record<string, unknown>>;
  /** One that something outside the room goes by too. */
  readonly clock?: HandClock;
}

export interface TradingRoom {
  readonly folder: string;
  readonly clock: HandClock;
  readonly store: Store;
  readonly audit: AuditLog;
  readonly access: Access;
  readonly book: InstrumentBook;
  readonly feed: TapeFeed;
  readonly markets: Markets;
  readonly adapter: BrokerAdapter;
  readonly adapters: Map<AccountId, BrokerAdapter>;
  readonly trading: Trading;
  /** An agent with a mandate and all scopes, as a key would present it. */
  agent(name: string, mandate?: Readonly<Record<string, unknown>>): Principal;
  /** Publishes the next `steps` quotes, one second of the hand clock each. */
  play(steps: number): Promise<void>;
  bid(): Price;
  ask(): Price;
  events(kind?: string): readonly AuditRow[];
  /** As after kill -9: nothing that was not committed is there, and a new process opens the folder. */
  restart(): Promise<TradingRoom>;
  /** Before the test is over, for one that opens very many. */
  leave(): Promise<void>;
}

export interface AuditRow {
  readonly kind: string;
  readonly agent: string | null;
  readonly outcome: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

/** Generous in everything: tests narrow what they are about. */
export const WIDE_MANDATE = {
  accounts: ['paper'],
  symbols: ['*'],
  asset_classes: ['equity', 'index', 'crypto', 'fx'],
  sides: ['buy', 'sell'],
  may_reduce: 'own',
  order_types: ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'],
  allow_short: true,
  max_order_qty: '1000000',
  max_order_value: '100000000',
  max_daily_value: '1000000000',
  max_daily_orders: 100000,
  max_daily_loss: '10000000',
  max_open_orders: 100000,
  max_gross_exposure: '1000000000',
  trading_hours: 'any',
  expires_at: null,
  commit: 'one_step',
  approval: 'never',
} as const;

export async function tradingRoom(options: RoomOptions = {}): Promise<TradingRoom> {
  const folder = mkdtempSync(join(FAST_DISK, 'portcullis-trading-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return openRoom(folder, options.clock ?? handClock(), options);
}

async function openRoom(folder: string, clock: HandClock, options: RoomOptions): Promise<TradingRoom> {
  const { instrument, close, ...line } = openLine(folder, clock, options);
  const { store, audit, access, feed, trading } = line;
  onTestFinished(close);
  await trading.start();
  feed.start();
  await clock.advanceAsync(0);
  const quote = () => {
    const now = feed.quote(instrument.id);
    if (now === undefined) throw new Error('the tape has not begun');
    return now;
  };
  return {
    folder,
    clock,
    ...line,
    agent(name, mandate = {}) {
      if (access.agents.byName(name) === undefined) granted(access.agents.create(name, ['paper'], OWNER_CLI));
      granted(access.mandates.set(name, { ...WIDE_MANDATE, ...options.mandate, ...mandate }, OWNER_CLI));
      const { id } = access.agents.byName(name) ?? { id: undefined };
      if (id === undefined) throw new Error(`no agent ${name}`);
      const key = granted(access.keys.create({ agent: name, scopes: [...SCOPES], by: OWNER_CLI }));
      return granted(access.keys.authenticate(key.key, { door: 'http' }));
    },
    async play(steps) {
      for (let step = 0; step < steps; step++) await clock.advanceAsync(1_000);
    },
    bid: () => quote().bid,
    ask: () => quote().ask,
    events(kind) {
      audit.flush();
      const rows = store.db.prepare('SELECT line FROM audit ORDER BY seq').pluck().all() as readonly string[];
      const events = rows.map((row) => JSON.parse(row) as AuditRow);
      return kind === undefined ? events : events.filter((event) => event.kind === kind);
    },
    async restart() {
      await close();
      return openRoom(folder, handClock(clock.wallMs()), options);
    },
    async leave() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let keys = 0;
/** A commit without a token (the mandate is one_step), each with a key of its own unless one is given. */
export const commit = (key = `key-${++keys}`, digest = `digest-of-${key}`) =>
  ({ kind: 'commit', tool: 'place_order', digest, idempotencyKey: key }) as const;
/** A reduction that acts at once. */
export const reduce = (key?: string, digest = `digest-of-${key}`) => ({
  tool: 'close_position',
  digest,
  dryRun: false,
  ...(key === undefined ? {} : { idempotencyKey: key }),
});

/** Places an order and gives it as the line answered; throws when it was refused. */
export async function place(room: TradingRoom, who: Principal, order: OrderDraft): Promise<OrderRecord> {
  const placed = granted(await room.trading.placeOrder(who, order, commit()));
  if (placed.dryRun) throw new Error('it was only previewed');
  return placed.order;
}
/** The order as it is now. */
export async function now(
  room: TradingRoom,
  who: Principal,
  order: { readonly orderId: string },
): Promise<OrderRecord> {
  return granted(await room.trading.order(who, order.orderId)).order;
}
/** The agent's own position, signed, as text. */
export async function own(room: TradingRoom, who: Principal): Promise<string> {
  const [position] = granted(await room.trading.positions(who, { status: 'all' }));
  return position?.ownQty.toFixed() ?? '0';
}

export function granted<T>(result: Result<T, Refusal>): T {
  if (!result.ok) throw new Error(`refused: ${result.error.reason}: ${result.error.detail}`);
  return result.value;
}
export function refusal<T>(result: Result<T, Refusal>): Refusal {
  if (result.ok) throw new Error('it was granted');
  return result.error;
}

/** A tape of one-minute bars from 14:30 UTC on a Monday, each `open high low close` of a row. */
export function minuteTape(
  rows: readonly (readonly [string, string, string, string])[],
  volume = '1000000',
): string {
  const start = Date.UTC(2024, 0, 8, 14, 30);
  const lines = rows.map(([open, high, low, close], index) =>
    [start + index * 60_000, open, high, low, close, volume].join(','),
  );
  return ['time_ms,open,high,low,close,volume', ...lines].join('\n');
}
/** A price that stands still for so many minutes. */
export const flatTape = (at: string, minutes: number): string =>
  minuteTape(Array.from({ length: minutes }, () => [at, at, at, at] as const));
