/** The composition root: builds the gateway by hand, part by part in order, and takes it apart again. */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type Access, openAccess } from '#access/access.ts';
import { AUDIT_KEYS } from '#audit/chain.ts';
import { type AuditLog, openAuditLog } from '#audit/log.ts';
import { connectAccount, settleAccounts } from '#cli/account-book.ts';
import type { OwnerAct } from '#cli/act.ts';
import { openAgentSocket } from '#cli/agent-socket.ts';
import { watchKillFile } from '#cli/kill-file.ts';
import type { LocalListener } from '#cli/listen.ts';
import { openOwnerSocket } from '#cli/owner-socket.ts';
import { AGENT_SOCKET, makeSocketFolder, OWNER_SOCKET } from '#cli/socket-folder.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import type { Result } from '#domain/result.ts';
import { buildApp } from '#http/app.ts';
import { FEED_RESTART_MS } from '#limits.ts';
import { BUILT_IN, type InstrumentBook, instrumentBook } from '#market/master.ts';
import { loadTape, SAMPLE_SYMBOL, type Tape, TapeError } from '#market/tape.ts';
import { openTapeFeed, type TapeFeed } from '#market/tape-feed.ts';
import type { BrokerAdapter, Clock } from '#ports.ts';
import { type AccountTable, accountTable } from '#store/accounts.ts';
import { type EngineLock, takeEngineLock } from '#store/engine-lock.ts';
import { type Keyring, openKeyring } from '#store/keyring.ts';
import { openStore, type Store, StoreError } from '#store/open.ts';
import { type Dispatcher, openDispatcher } from '#tools/dispatch.ts';
import { TOOLS } from '#tools/index.ts';
import { openTrading, type Trading } from '#trading/open.ts';
import { wallClock } from './clock.ts';
import { type Config, ConfigError, PROJECT_FOLDER, refusedCombinations } from './config.ts';

/** Why the gateway can not start, in one sentence; nothing was changed. */
export class StartError extends Error {}

/** What is there without trading: enough for the owner's commands when no engine runs. */
export interface Office {
  readonly config: Config;
  readonly clock: Clock;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly audit: AuditLog;
  readonly access: Access;
  readonly book: InstrumentBook;
  readonly accounts: AccountTable;
  /** What the account's currency would be. */
  readonly paperCurrency: () => string;
  /** undefined while no engine runs. */
  readonly engine: Engine | undefined;
}

export interface Engine {
  readonly trading: Trading;
  readonly feed: TapeFeed;
  readonly adapters: Map<AccountId, BrokerAdapter>;
}

export interface Gateway extends Office {
  readonly engine: Engine;
  readonly trading: Trading;
  readonly feed: TapeFeed;
  readonly dispatcher: Dispatcher;
  readonly tape: Tape;
  readonly version: string;
  start(): Promise<void>;
  /** `http://127.0.0.1:7800`, once started; undefined without HTTP. */
  url(): string | undefined;
  /** Clients on agent.sock. */
  clients(): number;
  stop(): Promise<void>;
}

export interface OpenOptions {
  readonly clock?: Clock;
  /** False: the sockets alone (`serve --local`). */
  readonly http?: boolean;
  /** What it was started as, for whoever finds the lock taken. */
  readonly command?: string;
  /** The owner's acts that owner.sock carries out. */
  readonly acts?: readonly OwnerAct[];
  /** How the lock is come by; takes it or fails when absent. */
  readonly lock?: (folder: string) => Promise<Result<EngineLock, string>>;
  /** Where log lines go. */
  readonly log?: (line: string) => void;
}

export const productVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(join(PROJECT_FOLDER, 'package.json'), 'utf8'));
  const found =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest && manifest.version;
  return typeof found === 'string' ? found : '0.0.0';
};

