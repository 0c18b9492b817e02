/** Positions: who holds what, what it is worth now, and what protects it. */
import { fieldError } from '#domain/refusal.ts';
import { ok } from '#domain/result.ts';
import { definePage, type OwnerVisit } from './define.ts';
import { address, holderNames, whoseAndWhat } from './order-filter.ts';
import {
  accountTotals,
  POSITION_SORTS,
  positionDecimals,
  positionRow,
  sortedPositions,
} from './position-rows.ts';

const PATH = '/admin/positions';
const STATUSES = ['open', 'closed', 'all'] as const;

export const positions = definePage({
  path: '/positions',
  title: 'Positions',
  view: 'positions.html',
  nav: { label: 'Positions', group: 'trade' },
  live: ['state', 'positions', 'quotes'],
  load: (visit) => ok(listing(visit)),
});

function listing({ services, query }: OwnerVisit) {
  const { owner } = services.trading;
  const { filter, errors: wrong } = whoseAndWhat(services, query);
  const errors = [...wrong];
  const asked = query['status'] || 'open';
  const status = STATUSES.find((word) => word === asked);
  if (status === undefined) errors.push(fieldError('status', asked, 'open, closed or all'));
  const sort = POSITION_SORTS.find((word) => word === query['sort']) ?? 'symbol';
  const isReversed = query['way'] === 'reversed';
  const found = errors.length > 0 || status === undefined ? [] : owner.positions({ ...filter, status });
  const rows = sortedPositions(found, sort, isReversed).map((position) => positionRow(services, position));
  return {
    errors,
    rows,
    decimals: positionDecimals(rows),
    totals: accountTotals(found),
    status: status ?? 'open',
    filtered: Object.keys(filter).length > 0,
    options: { accounts: owner.statuses().map(({ id }) => id), agents: holderNames(services) },
    sort,
    reversed: isReversed,
    /** A second press on the same column turns it around. */
    sorted_by: Object.fromEntries(
      POSITION_SORTS.map((by) => [
        by,
        address(PATH, query, { sort: by, way: by === sort && !isReversed ? 'reversed' : '' }),
      ]),
    ),
  };
}
