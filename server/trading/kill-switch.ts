/** The kill switch: the gate falls first, then every order that could add risk is canceled until none is left. */
import { type AgentId, agentId, OWNER_CLI, OWNER_CONSOLE, type Owner } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { KILL_SWEEP_INTERVAL_MS, KILL_WRITE_RETRY_MS } from '#limits.ts';
import { forbidAll, voidAll } from './approval-ending.ts';
import { cancelMany } from './cancel.ts';
import { close } from './close.ts';
import type { CloseRequest } from './closer.ts';
import { closesOf } from './closer.ts';
import { dropAllFunds } from './funds.ts';
import { EXTERNAL_HOLDER } from './holdings.ts';
import { type KillDrill, killDrill } from './kill-drill.ts';
import { dueIn, leftAfter, sweep, sweepable, type Taking, toCancel } from './kill-sweep.ts';
import { auditActor, instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import type { CancelResult, KillPreview, KillReport } from './views.ts';

export interface KillOptions {
  readonly cancel: Taking;
  readonly flatten: boolean;
  /** Who pressed it, for the record: `cli`, `file`, `console`. */
  readonly by: string;
}

/** What is swept while the gate is down; kept so that an order which the broker acknowledges late is canceled too. */
export interface KillSwitch extends Pick<KillDrill, 'drill'> {
  /** What it would do now, in numbers; nothing happens. */
  preview(): KillPreview;
  kill(options: KillOptions): Promise<KillReport>;
  resume(by: string): Result<{ readonly tradingState: 'ACTIVE' }, Refusal>;
  /** An order has been seen working: under a fallen gate, or in a drill, it is canceled at once. */
  seen(order: StoredOrder): void;
  /** After a restart the gate is still down. */
  restore(): void;
}

const SWEEP_SETTING = 'kill_cancel';
/** When the gate fell, epoch ms. */
const HALTED_AT_SETTING = 'kill_halted_at';
const WHY = 'canceled by the kill switch';

export function killSwitch(line: Line): KillSwitch {
  /** Orders of late acknowledgements that are being canceled. */
  const late = new Set<string>();
  const drills = killDrill(line);
  /** As it was asked for last, for when the store can not say. */
  let asked: Taking | undefined;
  let sweeping = false;
  /** When the gate fell that is still down: pressing again does not make it fall later. */
  let haltedAtMs: number | undefined;
  const taking = (): Taking => asked ?? sweepSetting(line);

  /** The gate stays down longer than the report waits: leftovers are swept until none is left. */
  function keepSweeping(): void {
    if (sweeping || !line.memory.killed) return;
    const due = dueIn(line, { cancel: taking() });
    if (due.length === 0) return;
    sweeping = true;
    line.clock.after(KILL_SWEEP_INTERVAL_MS * 5, () => {
      const again = (): void => {
        sweeping = false;
        keepSweeping();
      };
      if (line.memory.killed) void cancelMany(line, due, WHY).then(again, again);
      else sweeping = false;
    });
  }

  return {
    drill: (options) => drills.drill(options),
    preview: () => previewOf(line),
    async kill(options) {
      const startedMs = line.clock.monotonicMs();
      asked = options.cancel;
      haltedAtMs ??= haltedSince(line) ?? line.wallMs();
      const voided = fall(line, options, haltedAtMs);
      const swept = await sweep(line, { cancel: options.cancel, why: WHY });
      const notClosed = options.flatten ? await flatten(line) : [];
      keepSweeping();
      const report = reportOf(line, options, { swept, notClosed, voided, haltedAtMs, startedMs });
      recordReport(line, report, options);
      return report;
    },
    resume(by) {
      const raised = resume(line, by);
      if (raised.ok) asked = haltedAtMs = undefined;
      return raised;
    },
    seen(order) {
      if (late.has(order.orderId)) return;
      const killed = line.memory.killed && toCancel(line, order, taking());
      const why = killed ? WHY : drills.takes(order)?.why;
      if (why === undefined) return;
      late.add(order.orderId);
      void cancelMany(line, [order], why)
        .catch(() => undefined)
        .finally(() => late.delete(order.orderId));
    },
    restore() {
      line.memory.killed = line.access.gatewayState() === 'HALTED';
      drills.restore();
      keepSweeping();
    },
  };
}

function previewOf(line: Line): KillPreview {
  const working = sweepable(line);
  const taken = (cancel: Taking): number => working.filter((order) => toCancel(line, order, cancel)).length;
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

/** Kept over a restart; undefined where the gate is up, or nothing can be read. */
function haltedSince(line: Line): number | undefined {
  try {
    return line.access.gatewayState() === 'HALTED'
      ? Number(line.settings.get(HALTED_AT_SETTING)) || undefined
      : undefined;
  } catch {
    return undefined;
  }
}

/** The gate: in this process first, then durably, with the epoch that ends every credential's authority. Gives the approvals it ended. */
function fall(line: Line, options: KillOptions, haltedAtMs: number): readonly string[] {
  line.memory.killed = true;
  dropAllFunds(line);
  line.tokens.clear();
  const detail = { cancel: options.cancel, flatten: options.flatten, by: options.by };
  const actor = auditActor(pressedBy(options.by));
  try {
    return line.store.transaction(() => {
      const { epoch, voided } = writeDown(line, options, haltedAtMs);
      line.audit.record({ kind: 'kill', ...actor, outcome: 'ok', detail: { ...detail, epoch } });
      return voided;
    });
  } catch (cause) {
    // The store is broken: the gate is down in this process all the same, and the record follows when it heals.
    line.access.haltInMemory(`kill switch (${options.by})`);
    const voided = forbidAll(line, killed());
    const why = cause instanceof Error ? cause.message : String(cause);
    line.audit.recordDeferred({ kind: 'kill', ...actor, outcome: 'error', detail: { ...detail, why } });
    line.keepKill?.({ cancel: options.cancel, flatten: options.flatten });
    writeDownLater(line, options, haltedAtMs);
    return voided;
  }
}

/** Inside a transaction; gives the new epoch, and the approvals that ended. */
function writeDown(
  line: Line,
  options: KillOptions,
  haltedAtMs: number,
): { readonly epoch: number; readonly voided: readonly string[] } {
  line.access.setGatewayState('HALTED', `kill switch (${options.by})`);
  const epoch = line.access.bumpEpoch();
  line.settings.set(SWEEP_SETTING, options.cancel);
  line.settings.set(HALTED_AT_SETTING, String(haltedAtMs));
  // None of them comes back with a resume.
  return { epoch, voided: voidAll(line, killed()) };
}

/** A gate that is down in memory alone would be up after a restart. */
function writeDownLater(line: Line, options: KillOptions, haltedAtMs: number): void {
  line.clock.after(KILL_WRITE_RETRY_MS, () => {
    if (!line.memory.killed || !line.store.db.open) return;
    try {
      line.store.transaction(() => writeDown(line, options, haltedAtMs));
    } catch {
      writeDownLater(line, options, haltedAtMs);
    }
  });
}

const killed = (): Refusal =>
  refuse('trading_halted', 'The kill switch was pressed before it was decided; nothing was sent.');

function sweepSetting(line: Line): Taking {
  const value = line.settings.get(SWEEP_SETTING);
  return value === 'all' || value === 'none' ? value : 'adding';
}

interface Seen {
  readonly swept: CancelResult;
  readonly notClosed: KillReport['failed'];
  readonly voided: readonly string[];
  readonly haltedAtMs: number;
  readonly startedMs: number;
}

function reportOf(line: Line, options: KillOptions, seen: Seen): KillReport {
  return {
    tradingState: 'HALTED',
    haltedAtMs: seen.haltedAtMs,
    canceled: seen.swept.canceled,
    failed: [...seen.swept.failed, ...seen.notClosed],
    ...leftAfter(line, options, seen.swept),
    voided: seen.voided,
    elapsedMs: Math.round(line.clock.monotonicMs() - seen.startedMs),
  };
}

function recordReport(line: Line, report: KillReport, { by }: KillOptions): void {
  const clean = report.ordersLeft.length === 0 && report.failed.length === 0;
  const event = {
    kind: 'kill.report',
    ...auditActor(pressedBy(by)),
    outcome: clean ? ('ok' as const) : ('error' as const),
    detail: {
      canceled: report.canceled.length,
      kept: report.kept.length,
      failed: report.failed.length,
      orders_left: report.ordersLeft.length,
      voided: report.voided.length,
      by,
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

/** Closes every position of every agent at the market, side by side; gives what could not be closed. */
async function flatten(line: Line): Promise<KillReport['failed']> {
  const failed: { orderId: string; reason: string }[] = [];
  await Promise.all(
    line.holdings.exposed().map(async ({ holder, account, instrument }) => {
      if (holder === EXTERNAL_HOLDER) return;
      const { symbol } = instrumentOf(line, instrument);
      for (const part of closesOf(line, { holder, account, instrument })) {
        const why = await notClosed(line, agentId(holder), { account, symbol: instrument, ...part });
        if (why !== undefined) failed.push({ orderId: `${holder}:${symbol}`, reason: why });
      }
    }),
  );
  return failed;
}

/** A close has to be written before it is sent. One that can not be must not keep the report of all the others from the owner. */
async function notClosed(line: Line, agent: AgentId, request: CloseRequest): Promise<string | undefined> {
  const permit = { epoch: 0, byOwner: true };
  try {
    const closed = await close(line, { agent, credential: 'owner', permit, origin: 'flatten' }, request);
    return closed.ok ? undefined : closed.error.detail;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
