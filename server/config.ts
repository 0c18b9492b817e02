/** The settings: one declaration each of name, purpose, default and rule; the only reader of the environment and of `.env`. */
import { join } from 'node:path';
import { z } from 'zod';
import { PRESETS } from '#brokers/paper/settings.ts';
import { readEnvFile, shown, textGiven, unknownInEnvironment } from '#cli/env-file.ts';
import { PROJECT_FOLDER } from '#cli/project-folder.ts';
import {
  addresses,
  amount,
  flag,
  hosts,
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
import { err, ok, type Result } from '#domain/result.ts';

/** Whether the owner may store it in the database, under the environment and `.env`, and when a change of it acts. */
export type Storing =
  | { readonly kind: 'at_once' }
  | { readonly kind: 'at_next_start' }
  | { readonly kind: 'never'; readonly why: string };

const AT_ONCE = { kind: 'at_once' } as const satisfies Storing;
const AT_NEXT_START = { kind: 'at_next_start' } as const satisfies Storing;
const never = (why: string): Storing => ({ kind: 'never', why });

const LISTENING = never('a wrong one would shut you out of this page');
const FOLDER = never('stored settings lie in these folders, so it must be known before they can be read');

function setting<T>(about: string, standard: string, rule: z.ZodType<T, string>, storing: Storing) {
  return { about, standard, rule, storing };
}

/** In the order of `.env.example`, which is written from here. */
const SETTINGS = {
  HOST: setting(
    'Address to listen on; anything but loopback needs PORTCULLIS_ALLOWED_HOSTS.',
    '127.0.0.1',
    z
      .string()
      .regex(/^(?:[0-9a-f:.]+|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)$/i, must('an address or a host name')),
    LISTENING,
  ),
  PORT: setting('Port to listen on; 0 takes any free one.', '7800', whole(0, 65_535), LISTENING),
  DATA_DIR: setting('Folder of the database and the sockets.', 'data', path, FOLDER),
  LOG_DIR: setting('Folder of the audit record.', 'log', path, FOLDER),
  TRUSTED_PROXIES: setting(
    "Addresses of proxies whose word on a client's address is believed.",
    '',
    addresses,
    AT_NEXT_START,
  ),
  LOG_LEVEL: setting(
    'How much is logged to standard error: fatal, error, warn, info, debug, trace or silent.',
    'info',
    z.enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      must('fatal, error, warn, info, debug, trace or silent'),
    ),
    AT_ONCE,
  ),
  PORTCULLIS_TIMEZONE: setting('Zone in which a mandate day begins and ends.', 'UTC', zone, AT_NEXT_START),
  PORTCULLIS_ALLOWED_HOSTS: setting(
    'Further names under which this gateway is reached, with or without a port.',
    '',
    hosts,
    AT_NEXT_START,
  ),
  PORTCULLIS_PUBLIC_CONSOLE: setting('Serve /admin on the public host too.', 'false', flag, AT_NEXT_START),
  PORTCULLIS_PUBLIC_REST: setting(
    'Serve /api/v1 and /docs on the public host too.',
    'false',
    flag,
    AT_NEXT_START,
  ),
  PORTCULLIS_RATE_LIMIT_READ: setting(
    'Reads an agent may make with keys and over stdio.',
    '600 per minute',
    rate,
    AT_ONCE,
  ),
  PORTCULLIS_RATE_LIMIT_WRITE: setting(
    'Writes an agent may make with keys and over stdio.',
    '120 per minute',
    rate,
    AT_ONCE,
  ),
  PORTCULLIS_THROTTLE_REFUSALS: setting(
    'Orders of an agent that may be refused before it may only reduce, until you lift it.',
    '100 per minute',
    rate,
    AT_ONCE,
  ),
  PORTCULLIS_THROTTLE_EXECUTIONS: setting(
    'Orders an agent may send before it may only reduce, until you lift it.',
    '600 per minute',
    rate,
    AT_ONCE,
  ),
  MCP_HTTP_ENABLED: setting(
    'Serve MCP to remote clients (needs MCP_PUBLIC_URL).',
    'false',
    flag,
    AT_NEXT_START,
  ),
  MCP_PUBLIC_URL: setting(
    'Origin under which remote clients reach this gateway, such as https://gate.example.com.',
    '',
    publicOrigin,
    AT_NEXT_START,
  ),
  MCP_LOOPBACK_URL: setting(
    'Accepted and not needed: dispatch is in the process.',
    '',
    z.string(),
    never('nothing needs it'),
  ),
  MCP_OAUTH_REQUIRE_APPROVAL: setting('The owner approves every new remote client.', 'true', flag, AT_ONCE),
  MCP_OAUTH_WRITE_SCOPE_ENABLED: setting(
    'Remote clients may hold write scopes at all.',
    'false',
    flag,
    AT_ONCE,
  ),
  MCP_HTTP_CORS_ORIGINS: setting(
    'Origins whose web pages may call while remote MCP is on.',
    'https://claude.ai,https://chatgpt.com',
    origins,
    AT_ONCE,
  ),
  MCP_HTTP_IP_ALLOWLIST: setting(
    'Addresses that may connect (while remote MCP is on: to /mcp and, where served, /admin, /api/v1 and /docs); empty: loopback only while it is off, any while it is on.',
    '',
    addresses,
    AT_ONCE,
  ),
  MCP_OAUTH_ACCESS_TTL: setting('Seconds an access token lives.', '900', whole(1, 3_600), AT_ONCE),
  MCP_OAUTH_REFRESH_TTL: setting('Seconds a refresh token lives.', '2592000', whole(1, 31_536_000), AT_ONCE),
  MCP_OAUTH_CODE_TTL: setting('Seconds an authorization code lives.', '60', whole(1, 300), AT_ONCE),
  MCP_RATE_LIMIT_READ: setting(
    'Reads an agent may make through remote clients.',
    '60 per minute',
    rate,
    AT_ONCE,
  ),
  MCP_RATE_LIMIT_WRITE: setting(
    'Writes an agent may make through remote clients.',
    '50 per minute',
    rate,
    AT_ONCE,
  ),
  MCP_OAUTH_KEYS_DIR: setting('Folder of all keys of this gateway.', 'keys', path, FOLDER),
  PAPER_TAPE: setting(
    'Recorded prices of the paper account: sample (S&P 500, daily) or a CSV file.',
    'sample',
    tapeFile,
    AT_NEXT_START,
  ),
  PAPER_SYMBOL: setting(
    'What a CSV file is the tape of, such as SPY; the sample is SPX.',
    '',
    z.string(),
    AT_NEXT_START,
  ),
  PAPER_BAR_SECONDS: setting('Seconds of wall time that one bar of the tape takes.', '10', seconds, AT_ONCE),
  PAPER_PRESET: setting(
    'How hard the paper market is: friendly, realistic or hostile.',
    'realistic',
    z.enum(PRESETS, must('friendly, realistic or hostile')),
    AT_ONCE,
  ),
  PAPER_SEED: setting('Same tape and seed, same fills.', '1', whole(0, 2_147_483_647), AT_ONCE),
  PAPER_CASH: setting('Opening deposit of the first paper account.', '100000', amount, AT_ONCE),
  PAPER_ACCOUNT_TYPE: setting(
    'cash, or margin, which may sell short.',
    'margin',
    z.enum(['cash', 'margin'], must('cash or margin')),
    AT_ONCE,
  ),
  PORTCULLIS_KEY: setting(
    'API key that `portcullis stdio` presents; without one it is the agent `local`.',
    '',
    z.string(),
    never('it is a secret of whoever runs `portcullis stdio`, not of this gateway'),
  ),
} as const;

