/** The owner's desk put together. */
import type { AccountLimitsDesk } from './account-limits-desk.ts';
import { approvalDesk } from './approvals.ts';
import { checkEvidence, recordEvidence } from './evidence.ts';
import type { KillSwitch } from './kill-switch.ts';
import type { Line } from './line.ts';
import { mandateWarnings } from './mandate-warnings.ts';
import { cancelAllOf, cancelAny, closeFor, haltAgent, liftAgent, previewCloseFor } from './owner-acts.ts';
import type { OwnerDesk } from './owner-desk.ts';
import { orderStory, ordersPage, tradesPage } from './owner-orders.ts';
import { ownerReads } from './owner-reads.ts';
import { placeTicket, previewTicket } from './owner-ticket.ts';
import { waiting } from './owner-waiting.ts';

export interface OwnerParts {
  readonly gate: KillSwitch;
  readonly accountLimits: AccountLimitsDesk;
}

export function ownerDesk(line: Line, { gate, accountLimits }: OwnerParts): OwnerDesk {
  return {
    ...ownerReads(line),
    accountLimits,
    preview: (draft) => previewTicket(line, draft),
    placeOrder: (draft, idempotencyKey) => placeTicket(line, draft, idempotencyKey),
    cancel: (orderId) => cancelAny(line, orderId),
    cancelAll: (filter) => cancelAllOf(line, filter),
    checkEvidence: (evidence) => checkEvidence(line, evidence),
    recordEvidence: (evidence) => recordEvidence(line, evidence, (order) => gate.seen(order)),
    closePosition: (asked, idempotencyKey) => closeFor(line, asked, idempotencyKey),
    previewClose: (asked) => previewCloseFor(line, asked),
    haltAgent: (name) => haltAgent(line, name),
    liftAgent: (name) => liftAgent(line, name),
    previewKill: () => gate.preview(),
    kill: (options) => gate.kill({ ...options, by: 'console' }),
    resume: () => gate.resume('console'),
    drill: (options) => gate.drill({ ...options, by: 'console' }),
    orders: (filter) => ordersPage(line, filter),
    order: (orderId) => orderStory(line, orderId),
    trades: (filter) => tradesPage(line, filter),
    mandateWarnings: (mandate) => mandateWarnings(line, mandate),
    waiting: () => waiting(line),
    approvals: approvalDesk(line),
  };
}
