/** Starts an engine for `stdio` in a process of its own: detached, without HTTP, ending by itself when nobody needs it. */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, ownEnvironment } from '#config.ts';
import { printable } from '#domain/refusal.ts';
import { ENGINE_FAILURE_LINES_MAX, ENGINE_GIVE_UP_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { PROJECT_FOLDER } from './project-folder.ts';

export interface StartedEngine {
  /** Why it is not going to come; undefined while it may. */
  failure(): string | undefined;
}

export function startLocalEngine(config: Config, clock: Clock): StartedEngine {
  mkdirSync(config.LOG_DIR, { recursive: true, mode: 0o700 });
  // Begun anew with every start: it holds what one engine had to say.
  const path = join(config.LOG_DIR, 'local-engine.log');
  const log = openSync(path, 'w', 0o600);
  const { PORTCULLIS_KEY: _, PORTCULLIS_KEY_FILE: __, ...environment } = ownEnvironment();
  const child = spawn(process.execPath, [join(PROJECT_FOLDER, 'server', 'main.ts'), 'serve', '--local'], {
    cwd: PROJECT_FOLDER,
    detached: true,
    stdio: ['ignore', log, log],
    env: environment,
  });
  closeSync(log);
  child.unref();
  let endedAtMs: number | undefined;
  let spawnFailure: string | undefined;
  child.once('error', (cause) => {
    spawnFailure = `The gateway can not be started: ${cause.message}.`;
  });
  child.once('exit', () => {
    endedAtMs = clock.monotonicMs();
  });
  return {
    failure() {
      if (spawnFailure !== undefined) return spawnFailure;
      // Two hosts that start at once start two engines: the one without the lock ends, and the other one is about to listen.
      if (endedAtMs === undefined || clock.monotonicMs() - endedAtMs < ENGINE_GIVE_UP_MS) return undefined;
      return `The gateway did not start: ${lastWords(path)}`;
    },
  };
}

function lastWords(path: string): string {
  try {
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    return lines.slice(-ENGINE_FAILURE_LINES_MAX).map(printable).join('\n');
  } catch {
    return 'its log can not be read.';
  }
}
