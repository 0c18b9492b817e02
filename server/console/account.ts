/** One account: what it stands at, how far it may fall, and how its paper market is set. */
import { z } from 'zod';
import { text } from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { limitActions, limitsSection } from './account-limits.ts';
import { accountOf, accountRow, capabilityWords, paperChoices, pathOfAccount } from './account-views.ts';
import { auditRow } from './audit-rows.ts';
import { action, definePage, go, refused } from './define.ts';
import type { ConsoleServices } from './desks.ts';

const field = z.string().max(200);
const WORDS: Readonly<Record<string, string>> = {
  preset: 'how hard its market is',
  seed: 'its seed',
  accountType: 'its type',
};

const FINDINGS = [
  'ledger.adjusted',
  'broker.unlisted',
  'reconcile.mismatch',
  'position.closed_elsewhere',
  'ledger.charged_in_kind',
] as const;
const FINDINGS_LOOKED_THROUGH_MAX = 100;
const FINDINGS_SHOWN_MAX = 10;

/** What comparisons with its broker found last, the newest first. */
const findingsOf = ({ audit }: ConsoleServices, id: AccountId) =>
  FINDINGS.flatMap((kind) => audit.tail(FINDINGS_LOOKED_THROUGH_MAX, { kind }))
    .filter((line) => line.account === id)
    .sort((a, b) => b.seq - a.seq)
    .slice(0, FINDINGS_SHOWN_MAX)
    .map(auditRow);

export const account = definePage({
  path: '/accounts/:account',
  title: 'Account',
  view: 'account.html',
  live: ['accounts', 'orders', 'positions', 'state', 'quotes'],
  async load(visit) {
    const found = await accountOf(visit);
    if (!found.ok) return found;
    const { real } = found.value;
    const words = real === null ? { can: [], canNot: [] } : capabilityWords(real.capabilities);
    const { cancel = 0, order = 0, read = 0 } = real?.requests?.waiting ?? {};
    const holdings = real === null ? undefined : await visit.services.accounts.holdings(found.value.id);
    return ok({
      account: accountRow(found.value),
      can: words.can,
      can_not: words.canNot,
      requests_waiting: cancel + order + read,
      holdings: holdings?.map(({ symbol, qty, lockedQty, avgPrice }) => ({
        symbol,
        qty: text(qty),
        locked: text(lockedQty),
        avg_price: avgPrice === null ? null : text(avgPrice),
      })),
      found: findingsOf(visit.services, found.value.id),
      ...limitsSection(visit, found.value),
      ...paperChoices(visit.services.accounts),
    });
  },
  actions: {
    ...limitActions,
    reconnect: action({
      input: z.strictObject({}),
      async run({ services, params }) {
        const { account: id = '' } = params;
        const connected = await services.accounts.reconnect(id);
        if (!connected.ok) return refused(connected.error);
        const why = connected.value;
        return go(
          pathOfAccount(id),
          why === null
            ? `The connection of ${id} was made anew, and its books are compared.`
            : { warning: `The connection of ${id} was made anew: ${why}` },
        );
      },
    }),
    change: action({
      input: z.strictObject({ preset: field, seed: field, accountType: field }),
      proof: 'recent',
      async run({ services, params }, to) {
        const { account: id = '' } = params;
        const changed = await services.accounts.change(id, to);
        if (!changed.ok) return refused(changed.error);
        const what = changed.value.map((name) => WORDS[name] ?? name).join(', ');
        return go(
          pathOfAccount(id),
          what === '' ? 'Nothing was changed: it was set so already.' : `Changed, and in force now: ${what}.`,
        );
      },
    }),
  },
});
