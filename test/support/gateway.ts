// A whole gateway in a temporary folder: the paper broker on the sample tape, under a clock turned by hand or the wall clock.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrokerDefinition } from '#brokers/broker.ts';
import { ACTS } from '#cli/acts.ts';
import { type Gateway, type OpenOptions, openGateway } from '#compose.ts';
import { type Config, loadConfig } from '#config.ts';
import { OWNER_CLI, type Principal, SCOPES, type Scope } from '#domain/principal.ts';
import type { Clock } from '#ports.ts';
import type { ToolAnswer } from '#tools/dispatch.ts';
import { type HandClock, handClock } from './hand-clock.ts';

export interface GatewayOptions<C extends Clock = HandClock> {
  /** Default: a clock turned by hand. `wallClock` of server/clock.ts for tests with real clients. */
  readonly clock?: C;
  /** Default true: HTTP on a free loopback port. */
  readonly http?: boolean;
  /** Settings by name: `{ PAPER_PRESET: 'hostile' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Of an earlier gateway, to go on with its data. Default: a new one, removed by `close`. */
  readonly folder?: string;
  /** Default true. */
  readonly start?: boolean;
  /** Every broker that accounts can be at. Default: those of the product. */
  readonly brokers?: readonly BrokerDefinition[];
  /** Where the prices of an exchange without an account there come from. Default: the exchange. */
  readonly openPublic?: OpenOptions['openPublic'];
}

export interface TestGateway<C extends Clock = HandClock> {
  readonly gateway: Gateway;
  readonly config: Config;
  readonly clock: C;
  readonly folder: string;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly logged: readonly string[];
  /** A new key; the agent is created when it is new. */
  readonly key: (agent?: string, scopes?: readonly Scope[]) => { readonly id: string; readonly key: string };
  /** The agent of the stdio door without a key: it may trade on paper from the start. */
  readonly local: () => Principal;
  /** One call through the dispatcher, as `local` unless said otherwise. */
  readonly call: (tool: string, args?: object, who?: Principal) => Promise<ToolAnswer | null>;
  /** Stops it and keeps the folder, for a restart on the same data. */
  readonly stop: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Settings of a gateway whose folders lie in `folder`; nothing of the real environment or `.env` is looked at. */
export const configIn = (folder: string, settings: Readonly<Record<string, string>> = {}): Config =>
  loadConfig({ environment: environmentIn(folder, settings) });

export const environmentIn = (folder: string, settings: Readonly<Record<string, string>> = {}) => ({
  PORT: '0',
  LOG_LEVEL: 'warn',
  DATA_DIR: join(folder, 'data'),
  LOG_DIR: join(folder, 'log'),
  MCP_OAUTH_KEYS_DIR: join(folder, 'keys'),
  ...settings,
});

export const gatewayFolder = (): string => mkdtempSync(join(realpathSync(tmpdir()), 'pcl-'));

export function openTestGateway(options?: GatewayOptions): Promise<TestGateway>;
export function openTestGateway<C extends Clock>(
  options: GatewayOptions<C> & { clock: C },
): Promise<TestGateway<C>>;
export async function openTestGateway(options: GatewayOptions<Clock> = {}): Promise<TestGateway<Clock>> {
  const clock = options.clock ?? handClock();
  const folder = options.folder ?? gatewayFolder();
  const config = configIn(folder, options.settings);
  const logged: string[] = [];
  const gateway = await openGateway(config, {
    clock,
    http: options.http ?? true,
    acts: ACTS,
    // What a hash costs is tested where hashes are; here it would only cost time.
    passphraseCost: { memoryKib: 64, passes: 1 },
    ...(options.brokers === undefined ? {} : { brokers: options.brokers }),
    ...(options.openPublic === undefined ? {} : { openPublic: options.openPublic }),
    log: (line) => void logged.push(line),
  });
  if (options.start !== false) {
    try {
      await gateway.start();
    } catch (cause) {
      await gateway.stop();
      throw cause;
    }
  }
  const local = (): Principal => {
    const found = gateway.access.localPrincipal();
    if (!found.ok) throw new Error(found.error.detail);
    return found.value;
  };
  return {
    gateway,
    config,
    clock,
    folder,
    get url() {
      const url = gateway.url();
      if (url === undefined) throw new Error('this gateway does not listen');
      return url;
    },
    logged,
    key(agent = 'claude', scopes = SCOPES) {
      const made = gateway.access.keys.create({ agent, scopes, by: OWNER_CLI });
      if (!made.ok) throw new Error(made.error.detail);
      return made.value;
    },
    local,
    call: (tool, args = {}, who = local()) =>
      gateway.dispatcher.call({ tool, args, principal: who, via: who.door }),
    stop: () => gateway.stop(),
    async close() {
      await gateway.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
