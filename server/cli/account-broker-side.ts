/** What the console sees of accounts at brokers with a connection of their own, and does with them. */
import type { BrokerDefinition } from '#brokers/broker.ts';
import type {
  AccountStanding,
  BrokerFieldView,
  BrokerSide,
  HoldingView,
  NamedDirectory,
} from '#console/account-desk-views.ts';
import type { AccountDesk } from '#console/desks.ts';
import type { Owner } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import { instrumentTable } from '#market/instrument-table.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { within } from '#trading/outside.ts';
import {
  type AddedAccount,
  addBrokerAccount,
  changeCredentials,
  takeIn,
  whyNotLive,
} from './account-adding.ts';
import { accountNamed } from './account-book.ts';
import { alone } from './account-connections.ts';
import { credentialFields, readAccount, readCredentials } from './account-reading.ts';
import { beginSignIn, finishSignIn } from './account-sign-in.ts';
import type { RunningOffice } from './office.ts';

type Acts = Pick<
  AccountDesk,
  | 'brokers'
  | 'whyNotAdd'
  | 'addAtBroker'
  | 'whyNotCredentials'
  | 'changeCredentials'
  | 'reconnect'
  | 'beginSignIn'
  | 'finishSignIn'
  | 'holdings'
>;

export function realActs(office: RunningOffice, by: Owner): Acts {
  const taken = (added: Result<AddedAccount, Refusal>) => {
    if (!added.ok) return added;
    const { account, tried, trouble } = added.value;
    const signInNeeded = office.engine.adapters.get(account.id)?.health().signInNeeded ?? false;
    return ok({ id: account.id, tried, trouble, signInNeeded });
  };
  return {
    brokers: office.brokers
      .filter(({ id }) => id !== 'paper')
      .map(({ id, label, modes, fields }) => ({ id, label, modes, fields: fields.map(fieldView) })),
    whyNotAdd(account) {
      const read = readAccount(office, account);
      return read.ok ? whyNotLive(office, read.value.mode, { code: true }) : read.error;
    },
    addAtBroker: async (account, code) => taken(await addBrokerAccount(office, account, { by, code })),
    whyNotCredentials(id, credentials) {
      const found = accountNamed(office, id);
      if (!found.ok) return found.error;
      const read = readCredentials(office, found.value, credentials);
      return read.ok ? whyNotLive(office, found.value.mode, { code: true }) : read.error;
    },
    changeCredentials: async (id, credentials, code) =>
      taken(await changeCredentials(office, id, { credentials, by, code })),
    async reconnect(id) {
      const found = accountNamed(office, id);
      if (!found.ok) return found;
      return alone(office, found.value.id, async () => ok(await takeIn(office, found.value)));
    },
    beginSignIn: (id, session) => beginSignIn(office, id, session),
    finishSignIn: (id, session, query) => finishSignIn(office, id, { session, query, by }),
    holdings: (id) => holdingsOf(office, id),
  };
}

const fieldView = ({
  name,
  label,
  kind,
  hint,
  options,
  optional,
}: BrokerDefinition['fields'][number]): BrokerFieldView => ({
  name,
  label,
  kind,
  hint: hint ?? null,
  options: options ?? null,
  optional: optional === true,
});

export function standingOf(office: RunningOffice, { id, mode }: AccountRecord): AccountStanding {
  const { trading, adapters, accountConnections } = office.engine;
  const status = trading.owner.statuses().find((one) => one.id === id);
  const health = adapters.get(id)?.health();
  return {
    id,
    mode,
    connected: status?.connected ?? false,
    problem: accountConnections.whyNot(id) ?? null,
    trouble: health?.trouble ?? null,
    signInNeeded: health?.signInNeeded ?? false,
    sessionEndsAtMs: health?.sessionEndsAtMs ?? null,
    tickAgeMs: status?.tickAgeMs ?? null,
    reconciledAtMs: status?.reconciledAtMs ?? null,
  };
}

export function realSideOf(office: RunningOffice, account: AccountRecord): BrokerSide | null {
  const broker = office.brokers.find(({ id }) => id === account.broker);
  if (broker === undefined || broker.id === 'paper') return null;
  const adapter = office.engine.adapters.get(account.id);
  const settings = broker.settings.safeParse(account.settings);
  const directory = settings.success ? broker.directory(settings.data, account.mode) : undefined;
  return {
    settings: settingsIn(broker, account.settings),
    credentials: credentialFields(broker).map(fieldView),
    signsIn: adapter?.signIn !== undefined,
    capabilities: adapter?.capabilities ?? broker.capabilities,
    requests: adapter?.health().requests ?? null,
    directory: directory === undefined ? null : directoryNamed(office, directory),
  };
}

export const directoryNamed = ({ store }: RunningOffice, name: string): NamedDirectory => ({
  name,
  ...(instrumentTable(store).state(name) ?? { refreshedAtMs: null, listed: 0, fault: null }),
});

/** Those that the owner gave, by what their form calls them. */
function settingsIn({ fields }: BrokerDefinition, stored: unknown): BrokerSide['settings'] {
  return Object.entries(stored as Record<string, unknown>).map(([name, value]) => ({
    label: fields.find((field) => field.kind === 'setting' && field.name === name)?.label ?? name,
    text: typeof value === 'string' ? value : JSON.stringify(value),
  }));
}

async function holdingsOf(office: RunningOffice, name: string): Promise<readonly HoldingView[] | undefined> {
  const found = accountNamed(office, name);
  const adapter = found.ok ? office.engine.adapters.get(found.value.id) : undefined;
  if (adapter?.holdings === undefined || !adapter.connected()) return undefined;
  const held = await within(office, adapter.holdings(), BROKER_CALL_TIMEOUT_MS).catch(() => undefined);
  return held?.map(({ instrument, qty, lockedQty, avgPrice }) => ({
    symbol: office.book.byId(instrument)?.symbol ?? instrument,
    qty,
    lockedQty,
    avgPrice,
  }));
}
