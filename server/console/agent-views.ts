/** What pages show of an agent: its state, its keys, and how much of its mandate is used today. */
import type { KeyRecord } from '#access/key-table.ts';
import { type Money, sum, text, ZERO_MONEY } from '#domain/decimal.ts';
import { fingerprint } from '#oauth/fingerprint.ts';
import type { MandateUse, MandateView } from '#trading/views.ts';
import type { ConsoleServices } from './desks.ts';
import { LIMIT_FIELDS } from './mandate-form.ts';
import { clientPath } from './remote-mcp-rows.ts';

type Agent = ReturnType<ConsoleServices['access']['agents']['list']>[number];

/** A limit with what is used of it; `percent` is for the bar alone. */
export interface UsedLimit {
  readonly name: string;
  readonly label: string;
  readonly used: string;
  readonly max: string;
  readonly percent: number;
  readonly unit: string;
  /** Decimals that are shown at least. */
  readonly places: number;
}

export const isLive = (key: KeyRecord, nowMs: number): boolean =>
  key.revokedAtMs === null && key.expiresAtMs > nowMs;

/** `currency` of the agent's accounts. */
export function agentCard({ access, trading, remote }: ConsoleServices, agent: Agent, currency: string) {
  const nowMs = access.wall();
  const keys = access.keys.list().filter((key) => key.agentId === agent.id);
  const mandate = access.mandates.current(agent.id);
  const { state, reason } = access.agents.stateOf(agent.id);
  const clients = remote.clients
    .list()
    .filter((one) => one.agent?.id === agent.id && one.state === 'approved');
  const used = [...keys, ...clients].map((one) => one.lastUsedAtMs ?? 0);
  const view = trading.owner.mandateOf(agent.name);
  return {
    name: agent.name,
    id: agent.id,
    state,
    state_reason: reason,
    halted_by: agent.halted?.by ?? null,
    accounts: access.agents.accountsOf(agent.id),
    created_at_ms: agent.createdAtMs,
    live_keys: keys.filter((key) => isLive(key, nowMs)).length,
    clients: clients.map((one) => ({
      name: one.metadata.client_name,
      path: clientPath(one.credential),
      fingerprint: fingerprint(one.clientId),
      ceiling: one.ceiling,
      live_grants: one.liveGrants,
      last_used_at_ms: one.lastUsedAtMs,
    })),
    last_used_ms: Math.max(0, ...used) || null,
    mandate:
      mandate === undefined
        ? null
        : {
            version: mandate.version,
            expires_at_ms: mandate.expiresAtMs,
            expired: mandate.expiresAtMs !== null && mandate.expiresAtMs <= nowMs,
            revoked_at_ms: mandate.revokedAtMs,
            document: mandate.document,
          },
    currency,
    limits: view === undefined ? [] : usedLimits(view, currency),
  };
}

/** Of a limit that has both; the accounts of a mandate share one envelope. */
function usedLimits(view: MandateView, currency: string): readonly UsedLimit[] {
  const { mandate, used } = view;
  if (mandate === null) return [];
  const total = (of: (use: MandateUse) => Money): Money => sum(ZERO_MONEY, used.map(of));
  const count = (of: (use: MandateUse) => number): string =>
    String(used.reduce((all, use) => all + of(use), 0));
  // The loss is the agent's, over all accounts, in each of its lines.
  const loss = used[0]?.dailyLoss ?? ZERO_MONEY;
  const inUse: Readonly<Record<string, string>> = {
    max_daily_value: text(total((use) => use.dailyValue)),
    max_daily_orders: count((use) => use.dailyOrders),
    max_daily_loss: text(loss.gt('0') ? loss : ZERO_MONEY),
    max_open_orders: count((use) => use.openOrders),
    max_gross_exposure: text(total((use) => use.grossExposure)),
  };
  return LIMIT_FIELDS.flatMap(({ name, label, unit }) => {
    const used = inUse[name];
    if (used === undefined) return [];
    const max = String(mandate[name]);
    const shown = unit === 'money' ? { unit: currency, places: 2 } : { unit: '', places: 0 };
    return [{ name, label, used, max, percent: percentOf(used, max), ...shown }];
  });
}

/** For a bar: a limit of nothing is full. */
export function percentOf(used: string, max: string): number {
  const [part, whole] = [Number(used), Number(max)];
  return whole > 0 ? Math.min(100, Math.round((100 * part) / whole)) : 100;
}

export const keyRow = (key: KeyRecord, nowMs: number) => ({
  id: key.id,
  scopes: key.scopes,
  ip_allow: key.ipAllow,
  created_at_ms: key.createdAtMs,
  expires_at_ms: key.expiresAtMs,
  last_used_at_ms: key.lastUsedAtMs,
  revoked_at_ms: key.revokedAtMs,
  rotated_to: key.rotatedTo,
  state: key.revokedAtMs !== null ? 'revoked' : key.expiresAtMs <= nowMs ? 'expired' : 'live',
});

/** Values of a mandate are in the currency of its accounts, which is one. */
export async function currencies({ trading }: ConsoleServices): Promise<ReadonlyMap<string, string>> {
  const accounts = await trading.owner.accounts();
  return new Map(accounts.ok ? accounts.value.map(({ id, currency }) => [id, currency]) : []);
}

/** '': there are several, and figures stand without one. */
export function onlyOne(currencies: Iterable<string>): string {
  const [first = '', ...more] = new Set(currencies);
  return more.length === 0 ? first : '';
}
