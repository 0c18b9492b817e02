/** What to paste into a host so that it finds this gateway: absolute paths, because hosts start elsewhere with a Node of their own. */

import { join } from 'node:path';
import { type Config, loadConfig, ownSources } from '#config.ts';
import { PROJECT_FOLDER } from './project-folder.ts';

/** The launcher, which finds a Node that can run the gateway. */
export const LAUNCHER: string = join(PROJECT_FOLDER, 'bin', 'portcullis.mjs');

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** What the host must pass on because it stands in the environment of this process alone. */
  readonly env: Readonly<Record<string, string>>;
}

export const stdioLaunch = (config: Config): Launch => ({
  command: process.execPath,
  args: [LAUNCHER, 'stdio'],
  env: foldersOf(config),
});

const FOLDERS = ['DATA_DIR', 'LOG_DIR', 'MCP_OAUTH_KEYS_DIR'] as const;

/** Folders that a process without our environment would not find. */
function foldersOf(config: Config): Readonly<Record<string, string>> {
  const { envFile } = ownSources();
  const bare = loadConfig({ environment: {}, ...(envFile === undefined ? {} : { envFile }) });
  return Object.fromEntries(
    FOLDERS.filter((name) => bare[name] !== config[name]).map((name) => [name, config[name]]),
  );
}

/** For a POSIX shell. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export function claudeCodeStdio({ command, args, env }: Launch): string {
  const set = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  return ['claude', 'mcp', 'add', 'portcullis', ...set, '--', command, ...args].map(quoted).join(' ');
}

export const claudeCodeHttp = (url: string): string =>
  `claude mcp add --transport http portcullis ${url}/mcp --header "Authorization: Bearer pcl_…"`;

/** Of Cursor (`mcp.json`) and Claude Desktop (`claude_desktop_config.json`) alike. */
export function hostConfig({ command, args, env }: Launch): string {
  const portcullis = { command, args, ...(Object.keys(env).length === 0 ? {} : { env }) };
  return JSON.stringify({ mcpServers: { portcullis } }, null, 2);
}

export const cursorHttpConfig = (url: string): string =>
  JSON.stringify(
    { mcpServers: { portcullis: { url: `${url}/mcp`, headers: { Authorization: 'Bearer pcl_…' } } } },
    null,
    2,
  );
