// The product as its users run it: a copy of the clone, the launcher in a process of its own, data in a temporary folder.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentIn } from './gateway.ts';

const CLONE = fileURLToPath(new URL('../../', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when the output has matched; throws when the process ended before. */
  says(pattern: RegExp): Promise<RegExpMatchArray>;
  signal(signal: NodeJS.Signals): void;
  /** Waits for its end. */
  ended(): Promise<Ran>;
  /** SIGTERM, and waits. */
  stop(): Promise<Ran>;
}

export interface Portcullis {
  /** The copy of the clone: put a `.env` here. */
  readonly project: string;
  /** data, log and keys lie in it; another one for every `fresh`. */
  readonly folder: string;
  readonly dataFolder: string;
  readonly launcher: string;
  env(settings?: Readonly<Record<string, string>>): Record<string, string>;
  run(args: readonly string[], settings?: Readonly<Record<string, string>>, input?: string): Promise<Ran>;
  /** What the command printed with --json; throws when it failed. */
  json(args: readonly string[], settings?: Readonly<Record<string, string>>): Promise<unknown>;
  start(args: readonly string[], settings?: Readonly<Record<string, string>>): Running;
  /** In a terminal, under `pid N`; `after` is a shell's line that runs in it then. Only where `hasTerminals`. */
  inTerminal(args: readonly string[], after?: string): Running;
  /** `serve` on a free port, once it serves; with its address. */
  serve(settings?: Readonly<Record<string, string>>): Promise<Running & { readonly url: string }>;
  /** The process that holds the engine lock. */
  enginePid(): number | undefined;
  /** The same clone with data of its own. */
  fresh(): Portcullis;
  close(): Promise<void>;
}

/** `script` of util-linux gives a program a terminal of its own. */
export const hasTerminals = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes(
  'util-linux',
);

export function copyOfTheClone(): Portcullis {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'pcl-cli-'));
  const project = join(root, 'clone');
  mkdirSync(project);
  for (const part of ['server', 'bin', 'views', 'package.json'])
    cpSync(join(CLONE, part), join(project, part), { recursive: true });
  symlinkSync(join(CLONE, 'node_modules'), join(project, 'node_modules'));
  return inFolder({ root, project, number: { next: 1 }, running: new Set() });
}

interface Copy {
  readonly root: string;
  readonly project: string;
  readonly number: { next: number };
  readonly running: Set<ChildProcess>;
}

/** Of ours nothing; what else a process needs. */
const bareEnvironment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
});

function inFolder(copy: Copy): Portcullis {
  const folder = join(copy.root, `f${copy.number.next++}`);
  mkdirSync(folder);
  const launcher = join(copy.project, 'bin', 'portcullis.mjs');
  const dataFolder = join(folder, 'data');
  const env = (settings: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    ...bareEnvironment(),
    // Else every copy would leave compiled code in the clone.
    NODE_COMPILE_CACHE: join(copy.root, 'compiled'),
    ...environmentIn(folder, settings),
  });

  function start(args: readonly string[], settings: Readonly<Record<string, string>> = {}): Running {
    const child = spawn(process.execPath, [launcher, ...args], { env: env(settings), cwd: copy.root });
    copy.running.add(child);
    return watch(child, () => copy.running.delete(child));
  }
  async function run(
    args: readonly string[],
    settings: Readonly<Record<string, string>> = {},
    input = '',
  ): Promise<Ran> {
    const running = start(args, settings);
    running.child.stdin?.end(input);
    return running.ended();
  }
  const portcullis: Portcullis = {
    project: copy.project,
    folder,
    dataFolder,
    launcher,
    env,
    run,
    async json(args, settings) {
      const ran = await run([...args, '--json'], settings);
      if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`);
      return JSON.parse(ran.stdout) as unknown;
    },
    start,
    inTerminal(args, after = 'exit $?') {
      const words = [process.execPath, launcher, ...args].map((word) => `'${word}'`).join(' ');
      const line = `sh -c 'echo "pid $$"; exec "$@"' sh ${words}; ${after}`;
      const child = spawn('script', ['-qefc', line, '/dev/null'], {
        env: env(),
        cwd: copy.root,
      });
      copy.running.add(child);
      return watch(child, () => copy.running.delete(child));
    },
    async serve(settings = {}) {
      const running = start(['serve'], settings);
      const [, url = ''] = await running.says(/Listens on\s+(http:\/\/\S+)[\s\S]*Ctrl-C/);
      return { ...running, url };
    },
    enginePid() {
      const path = join(dataFolder, 'lock.json');
      if (!existsSync(path)) return undefined;
      const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number };
      return pid;
    },
    fresh: () => inFolder(copy),
    async close() {
      for (const child of copy.running) child.kill('SIGKILL');
      endEngine(portcullis.enginePid());
      rmSync(copy.root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return portcullis;
}

/** A local engine is nobody's child any more; only one that we started stands in our lock file. */
export function endEngine(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function watch(child: ChildProcess, gone: () => void): Running {
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  const tell = (): void => {
    for (const look of waiting) look();
  };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    tell();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    tell();
  });
  // A command that ended before it read what was said to it.
  child.stdin?.on('error', () => undefined);
  const closed = once(child, 'close').then((): Ran => {
    gone();
    tell();
    return { code: child.exitCode, stdout, stderr };
  });
  let over = false;
  void closed.then(() => {
    over = true;
    tell();
  });
  return {
    pid: child.pid ?? 0,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(stdout) ?? pattern.exec(stderr);
          if (!found && !over) return;
          waiting.delete(look);
          if (found) resolve(found);
          else reject(new Error(`ended without ${String(pattern)}: ${stdout}${stderr}`));
        };
        waiting.add(look);
        look();
      }),
    signal: (signal) => void child.kill(signal),
    ended: () => closed,
    stop() {
      child.kill('SIGTERM');
      return closed;
    },
  };
}

export const MANDATE = {
  accounts: ['paper'],
  symbols: ['SPX'],
  sides: ['buy', 'sell'],
  order_types: ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'],
  max_order_qty: '100',
  max_order_value: '10000',
  max_daily_value: '50000',
  max_daily_orders: 50,
  max_daily_loss: '500',
  max_open_orders: 10,
  max_gross_exposure: '50000',
  trading_hours: 'any',
  expires_at: null,
  approval: 'never',
};
