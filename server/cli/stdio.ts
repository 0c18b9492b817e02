/** `portcullis stdio`: a thin pipe between a host and the gateway; nothing but MCP ever goes to standard output. */

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join, resolve } from 'node:path';
import type { Config } from '#config.ts';
import {
  ENGINE_POLL_MS,
  ENGINE_WAIT_MS,
  SOCKET_GREETING_TIMEOUT_MS,
  SOCKET_HELLO_BYTES_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { GREETING_VERSION, greeting } from './agent-socket.ts';
import { bridge } from './bridge.ts';
import { CommandError, defineCommand, UsageError } from './command.ts';
import { nextLine, parseLine } from './line-stream.ts';
import { startLocalEngine } from './local-engine.ts';
import { dial, pause } from './reach.ts';
import { AGENT_SOCKET, findSocketFolder } from './socket-folder.ts';

export const stdio = defineCommand({
  name: 'stdio',
  summary: 'Speak MCP over standard input and output; starts a local engine when none runs.',
  verbs: {
    '': {
      summary:
        'Connects a host (Claude Code, Claude Desktop, Cursor) to the gateway over standard input and output.',
      options: {
        'key-file': {
          type: 'string',
          value: 'FILE',
          about: 'file with the API key to present (or PORTCULLIS_KEY)',
        },
        url: { type: 'string', value: 'URL', about: 'of a gateway elsewhere, over HTTP' },
      },
      async run(invocation) {
        const config = invocation.config();
        const key = keyOf(config, invocation.text('key-file'));
        const url = invocation.text('url');
        if (url !== undefined) return bridge(endpointOf(url), key);
        return pipe(await connectAgent(config, invocation.clock, key));
      },
    },
  },
});

/** `https://gate.example.com` means its `/mcp`. */
function endpointOf(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(
      `--url takes an address such as http://127.0.0.1:7800/mcp, not ${JSON.stringify(given)}.`,
    );
  if (url.pathname === '/') url.pathname = '/mcp';
  return url;
}

/** undefined: the agent `local`. */
function keyOf(config: Config, file: string | undefined): string | undefined {
  if (file === undefined) return config.PORTCULLIS_KEY === '' ? undefined : config.PORTCULLIS_KEY;
  let key: string;
  try {
    key = readFileSync(resolve(file), 'utf8').trim();
  } catch (cause) {
    throw new CommandError(`The key file can not be read: ${(cause as Error).message}.`);
  }
  // An empty file must not turn into the agent `local`, which needs no key.
  if (!/^[\x21-\x7e]{1,512}$/.test(key))
    throw new CommandError(`The key file ${file} does not hold one API key.`);
  return key;
}

/** Connects to agent.sock and has been greeted; starts an engine when nobody listens. */
async function connectAgent(config: Config, clock: Clock, key: string | undefined): Promise<Socket> {
  const deadlineMs = clock.monotonicMs() + ENGINE_WAIT_MS;
  let engine: ReturnType<typeof startLocalEngine> | undefined;
  for (;;) {
    const socket = await dial(join(findSocketFolder(config.DATA_DIR), AGENT_SOCKET));
    if (socket !== undefined) {
      const greeted = await greet(socket, clock, key);
      if (greeted === 'yes') return socket;
      socket.destroy();
      if (greeted === 'silence')
        throw new CommandError('The gateway runs but does not answer; the owner may restart it.');
    }
    engine ??= startLocalEngine(config, clock);
    const failure = engine.failure();
    if (failure !== undefined) throw new CommandError(failure);
    if (clock.monotonicMs() > deadlineMs) throw new CommandError('The gateway did not start in time.');
    await pause(clock, ENGINE_POLL_MS);
  }
}

async function greet(
  socket: Socket,
  clock: Clock,
  key: string | undefined,
): Promise<'yes' | 'ended' | 'silence'> {
  socket.write(greeting(key));
  const line = await nextLine(socket, {
    clock,
    withinMs: SOCKET_GREETING_TIMEOUT_MS,
    bytesMax: SOCKET_HELLO_BYTES_MAX,
  });
  if (parseLine(line)?.['portcullis'] === GREETING_VERSION) return 'yes';
  return socket.readableEnded || socket.destroyed ? 'ended' : 'silence';
}

/** Until one side ends: 0 when the host did, 1 when the gateway went away under it. */
function pipe(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let hostEnded = false;
    const { stdin, stdout } = process;
    stdin.once('end', () => {
      hostEnded = true;
      socket.end();
    });
    // A host that stopped reading is gone.
    stdout.once('error', () => {
      hostEnded = true;
      socket.destroy();
    });
    socket.once('close', () => {
      stdin.destroy();
      if (hostEnded) resolve(0);
      else reject(new CommandError('The gateway went away; start this again once it runs.'));
    });
    socket.once('end', () => socket.end());
    stdin.pipe(socket, { end: false });
    socket.pipe(stdout, { end: false });
  });
}
