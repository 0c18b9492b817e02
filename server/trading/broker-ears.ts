/** Who listens to which broker: one connection an account, the latest. */
import type { AccountId } from '#domain/principal.ts';
import { type AfterEvent, postEvents } from './broker-events.ts';
import { dropFunds } from './funds.ts';
import type { Line } from './line.ts';

export interface Ears {
  /** In place of the connection that the account had before; its broker is not asked for anything until somebody listens. */
  listen(account: AccountId): void;
  stop(): void;
}

export function openEars(
  line: Line,
  told: {
    readonly posted: (done: AfterEvent) => void;
    /** A broker is there again: its account is compared at once. */
    readonly returned: (account: AccountId) => Promise<void>;
  },
): Ears {
  const stops = new Map<AccountId, () => void>();
  return {
    listen(account) {
      const adapter = line.adapters.get(account);
      if (adapter === undefined) throw new Error(`the account ${account} has no adapter`);
      stops.get(account)?.();
      const stop = adapter.onEvents((events) => {
        for (const done of postEvents(line, account, events)) {
          told.posted(done);
          if (done.returned) void told.returned(account).catch(() => line.memory.suspect.add(account));
        }
      });
      stops.set(account, stop);
      dropFunds(line, account);
      adapter.start();
    },
    stop() {
      for (const stop of stops.values()) stop();
    },
  };
}
