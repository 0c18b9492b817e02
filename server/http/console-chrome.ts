/** What stands around every page of the owner: mode, trading state, the gate, health, what waits, where one can go. */

import type { NavEntry, Page } from '#console/define.ts';
import { PAGES } from '#console/index.ts';
import type { ConsoleServices } from '#console/services.ts';

const GROUPS: readonly { readonly group: NavEntry['group']; readonly label: string }[] = [
  { group: 'trade', label: 'Trading' },
  { group: 'agents', label: 'Agents' },
  { group: 'record', label: 'Record' },
  { group: 'gateway', label: 'Gateway' },
];

export function chromeFor(services: ConsoleServices, path: string): object {
  const { access, trading } = services;
  const statuses = trading.owner.statuses();
  const live = statuses.some((account) => account.mode === 'live');
  return {
    owner: access.owner.record()?.name ?? '',
    mode: live ? 'LIVE' : 'PAPER',
    trading_state: access.gatewayState(),
    waiting: trading.owner.waiting().count,
    accounts: statuses.map((account) => ({
      id: account.id,
      connected: account.connected,
      tick_age_ms: account.tickAgeMs,
      reconciled_at_ms: account.reconciledAtMs,
    })),
    nav: GROUPS.map(({ group, label }) => ({ label, entries: entriesOf(group, path) })).filter(
      ({ entries }) => entries.length > 0,
    ),
  };
}

function entriesOf(group: NavEntry['group'], path: string) {
  return PAGES.flatMap((page: Page) => {
    if (page.nav?.group !== group) return [];
    const href = `/admin${page.path}`;
    const here = path === href || (page.path !== '' && path.startsWith(`${href}/`));
    return [{ href, label: page.nav.label, here }];
  });
}
