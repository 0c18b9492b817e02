/** The gateway as its users run it: `serve` in a process of its own, everything on, on data in a folder of its own. */
import { join } from 'node:path';
import { openOffice } from '#cli/office.ts';
import { wallClock } from '#clock.ts';
import { type Config, loadConfig } from '#config.ts';
import { OWNER_CLI, SCOPES, type Scope } from '#domain/principal.ts';
import type { Bench } from './figure.ts';
import { type Program, start } from './process.ts';

/** Limits are on and counted; only nobody shall run into them. */
const HIGH_RATE = '100000 per second';

/** As `npm start` does: short-lived objects are given 12 MB instead of 48, and calls are answered as fast. */
const AS_STARTED: readonly string[] = ['--max-semi-space-size=4'];

export interface GatewayOptions {
  /** Of an earlier one, to go on with its data, or one that has been filled. */
  readonly folder: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
}

export interface ServedGateway extends Program {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
}

export const settingsIn = (
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => ({
  PORT: '0',
  DATA_DIR: join(folder, 'data'),
  LOG_DIR: join(folder, 'log'),
  MCP_OAUTH_KEYS_DIR: join(folder, 'keys'),
  PORTCULLIS_RATE_LIMIT_READ: HIGH_RATE,
  PORTCULLIS_RATE_LIMIT_WRITE: HIGH_RATE,
  PORTCULLIS_THROTTLE_REFUSALS: HIGH_RATE,
  PORTCULLIS_THROTTLE_EXECUTIONS: HIGH_RATE,
  ...settings,
});

export const configIn = (folder: string, settings: Readonly<Record<string, string>> = {}): Config =>
  loadConfig({ environment: settingsIn(folder, settings) });

/** While no engine runs on the folder: a key of an agent, which is created when it is new. */
export function makeKey(folder: string, agent = 'bench', scopes: readonly Scope[] = SCOPES): string {
  const office = openOffice(configIn(folder), wallClock);
  try {
    const made = office.access.keys.create({ agent, scopes, by: OWNER_CLI });
    if (!made.ok) throw new Error(made.error.detail);
    return made.value.key;
  } finally {
    office.close();
  }
}

export async function serveGateway(
  bench: Pick<Bench, 'onEnd'>,
  { folder, settings, nodeOptions = AS_STARTED }: GatewayOptions,
): Promise<ServedGateway> {
  const program = await start(bench, {
    file: 'server/main.ts',
    args: ['serve'],
    settings: settingsIn(folder, settings),
    nodeOptions,
    says: /Listens on\s+(http:\/\/\S+)[^]*Ctrl-C/,
  });
  return { ...program, url: program.said };
}
