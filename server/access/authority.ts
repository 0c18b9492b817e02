/** The gateway's own trading state, and the authority epoch that voids every credential checked before it. */
import type { AuditLog } from '#audit/log.ts';
import { TRADING_STATES, type TradingState } from '#domain/principal.ts';
import { excerpt } from '#domain/refusal.ts';
import { REASON_LENGTH_MAX } from '#limits.ts';
import type { Changes } from '#store/changes.ts';
import type { Store } from '#store/open.ts';

export interface Authority {
  /** Starts at 1; only ever grows. */
  epoch(): number;
  /** Inside a transaction. Listeners are told after the commit. */
  bumpEpoch(): number;
  gatewayState(): TradingState;
  gatewayReason(): string | null;
  /** Inside a transaction; audited with before and after. */
  setGatewayState(state: TradingState, reason: string): void;
  /**
   * The kill switch while the store refuses to write: HALTED and a new epoch from memory, at once, until a `setGatewayState`
   * is durable. That one then also raises the stored epoch, so that nobody who was shut out comes back.
   */
  haltInMemory(reason: string): void;
  onEpochChange(listener: (epoch: number) => void): void;
}

export function openAuthority(o: {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly changes: Changes;
}): Authority {
  const { store, audit, changes } = o;
  const read = store.db.prepare('SELECT value FROM settings WHERE name = ?').pluck();
  const write = store.db.prepare(
    'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  const listeners: ((epoch: number) => void)[] = [];
  let heldInMemory: string | undefined;

  const storedEpoch = (): number => Number(read.get('authority_epoch'));
  /** Read from the table each time: another process may have thrown the kill switch through it. */
  const epoch = (): number => storedEpoch() + (heldInMemory === undefined ? 0 : 1);
  const tell = (): void => {
    const current = epoch();
    for (const listener of listeners) listener(current);
  };
  function storedState(): TradingState {
    const stored = read.get('trading_state');
    // Anything unreadable counts as halted: what fails, fails closed.
    return TRADING_STATES.find((state) => state === stored) ?? 'HALTED';
  }
  function demandTransaction(): void {
    if (!store.inTransaction()) throw new Error('authority changes only inside a transaction');
  }
  function bumpEpoch(): number {
    demandTransaction();
    const before = storedEpoch();
    write.run('authority_epoch', String(before + 1));
    audit.record({
      kind: 'authority.epoch',
      outcome: 'ok',
      detail: { before, after: before + 1 },
    });
    store.afterCommit(tell);
    return before + 1;
  }

  return {
    epoch,
    bumpEpoch,
    gatewayState: () => (heldInMemory === undefined ? storedState() : 'HALTED'),
    gatewayReason() {
      if (heldInMemory !== undefined) return heldInMemory;
      const stored = read.get('trading_state_reason');
      return typeof stored === 'string' && stored !== '' ? stored : null;
    },
    setGatewayState(state, reason) {
      demandTransaction();
      const before = storedState();
      const because = excerpt(reason, REASON_LENGTH_MAX);
      write.run('trading_state', state);
      write.run('trading_state_reason', state === 'ACTIVE' ? '' : because);
      audit.record({
        kind: 'gateway.state',
        outcome: 'ok',
        detail: { before, after: state, why: because },
      });
      if (heldInMemory === undefined) return;
      store.afterCommit(() => {
        heldInMemory = undefined;
      });
      bumpEpoch();
    },
    haltInMemory(reason) {
      if (heldInMemory !== undefined) return;
      heldInMemory = excerpt(reason, REASON_LENGTH_MAX);
      changes.forget();
      tell();
    },
    onEpochChange: (listener) => void listeners.push(listener),
  };
}
