/** The composition root: builds the gateway by hand, part by part in order, and takes it apart again. */
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { PassphraseCost } from '#access/owner-passphrase.ts';
import { openAuditDesk } from '#audit/desk.ts';
import type { BrokerDefinition } from '#brokers/broker.ts';
import { openPublicMarket } from '#brokers/ccxt/public-market.ts';
import { settleAccounts } from '#cli/account-book.ts';
import { type AccountConnections, openConnections } from '#cli/account-connections.ts';
import { type MarketParts, openAccountMarkets, type RunningMarkets } from '#cli/account-markets.ts';
import { watchSessions } from '#cli/account-watch.ts';
import type { OwnerAct } from '#cli/act.ts';
import { agentSide } from '#cli/agent-side.ts';
import { openAgentSocket } from '#cli/agent-socket.ts';
import { chosenTape, provenFirst } from '#cli/chosen-tape.ts';
import { restartOnFault } from '#cli/feed-restart.ts';
import { demandFreePort, listen } from '#cli/http-port.ts';
import { type KillFileWatch, type KillWish, watchKillFile } from '#cli/kill-file.ts';
import type { LocalListener } from '#cli/listen.ts';
import { type Office, openOffice, ratesOf, remoteScopes } from '#cli/office.ts';
import { openOwnerSocket } from '#cli/owner-socket.ts';
import { openRemoteMcp, settleRemote } from '#cli/remote-mcp.ts';
import { AGENT_SOCKET, makeSocketFolder, OWNER_SOCKET } from '#cli/socket-folder.ts';
import { StartError } from '#cli/start-error.ts';
import { consoleServices, httpSurface } from '#cli/surface.ts';
import { productVersion } from '#cli/version.ts';
import type { ConsoleServices } from '#console/desks.ts';
import { BUILT_IN_DIRECTORY } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import type { Result } from '#domain/result.ts';
import type { McpOffer } from '#http/mcp-server.ts';
import { type Markets, openMarkets } from '#market/markets.ts';
import type { Tape } from '#market/tape.ts';
import { openTapeFeed, type TapeFeed } from '#market/tape-feed.ts';
import { openTapeLooks, type TapeLooks } from '#market/tape-looks.ts';
import { type Notify, openNotify } from '#notify/notify.ts';
import type { Oauth } from '#oauth/oauth.ts';
import type { SigningDesk } from '#oauth/parts.ts';
import type { BrokerAdapter, Clock } from '#ports.ts';
import { type EngineLock, takeEngineLock } from '#store/engine-lock.ts';
import { StoreUnavailable } from '#store/open.ts';
import type { Dispatcher } from '#tools/dispatch.ts';
import type { ThrottleLimits } from '#trading/line.ts';
import { openTrading, type Trading } from '#trading/open.ts';
import { wallClock } from './clock.ts';
import type { Config } from './config.ts';

export interface Engine {
  readonly trading: Trading;
  readonly feed: TapeFeed;
  readonly markets: Markets;
  /** Live feeds with their lists, by account or `public:<exchange>`. */
  live(): ReturnType<RunningMarkets['live']>;
  /** Looks at tapes that the next start might play. */
  readonly tapes: TapeLooks;
  readonly adapters: Map<AccountId, BrokerAdapter>;
  readonly accountConnections: AccountConnections;
  /** `http://127.0.0.1:7800`, once started; undefined without HTTP. */
  url(): string | undefined;
  /** The keys that access tokens are signed with; undefined while remote MCP is off. */
  signing(): SigningDesk | undefined;
}

export interface Gateway extends Office {
  readonly engine: Engine;
  readonly trading: Trading;
  readonly feed: TapeFeed;
  readonly dispatcher: Dispatcher;
  readonly mcp: McpOffer;
  /** What the pages of the console are made of. */
  readonly console: ConsoleServices;
  readonly tape: Tape;
  readonly version: string;
  start(): Promise<void>;
  url(): string | undefined;
  /** Clients on agent.sock. */
  localClients(): number;
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
  /** What hashing a passphrase costs; PASSPHRASE_COST. */
  readonly passphraseCost?: PassphraseCost;
  /** Every broker that accounts can be at; BROKERS. */
  readonly brokers?: readonly BrokerDefinition[];
  /** How the prices of an exchange without an account there are come by; openPublicMarket. */
  readonly openPublic?: MarketParts['openPublic'];
  /** Where log lines go. */
  readonly log?: (line: string) => void;
}