/** Opens the books under a lock that the caller holds. */
export function openOffice(config: Config, clock: Clock = wallClock): Office & { close(): void } {
  for (const folder of [config.DATA_DIR, config.LOG_DIR]) closeFolder(folder);
  const keyring = openKeyring(config.MCP_OAUTH_KEYS_DIR);
  // A key that can not be used stops the start before the database is touched.
  for (const name of Object.values(AUDIT_KEYS)) if (keyring.exists(name)) keyring.secret(name);
  const store = openStore(config.DATA_DIR);
  try {
    const audit = openAuditLog({ store, clock, folder: config.LOG_DIR, keyring });
    const book = instrumentBook(BUILT_IN);
    const accounts = accountTable(store);
    const access = openAccess({
      store,
      audit,
      clock,
      timezone: config.PORTCULLIS_TIMEZONE,
      instruments: book,
      accounts: { currencyOf: (id) => accounts.byId(id)?.currency },
      rates: { read: config.PORTCULLIS_RATE_LIMIT_READ, write: config.PORTCULLIS_RATE_LIMIT_WRITE },
    });
    const paperCurrency = (): string => tapeInstrument(config, book).currency;
    return {
      config,
      clock,
      store,
      keyring,
      audit,
      access,
      book,
      accounts,
      paperCurrency,
      engine: undefined,
      close() {
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
function tapeInstrument(config: Config, book: InstrumentBook): Instrument {
  const { PAPER_TAPE: tape, PAPER_SYMBOL: given } = config;
  const symbol = given === '' && tape === 'sample' ? SAMPLE_SYMBOL : given;
  const symbols = book.all().map((one) => one.symbol);
  if (symbol === '')
    throw new StartError(
      `PAPER_SYMBOL must say what PAPER_TAPE is the tape of: one of ${symbols.join(', ')}.`,
    );
  const found = book.resolve(symbol);
  if (!found.ok)
    throw new StartError(`PAPER_SYMBOL must be one of ${symbols.join(', ')}, not ${JSON.stringify(symbol)}.`);
  return found.value;
}

/**
 * Opens a gateway that has not started: nothing trades, nobody can connect. Throws ConfigError, StartError, TapeError, StoreError
 * or AuditError, each one sentence.
 */
export async function openGateway(config: Config, options: OpenOptions = {}): Promise<Gateway> {
  const { clock = wallClock, http = true, acts = [], command = 'serve' } = options;
  const log = options.log ?? ((line) => void process.stderr.write(line));
  const refused = refusedCombinations(config);
  if (refused.length > 0) throw new ConfigError(refused);
  const tape = loadTape({
    file: config.PAPER_TAPE,
    instrument: tapeInstrument(config, instrumentBook(BUILT_IN)),
  });
  if (http) await demandFreePort(config);
  const take =
    options.lock ??
    (async (folder) => takeEngineLock(folder, { pid: process.pid, command, startedAtMs: clock.wallMs() }));
  const lock = await take(config.DATA_DIR);
  if (!lock.ok) throw new StartError(lock.error);
  try {
    const office = openOffice(config, clock);
    return build({ office, tape, lock: lock.value, http, acts, log });
  } catch (cause) {
    lock.value.release();
    throw cause;
  }
}

async function demandFreePort({ HOST: host, PORT: port }: Config): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen({ host, port, exclusive: true }, resolve);
    });
  } catch (cause) {
    throw cannotListen(host, port, cause);
  }
  await new Promise<void>((resolve) => {
    probe.close(() => resolve());
  });
}

function cannotListen(host: string, port: number, cause: unknown): StartError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = code === 'EADDRINUSE' ? 'something else listens there; set PORT to another one' : message;
  return new StartError(`The gateway can not listen on ${host}:${port}: ${why}.`);
}

interface Parts {
  readonly office: Office & { close(): void };
  readonly tape: Tape;
  readonly lock: EngineLock;
  readonly http: boolean;
  readonly acts: readonly OwnerAct[];
  readonly log: (line: string) => void;
}

