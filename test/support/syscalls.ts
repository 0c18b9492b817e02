/** What a program asked of the kernel, in order, as strace writes it down. */
import { spawnSync } from 'node:child_process';

export interface Syscall {
  readonly name: string;
  /** What the descriptor stands for: a file's path, or `TCP:[…]`. */
  readonly of: string;
  /** What was written; long enough for a page of the database. */
  readonly text: string;
}

/** Why nothing can be traced here, or undefined. */
export function whyNoTrace(): 'missing' | 'forbidden' | undefined {
  const tried = spawnSync('strace', ['-o', '/dev/null', 'true'], { encoding: 'utf8' });
  if (tried.error !== undefined) return 'missing';
  return tried.status === 0 ? undefined : 'forbidden';
}

/** In front of a command: writes and syncs of it and its threads go to `file`. */
export const traced = (file: string): readonly string[] => [
  '-f',
  '-yy',
  '-s',
  '5000',
  '-e',
  'trace=pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync',
  '-o',
  file,
];

/**
 * A call that another thread interrupts stands on two lines: a write counts from where it began, because the kernel may have taken
 * it then; a sync from where it ended, because only then it is done.
 */
export function syscallsIn(trace: string): readonly Syscall[] {
  const begun = new Map<string, Syscall>();
  const found: Syscall[] = [];
  for (const line of trace.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>.*= (-?\d+)/.exec(rest);
    if (resumed !== null) {
      const call = begun.get(thread);
      if (call !== undefined && isSync(call) && resumed[2] === '0') found.push(call);
      begun.delete(thread);
      continue;
    }
    const [, name = '', of = '', text = ''] = /^(\w+)\(\d+<([^\0]*?)>([^\0]*)$/.exec(rest) ?? [];
    if (name === '') continue;
    const call: Syscall = { name, of, text };
    if (!rest.includes('<unfinished')) {
      if (!isSync(call) || rest.endsWith('= 0')) found.push(call);
      continue;
    }
    begun.set(thread, call);
    if (!isSync(call)) found.push(call);
  }
  return found;
}

export const isSync = ({ name }: Syscall): boolean => name === 'fdatasync' || name === 'fsync';
