/** The dashboard: what the accounts are worth, what is held, and what agents did. */
import { ok } from '#domain/result.ts';
import { definePage } from './define.ts';

export const dashboard = definePage({
  path: '',
  title: 'Dashboard',
  view: 'dashboard.html',
  nav: { label: 'Dashboard', group: 'trade' },
  live: ['state', 'orders', 'positions', 'quotes', 'agents'],
  load: () => ok({}),
});
