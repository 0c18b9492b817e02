/** The settings: one declaration each of name, purpose, default and rule; the only reader of the environment and of `.env`. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { PRESETS } from '#brokers/paper/settings.ts';
import { readEnvFile, shown, suggestion } from '#cli/env-file.ts';
import { PROJECT_FOLDER } from '#cli/project-folder.ts';
import {
  addresses,
  amount,
  flag,
  hosts,
  LOOPBACK_NAME,
  must,
  origins,
  path,
  publicOrigin,
  rate,
  seconds,
  tapeFile,
  whole,
  zone,
} from '#cli/setting-rules.ts';
import { editDistance } from '#domain/nearest.ts';

function setting<T>(about: string, standard: string, rule: z.ZodType<T, string>) {
  return { about, standard, rule };
}

/** In the order of `.env.example`, which is written from here. */
const SETTINGS = {
  HOST: setting(
    'Address to listen on; anything but loopback needs PORTCULLIS_ALLOWED_HOSTS.',
    '127.0.0.1',
    z
      .string()
      .regex(/^(?:[0-9a-f:.]+|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)$/i, must('an address or a host name')),
  ),
  PORT: setting('Port to listen on; 0 takes any free one.', '7800', whole(0, 65_535)),
  DATA_DIR: setting('Folder of the database and the sockets.', 'data', path),
  LOG_DIR: setting('Folder of the audit record.', 'log', path),
  TRUSTED_PROXIES: setting(
    "Addresses of proxies whose word on a client's address is believed.",
    '',
    addresses,
  ),
  LOG_LEVEL: setting(
    'How much is logged to standard error: fatal, error, warn, info, debug, trace or silent.',
    'info',
    z.enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      must('fatal, error, warn, info, debug, trace or silent'),
    ),
  ),
  PORTCULLIS_TIMEZONE: setting('Zone in which a mandate day begins and ends.', 'UTC', zone),
  PORTCULLIS_ALLOWED_HOSTS: setting(
    'Further names under which this gateway is reached, with or without a port.',
    '',
    hosts,
  ),
  PORTCULLIS_PUBLIC_CONSOLE: setting('Serve /admin on the public host too.', 'false', flag),
  PORTCULLIS_PUBLIC_REST: setting('Serve /api/v1 and /docs on the public host too.', 'false', flag),
  PORTCULLIS_RATE_LIMIT_READ: setting(
    'Reads an agent may make with keys and over stdio.',
    '600 per minute',
    rate,
  ),
  PORTCULLIS_RATE_LIMIT_WRITE: setting(
    'Writes an agent may make with keys and over stdio.',
    '120 per minute',
    rate,
  ),
  MCP_HTTP_ENABLED: setting('Serve MCP to remote clients (needs MCP_PUBLIC_URL).', 'false', flag),
  MCP_PUBLIC_URL: setting(
    'Origin under which remote clients reach this gateway, such as https://gate.example.com.',
    '',
    publicOrigin,
  ),
  MCP_LOOPBACK_URL: setting('Accepted and not needed: dispatch is in the process.', '', z.string()),
  MCP_OAUTH_REQUIRE_APPROVAL: setting('The owner approves every new remote client.', 'true', flag),
  MCP_OAUTH_WRITE_SCOPE_ENABLED: setting('Remote clients may hold write scopes at all.', 'false', flag),
  MCP_HTTP_CORS_ORIGINS: setting(
    'Origins whose web pages may call while remote MCP is on.',
    'https://claude.ai,https://chatgpt.com',
    origins,
  ),
  MCP_HTTP_IP_ALLOWLIST: setting(
    'Addresses that may connect; empty: loopback only while remote MCP is off, any while it is on.',
    '',
    addresses,
  ),
  MCP_OAUTH_ACCESS_TTL: setting('Seconds an access token lives.', '900', whole(1, 3_600)),
  MCP_OAUTH_REFRESH_TTL: setting('Seconds a refresh token lives.', '2592000', whole(1, 31_536_000)),
  MCP_OAUTH_CODE_TTL: setting('Seconds an authorization code lives.', '60', whole(1, 300)),
  MCP_RATE_LIMIT_READ: setting('Reads a remote client may make.', '60 per minute', rate),
  MCP_RATE_LIMIT_WRITE: setting('Writes a remote client may make.', '50 per minute', rate),
  MCP_OAUTH_KEYS_DIR: setting('Folder of all keys of this gateway.', 'keys', path),
  PAPER_TAPE: setting(
    'Recorded prices of the paper account: sample (S&P 500, daily) or a CSV file.',
    'sample',
    tapeFile,
  ),
  PAPER_SYMBOL: setting('What a CSV file is the tape of, such as SPY; the sample is SPX.', '', z.string()),
  PAPER_BAR_SECONDS: setting('Seconds of wall time that one bar of the tape takes.', '10', seconds),
  PAPER_PRESET: setting(
    'How hard the paper market is: friendly, realistic or hostile.',
    'realistic',
    z.enum(PRESETS, must('friendly, realistic or hostile')),
  ),
  PAPER_SEED: setting('Same tape and seed, same fills.', '1', whole(0, 2_147_483_647)),
  PAPER_CASH: setting('Opening deposit of the first paper account.', '100000', amount),
  PAPER_ACCOUNT_TYPE: setting(
    'cash, or margin, which may sell short.',
    'margin',
    z.enum(['cash', 'margin'], must('cash or margin')),
  ),
  PORTCULLIS_KEY: setting(
    'API key that `portcullis stdio` presents; without one it is the agent `local`.',
    '',
    z.string(),
  ),
} as const;

