/** Real processes for what only a real process shows: locks, and death at any moment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export interface Child {
  /** The next line of its standard output; undefined when it has ended. */
  line(): Promise<string | undefined>;
  /** `kill -9`, and waits until the kernel has buried it. */
  kill(): Promise<void>;
  /** Waits for its end; the exit code, or null when a signal ended it. */
  end(): Promise<number | null>;
}

/** Runs a TypeScript file of the tests under the same Node, with a limit on file sizes when one is given. */
export function startChild(
  file: URL,
  args: readonly string[],
  options: { readonly fileBlocksMax?: number } = {},
): Child {
  const command = [process.execPath, file.pathname, ...args];
  const { fileBlocksMax } = options;
  const child =
    fileBlocksMax === undefined
      ? spawn(process.execPath, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
      : spawn('sh', ['-c', `ulimit -f ${fileBlocksMax}; exec "$@"`, 'sh', ...command], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
  const ended = endOf(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    async line() {
      const next = await lines.next();
      return next.done ? undefined : next.value;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    end: () => ended,
  };
}

async function endOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}
