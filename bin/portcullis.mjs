#!/usr/bin/env node
// Starts Portcullis on a Node that can run it: this one, or the one that `npm ci` put beside it.
//
// Plain JavaScript for Node 18 and later, because whoever calls it (an MCP client, a shell) brings its own Node.

import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const OLDEST_NODE = /** @type {const} */ ([24, 12]);
const LAUNCHED = 'LAUNCHED_BY_PORTCULLIS';
/** Where a launched process hears that its launcher is gone. */
const LAUNCHER_FD = 3;

const self = realpathSync(fileURLToPath(import.meta.url));
const project = dirname(dirname(self));
const ownNode = join(project, 'node_modules', 'node', 'bin', 'node');

if (!existsSync(join(project, 'node_modules'))) {
  giveUp(`Portcullis is not installed yet: run \`npm ci\` in ${project}.`);
} else if (isRecentEnough(process.versions.node)) {
  if (process.env[LAUNCHED] !== undefined) dieWithLauncher();
  await import(pathToFileURL(join(project, 'server', 'main.ts')).href);
} else if (process.env[LAUNCHED] === undefined && existsSync(ownNode)) {
  runOn(ownNode);
} else {
  giveUp(
    `Portcullis needs Node ${OLDEST_NODE.join('.')} or later and this is ${process.version}: ` +
      `run \`npm ci\` in ${project}, which brings one along, or start it with a newer Node.`,
  );
}

/** @param {string} version */
function isRecentEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

/**
 * Runs this file again on another Node and is from then on a stand-in for it: signals go in, the end comes out.
 * @param {string} node
 */
function runOn(node) {
  const child = spawn(node, [self, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, [LAUNCHED]: '1' },
  });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'])) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole group; passing it on would count as the second, impatient one.
      const fromTerminal = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');
      if (!fromTerminal) child.kill(signal);
    });
  }
  child.on('error', (error) => giveUp(`Portcullis could not start ${node}: ${error.message}.`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // A signal that does not end this process must not make the end look like a success.
    process.exitCode = 128 + constants.signals[signal];
  });
}

/** kill -9 on the launcher means the gateway: an engine that its supervisor believes dead must not trade on. */
function dieWithLauncher() {
  delete process.env[LAUNCHED];
  const launcher = new Socket({ fd: LAUNCHER_FD, readable: true, writable: false });
  launcher.on('error', () => {});
  launcher.on('close', () => process.kill(process.pid, 'SIGKILL'));
  launcher.resume();
  launcher.unref();
}

/** @param {string} sentence */
function giveUp(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}