type Name = keyof typeof SETTINGS;
/** Every setting by its own name, parsed. */
export type Config = { readonly [name in Name]: z.output<(typeof SETTINGS)[name]['rule']> };

const NAMES = Object.keys(SETTINGS) as readonly Name[];
/** `PORT`, and `PORT_FILE` for the file it is read from. */
const KNOWN: readonly string[] = NAMES.flatMap((name) => [name, `${name}_FILE`]);
/** Shorter names are one slip away from too many words of others. */
const NEAR_MISS_LENGTH_MIN = 8;

/** What is wrong with the settings: a line each, beginning with the name. */
export class ConfigError extends Error {}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigSources {
  readonly environment: Environment;
  /** undefined: no file is read. */
  readonly envFile?: string;
}

/** The environment of this process, for the children it starts. */
export const ownEnvironment = (): Environment => process.env;
/** For a child that is given its settings: this environment without any of them, and those. */
export const environmentWith = (
  settings: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  const foreign = Object.entries(process.env).filter(([name]) => !KNOWN.includes(name));
  return { ...(Object.fromEntries(foreign) as Record<string, string>), ...settings };
};
export const ownSources = (): ConfigSources => ({
  environment: process.env,
  envFile: join(PROJECT_FOLDER, '.env'),
});

/** The real environment wins over `.env`. Throws ConfigError with everything that is wrong. */
export function loadConfig(sources: ConfigSources): Config {
  const { config, wrong } = readConfig(sources);
  if (wrong.length > 0) throw new ConfigError(wrong.join('\n'));
  return config;
}

/** For the kill switch, which a typing error must not stop: what is wrong is at its default, unless it says where the data is. */
export function loadConfigAnyway(sources: ConfigSources): { config: Config; wrong: readonly string[] } {
  const { config, wrong } = readConfig(sources);
  if ([config.DATA_DIR, config.LOG_DIR, config.MCP_OAUTH_KEYS_DIR].includes(''))
    throw new ConfigError(wrong.join('\n'));
  return { config, wrong };
}

function readConfig({ environment, envFile }: ConfigSources): { config: Config; wrong: string[] } {
  const wrong: string[] = [];
  const file = envFile === undefined ? undefined : readEnvFile(envFile, KNOWN);
  const fromFile = file?.values ?? {};
  wrong.push(...(file?.wrong ?? []));
  for (const name of Object.keys(environment)) {
    const complaint = unknownInEnvironment(name);
    if (complaint !== undefined) wrong.push(complaint);
  }
  const parsed = NAMES.map((name): readonly [Name, unknown] => {
    const given = textOf(name, [environment, fromFile], wrong);
    const { standard, rule } = SETTINGS[name];
    const result = rule.safeParse(given ?? standard);
    if (!result.success) {
      // A key is not echoed.
      const was = name === 'PORTCULLIS_KEY' ? '' : `, not ${JSON.stringify(shown(given ?? ''))}`;
      wrong.push(`${name} ${result.error.issues[0]?.message ?? 'is not valid'}${was}.`);
    }
    return [name, result.success ? result.data : fallback(name)];
  });
  return { config: Object.fromEntries(parsed) as Config, wrong };
}

