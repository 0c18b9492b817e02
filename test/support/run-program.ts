/** Somebody else's program in a process of its own: its own home, nothing of our environment, a bound on its time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Run {
  /** Null when a signal ended it: it took too long. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  /** Its home and working directory: whatever it keeps is kept there. */
  readonly home: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

export const environmentAt = (home: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  // What would be a person's window is nobody's here.
  BROWSER: 'false',
});

/** Runs a JavaScript program under the same Node, with nothing to read. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { home, timeoutMs, env = {} }: ProgramOptions,
): Promise<Run> {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: home,
    env: { ...environmentAt(home), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}
