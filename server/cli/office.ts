/** The books without the trading: what the owner's commands work with when no engine runs, and what an engine is built on. */
import { chmodSync, mkdirSync } from 'node:fs';
import { type Access, openAccess } from '#access/access.ts';
import type { PassphraseCost } from '#access/owner-passphrase.ts';
import type { Rates } from '#access/rate.ts';
import { AUDIT_KEYS } from '#audit/chain.ts';
import { type AuditLog, openAuditLog } from '#audit/log.ts';
import type { BrokerDefinition } from '#brokers/broker.ts';
import { BROKERS } from '#brokers/index.ts';
import type { Engine } from '#compose.ts';
import type { Config } from '#config.ts';
import { BUILT_IN_DIRECTORY, type Instrument } from '#domain/instrument.ts';
import { isReadScope, SCOPES, type Scope } from '#domain/principal.ts';
import { type InstrumentBook, instrumentBook } from '#market/instrument-book.ts';
import { type InstrumentTable, instrumentTable } from '#market/instrument-table.ts';
import { BUILT_IN } from '#market/master.ts';
import { scopedSymbols } from '#market/scoped-symbols.ts';
import { type StoredInstruments, storedInstruments } from '#market/stored-instruments.ts';
import { SAMPLE_SYMBOL } from '#market/tape.ts';
import { type Clients, openClients } from '#oauth/clients.ts';
import { type OpenConnectionLog, openConnectionLog } from '#oauth/connections.ts';
import { type Grants, openGrants } from '#oauth/grants.ts';
import type { Clock } from '#ports.ts';
import { type AccountSecrets, accountSecrets } from '#store/account-secrets.ts';
import { type AccountTable, accountTable } from '#store/accounts.ts';
import { type Keyring, openKeyring } from '#store/keyring.ts';
import { openStore, type Store } from '#store/open.ts';
import { mandateJudge } from '#trading/policy.ts';
import { scopesOf } from './account-scopes.ts';
import { openSettingsBook, type SettingsBook } from './settings-book.ts';
import { StartError } from './start-error.ts';

/** What is there without trading: enough for the owner's commands when no engine runs. */
export interface Office {
  /** As this process started with them; `settings` knows what has changed since. */
  readonly config: Config;
  readonly settings: SettingsBook;
  readonly clock: Clock;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly audit: AuditLog;
  readonly access: Access;
  readonly book: InstrumentBook;
  /** What brokers list, in the database and as it is read. */
  readonly listings: InstrumentTable;
  readonly listed: StoredInstruments;
  /** Every broker that accounts can be at. */
  readonly brokers: readonly BrokerDefinition[];
  readonly accounts: AccountTable;
  /** What opens them, sealed. */
  readonly secrets: AccountSecrets;
  /** How far remote clients came; written by an engine, read by the owner. */
  readonly connections: OpenConnectionLog;
  /** What remote clients were granted, and who they are: the owner's to see and to end whether remote MCP is on or off. */
  readonly grants: Grants;
  readonly clients: Clients;
  /** undefined while no engine runs. */
  readonly engine: Engine | undefined;
}

/** While an engine runs. */
export type RunningOffice = Office & { readonly engine: Engine };

/** Opens the books under a lock that the caller holds. */
export function openOffice(
  given: Config,
  clock: Clock,
  passphraseCost?: PassphraseCost,
  brokers: readonly BrokerDefinition[] = BROKERS,
): Office & { close(): void } {
  for (const folder of [given.DATA_DIR, given.LOG_DIR]) closeFolder(folder);
  const keyring = openKeyring(given.MCP_OAUTH_KEYS_DIR);
  // A key that can not be used stops the start before the database is touched.
  for (const name of Object.values(AUDIT_KEYS)) if (keyring.exists(name)) keyring.secret(name);
  const store = openStore(given.DATA_DIR);
  try {
    const audit = openAuditLog({ store, clock, folder: given.LOG_DIR, keyring });
    const settings = openSettingsBook({ store, audit, given });
    const config = settings.acting();
    const listings = instrumentTable(store);
    const listed = storedInstruments(listings);
    const book = instrumentBook(BUILT_IN, listed);
    const accounts = accountTable(store);
    const symbols = scopedSymbols(book, (names) => scopesOf({ accounts, brokers }, names));
    const access = openAccess({
      store,
      audit,
      clock,
      keyring,
      timezone: config.PORTCULLIS_TIMEZONE,
      instruments: symbols,
      accounts: { currencyOf: (id) => accounts.byId(id)?.currency },
      judge: mandateJudge(symbols),
      rates: ratesOf(config),
      ...(passphraseCost === undefined ? {} : { passphraseCost }),
    });
    const connections = openConnectionLog({ store, clock, wallMs: access.wall });
    const grants = openGrants({ store, audit, clock, access, enabled: remoteScopes(config) });
    const clients = openClients({ store, audit, access, grants });
    return {
      config,
      settings,
      clock,
      store,
      keyring,
      audit,
      access,
      book,
      listings,
      listed,
      brokers,
      accounts,
      secrets: accountSecrets(store, keyring),
      connections,
      grants,
      clients,
      engine: undefined,
      close() {
        grants.close();
        connections.close();
        access.close();
        audit.close();
        store.close();
      },
    };
  } catch (cause) {
    store.close();
    throw cause;
  }
}

export const ratesOf = (config: Config): Rates => ({
  read: config.PORTCULLIS_RATE_LIMIT_READ,
  write: config.PORTCULLIS_RATE_LIMIT_WRITE,
  remoteRead: config.MCP_RATE_LIMIT_READ,
  remoteWrite: config.MCP_RATE_LIMIT_WRITE,
});

/** What remote clients may hold at all. */
export const remoteScopes = (config: Config): readonly Scope[] =>
  config.MCP_HTTP_ENABLED
    ? SCOPES.filter((scope) => isReadScope(scope) || config.MCP_OAUTH_WRITE_SCOPE_ENABLED)
    : [];

/** A checkout leaves folders readable to everybody; what stands in these is the owner's alone. */
function closeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (cause) {
    throw new StartError(`The folder ${folder} can not be used: ${(cause as Error).message}.`);
  }
}

/** Which instrument the tape is of. */
export function tapeInstrument(config: Config, book: InstrumentBook): Instrument {
  const { PAPER_TAPE: tape, PAPER_SYMBOL: given } = config;
  const symbol = given === '' && tape === 'sample' ? SAMPLE_SYMBOL : given;
  const symbols = book.builtIn().map((one) => one.symbol);
  if (symbol === '')
    throw new StartError(
      `PAPER_SYMBOL must say what PAPER_TAPE is the tape of: one of ${symbols.join(', ')}.`,
    );
  const found = book.resolve(symbol, [BUILT_IN_DIRECTORY]);
  if (!found.ok)
    throw new StartError(`PAPER_SYMBOL must be one of ${symbols.join(', ')}, not ${JSON.stringify(symbol)}.`);
  return found.value;
}
