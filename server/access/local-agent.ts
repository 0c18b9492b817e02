/** The agent of the stdio door without a key: made at its first use, with the mandate it starts with. */

import type { AuditLog } from '#audit/log.ts';
import { ASSET_CLASSES } from '#domain/instrument.ts';
import { ORDER_TYPES, SIDES } from '#domain/order.ts';
import { accountId, type Owner, type Principal, SCOPES } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Store } from '#store/open.ts';
import { type AccountBook, LOCAL_AGENT } from './agent-name.ts';
import type { AgentRecord } from './agent-table.ts';
import type { Agents } from './agents.ts';
import { haltedByKill } from './authenticate.ts';
import type { Authority } from './authority.ts';
import type { Mandates } from './mandates.ts';

export const LOCAL_CREDENTIAL = 'local';
/** Opening the door without a key is the owner's act: only a process of the owner's own user reaches the socket. */
const OWNER_AT_STDIO: Owner = { kind: 'owner', credential: 'owner', door: 'stdio' };

/** DESIGN.md, section 5: everything on the paper account, within the limits of the example, without approval or expiry. */
const STARTING_MANDATE = {
  accounts: ['paper'],
  symbols: ['*'],
  asset_classes: ASSET_CLASSES,
  sides: SIDES,
  may_reduce: 'own',
  order_types: ORDER_TYPES,
  allow_short: false,
  max_order_qty: '100',
  max_order_value: '10000',
  max_daily_value: '50000',
  max_daily_orders: 50,
  max_daily_loss: '500',
  max_open_orders: 10,
  max_gross_exposure: '50000',
  trading_hours: 'any',
  expires_at: null,
  commit: 'two_step',
  approval: 'never',
} as const;

export interface LocalAgent {
  ensure(): AgentRecord;
  principal(): Result<Principal, Refusal>;
}

export function localAgent(o: {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'recordRepeated'>;
  readonly agents: Agents;
  readonly mandates: Mandates;
  readonly authority: Authority;
  readonly accounts: AccountBook;
}): LocalAgent {
  function ensure(): AgentRecord {
    const known = o.agents.byName(LOCAL_AGENT);
    if (known) return known;
    return o.store.transaction(() => {
      const made = o.agents.createLocal(OWNER_AT_STDIO);
      // Without a paper account there is nothing that it may do until the owner says so.
      if (o.accounts.currencyOf(accountId('paper')) !== undefined) {
        const set = o.mandates.set(LOCAL_AGENT, STARTING_MANDATE, OWNER_AT_STDIO);
        if (!set.ok) throw new Error(`the starting mandate was refused: ${set.error.detail}`);
      }
      return made;
    });
  }
  return {
    ensure,
    principal() {
      const epoch = o.authority.epoch();
      const halted = haltedByKill(o.authority);
      if (halted) {
        o.audit.recordRepeated({
          kind: 'auth.denied',
          agent: LOCAL_AGENT,
          credential: LOCAL_CREDENTIAL,
          door: 'stdio',
          outcome: 'refused',
          detail: { reason: halted.reason },
        });
        return err(halted);
      }
      const agent = ensure();
      return ok({
        kind: 'agent',
        agent: agent.id,
        agentName: agent.name,
        credential: LOCAL_CREDENTIAL,
        door: 'stdio',
        scopes: new Set(SCOPES),
        epoch,
      });
    },
  };
}
