/** Daily loss: what each agent has lost since its mandate day began, per account and instrument, never netted across agents. */
import { type Money, money, negate, type Price, subtract, text, ZERO_MONEY } from '#domain/decimal.ts';
import type { Mandate } from '#domain/mandate.ts';
import type { AgentId } from '#domain/principal.ts';
import { agentId } from '#domain/principal.ts';
import { LOSS_CHECK_INTERVAL_MS, MARK_SAVE_INTERVAL_MS } from '#limits.ts';
import { type Holding, profit } from './holdings.ts';
import { agentNameOf, feedOf, instrumentOf, type Line } from './line.ts';

/** What a position could be closed at now: the bid for a long one, the ask for a short one. */
export function markOf(
  line: Line,
  holding: Pick<Holding, 'account' | 'instrument' | 'qty'>,
): Price | undefined {
  const quote = feedOf(line, holding.account).quote(holding.instrument);
  if (quote === undefined) return undefined;
  return holding.qty.lt('0') ? quote.ask : quote.bid;
}

const currentProfit = (line: Line, holding: Holding): Money =>
  profit(holding, markOf(line, holding) ?? holding.mark, instrumentOf(line, holding.instrument).multiplier);

/**
 * Loss of an agent since its mandate day began, account currency, positive when it lost: for each of its holdings
 * realised since day start + (mark now − mark at day start, or entry if later), fees included.
 */
export function lossToday(line: Line, agent: AgentId, wallMs: number): Money {
  const day = line.access.mandateDay(wallMs);
  let gained = ZERO_MONEY;
  for (const holding of line.holdings.byHolder(agent)) {
    gained = gained.plus(subtract(currentProfit(line, holding), dayStart(line, holding, day))) as Money;
  }
  return gained.lt('0') ? negate(gained) : ZERO_MONEY;
}

/** Where a holding's profit stood at day start. Before the day's first check it is what the last saved mark says. */
function dayStart(line: Line, holding: Holding, day: string): Money {
  const row = line
    .prepare<[string, string, string, string], { profit: string }>(
      'SELECT profit FROM day_starts WHERE holder = ? AND account_id = ? AND instrument_id = ? AND day = ?',
    )
    .get(holding.holder, holding.account, holding.instrument, day);
  if (row !== undefined) return money(row.profit);
  return profit(holding, holding.mark, instrumentOf(line, holding.instrument).multiplier);
}

/**
 * Fixes where a holding stood before a fill changes it or when a day begins. Inside a transaction, before the change;
 * nothing happens when the day's row exists.
 */
export function fixDayStart(line: Line, holding: Holding, day: string): void {
  const known = line
    .prepare<[string, string, string], { day: string }>(
      'SELECT day FROM day_starts WHERE holder = ? AND account_id = ? AND instrument_id = ?',
    )
    .get(holding.holder, holding.account, holding.instrument);
  if (known?.day === day) return;
  const { multiplier } = instrumentOf(line, holding.instrument);
  setDayStart(line, holding, day, profit(holding, holding.mark, multiplier));
}

function setDayStart(line: Line, holding: Holding, day: string, standing: Money): void {
  line
    .prepare(
      `INSERT INTO day_starts (holder, account_id, instrument_id, day, profit) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET day = excluded.day, profit = excluded.profit`,
    )
    .run(holding.holder, holding.account, holding.instrument, day, text(standing));
}

const STOPPED = 'loss_stopped:';

const noted = (line: Line, agent: AgentId): string | undefined => line.settings.get(STOPPED + agent);

const isStopped = (line: Line, agent: AgentId, day: string): boolean =>
  line.access.agents.reducingOf(agent).some((row) => row.reason === 'daily_loss' && row.day === day);

/**
 * The owner lifts a loss where trading may not be running (the command line on a closed gateway). So the day of a stop is
 * noted here, and once access no longer knows of it, what was lost before is forgiven: the day starts anew from here.
 * Inside a transaction.
 */
export function honourLift(line: Line, agent: AgentId, day: string): void {
  if (noted(line, agent) !== day || isStopped(line, agent, day)) return;
  const forgiven = lossToday(line, agent, line.wallMs());
  for (const holding of line.holdings.byHolder(agent)) {
    setDayStart(line, holding, day, currentProfit(line, holding));
  }
  line.settings.set(STOPPED + agent, '');
  line.audit.record({
    kind: 'limit.lifted',
    agent: agentNameOf(line, agent),
    outcome: 'ok',
    detail: { limit: 'max_daily_loss', forgiven: text(forgiven), day },
  });
}

