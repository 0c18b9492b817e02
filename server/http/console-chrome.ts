/** What stands around every page of the owner: mode, trading state, the gate, health, what waits, where one can go. */

import type { AccountStanding } from '#console/account-desk-views.ts';
import type { NavEntry, Page } from '#console/define.ts';
import type { ConsoleServices } from '#console/desks.ts';
import { PAGES } from '#console/index.ts';
import { waitsFor } from '#console/waiting.ts';
import { agoOf, spanOf } from './console-views.ts';

const GROUPS: readonly { readonly group: NavEntry['group']; readonly label: string }[] = [
  { group: 'trade', label: 'Trading' },
  { group: 'agents', label: 'Agents' },
  { group: 'record', label: 'Record' },
  { group: 'gateway', label: 'Gateway' },
];

export interface Vitals {
  readonly mode: 'PAPER' | 'LIVE';
  readonly trading_state: string;
  /** Orders that wait for the owner's word. */
  readonly approvals: number;
  /** How many other things wait for the owner. */
  readonly waiting: number;
  readonly accounts: readonly {
    readonly id: string;
    readonly connected: boolean;
    /** What is amiss, in a few words; null: nothing. */
    readonly amiss: string | null;
    /** `tick 0.3 s, checked 12 s ago` */
    readonly ages: string;
  }[];
  /** All of it but the ages, as one word: when it differs from what a page shows, its top is made anew. */
  readonly shown: string;
}

/** What the top of every page says, now. */
export function vitalsOf(services: ConsoleServices): Vitals {
  const {
    trading: { owner },
    clock,
  } = services;
  const nowMs = clock.wallMs();
  const statuses = services.accounts.standings();
  const mode = statuses.some((account) => account.mode === 'live') ? 'LIVE' : 'PAPER';
  const { state } = owner.tradingState();
  const approvals = owner.approvals.count();
  const waiting = waitsFor(services).count - approvals;
  return {
    mode,
    trading_state: state,
    approvals,
    waiting,
    shown: [
      mode,
      state,
      approvals,
      waiting,
      ...statuses.map((account) => `${account.id}=${account.connected} ${amissOf(account) ?? ''}`),
    ].join(' '),
    accounts: statuses.map((account) => ({
      id: account.id,
      connected: account.connected,
      amiss: amissOf(account),
      ages: `tick ${spanOf(account.tickAgeMs)}, checked ${agoOf(account.reconciledAtMs, nowMs)}`,
    })),
  };
}

function amissOf({ connected, problem, trouble, signInNeeded }: AccountStanding): string | null {
  if (signInNeeded) return 'sign in there';
  if (!connected) return 'not connected';
  return problem === null && trouble === null ? null : 'look';
}

export function chromeFor(services: ConsoleServices, path: string): object {
  return {
    ...vitalsOf(services),
    owner: services.access.owner.record()?.name ?? '',
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
