/** How a host starts the stdio door: absolute paths, because hosts start elsewhere with a Node of their own. */

import { join } from 'node:path';
import { type Config, loadConfig, ownSources } from '#config.ts';
import type { StdioLaunch } from '#console/desks.ts';
import { PROJECT_FOLDER } from './project-folder.ts';

/** The launcher, which finds a Node that can run the gateway. */
export const LAUNCHER: string = join(PROJECT_FOLDER, 'bin', 'portcullis.mjs');

export const stdioLaunch = (config: Config): StdioLaunch => ({
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
