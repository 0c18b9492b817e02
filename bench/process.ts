/** Programs in processes of their own, so that what is measured does not share a thread with who measures. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { environmentWith } from '#config.ts';
import type { Bench } from './figure.ts';

/** Each must have said so by then. */
const START_TIMEOUT_MS = 60_000;
const KILL_AFTER_MS = 10_000;

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The first group of the pattern it was waited for with. */
  readonly said: string;
  /** From its start until it had said it. */
  readonly startedInMs: number;
  /** Asks it to end, and waits. */
  stop(): Promise<void>;
}

export interface ProgramOptions {
  /** From the project folder: `bench/echo-server.ts`. */
  readonly file: string;
  readonly args?: readonly string[];
  /** Settings of the gateway; nothing of the real environment's settings reaches it. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
  /** On standard output, once it works. */
  readonly says: RegExp;
}

const pathOf = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

/** Starts a program and waits until it works; it ends with the figure at the latest. */
export async function start(bench: Pick<Bench, 'onEnd'>, options: ProgramOptions): Promise<Program> {
  const { file, args = [], settings = {}, nodeOptions = [], says } = options;
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...nodeOptions, pathOf(file), ...args], {
    env: environmentWith(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = stopper(child);
  bench.onEnd(stop);
  const said = await heard(child, says, `${file} ${args.join(' ')}`);
  return { pid: child.pid ?? 0, child, said, startedInMs: performance.now() - startedMs, stop };
}

/** Asks a program that has just been started to end, and waits; one that does not is killed. */
export function stopper(child: ChildProcess): () => Promise<void> {
  const ended = once(child, 'close');
  return async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const impatience = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    await ended;
    clearTimeout(impatience);
  };
}

function heard(child: ChildProcess, says: RegExp, what: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let output = '';
  let errors = '';
  const timer = setTimeout(
    () => reject(new Error(`${what} did not start in ${START_TIMEOUT_MS / 1_000} s.`)),
    START_TIMEOUT_MS,
  );
  const listen = (text: string): void => {
    output += text;
    const match = says.exec(output);
    if (match) resolve(match[1] ?? '');
  };
  child.stdout?.setEncoding('utf8').on('data', listen);
  // Read to the end, or a program that logs would wait for us; the last words are kept for a failure.
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-2_000);
  });
  child.once('close', (code) => reject(new Error(`${what} ended with ${String(code)}: ${errors}`)));
  return promise.finally(() => {
    clearTimeout(timer);
    child.stdout?.off('data', listen).resume();
  });
}

/** Ticks of /proc, as Linux has them on every machine of today. */
const TICKS_PER_SECOND = 100;

/** What the process has used of processors so far; NaN where the system does not tell that finely. */
export function processorMs(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  // After the name, which may hold spaces: fields 14 and 15 of proc(5), user and system.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

/** What the process holds in memory now, in MB (10^6 bytes). */
export async function residentMemory(pid: number): Promise<number> {
  if (process.platform === 'linux') {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return (Number(kilobytes) * 1_024) / 1e6;
  }
  const ps = spawn('ps', ['-o', 'rss=', '-p', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  ps.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(ps, 'close');
  return (Number(output) * 1_024) / 1e6;
}