/**
 * Opens a gateway that has not started: nothing trades, nobody can connect. Throws ConfigError, StartError, TapeError, StoreError
 * or AuditError, each one sentence.
 */
export async function openGateway(config: Config, options: OpenOptions = {}): Promise<Gateway> {
  const { clock = wallClock, http = true, acts = [], command = 'serve' } = options;
  const log = options.log ?? ((line) => void process.stderr.write(line));
  const openPublic = options.openPublic ?? ((exchange) => openPublicMarket(exchange, clock));
  const proven = provenFirst(config);
  if (http) await demandFreePort(config);
  const take =
    options.lock ??
    (async (folder) => takeEngineLock(folder, { pid: process.pid, command, startedAtMs: clock.wallMs() }));
  const lock = await take(config.DATA_DIR);
  if (!lock.ok) throw new StartError(lock.error);
  try {
    const office = openOffice(config, clock, options.passphraseCost, options.brokers);
    try {
      // Only now is it known what the owner has stored.
      const { tape, ...chosen } = chosenTape(office, proven);
      for (const { name, why } of office.settings.setAside())
        log(`The stored setting ${name} is set aside: ${why}\n`);
      const opened = { ...office, ...chosen };
      followGrants(opened);
      const remote = http ? await openRemoteMcp(opened, log) : undefined;
      return build({ office: opened, tape, lock: lock.value, http, remote, acts, openPublic, log });
    } catch (cause) {
      office.close();
      throw cause;
    }
  } catch (cause) {
    lock.value.release();
    throw cause;
  }
}

interface Parts {
  readonly office: Office & { close(): void };
  readonly tape: Tape;
  readonly lock: EngineLock;
  readonly http: boolean;
  /** undefined: off. */
  readonly remote: Oauth | undefined;
  readonly acts: readonly OwnerAct[];
  readonly openPublic: MarketParts['openPublic'];
  readonly log: (line: string) => void;
}

/** What trades: the markets, the order line over them, and the accounts that are connected to both. */
function tradingSide(
  office: Parts['office'],
  given: Pick<Parts, 'tape' | 'remote' | 'openPublic' | 'log'> & {
    readonly url: () => string | undefined;
    readonly keepKill: (wish: KillWish) => void;
  },
) {
  const { config, settings, clock, store, audit, access, book } = office;
  const { tape, remote, openPublic, log, url, keepKill } = given;
  const feed = openTapeFeed({ tape, store, clock, barSeconds: config.PAPER_BAR_SECONDS });
  const markets = openMarkets({ feed, directory: BUILT_IN_DIRECTORY });
  const adapters = new Map<AccountId, BrokerAdapter>();
  const trading = openTrading({
    store,
    audit,
    clock,
    wallMs: access.wall,
    access,
    book,
    markets,
    adapters,
    throttle: () => throttleOf(settings.acting()),
    keepKill,
  });
  const accountMarkets = openAccountMarkets(office, {
    tape: feed,
    markets,
    turn,
    openPublic,
  });
  const accountConnections = openConnections(office, {
    adapters,
    gate: (order) => trading.wireGate(order),
    markets: accountMarkets,
    log,
  });
  const engine: Engine = {
    trading,
    feed,
    markets,
    live: () => accountMarkets.live(),
    tapes: openTapeLooks(clock),
    adapters,
    accountConnections,
    url,
    signing: () => remote?.signing,
  };
  return { engine, accountMarkets };
}

