/** How far the first run in a browser has come, as far as nothing else tells it: begun, what the owner has confirmed, ended. */
import type { AuditLog } from '#audit/log.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import { settings } from '#store/settings.ts';

export interface FirstRun {
  /** Begun by the setup in a browser, and neither finished nor dismissed: signing in leads back to it. */
  isOpen(): boolean;
  /** It was finished or dismissed. */
  isOver(): boolean;
  begin(): void;
  end(how: 'finished' | 'dismissed'): void;
  /** One of the recovery codes that are good now was entered again. */
  isRecoveryKept(): boolean;
  keepRecovery(): void;
  /** New codes were shown: whether they are kept is open again. */
  forgetRecovery(): void;
  isAccountSeen(): boolean;
  seeAccount(): void;
  /** The agent that it made, and the host it is for. */
  agent(): { readonly name: string; readonly host: string } | undefined;
  setAgent(agent: { readonly name: string; readonly host: string }): void;
}

const PREFIX = 'first_run.';
type Fact = 'open' | 'recovery' | 'account' | 'agent' | 'host';

export function openFirstRun(store: Store, audit: AuditLog): FirstRun {
  const table = settings(store);
  const get = (fact: Fact): string | undefined => table.get(PREFIX + fact);

  /** A fact that is already so changes nothing and leaves no line. */
  function put(facts: Partial<Readonly<Record<Fact, string>>>, kind: string): void {
    const news = Object.entries(facts).filter(([fact, value]) => table.get(PREFIX + fact) !== value);
    if (news.length === 0) return;
    store.transaction(() => {
      for (const [fact, value] of news) table.set(PREFIX + fact, value);
      const { credential, door } = OWNER_CONSOLE;
      audit.record({ kind, credential, door, outcome: 'ok', detail: Object.fromEntries(news) });
    });
  }

  return {
    isOpen: () => get('open') === 'yes',
    isOver: () => get('open') === 'finished' || get('open') === 'dismissed',
    begin: () => put({ open: 'yes' }, 'first_run.begun'),
    end: (how) => put({ open: how }, 'first_run.ended'),
    isRecoveryKept: () => get('recovery') === 'kept',
    keepRecovery: () => put({ recovery: 'kept' }, 'first_run.step'),
    forgetRecovery: () => put({ recovery: 'new' }, 'first_run.step'),
    isAccountSeen: () => get('account') === 'seen',
    seeAccount: () => put({ account: 'seen' }, 'first_run.step'),
    agent() {
      const [name, host] = [get('agent'), get('host')];
      return name === undefined || host === undefined ? undefined : { name, host };
    },
    setAgent: ({ name, host }) => put({ agent: name, host }, 'first_run.step'),
  };
}
