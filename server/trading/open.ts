/** Opens the order line: builds its parts by hand and holds them together while the gateway runs. */
import type { AccountId, AgentId, Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { settings } from '#store/settings.ts';
import { accountLimitsDesk, cancelOverPositions } from './account-limits-desk.ts';
import { watchAccounts } from './account-watch.ts';
import { approvalTable } from './approval-rows.ts';
import { restoreApprovals, watchApprovals } from './approval-watch.ts';
import { openEars } from './broker-ears.ts';
import type { AfterEvent } from './broker-events.ts';
import { cancelAllOrders, cancelOrder } from './cancel.ts';
import { cancelAdding, cancelUnfit } from './cancel-adding.ts';
import { whyTakenBack } from './cancel-words.ts';
import { closePosition } from './close.ts';
import { closeAllPositions } from './close-all.ts';
import type { Desk } from './desk.ts';
import { watchFeed } from './feed-watch.ts';
import { keepQuoted } from './held-quotes.ts';
import { holdingTable } from './holdings.ts';
import { idempotencyTable } from './idempotency.ts';
import { type KillSwitch, killSwitch } from './kill-switch.ts';
import { feedOf, freshMemory, type Line, type Neighbours, preparedOnce } from './line.ts';
import { watchLoss } from './loss.ts';
import { modifyOrder } from './modify.ts';
import { cancelWithNothingLeft } from './nothing-left.ts';
import { type OrderEvents, orderEvents } from './order-events.ts';
import { orderTable } from './orders.ts';
import { ownerDesk } from './owner.ts';
import type { OwnerDesk } from './owner-desk.ts';
import { closePnlDay } from './pnl.ts';
import { reads } from './reads.ts';
import { markInterrupted, reconcile } from './reconcile.ts';
import { watchSuspects } from './reconcile-watch.ts';
import { type Restart, type RestartReport, restartAccount } from './restart.ts';
import { submitOrder } from './submit.ts';
import { tightenMandate } from './tighten.ts';
import { actionTokens } from './tokens.ts';
import { keepUnapproved } from './unapproved.ts';
import { usageTable } from './usage.ts';
import { type ToBeSent, wireGate } from './wire-gate.ts';

export interface Trading extends Desk, Pick<KillSwitch, 'drill'> {
  /** What the console sees of the line, and does at it. */
  readonly owner: OwnerDesk;
  /** For streams: what became of agents' orders since they were last told. */
  readonly orderEvents: OrderEvents;
  /** Aligns with every broker, then opens the line; resolves when each account has been asked once. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Takes in an account whose adapter was added after the start, or is another one now. */
  join(account: AccountId): Promise<void>;
  /** Cancels what works in a paper account, and starts its books anew with this cash. */
  restartAccount(restart: Restart): Promise<Result<RestartReport, Refusal>>;
  /** Why an order may not leave any more, asked right before its first byte does. */
  wireGate(order: ToBeSent): string | undefined;
  /** Everywhere, or in one account. */
  workingOrders(account?: AccountId): number;
}

export function openTrading(neighbours: Neighbours): Trading {
  const line = lineOf(neighbours);
  const gate = killSwitch(line);
  const stops: (() => void)[] = [];

  const takeBack = (agent: AgentId): void =>
    void cancelAdding(line, agent, { why: whyTakenBack(line.access.agents.stateOf(agent)) });
  const losses = watchLoss(line, takeBack);
  line.memory.onReducing.add(takeBack);
  line.memory.onShrunk.add((shrunk) => void cancelWithNothingLeft(line, shrunk).catch(() => undefined));
  keepUnapproved(line);
  const accounts = watchAccounts(line);

  function afterEvent(done: AfterEvent): void {
    if (done.opened !== undefined) gate.seen(done.opened);
    if (done.filled === undefined) return;
    losses.check(done.filled.agent);
    accounts.check(done.filled.account);
  }

  /** Compares an account's books with its broker, and looks at its limits before anything can be added there. */
  async function takeIn(account: AccountId): Promise<void> {
    if (!(await reconcile(line, account, afterEvent))) return;
    accounts.check(account);
    cancelOverPositions(line, account);
  }

  const ears = openEars(line, { posted: afterEvent, returned: takeIn });

  return {
    ...reads(line),
    orderEvents: orderEvents(line.store),
    owner: ownerDesk(line, { gate, accountLimits: accountLimitsDesk(line, accounts) }),
    placeOrder: (who, draft, commit) => submitOrder(line, who, draft, commit),
    modifyOrder: (who, change, commit) => modifyOrder(line, who, change, commit),
    cancelOrder: (who, orderId, commit) => cancelOrder(line, who, orderId, commit),
    cancelAllOrders: (who, filter, commit) => cancelAllOrders(line, who, filter, commit),
    closePosition: (who, request, commit) => closePosition(line, who, request, commit),
    closeAllPositions: (who, filter, commit) => closeAllPositions(line, who, filter, commit),
    async haltTrading(who: Principal, reason: string) {
      const live = line.access.stillLive(who);
      if (!live.ok) return live;
      const halted = line.access.agents.halt(who.agentName, who, reason);
      if (!halted.ok) return halted;
      cancelAdding(line, who.agent, { why: 'canceled: the agent halted itself' });
      return ok({ tradingState: 'HALTED', agent: who.agentName });
    },
    tightenMandate: async (who, fields, commit) => tightenMandate(line, who, fields, commit),
    kill: (options) => gate.kill(options),
    drill: (options) => gate.drill(options),
    resume: (by) => gate.resume(by),
    restartAccount: (restart) => restartAccount(line, restart, afterEvent),
    wireGate: (order) => wireGate(line, order),
    workingOrders: (account) =>
      account === undefined ? line.orders.countWorking() : line.orders.working({ account }).length,

    async start() {
      markInterrupted(line);
      restoreApprovals(line);
      stops.push(watchApprovals(line));
      for (const account of line.adapters.keys()) ears.listen(account);
      line.access.onMandateChange((agent) => cancelUnfit(line, agent));
      stops.push(
        line.markets.onTick(({ sessionEnd, quote }) => {
          if (!sessionEnd) return;
          for (const account of line.adapters.keys())
            if (feedOf(line, account).carries(quote.instrument)) closePnlDay(line, account);
        }),
      );
      gate.restore();
      for (const account of line.adapters.keys()) await takeIn(account);
      stops.push(watchSuspects(line, takeIn), watchFeed(line), keepQuoted(line));
    },
    async join(account) {
      ears.listen(account);
      await takeIn(account);
    },
    async stop() {
      losses.stop();
      accounts.stop();
      for (const stop of [...stops.splice(0), () => ears.stop()]) stop();
      for (const adapter of line.adapters.values()) await adapter.close();
    },
  };
}

/** The tables and the memory that the parts of the line share. */
function lineOf(neighbours: Neighbours): Line {
  const { store, clock } = neighbours;
  const orders = orderTable(store);
  return {
    ...neighbours,
    orders,
    usage: usageTable(store, orders.working({})),
    holdings: holdingTable(store),
    approvals: approvalTable(store),
    idempotency: idempotencyTable(store),
    tokens: actionTokens(clock),
    settings: settings(store),
    prepare: preparedOnce(store.db),
    memory: freshMemory(),
  };
}
