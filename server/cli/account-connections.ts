/** Accounts connected to their brokers while an engine runs: one that can not be opened keeps nothing else from working. */
import type { BrokerConnection, BrokerDefinition, BrokerDirectory, WireGate } from '#brokers/broker.ts';
import type { AccountId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { BrokerAdapter } from '#ports.ts';
import type { AccountRecord } from '#store/accounts.ts';
import type { Office } from './office.ts';
import { openSignIns, type SignIns } from './sign-in-states.ts';

/** What accounts trade on. */
export interface AccountMarkets {
  /** The list of instruments that an account trades from. */
  directory(account: AccountRecord): BrokerDirectory;
  /** What a paper account is given to trade on, undefined for others; or a sentence on why there is nothing. */
  feedOf(account: AccountRecord): Result<BrokerConnection<unknown>['feed'], string>;
  /** Its adapter is there: from now on it trades on what that quotes, where it quotes anything. */
  opened(account: AccountRecord, adapter: BrokerAdapter): void;
  closed(account: AccountId): void;
}

export interface Surroundings {
  /** Filled and emptied here alone; the order line reads it. */
  readonly adapters: Map<AccountId, BrokerAdapter>;
  readonly gate: WireGate;
  readonly markets: AccountMarkets;
  readonly log: (line: string) => void;
}

export interface AccountConnections {
  /** Every account, the oldest first. Throws never for one of them: it stays unconnected, with its sentence. */
  connectAll(): void;
  /**
   * In place of the connection it had, which is closed. Nothing is asked of the broker before the order line listens to it
   * (`trading.join`). The error is one sentence, kept until the account is connected.
   */
  connect(account: AccountRecord): Promise<Result<undefined, string>>;
  /** Resolves when it is closed; idempotent. */
  disconnect(account: AccountId): Promise<void>;
  /** Resolves when it is connected, or needs its owner: at once where there is nothing to wait for. */
  standing(account: AccountId): Promise<void>;
  /** Of owners on their way to a broker's own page. */
  readonly signIns: SignIns;
  /** One act at a time on an account: it is connected anew by some and waited for by others. */
  alone<T>(account: AccountId, act: () => Promise<Result<T, Refusal>>): Promise<Result<T, Refusal>>;
  /** Why an account has no connection at all; undefined: it has one, or there is no such account. */
  whyNot(account: AccountId): string | undefined;
}

type Books = Pick<Office, 'store' | 'clock' | 'access' | 'accounts' | 'secrets' | 'brokers'>;

export function openConnections(office: Books, around: Surroundings): AccountConnections {
  const { adapters, markets, log } = around;
  const troubles = new Map<AccountId, string>();
  const busy = new Set<AccountId>();

  function open(account: AccountRecord): Result<BrokerAdapter, string> {
    const opened = openAdapter(office, around, account);
    if (opened.ok) {
      troubles.delete(account.id);
      markets.opened(account, opened.value);
    } else troubles.set(account.id, opened.error);
    return opened;
  }
  return {
    standing(id) {
      const adapter = adapters.get(id);
      if (adapter === undefined || adapter.connected() || adapter.health().signInNeeded)
        return Promise.resolve();
      return new Promise((resolve) => {
        const forget = adapter.onEvents((events) => {
          if (!events.some((event) => event.kind === 'connection' && event.connected)) return;
          forget();
          resolve();
        });
      });
    },
    signIns: openSignIns(office.clock),
    connectAll() {
      const accounts = office.accounts.list();
      const made = new Map<AccountId, BrokerAdapter>();
      // A paper account may trade on what another account quotes.
      for (const account of [...accounts].sort((a, b) => +(a.broker === 'paper') - +(b.broker === 'paper'))) {
        const opened = open(account);
        if (opened.ok) made.set(account.id, opened.value);
        else log(`${opened.error}\n`);
      }
      for (const { id } of accounts) {
        const adapter = made.get(id);
        if (adapter !== undefined) adapters.set(id, adapter);
      }
    },
    async connect(account) {
      const former = adapters.get(account.id);
      markets.closed(account.id);
      const opened = open(account);
      // At once: an order that comes meanwhile finds the account, connected or not.
      if (opened.ok) adapters.set(account.id, opened.value);
      else adapters.delete(account.id);
      await former?.close();
      return opened.ok ? ok(undefined) : opened;
    },
    async disconnect(id) {
      const adapter = adapters.get(id);
      adapters.delete(id);
      troubles.delete(id);
      markets.closed(id);
      await adapter?.close();
    },
    async alone(id, act) {
      if (busy.has(id))
        return err(refuse('reconciling', `Something is being done to ${id} already; try again in a moment.`));
      busy.add(id);
      try {
        return await act();
      } finally {
        busy.delete(id);
      }
    },
    whyNot: (id) => (adapters.has(id) ? undefined : troubles.get(id)),
  };
}

/** The same where no engine may run: then nobody else is at the books. */
export const alone = <T>(
  { engine }: Office,
  account: AccountId,
  act: () => Promise<Result<T, Refusal>>,
): Promise<Result<T, Refusal>> =>
  engine === undefined ? act() : engine.accountConnections.alone(account, act);

function openAdapter(
  office: Books,
  { gate, markets }: Surroundings,
  account: AccountRecord,
): Result<BrokerAdapter, string> {
  const notConnected = (why: string): Result<never, string> =>
    err(`The account ${account.id} is not connected: ${why}`);
  const broker = office.brokers.find(({ id }) => id === account.broker);
  if (broker === undefined)
    return notConnected(`it is at ${account.broker}, which this version does not know.`);
  const feed = markets.feedOf(account);
  if (!feed.ok) return notConnected(feed.error);
  try {
    const credentials = broker.credentials.safeParse(storedCredentials(office, account.id));
    if (!credentials.success) return notConnected('its credentials are missing. Give it new ones.');
    const settings = broker.settings.safeParse(account.settings);
    if (!settings.success)
      return notConnected(`its settings can not be read (${firstIssue(settings.error)}).`);
    return ok(
      broker.connect({
        account: { id: account.id, mode: account.mode, currency: account.currency, settings: settings.data },
        credentials: credentials.data,
        session: sessionSlot(office, account.id),
        store: office.store,
        clock: office.clock,
        feed: feed.value,
        directory: markets.directory(account),
        gate,
      }),
    );
  } catch (cause) {
    return notConnected(sentence(cause));
  }
}

/** Throws StoreError when what is stored does not open. */
function storedCredentials({ secrets }: Books, account: AccountId): unknown {
  const stored = secrets.read(account, 'credentials');
  return stored === undefined ? undefined : (JSON.parse(stored) as unknown);
}

/** What the adapter keeps through restarts. One that does not open is as good as none: the owner signs in again. */
function sessionSlot(
  { accounts, secrets, access }: Books,
  account: AccountId,
): BrokerConnection<unknown>['session'] {
  return {
    read() {
      try {
        return secrets.read(account, 'session');
      } catch {
        return undefined;
      }
    },
    write(secret) {
      // An adapter may learn of its token while its account is being removed.
      if (accounts.byId(account) === undefined) return;
      if (secret === undefined) secrets.remove(account, 'session');
      else secrets.write(account, 'session', secret, access.wall());
    },
  };
}

/** The path and the rule; never the value. */
function firstIssue(
  error: Extract<ReturnType<BrokerDefinition['settings']['safeParse']>, { success: false }>['error'],
): string {
  const [issue] = error.issues;
  return issue === undefined ? 'unknown' : `${issue.path.join('.')}: ${issue.message}`;
}

/** What was thrown, as the end of a sentence with its full stop. */
function sentence(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