export type SettingName = keyof typeof SETTINGS;
/** The first of these that names a setting decides it. */
export type SettingSource = 'environment' | '.env' | 'stored' | 'standard';
/** Every setting by its own name, parsed, and where each comes from. */
export type Config = { readonly [name in SettingName]: z.output<(typeof SETTINGS)[name]['rule']> } & {
  readonly given: { readonly [name in SettingName]: Given };
};
export interface Given {
  readonly source: SettingSource;
  /** As it was written; empty for a secret. */
  readonly text: string;
}

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];
const SECRET: SettingName = 'PORTCULLIS_KEY';
/** `PORT`, and `PORT_FILE` for the file it is read from. */
const KNOWN: readonly string[] = SETTING_NAMES.flatMap((name) => [name, `${name}_FILE`]);

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
    const complaint = unknownInEnvironment(name, SETTING_NAMES);
    if (complaint !== undefined) wrong.push(complaint);
  }
  const values: Partial<Record<SettingName, unknown>> = {};
  const given: Partial<Record<SettingName, Given>> = {};
  for (const name of SETTING_NAMES) {
    const found = textGiven(name, { environment, '.env': fromFile }, wrong);
    const { standard } = SETTINGS[name];
    const value = settingValue(name, found?.text ?? standard);
    // A key is not echoed.
    const was = name === SECRET ? '' : `, not ${JSON.stringify(shown(found?.text ?? ''))}`;
    if (!value.ok) wrong.push(`${name} ${value.error}${was}.`);
    values[name] = value.ok ? value.value : fallback(name);
    given[name] = found ?? { source: 'standard', text: standard };
  }
  given[SECRET] = { source: given[SECRET]?.source ?? 'standard', text: '' };
  return { config: { ...values, given } as Config, wrong };
}

/** The value of a text, or half a sentence on the rule that it breaks. */
export function settingValue(name: SettingName, text: string): Result<unknown, string> {
  const parsed = SETTINGS[name].rule.safeParse(text);
  return parsed.success ? ok(parsed.data) : err(parsed.error.issues[0]?.message ?? 'is not valid');
}

/** The same settings with these in their place. Throws for a text that breaks its rule. */
export function withSettings(config: Config, changed: Readonly<Partial<Record<SettingName, Given>>>): Config {
  const names = SETTING_NAMES.filter((name) => changed[name] !== undefined);
  const values = names.map((name) => [name, SETTINGS[name].rule.parse(changed[name]?.text)] as const);
  return { ...config, ...Object.fromEntries(values), given: { ...config.given, ...changed } } as Config;
}

/** What a form needs to know of a setting. */
export function declarationOf(name: SettingName) {
  const { about, standard, storing, rule } = SETTINGS[name];
  const words = rule instanceof z.ZodEnum ? rule.options.map(String) : undefined;
  return {
    about,
    standard,
    storing,
    secret: name === SECRET,
    choices: rule === flag ? ['false', 'true'] : words,
  };
}

/** A folder that is not understood is nowhere. */
const fallback = (name: SettingName): unknown => {
  const { standard, rule } = SETTINGS[name];
  return rule === path ? '' : rule.parse(standard);
};

/** The text of `.env.example`: every setting with its purpose, at its default. */
export function envExample(): string {
  const lines = SETTING_NAMES.filter((name) => name !== SECRET).map((name) => {
    const { about, standard } = SETTINGS[name];
    return `# ${about}\n${name}=${/[\s#]/.test(standard) ? `"${standard}"` : standard}\n`;
  });
  const head =
    '# Settings of Portcullis, each at its default: copy to .env and change what you need.\n# NAME_FILE=path reads a value from a file; relative paths start here. Written by `npm run env:example`.\n';
  return `${head}\n${lines.join('\n')}`;
}
