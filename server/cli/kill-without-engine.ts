/** The kill switch without the engine's help: the row that halts the gateway, and the file that says what else was asked for. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Config } from '#config.ts';
import { text } from '#domain/decimal.ts';
import { isFinal, ORDER_STATES, type OrderStatus } from '#domain/order.ts';
import { KILL_BUSY_TIMEOUT_MS } from '#limits.ts';
import { BUILT_IN } from '#market/master.ts';
import type { Clock } from '#ports.ts';
import { settings } from '#store/settings.ts';
import { holdingTable } from '#trading/holdings.ts';
import { orderTable } from '#trading/orders.ts';
import { CommandError } from './command.ts';
import { type KillWish, writeKillFile } from './kill-file.ts';
import type { Office } from './office.ts';
import { iso } from './print.ts';

/** As `portcullis kill` prints it. */
export interface KillReportWire {
  readonly trading_state: string;
  readonly halted_at: string;
  readonly canceled: readonly string[];
  readonly kept: readonly string[];
  readonly failed: readonly { readonly order_id: string; readonly reason: string }[];
  readonly orders_left: readonly string[];
  /** Approvals that it ended; without an engine the next one writes that down. */
  readonly voided: readonly string[];
  readonly positions_left: readonly {
    readonly account: string;
    readonly symbol: string;
    readonly qty: string;
  }[];
  readonly elapsed_ms: number;
}

/** What the next engine cancels when it finds the gate down; `trading/kill-switch.ts` reads it. */
const SWEEP_SETTING = 'kill_cancel';
const HALTED_AT_SETTING = 'kill_halted_at';
const BY = 'kill switch (cli)';
/** For the owner's approval: no broker has heard of it, and the next engine refuses it under its old authority. */
const WAITS: OrderStatus = 'pending_approval';

/** No engine runs and the caller holds the lock: the gate falls on the record, and the next engine does the rest. */
export function killAlone(office: Office, wish: KillWish): KillReportWire {
  const { access, audit, store, clock, config, book } = office;
  const startedMs = clock.monotonicMs();
  const haltedAtMs = haltedSince(store.db) ?? access.wall();
  store.transaction(() => {
    access.setGatewayState('HALTED', BY);
    const epoch = access.bumpEpoch();
    settings(store).set(SWEEP_SETTING, wish.cancel);
    settings(store).set(HALTED_AT_SETTING, String(haltedAtMs));
    audit.record({
      kind: 'kill',
      credential: 'owner',
      door: 'cli',
      outcome: 'ok',
      detail: { ...wish, by: 'cli', epoch },
    });
  });
  // Closing takes an engine: the file tells the next one.
  if (wish.flatten) writeKillFile(config.DATA_DIR, wish);
  const working = orderTable(store)
    .working({})
    .filter(({ status }) => status !== WAITS);
  const kept = working.filter((order) => order.effect === 'reducing' && wish.cancel !== 'all');
  return {
    trading_state: 'HALTED',
    halted_at: iso(haltedAtMs),
    canceled: [],
    kept: kept.map((order) => order.orderId),
    failed: [],
    orders_left: working.filter((order) => !kept.includes(order)).map((order) => order.orderId),
    voided: approvalsWaiting(store.db),
    positions_left: holdingTable(store)
      .exposed()
      .map(({ account, instrument, qty }) => ({
        account,
        symbol: book.byId(instrument)?.symbol ?? instrument,
        qty: text(qty),
      })),
    elapsed_ms: Math.round(clock.monotonicMs() - startedMs),
  };
}

/**
 * Past an engine that does not answer. The file first, which it obeys when it comes to; then the row, which it reads before every
 * order, and at once. The record follows from the engine, which alone may write it.
 */