/** A folder that is not understood is nowhere. */
const fallback = (name: Name): unknown => {
  const { standard, rule } = SETTINGS[name];
  return rule === path ? '' : rule.parse(standard);
};

/** The value itself or what its file holds, from the first source that names either. */
function textOf(name: Name, sources: readonly Environment[], wrong: string[]): string | undefined {
  for (const source of sources) {
    const value = source[name];
    const file = source[`${name}_FILE`];
    if (value !== undefined && file !== undefined)
      wrong.push(`${name} and ${name}_FILE are both set; keep one of them.`);
    if (value !== undefined) return value;
    if (file === undefined) continue;
    try {
      return readFileSync(resolve(PROJECT_FOLDER, file), 'utf8').replace(/\r?\n$/, '');
    } catch (cause) {
      wrong.push(`${name}_FILE can not be read: ${(cause as Error).message}.`);
      return undefined;
    }
  }
  return undefined;
}

/** The environment belongs to many programs: only what can be meant for us is looked at. */
function unknownInEnvironment(name: string): string | undefined {
  if (KNOWN.includes(name)) return undefined;
  if (name.startsWith('PORTCULLIS_'))
    return `${shown(name)} (in the environment) is not a setting${suggestion(name, KNOWN)}`;
  const near = NAMES.find((known) => known.length >= NEAR_MISS_LENGTH_MIN && editDistance(name, known) === 1);
  return near && `${shown(name)} (in the environment) is not a setting; did you mean ${near}?`;
}

/** What is wrong with settings together, and what this version does not have: a start refuses rather than ignore it. */
export function refusedCombinations(config: Config): readonly string[] {
  const wrong: string[] = [];
  const loopback = LOOPBACK_NAME.test(config.HOST);
  if (!loopback && config.PORTCULLIS_ALLOWED_HOSTS.length === 0)
    wrong.push(
      `HOST=${config.HOST} is not loopback: set PORTCULLIS_ALLOWED_HOSTS to the names under which this gateway may be reached.`,
    );
  if (config.MCP_OAUTH_WRITE_SCOPE_ENABLED && !config.MCP_OAUTH_REQUIRE_APPROVAL)
    wrong.push(
      'MCP_OAUTH_WRITE_SCOPE_ENABLED=true needs MCP_OAUTH_REQUIRE_APPROVAL=true: a client that may trade is approved by the owner.',
    );
  if (config.MCP_HTTP_ENABLED && config.MCP_PUBLIC_URL === undefined)
    wrong.push(
      'MCP_PUBLIC_URL is required with MCP_HTTP_ENABLED=true: the origin under which clients reach this gateway.',
    );
  for (const name of ['MCP_HTTP_ENABLED', 'PORTCULLIS_PUBLIC_CONSOLE', 'PORTCULLIS_PUBLIC_REST'] as const)
    if (config[name])
      wrong.push(
        `${name}=true has nothing to switch on: this version serves no remote clients and has no public host; set it to false.`,
      );
  return wrong;
}

/** The text of `.env.example`: every setting with its purpose, at its default. */
export function envExample(): string {
  const lines = NAMES.filter((name) => name !== 'PORTCULLIS_KEY').map((name) => {
    const { about, standard } = SETTINGS[name];
    return `# ${about}\n${name}=${/[\s#]/.test(standard) ? `"${standard}"` : standard}\n`;
  });
  const head =
    '# Settings of Portcullis, each at its default: copy to .env and change what you need.\n# NAME_FILE=path reads a value from a file; relative paths start here. Written by `npm run env:example`.\n';
  return `${head}\n${lines.join('\n')}`;
}
