/** The kill switch: the gate falls first, then every order that could add risk is canceled until none is left. */
import { isFinal } from '#domain/order.ts';
import { agentId, OWNER_CLI, OWNER_CONSOLE, type Owner } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { KILL_SWEEP_INTERVAL_MS, KILL_SWEEPS_REPORTED_MAX } from '#limits.ts';
import { cancelMany } from './cancel.ts';
import { close } from './close.ts';
import { EXTERNAL_HOLDER } from './holdings.ts';
import { auditActor, instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import type { CancelResult, KillPreview, KillReport } from './views.ts';

export interface KillOptions {
  readonly cancel: 'adding' | 'all' | 'none';
  readonly flatten: boolean;
  /** Who pressed it, for the record: `cli`, `file`, `console`. */
  readonly by: string;
}

/** What is swept while the gate is down; kept so that an order which the broker acknowledges late is canceled too. */
export interface KillSwitch {
  /** What it would do now, in numbers; nothing happens. */
  preview(): KillPreview;
  kill(options: KillOptions): Promise<KillReport>;
  resume(by: string): Result<{ readonly tradingState: 'ACTIVE' }, Refusal>;
  /** An order has been seen working: under a fallen gate it is canceled at once. */
  seen(order: StoredOrder): void;
  /** After a restart the gate is still down. */
  restore(): void;
}

const SWEEP_SETTING = 'kill_cancel';

export function killSwitch(line: Line): KillSwitch {
  /** Orders of late acknowledgements that are being canceled. */
  const late = new Set<string>();
  return {
    preview: () => previewOf(line),
    async kill(options) {
      const startedMs = line.clock.monotonicMs();
      const haltedAtMs = fall(line, options);
      const swept = await sweep(line, options.cancel);
      const notClosed = options.flatten ? await flatten(line) : [];
      keepSweeping(line);
      const report = reportOf(line, options, { swept, notClosed, haltedAtMs, startedMs });
      recordReport(line, report);
      return report;
    },
    resume: (by) => resume(line, by),
    seen(order) {
      if (!line.memory.killed || isFinal(order.status) || late.has(order.orderId)) return;
      if (!toCancel(line, order, sweepSetting(line))) return;
      late.add(order.orderId);
      void cancelMany(line, [order], 'canceled by the kill switch').finally(() => late.delete(order.orderId));
    },
    restore() {
      line.memory.killed = line.access.gatewayState() === 'HALTED';
      keepSweeping(line);
    },
  };
}

function previewOf(line: Line): KillPreview {
  const working = line.orders.working({}).filter((order) => order.origin !== 'flatten');
  const taken = (cancel: KillOptions['cancel']): number =>
    working.filter((order) => toCancel(line, order, cancel)).length;
  const exposed = line.holdings.exposed();
  return {
    cancel: { adding: taken('adding'), all: taken('all'), none: 0 },
    working: working.length,
    positions: exposed.length,
    notOurs: exposed.filter(({ holder }) => holder === EXTERNAL_HOLDER).length,
  };
}

/** The file is found by the gateway itself: it does not know who laid it there. */
function pressedBy(by: string): Owner | undefined {
  if (by === OWNER_CLI.door) return OWNER_CLI;
  return by === OWNER_CONSOLE.door ? OWNER_CONSOLE : undefined;
}

/** The gate: in this process first, then durably, with the epoch that ends every credential's authority. */
function fall(line: Line, options: KillOptions): number {
  line.memory.killed = true;
  line.tokens.clear();
  const haltedAtMs = line.wallMs();
  const detail = { cancel: options.cancel, flatten: options.flatten, by: options.by };
  const actor = auditActor(pressedBy(options.by));
  try {
    line.store.transaction(() => {
      line.access.setGatewayState('HALTED', `kill switch (${options.by})`);
      const epoch = line.access.bumpEpoch();
      line.store.db
        .prepare(
          'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
        )
        .run(SWEEP_SETTING, options.cancel);
      line.audit.record({ kind: 'kill', ...actor, outcome: 'ok', detail: { ...detail, epoch } });
    });
  } catch (cause) {
    // The store is broken: the gate is down in this process all the same, and the record follows when it heals.
    line.access.haltInMemory(`kill switch (${options.by})`);
    const why = cause instanceof Error ? cause.message : String(cause);
    line.audit.recordDeferred({ kind: 'kill', ...actor, outcome: 'error', detail: { ...detail, why } });
  }
  return haltedAtMs;
}

function sweepSetting(line: Line): KillOptions['cancel'] {
  const value = line.store.db
    .prepare<[string], string>('SELECT value FROM settings WHERE name = ?')
    .pluck()
    .get(SWEEP_SETTING);
  return value === 'all' || value === 'none' ? value : 'adding';
}

/** Cancels, looks again, and repeats while something that may be canceled is still working. */
async function sweep(line: Line, cancel: KillOptions['cancel']): Promise<CancelResult> {
  const canceled = new Set<string>();
  let last: CancelResult = { canceled: [], pending: [], failed: [] };
  for (let round = 0; round < KILL_SWEEPS_REPORTED_MAX; round++) {
    const due = line.orders.working({}).filter((order) => toCancel(line, order, cancel));
    if (due.length === 0) break;
    last = await cancelMany(line, due, 'canceled by the kill switch');
    for (const id of last.canceled) canceled.add(id);
    if (last.pending.length === 0 && last.failed.length === 0) continue;
    await new Promise<void>((resolve) => {
      line.clock.after(KILL_SWEEP_INTERVAL_MS, resolve);
    });
  }
  return { canceled: [...canceled].sort(), pending: last.pending, failed: last.failed };
}

/** The gate stays down longer than the report waits: leftovers are swept until none is left. */
function keepSweeping(line: Line): void {
  if (!line.memory.killed) return;
  const cancel = sweepSetting(line);
  const due = line.orders.working({}).filter((order) => toCancel(line, order, cancel));
  if (due.length === 0) return;
  line.clock.after(KILL_SWEEP_INTERVAL_MS * 5, () => {
    const again = (): void => keepSweeping(line);
    void cancelMany(line, due, 'canceled by the kill switch').then(again, again);
  });
}

interface Seen {
  readonly swept: CancelResult;
  readonly notClosed: KillReport['failed'];
  readonly haltedAtMs: number;
  readonly startedMs: number;
}

function reportOf(line: Line, options: KillOptions, seen: Seen): KillReport {
  // The flatten's own closes are neither kept nor left over: what they have not closed yet is in positionsLeft.
  const left = line.orders.working({}).filter((order) => order.origin !== 'flatten');
  const kept = left.filter((order) => order.effect === 'reducing' && !toCancel(line, order, options.cancel));
  return {
    tradingState: 'HALTED',
    haltedAtMs: seen.haltedAtMs,
    canceled: seen.swept.canceled,
    kept: kept.map((order) => order.orderId),
    failed: [...seen.swept.failed, ...seen.notClosed],
    ordersLeft: left.filter((order) => !kept.includes(order)).map((order) => order.orderId),
    positionsLeft: line.holdings.exposed().map((holding) => ({
      account: holding.account,
      symbol: instrumentOf(line, holding.instrument).symbol,
      qty: holding.qty,
    })),
    elapsedMs: Math.round(line.clock.monotonicMs() - seen.startedMs),
  };
}

function recordReport(line: Line, report: KillReport): void {
  const clean = report.ordersLeft.length === 0 && report.failed.length === 0;
  const event = {
    kind: 'kill.report',
    outcome: clean ? ('ok' as const) : ('error' as const),
    detail: {
      canceled: report.canceled.length,
      kept: report.kept.length,
      failed: report.failed.length,
      orders_left: report.ordersLeft.length,
      elapsed_ms: report.elapsedMs,
    },
  };
  try {
    line.store.transaction(() => line.audit.record(event));
  } catch {
    line.audit.recordDeferred(event);
  }
}

/** The owner's act. Keys and stdio work again; what the epoch ended stays ended, and an agent's own halt stays. */
function resume(line: Line, by: string): Result<{ readonly tradingState: 'ACTIVE' }, Refusal> {
  if (line.access.gatewayState() === 'ACTIVE' && !line.memory.killed) {
    return err(refuse('invalid_input', 'The gate is not down; there is nothing to resume.'));
  }
  line.store.transaction(() => {
    line.access.setGatewayState('ACTIVE', `resumed (${by})`);
    line.audit.record({ kind: 'resume', ...auditActor(pressedBy(by)), outcome: 'ok', detail: { by } });
  });
  line.memory.killed = false;
  return ok({ tradingState: 'ACTIVE' });
}

/**
 * What a sweep takes: orders that could add risk. Protective orders are kept while the position they protect is open; a leg
 * goes with its entry when the entry has filled nothing. The owner's own flatten is never swept.
 */
function toCancel(line: Line, order: StoredOrder, cancel: KillOptions['cancel']): boolean {
  if (cancel === 'none' || order.origin === 'flatten') return false;
  if (cancel === 'all') return true;
  if (order.effect === 'adding') return true;
  const position = line.holdings.of(order.agent, order.account, order.instrument).qty;
  return position.eq('0') && order.parentOrderId === null;
}

/** Closes every position of every agent at the market, side by side; gives what could not be closed. */
async function flatten(
  line: Line,
): Promise<readonly { readonly orderId: string; readonly reason: string }[]> {
  const failed: { orderId: string; reason: string }[] = [];
  await Promise.all(
    line.holdings.exposed().map(async (holding) => {
      if (holding.holder === EXTERNAL_HOLDER) return;
      const { symbol } = instrumentOf(line, holding.instrument);
      const closed = await close(
        line,
        {
          agent: agentId(holding.holder),
          credential: 'owner',
          permit: { epoch: 0, byOwner: true },
          origin: 'flatten',
        },
        { account: holding.account, symbol },
      );
      if (!closed.ok) failed.push({ orderId: `${holding.holder}:${symbol}`, reason: closed.error.detail });
    }),
  );
  return failed;
}