export function killDirectly(
  config: Config,
  clock: Clock,
  wish: KillWish,
): { readonly report: KillReportWire; readonly notes: readonly string[] } {
  const startedMs = clock.monotonicMs();
  const notes: string[] = [];
  const fileFailure = failureOf(() => {
    mkdirSync(config.DATA_DIR, { recursive: true, mode: 0o700 });
    writeKillFile(config.DATA_DIR, wish);
  });
  if (fileFailure === undefined)
    notes.push(`The file ${join(config.DATA_DIR, 'KILL')} tells it to halt and cancel.`);
  else notes.push(`The file ${join(config.DATA_DIR, 'KILL')} could not be written: ${fileFailure}`);
  let left: Left = { haltedAtMs: clock.wallMs(), voided: [], adding: [], reducing: [], positions: [] };
  const rowFailure = failureOf(() => {
    left = writeRow(join(config.DATA_DIR, 'portcullis.db'), wish, left.haltedAtMs);
  });
  if (rowFailure === undefined) notes.push('Its database says HALTED: no order passes from now on.');
  else notes.push(`Its database could not be written: ${rowFailure}`);
  if (fileFailure !== undefined && rowFailure !== undefined)
    throw new CommandError(
      `The gate could NOT be dropped. ${notes.join(' ')} End the process of the gateway.`,
    );
  notes.push(
    'Orders at the broker stay until it answers again: end and start it, or cancel them at the broker.',
  );
  return {
    notes,
    report: {
      trading_state: 'HALTED',
      halted_at: iso(left.haltedAtMs),
      canceled: [],
      kept: wish.cancel === 'all' ? [] : left.reducing,
      failed: [],
      orders_left: wish.cancel === 'all' ? [...left.adding, ...left.reducing] : left.adding,
      voided: left.voided,
      positions_left: left.positions,
      elapsed_ms: Math.round(clock.monotonicMs() - startedMs),
    },
  };
}

function failureOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

interface Left {
  readonly haltedAtMs: number;
  readonly voided: readonly string[];
  readonly adding: readonly string[];
  readonly reducing: readonly string[];
  readonly positions: KillReportWire['positions_left'];
}

/** On a connection of its own, without migrations or checks: the engine that hangs has the database open. */
function writeRow(path: string, { cancel }: KillWish, nowMs: number): Left {
  const db = new Database(path, { fileMustExist: true, timeout: KILL_BUSY_TIMEOUT_MS });
  try {
    const set = db.prepare(
      'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    const haltedAtMs = haltedSince(db) ?? nowMs;
    db.transaction(() => {
      set.run(HALTED_AT_SETTING, String(haltedAtMs));
      set.run('trading_state', 'HALTED');
      set.run('trading_state_reason', BY);
      set.run(SWEEP_SETTING, cancel);
      db.prepare(
        "UPDATE settings SET value = CAST(value AS INTEGER) + 1 WHERE name = 'authority_epoch'",
      ).run();
    }).immediate();
    return { haltedAtMs, voided: approvalsWaiting(db), ...readLeft(db) };
  } finally {
    db.close();
  }
}

/** When the gate fell that is down already. */
function haltedSince(db: Database.Database): number | undefined {
  const read = db.prepare<[string], string>('SELECT value FROM settings WHERE name = ?').pluck();
  return read.get('trading_state') === 'HALTED'
    ? Number(read.get(HALTED_AT_SETTING)) || undefined
    : undefined;
}

const approvalsWaiting = (db: Database.Database): readonly string[] =>
  db
    .prepare<[], string>('SELECT id FROM approvals WHERE decision IS NULL ORDER BY requested_at, id')
    .pluck()
    .all();

function readLeft(db: Database.Database): Pick<Left, 'adding' | 'reducing' | 'positions'> {
  const over = ORDER_STATES.filter((state) => isFinal(state) || state === WAITS);
  const marks = over.map(() => '?').join(', ');
  const orders = db
    .prepare<string[], { order_id: string; effect: string }>(
      `SELECT order_id, effect FROM orders WHERE status NOT IN (${marks}) ORDER BY seq`,
    )
    .all(...over);
  const holdings = db
    .prepare<[], { account_id: string; instrument_id: string; qty: string }>(
      "SELECT account_id, instrument_id, qty FROM holdings WHERE qty <> '0' AND holder <> '*' ORDER BY holder, account_id, instrument_id",
    )
    .all();
  const ids = (effect: string): readonly string[] =>
    orders.filter((order) => order.effect === effect).map((order) => order.order_id);
  return {
    adding: ids('adding'),
    reducing: ids('reducing'),
    positions: holdings.map((holding) => ({
      account: holding.account_id,
      symbol: BUILT_IN.find((one) => one.id === holding.instrument_id)?.symbol ?? holding.instrument_id,
      qty: holding.qty,
    })),
  };
}
