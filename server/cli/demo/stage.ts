/** The stage of the demo: a real gateway on a temporary folder, agents that connect as hosts do, and the owner's command line. */
import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { z } from 'zod';
import { ACTS } from '#cli/acts.ts';
import { CommandError } from '#cli/command.ts';
import { pause } from '#cli/reach.ts';
import { LAUNCHER } from '#cli/snippets.ts';
import { productVersion } from '#cli/version.ts';
import { type Gateway, openGateway } from '#compose.ts';
import { environmentWith, loadConfig } from '#config.ts';
import { DEMO_POLL_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { RefusalShape } from '#tools/shapes.ts';

/** What the story says did not happen: exit 1. */
export class DemoError extends CommandError {}

export type Refused = z.output<typeof RefusalShape>;

export interface Agent {
  readonly name: string;
  readonly protocol: string;
  readonly tools: number;
  /** The parsed answer of a tool; throws DemoError when it refused. */
  ask<S extends z.ZodType>(tool: string, shape: S, args?: object): Promise<z.output<S>>;
  /** The refusal; throws DemoError when there was none. */
  refusedAt(tool: string, args: object): Promise<Refused>;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Stage {
  readonly gateway: Gateway;
  readonly url: string;
  readonly folder: string;
  readonly clock: Clock;
  overStdio(): Promise<Agent>;
  overHttp(name: string, key: string): Promise<Agent>;
  /** Runs `portcullis …` in a process of its own on the demo's data. */
  cli(...args: readonly string[]): Promise<Ran>;
  /** The first value that is not undefined; throws DemoError after `withinMs`. */
  until<T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T>;
  close(): Promise<void>;
}

export interface Play {
  readonly tape: string;
  readonly symbol: string;
  readonly barSeconds: string;
}

export async function setStage(play: Play, clock: Clock): Promise<Stage> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'portcullis-demo-'));
  const settings = {
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'silent',
    DATA_DIR: join(folder, 'data'),
    LOG_DIR: join(folder, 'log'),
    MCP_OAUTH_KEYS_DIR: join(folder, 'keys'),
    PAPER_TAPE: play.tape,
    PAPER_SYMBOL: play.symbol,
    PAPER_BAR_SECONDS: play.barSeconds,
    PAPER_SEED: '7',
    PORTCULLIS_KEY: '',
  };
  const closers: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
  };
  const environment = environmentWith(settings);
  try {
    const gateway = await openGateway(loadConfig({ environment: settings }), {
      clock,
      command: 'demo',
      acts: ACTS,
      log: () => undefined,
    });
    closers.push(() => gateway.stop());
    await gateway.start();
    skipToTheOpening(gateway);
    const url = gateway.url() ?? '';
    const join_ = async (name: string, transport: Parameters<Client['connect']>[0]): Promise<Agent> => {
      const client = new Client(
        { name, version: productVersion() },
        { versionNegotiation: { mode: 'auto' } },
      );
      await client.connect(transport);
      closers.push(() => client.close());
      return agentOf(name, client);
    };
    return {
      gateway,
      url,
      folder,
      clock,
      overStdio: () =>
        join_(
          'local',
          new StdioClientTransport({
            command: process.execPath,
            args: [LAUNCHER, 'stdio'],
            env: environment,
          }),
        ),
      overHttp: (name, key) =>
        join_(
          name,
          new StreamableHTTPClientTransport(new URL('/mcp', url), {
            requestInit: { headers: { authorization: `Bearer ${key}` } },
          }),
        ),
      cli: (...args) => runCli(args, environment),
      async until(what, withinMs, look) {
        const deadlineMs = clock.monotonicMs() + withinMs;
        for (;;) {
          const found = await look();
          if (found !== undefined) return found;
          if (clock.monotonicMs() > deadlineMs)
            throw new DemoError(`${what} did not happen within ${withinMs / 1_000} s.`);
          await pause(clock, DEMO_POLL_MS);
        }
      },
      close,
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** A tape may begin before its market opens, when a market order would only wait. */
function skipToTheOpening({ feed, tape }: Gateway): void {
  const { id } = tape.instrument;
  const atMost = tape.length * feed.timing().stepsPerBar;
  for (let step = 0; step < atMost && feed.phase(id)?.phase !== 'open'; step++) feed.stepOnce();
}

async function agentOf(name: string, client: Client): Promise<Agent> {
  const { tools } = await client.listTools();
  const call = async (tool: string, args: object = {}) => {
    const result = await client.callTool({ name: tool, arguments: { ...args } });
    return { refused: result.isError === true, content: result.structuredContent };
  };
  return {
    name,
    protocol: client.getNegotiatedProtocolVersion() ?? 'unknown',
    tools: tools.length,
    async ask(tool, shape, args) {
      const { refused, content } = await call(tool, args);
      if (refused) throw new DemoError(`${name}: ${tool} was refused: ${RefusalShape.parse(content).detail}`);
      return shape.parse(content);
    },
    async refusedAt(tool, args) {
      const { refused, content } = await call(tool, args);
      if (!refused) throw new DemoError(`${name}: ${tool} was not refused.`);
      return RefusalShape.parse(content);
    },
  };
}

function runCli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [LAUNCHER, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
