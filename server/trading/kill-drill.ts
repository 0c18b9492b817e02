/**
 * The drill of the kill switch: one paper account is halted, its orders are really canceled by the same sweep, the same report is
 * made, and the account goes on as before. The gate itself and the authority epoch are left alone.
 */
import { type AccountId, OWNER_CLI, OWNER_CONSOLE, type TradingState } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { KILL_DRILL_END_RETRY_MS } from '#limits.ts';
import { leftAfter, type Sweep, sweep, type Taking, toCancel } from './kill-sweep.ts';
import { auditActor, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { booksAreReady } from './ready.ts';
import type { DrillReport, KillReport } from './views.ts';

export interface DrillOptions {
  readonly account: AccountId;
  readonly cancel: Taking;
  readonly by: 'cli' | 'console';
}

export interface KillDrill {
  drill(options: DrillOptions): Promise<Result<DrillReport, Refusal>>;
  /** What a drill that is under way takes of an order that is seen working, and why; undefined: nothing. */
  takes(order: StoredOrder): Pick<Sweep, 'why'> | undefined;
  /** A drill that ended with the process is ended on the record, and its account goes on as before. */
  restore(): void;
}

/** Before an account is halted for a drill, its state is kept under this name: a drill ends, whatever happens to the process. */
const BEFORE = 'kill_drill:';
const WHY = 'canceled by a drill of the kill switch';

export function killDrill(line: Line): KillDrill {
  const underWay = new Map<AccountId, Taking>();

  function end(account: AccountId, detail: Readonly<Record<string, number | string>>, clean = true): void {
    try {
      line.store.transaction(() => {
        giveBack(line, account);
        line.audit.record({
          kind: 'kill.drill_report',
          account,
          outcome: clean ? 'ok' : 'error',
          detail: { account, ...detail },
        });
      });
      underWay.delete(account);
    } catch (cause) {
      // The account stays halted until it can be written that it is not; a start ends the drill too.
      if (!line.store.db.open) throw cause;
      line.clock.after(KILL_DRILL_END_RETRY_MS, () => end(account, detail, clean));
    }
  }

  return {
    async drill(options) {
      const { account, cancel } = options;
      const refused = notNow(line, account, underWay.has(account));
      if (refused !== undefined) return err(refused);
      const startedMs = line.clock.monotonicMs();
      const haltedAtMs = line.wallMs();
      halt(line, options);
      underWay.set(account, cancel);
      const what: Sweep = { cancel, account, why: WHY };
      try {
        const { canceled, failed } = await sweep(line, what);
        const elapsedMs = Math.round(line.clock.monotonicMs() - startedMs);
        const left = leftAfter(line, what, { canceled });
        const seen = { haltedAtMs, canceled, failed, ...left, voided: [], elapsedMs };
        end(account, figuresOf(seen), seen.ordersLeft.length === 0 && failed.length === 0);
        return ok({ drill: true, account, tradingState: stateOf(line, account).state, ...seen });
      } catch (cause) {
        end(account, { why: 'it failed half-way' }, false);
        throw cause;
      }
    },
    takes(order) {
      const cancel = underWay.get(order.account);
      return cancel !== undefined && toCancel(line, order, cancel) ? { why: WHY } : undefined;
    },
    restore() {
      for (const account of line.settings.under(BEFORE).keys())
        end(account as AccountId, { why: 'the gateway ended in the middle of it' }, false);
    },
  };
}

function notNow(line: Line, account: AccountId, underWay: boolean): Refusal | undefined {
  const ready = booksAreReady(line, account);
  if (!ready.ok) return ready.error;
  if (line.adapters.get(account)?.mode !== 'paper')
    return refuse(
      'account_not_allowed',
      `${account} is a live account: a drill cancels orders, so it runs on a paper account only.`,
    );
  if (line.memory.killed || line.access.gatewayState() === 'HALTED')
    return refuse('trading_halted', 'The gate is down already; a drill needs it to be up.');
  if (underWay)
    return refuse('reconciling', `A drill of ${account} is under way; nothing else was done.`, {
      retry_after: 1,
    });
  return undefined;
}

interface AccountState {
  readonly state: TradingState;
  readonly reason: string | null;
}

const stateOf = (line: Line, account: AccountId): AccountState =>
  line
    .prepare<[string], AccountState>(
      'SELECT trading_state AS state, state_reason AS reason FROM accounts WHERE id = ?',
    )
    .get(account) ?? { state: 'ACTIVE', reason: null };

const setState = (line: Line, account: AccountId, { state, reason }: AccountState): void =>
  void line
    .prepare('UPDATE accounts SET trading_state = ?, state_reason = ? WHERE id = ?')
    .run(state, reason, account);

function halt(line: Line, { account, cancel, by }: DrillOptions): void {
  line.store.transaction(() => {
    line.settings.set(BEFORE + account, JSON.stringify(stateOf(line, account)));
    setState(line, account, { state: 'HALTED', reason: 'a drill of the kill switch is under way' });
    line.audit.record({
      kind: 'kill.drill',
      ...auditActor(by === 'cli' ? OWNER_CLI : OWNER_CONSOLE),
      account,
      outcome: 'ok',
      detail: { account, cancel, by },
    });
  });
}

function giveBack(line: Line, account: AccountId): void {
  const before = line.settings.get(BEFORE + account);
  if (before === undefined) return;
  setState(line, account, JSON.parse(before) as AccountState);
  line.settings.remove(BEFORE + account);
}

const figuresOf = (report: Omit<KillReport, 'tradingState'>) => ({
  canceled: report.canceled.length,
  kept: report.kept.length,
  failed: report.failed.length,
  orders_left: report.ordersLeft.length,
  elapsed_ms: report.elapsedMs,
});