/** All accounts of a mandate are in one. */
function currencyOf(line: Line, { accounts }: Mandate): { readonly currency?: string } {
  const [first] = accounts;
  const adapter = first === undefined ? undefined : line.adapters.get(first);
  return adapter === undefined ? {} : { currency: adapter.currency };
}

export interface LossWatch {
  /** Checks one agent at once (after a fill), or all. */
  check(agent?: AgentId): void;
  stop(): void;
}

/**
 * Watches every agent once a second and after every fill. A breach of max_daily_loss puts the agent into REDUCING in one
 * transaction; while an agent is not ACTIVE, for whatever reason, `onReducing` cancels its adding orders.
 */
export function watchLoss(line: Line, onReducing: (agent: AgentId) => void): LossWatch {
  let stopTimer: () => void = () => undefined;
  let lastSaveMs = Number.NEGATIVE_INFINITY;
  let lastDay = '';

  function saveMarks(exposed: readonly Holding[], day: string): void {
    const now = line.clock.monotonicMs();
    const newDay = day !== lastDay;
    if (!newDay && now - lastSaveMs < MARK_SAVE_INTERVAL_MS) return;
    // A day that begins while we watch starts from the mark of this second; one that began while we were down starts from
    // the last mark saved, so that a loss overnight is today's loss.
    const watched = lastDay !== '';
    line.store.transaction(() => {
      for (const holding of exposed) {
        const mark = markOf(line, holding);
        if (newDay && !watched) fixDayStart(line, holding, day);
        if (mark !== undefined) line.holdings.saveMark(holding, mark);
        if (newDay && watched) fixDayStart(line, mark === undefined ? holding : { ...holding, mark }, day);
      }
    });
    lastSaveMs = now;
    lastDay = day;
  }

  /** A loss is put down once a day, whatever state the agent is in: one `agents lift` then ends all of it. */
  function noteBreach(agent: AgentId, day: string): void {
    const mandate = line.access.mandates.current(agent);
    if (mandate === undefined || isStopped(line, agent, day)) return;
    const loss = lossToday(line, agent, line.wallMs());
    if (loss.lte('0') || loss.lt(mandate.maxDailyLoss)) return;
    line.store.transaction(() => {
      line.access.agents.setReducing(agent, 'daily_loss', day);
      line.settings.set(STOPPED + agent, day);
      line.audit.record({
        kind: 'limit.breached',
        agent: agentNameOf(line, agent),
        outcome: 'ok',
        detail: {
          limit: 'max_daily_loss',
          used: text(loss),
          max: text(mandate.maxDailyLoss),
          ...currencyOf(line, mandate),
          day,
        },
      });
    });
  }

  function check(only?: AgentId): void {
    const { access } = line;
    const day = access.mandateDay(line.wallMs());
    const exposed = line.holdings.exposed();
    saveMarks(exposed, day);
    const agents = only === undefined ? watchedAgents(line, exposed, day) : [only];
    for (const agent of agents) {
      if (access.agents.byId(agent) === undefined) continue;
      if (noted(line, agent) === day) line.store.transaction(() => honourLift(line, agent, day));
      noteBreach(agent, day);
      // Again and again: an order that was under way at the breach may be acknowledged later. A kill has its own sweep.
      if (access.gatewayState() !== 'HALTED' && access.agents.stateOf(agent).state !== 'ACTIVE')
        onReducing(agent);
    }
  }

  function tick(): void {
    try {
      check();
    } catch {
      // A store that is broken for a moment must not end the watch: the next second tries again.
    }
    stopTimer = line.clock.after(LOSS_CHECK_INTERVAL_MS, tick);
  }
  stopTimer = line.clock.after(LOSS_CHECK_INTERVAL_MS, tick);
  return { check, stop: () => stopTimer() };
}

/** Agents with a position, with orders at work, or stopped for a loss today: those that something can change for. */
function watchedAgents(line: Line, exposed: readonly Holding[], day: string): readonly AgentId[] {
  const names = new Set(exposed.map((holding) => holding.holder));
  for (const agent of line.orders.workingAgents()) names.add(agent);
  const stopped = line
    .prepare<[string, string], { name: string }>('SELECT name FROM settings WHERE name LIKE ? AND value = ?')
    .all(`${STOPPED}%`, day);
  for (const { name } of stopped) names.add(name.slice(STOPPED.length));
  return [...names].map(agentId);
}
