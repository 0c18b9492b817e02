/** The threads that a test has begun, from outside: how many there were, and which still run. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

export interface Threads {
  begun(): number;
  running(): number;
}

export function watchThreads(): Threads {
  let begun = 0;
  let running = 0;
  const heard = (message: unknown): void => {
    begun++;
    running++;
    (message as { readonly worker: Worker }).worker.once('exit', () => running--);
  };
  subscribe('worker_threads', heard);
  onTestFinished(() => void unsubscribe('worker_threads', heard));
  return { begun: () => begun, running: () => running };
}

/** Everything else has its turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
