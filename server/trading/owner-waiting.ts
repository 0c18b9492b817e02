/** What waits for the owner: read with every page of the console, so nothing here looks at more than a few rows. */
import { accountId, agentId } from '#domain/principal.ts';
import { MANDATE_ENDING_MS, RECONCILE_ALL_INTERVAL_MS, WAITING_ITEMS_MAX } from '#limits.ts';
import { accountReducing } from './account-state.ts';
import { expiresAt } from './approval-card.ts';
import { mustFind } from './dispatch.ts';
import { agentNameOf, type Line } from './line.ts';
import type { Waiting, WaitingItem } from './owner-desk.ts';

export function waiting(line: Line): Waiting {
  const trouble = line.audit.trouble();
  const items: readonly WaitingItem[] = [
    ...approvals(line),
    ...unclearOrders(line),
    ...(trouble === undefined ? [] : [{ kind: 'audit_trouble', detail: trouble } as const]),
    ...unclearAccounts(line),
    ...accountsThatStopped(line),
    ...agentsThatStopped(line),
  ];
  return { count: items.length, items: items.slice(0, WAITING_ITEMS_MAX) };
}

/** What expires first comes first: it waits for nobody else, and not for long. */
function approvals(line: Line): readonly WaitingItem[] {
  return line.approvals.waiting().map((approval) => {
    const { account, symbol } = mustFind(line, approval.orderId);
    return {
      kind: 'approval',
      approvalId: approval.id,
      orderId: approval.orderId,
      agentName: approval.principal.agentName,
      account,
      symbol,
      sinceMs: approval.requestedAtMs,
      expiresAtMs: expiresAt(line, approval),
    };
  });
}

/** Their outcome is asked of the broker again and again; until it says, nobody knows what they do. */
function unclearOrders(line: Line): readonly WaitingItem[] {
  return line
    .prepare<
      [],
      { order_id: string; agent_id: string; account_id: string; symbol: string; updated_at: number }
    >(
      `SELECT order_id, agent_id, account_id, symbol, updated_at FROM orders INDEXED BY orders_unsettled
       WHERE status IN ('submitting', 'unknown') AND status = 'unknown'`,
    )
    .all()
    .map((row) => ({
      kind: 'order_unknown',
      orderId: row.order_id,
      agentName: agentNameOf(line, agentId(row.agent_id)),
      account: accountId(row.account_id),
      symbol: row.symbol,
      sinceMs: row.updated_at,
    }));
}

/** Accounts whose broker is away, or whose books have missed three comparisons with it. */
function unclearAccounts(line: Line): readonly WaitingItem[] {
  const wallMs = line.wallMs();
  return [...line.adapters].flatMap(([account, adapter]): readonly WaitingItem[] => {
    const sinceMs = line.memory.reconciled.get(account) ?? null;
    if (!adapter.connected()) return [{ kind: 'account_disconnected', account, sinceMs }];
    const compared = sinceMs !== null && wallMs - sinceMs <= 3 * RECONCILE_ALL_INTERVAL_MS;
    return compared ? [] : [{ kind: 'account_not_compared', account, sinceMs }];
  });
}

/** A limit of the whole account was reached. */
function accountsThatStopped(line: Line): readonly WaitingItem[] {
  const today = line.access.mandateDay(line.wallMs());
  return [...line.adapters.keys()].flatMap((account): readonly WaitingItem[] =>
    accountReducing(line, account, today).map(({ day: _day, ...row }) => ({
      kind: 'account_reducing',
      account,
      ...row,
    })),
  );
}

/** What the owner did to an agent does not wait for the owner: a halt from here, a mandate that was revoked. */
function agentsThatStopped(line: Line): readonly WaitingItem[] {
  const { access } = line;
  const wallMs = line.wallMs();
  const today = access.mandateDay(wallMs);
  return access.agents.list().flatMap(({ id, name, halted }): readonly WaitingItem[] => {
    const items: WaitingItem[] = [];
    if (halted?.by === 'agent')
      items.push({ kind: 'agent_halted', agentName: name, reason: halted.reason, sinceMs: halted.atMs });
    for (const { reason, day } of access.agents.reducingOf(id)) {
      if (reason === 'mandate_revoked' || reason === 'mandate_expired') continue;
      if (reason === 'daily_loss' && (day ?? '') < today) continue;
      items.push({ kind: 'agent_reducing', agentName: name, reason });
    }
    const mandate = access.mandates.current(id);
    const endsMs = mandate?.revokedAtMs === null ? mandate.expiresAtMs : null;
    if (endsMs !== null && endsMs - wallMs <= MANDATE_ENDING_MS) {
      const kind = endsMs <= wallMs ? 'mandate_expired' : 'mandate_ending';
      items.push({ kind, agentName: name, atMs: endsMs });
    }
    return items;
  });
}
