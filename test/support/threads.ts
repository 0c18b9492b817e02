/** The threads that a test has begun, from outside: how many there were, which still run, and which were cut off. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

export interface Threads {
  begun(): number;
  /** Resolves when one is at work. */
  atWork(): Promise<void>;
  running(): number;
  /** Those that were ended while they were at work. */
  cut(): number;
}

export function watchThreads(): Threads {
  const count = { begun: 0, atWork: 0, running: 0, cut: 0 };
  const heard = (message: unknown): void => {
    const { worker } = message as { readonly worker: Worker };
    count.begun++;
    count.running++;
    worker.once('online', () => count.atWork++);
    worker.once('exit', (code) => {
      count.running--;
      if (code !== 0) count.cut++;
    });
  };
  subscribe('worker_threads', heard);
  onTestFinished(() => void unsubscribe('worker_threads', heard));
  return {
    begun: () => count.begun,
    async atWork() {
      while (count.atWork === 0) await turn();
    },
    running: () => count.running,
    cut: () => count.cut,
  };
}

/** Everything else has its turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