function build({ office, tape, lock, http, acts, log }: Parts): Gateway {
  const { config, clock, store, audit, access, book } = office;
  const version = productVersion();
  const feed = openTapeFeed({ tape, store, clock, barSeconds: config.PAPER_BAR_SECONDS });
  const adapters = new Map<AccountId, BrokerAdapter>();
  const trading = openTrading({ store, audit, clock, wallMs: access.wall, access, book, feed, adapters });
  const dispatcher = openDispatcher({
    desk: trading,
    book,
    feed,
    access,
    audit,
    transaction: (work) => store.transaction(work),
    clock,
    version,
    remoteMcp: () => false,
  });
  const app = http ? buildHttp({ config, dispatcher, access, clock, version, log }) : undefined;
  const engine: Engine = { trading, feed, adapters };
  const closers: (() => void | Promise<void>)[] = [() => lock.release(), () => office.close()];
  let url: string | undefined;
  let agents: LocalListener | undefined;

  const gateway: Gateway = {
    ...office,
    engine,
    trading,
    feed,
    dispatcher,
    tape,
    version,
    url: () => url,
    clients: () => agents?.count() ?? 0,
    async start() {
      settleAccounts(office);
      for (const account of office.accounts.list())
        adapters.set(account.id, connectAccount(office, feed, account));
      closers.push(() => trading.stop());
      await trading.start();
      const kill = watchKillFile({ folder: config.DATA_DIR, clock, office: gateway });
      closers.push(() => kill.stop());
      await kill.look();
      closers.push(restartOnFault(feed, clock, log));
      feed.start();
      closers.push(() => feed.stop());
      if (app) {
        closers.push(() => app.close());
        url = await listen(app, config);
      }
      const sockets = makeSocketFolder(config.DATA_DIR);
      closers.push(() => sockets.remove());
      agents = await openAgentSocket({ ...gateway, path: join(sockets.path, AGENT_SOCKET) });
      const agentDoor = agents;
      closers.push(() => agentDoor.close());
      const owner = await openOwnerSocket({ path: join(sockets.path, OWNER_SOCKET), office: gateway, acts });
      closers.push(() => owner.close());
    },
    async stop() {
      for (let close = closers.pop(); close; close = closers.pop()) await close();
    },
  };
  return gateway;
}

interface HttpParts extends Pick<Gateway, 'config' | 'dispatcher' | 'access' | 'clock' | 'version'> {
  readonly log: (line: string) => void;
}

function buildHttp({ config, log, ...parts }: HttpParts): FastifyInstance {
  return buildApp({
    ...parts,
    tools: TOOLS,
    logTo: { write: log },
    settings: {
      allowedHosts: config.PORTCULLIS_ALLOWED_HOSTS,
      ipAllowlist: config.MCP_HTTP_IP_ALLOWLIST,
      publicUrl: config.MCP_HTTP_ENABLED ? config.MCP_PUBLIC_URL : undefined,
      publicConsole: config.PORTCULLIS_PUBLIC_CONSOLE,
      publicRest: config.PORTCULLIS_PUBLIC_REST,
      corsOrigins: config.MCP_HTTP_CORS_ORIGINS,
      trustedProxies: config.TRUSTED_PROXIES,
      logLevel: config.LOG_LEVEL,
    },
  });
}

async function listen(app: FastifyInstance, { HOST: host, PORT: port }: Config): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    throw cannotListen(host, port, cause);
  }
}

/** A feed that could not write a step has stopped; quotes grow stale and orders are refused until it can. */
function restartOnFault(feed: TapeFeed, clock: Clock, log: (line: string) => void): () => void {
  let cancel: (() => void) | undefined;
  const forget = feed.onFault((cause) => {
    log(`The feed has stopped and starts again in ${FEED_RESTART_MS / 1_000} s: ${String(cause)}\n`);
    cancel = clock.after(FEED_RESTART_MS, () => feed.start());
  });
  return () => {
    forget();
    cancel?.();
  };
}

/** What a person can act on, told in one sentence; anything else is a bug and keeps its stack. */
export function sentenceOf(cause: unknown): string | undefined {
  const known = cause instanceof ConfigError || cause instanceof StartError || cause instanceof TapeError;
  if (known || cause instanceof StoreError) return cause.message;
  return cause instanceof Error && /^(?:AuditError|PaperError)$/.test(cause.constructor.name)
    ? cause.message
    : undefined;
}
