/** The inbox: orders that wait for the owner's word, the next to expire first, and those that had it. */
import { ok } from '#domain/result.ts';
import { CONSOLE_ROWS_MAX } from '#limits.ts';
import { approvalRow } from './approval-rows.ts';
import { definePage, type OwnerVisit } from './define.ts';
import { address, pagesBack } from './order-filter.ts';

export const APPROVALS_PATH = '/admin/approvals';

export const approvals = definePage({
  path: '/approvals',
  title: 'Approvals',
  view: 'approvals.html',
  nav: { label: 'Approvals', group: 'trade' },
  live: ['state', 'orders'],
  scripts: ['approvals.css', 'approvals.js'],
  load: (visit) => ok(inbox(visit)),
});

function inbox({ services, query }: OwnerVisit) {
  const { approvals: desk } = services.trading.owner;
  const back = pagesBack(query);
  const before = back.at(-1);
  const decided = desk.decided({ limit: CONSOLE_ROWS_MAX, ...(before === undefined ? {} : { before }) });
  const waiting = desk.waiting();
  const next = decided.nextBeforeSeq;
  const pageAt = (pages: readonly number[]): string =>
    address(APPROVALS_PATH, query, { before: pages.join(',') });
  return {
    waiting: waiting.slice(0, CONSOLE_ROWS_MAX).map((card) => approvalRow(services, card)),
    waiting_more: Math.max(0, waiting.length - CONSOLE_ROWS_MAX),
    decided: decided.items.map((card) => approvalRow(services, card)),
    first_page: before === undefined,
    older: next === null ? null : pageAt([...back, next]),
    newer: back.length === 0 ? null : pageAt(back.slice(0, -1)),
  };
}
