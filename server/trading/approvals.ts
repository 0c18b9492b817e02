/** The owner's side of the queue of approvals, put together. */
import { excerpt, refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { cardOf } from './approval-card.ts';
import { approve, reject } from './approval-decide.ts';
import type { ApprovalDesk } from './approval-desk.ts';
import { withdraw } from './approval-ending.ts';
import { mustFind } from './dispatch.ts';
import type { Line } from './line.ts';

export function approvalDesk(line: Line): ApprovalDesk {
  return {
    waiting: () => line.approvals.waiting().map((approval) => cardOf(line, approval)),
    count: () => line.approvals.countWaiting(),
    decided({ limit, before }) {
      const rows = line.approvals.decided({
        limit: limit + 1,
        ...(before === undefined ? {} : { beforeSeq: before }),
      });
      const items = rows.slice(0, limit);
      return {
        items: items.map((approval) => cardOf(line, approval)),
        nextBeforeSeq: rows.length > limit ? (items.at(-1)?.decided?.seq ?? null) : null,
      };
    },
    card(id) {
      const approval = line.approvals.byId(id);
      return approval === undefined
        ? err(refuse('not_found', `There is no approval ${excerpt(id, 40)}.`))
        : ok(cardOf(line, approval));
    },
    ofOrder(orderId) {
      const approval = line.approvals.byOrder(orderId);
      return approval && cardOf(line, approval);
    },
    approve: (decision) => approve(line, decision),
    withdrawIn: (account, by) =>
      line.approvals.waiting().flatMap(({ orderId }) => {
        const order = mustFind(line, orderId);
        if (order.account !== account) return [];
        return withdraw(line, order, `canceled: the account ${account} is removed`, by)?.orderId ?? [];
      }),
    reject: (decision) => reject(line, decision),
  };
}