function build({ office, tape, lock, http, remote, acts, openPublic, log }: Parts): Gateway {
  const { config, clock, store, keyring, audit } = office;
  const version = productVersion();
  let killFile: KillFileWatch | undefined;
  let url: string | undefined;
  const { engine, accountMarkets } = tradingSide(office, {
    tape,
    remote,
    openPublic,
    log,
    url: () => url,
    keepKill: (wish) => killFile?.lay(wish),
  });
  const { trading, feed, tapes, accountConnections } = engine;
  const agentsReach = { version, remoteMcp: () => remote !== undefined };
  const { watch, dispatcher, mcp, stream } = agentSide(office, engine, agentsReach);
  const record = openAuditDesk({ store, keyring, audit, clock, folder: config.LOG_DIR, turn });
  const notify = notifyOwner(office, () => url, log);
  const forOwner = consoleServices({ ...office, engine }, { record, version, notify: notify.desk, remote });
  const app = http
    ? httpSurface(office, { dispatcher, mcp, stream, version, log, console: forOwner, remote })
    : undefined;
  followSettings(office, { feed, app });
  const closers: (() => void | Promise<void>)[] = [
    () => lock.release(),
    () => office.close(),
    () => record.close(),
  ];
  let agents: LocalListener | undefined;

  const gateway: Gateway = {
    ...office,
    engine,
    trading,
    feed,
    dispatcher,
    mcp,
    console: forOwner,
    tape,
    version,
    url: () => url,
    localClients: () => agents?.count() ?? 0,
    async start() {
      settleAccounts(office);
      settleRemote(office);
      closers.push(() => accountMarkets.stop());
      accountConnections.connectAll();
      closers.push(() => trading.stop());
      await trading.start();
      closers.push(watchSessions(gateway));
      const kill = watchKillFile({ folder: config.DATA_DIR, clock, office: gateway });
      killFile = kill;
      closers.push(() => kill.stop());
      await kill.look();
      closers.push(restartOnFault(feed, clock, log));
      // The tape writes every step, so it is the first to meet a disk that takes nothing.
      closers.push(feed.onFault((cause) => cause instanceof StoreUnavailable && notify.storeBroken()));
      feed.start();
      closers.push(() => feed.stop());
      if (app) {
        closers.push(() => app.close());
        url = await listen(app, config);
      }
      remote?.start();
      closers.push(() => remote?.close());
      // Links in messages lead to where it listens.
      notify.start();
      closers.push(() => notify.stop());
      const sockets = makeSocketFolder(config.DATA_DIR);
      closers.push(() => sockets.remove());
      agents = await openAgentSocket({ ...gateway, path: join(sockets.path, AGENT_SOCKET) });
      const agentDoor = agents;
      closers.push(() => agentDoor.close());
      const owner = await openOwnerSocket({ path: join(sockets.path, OWNER_SOCKET), office: gateway, acts });
      closers.push(() => owner.close());
    },
    async stop() {
      // First of all: the door waits for every request that it has taken in, and one may wait for a tape, or for quotes.
      watch.close();
      const unread = tapes.close();
      for (let close = closers.pop(); close; close = closers.pop()) await close();
      await unread;
    },
  };
  return gateway;
}

const notifyOwner = (office: Office, ownUrl: () => string | undefined, log: Parts['log']): Notify =>
  openNotify({
    ...office,
    wallMs: office.access.wall,
    approvesClients: () => office.settings.acting().MCP_OAUTH_REQUIRE_APPROVAL,
    ownUrl,
    onFault: (cause) => log(`Messages to the owner wait for a while: ${String(cause)}\n`),
  });

/** Before everybody else hears of a change: what is no longer enabled ends here, and is enabled again for new grants alone. */
function followGrants({ settings, grants }: Office): void {
  settings.onActing((next) => grants.enable(remoteScopes(next)));
}

/** What acts at once beside what asks for a setting each time. */
function followSettings(
  { settings, access }: Office,
  { feed, app }: { readonly feed: TapeFeed; readonly app: FastifyInstance | undefined },
): void {
  settings.onActing((next) => access.changeRates(ratesOf(next)));
  settings.onActing((next) => feed.pace(next.PAPER_BAR_SECONDS));
  settings.onActing((next) => {
    if (app) app.log.level = next.LOG_LEVEL;
  });
}

const throttleOf = (config: Config): ThrottleLimits => ({
  refusals: config.PORTCULLIS_THROTTLE_REFUSALS,
  executions: config.PORTCULLIS_THROTTLE_EXECUTIONS,
});

/** Lets everything that waits go first. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
