/** The gate: the kill switch with what it would do in numbers, its report, and the way back. */
import { z } from 'zod';
import { text } from '#domain/decimal.ts';
import { accountId } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import type { KillReport } from '#trading/views.ts';
import { action, definePage, go, refused, show } from './define.ts';

export const gate = definePage({
  path: '/gate',
  title: 'Kill switch',
  view: 'gate.html',
  live: ['state', 'orders', 'positions', 'agents'],
  load({ services: { access, trading } }) {
    const agents = access.agents.list();
    return ok({
      ...trading.owner.tradingState(),
      would: trading.owner.previewKill(),
      approvals: trading.owner.approvals.count(),
      drillable: trading.owner.statuses().flatMap(({ id, mode }) => (mode === 'paper' ? [[id, id]] : [])),
      agents: agents.length,
      // Their own halt outlives the gate's.
      halted: agents.flatMap(({ name, halted }) => (halted === null ? [] : [name])),
    });
  },
  actions: {
    kill: action({
      input: z.strictObject({
        cancel: z.enum(['adding', 'all', 'none']),
        positions: z.enum(['keep', 'close']),
      }),
      async run({ services }, { cancel, positions }) {
        const report = await services.trading.owner.kill({ cancel, flatten: positions === 'close' });
        return show({ report: reportOf(report), closing: positions === 'close' });
      },
    }),
    drill: action({
      input: z.strictObject({ account: z.string().max(80) }),
      async run({ services }, { account }) {
        const drilled = await services.trading.owner.drill({
          account: accountId(account),
          cancel: 'adding',
        });
        return drilled.ok
          ? show({ report: reportOf(drilled.value), closing: false, drilled: account })
          : refused(drilled.error);
      },
    }),
    resume: action({
      input: z.strictObject({}),
      proof: 'recent',
      run({ services }) {
        const raised = services.gate.resume();
        return raised.ok
          ? go('/admin/gate', 'The gate is up: keys and the stdio door work again.')
          : refused(raised.error);
      },
    }),
  },
});

const reportOf = (report: KillReport) => ({
  ...report,
  positionsLeft: report.positionsLeft.map((left) => ({ ...left, qty: text(left.qty) })),
});
