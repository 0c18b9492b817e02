/** One piece of work in a thread of its own that answers with one message: bounded in time, ended from outside, and nothing a process stays for. */
import { Worker } from 'node:worker_threads';
import type { Clock } from './ports.ts';

/** It was ended before it had answered. */
export class ThreadEnded extends Error {
  override readonly name = 'ThreadEnded';
  readonly why: 'late' | 'stopped';

  constructor(why: 'late' | 'stopped') {
    super(`The thread was ended before it had answered (${why}).`);
    this.why = why;
  }
}

export interface ThreadWork {
  /** A module that posts one message to its parent. */
  readonly module: URL;
  /** Plain data, which is copied. */
  readonly data: unknown;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export interface Thread<T> {
  /** Rejects with ThreadEnded at once when it is ended, and with what the module threw. */
  readonly message: Promise<T>;
  /** When nothing of it is left: what hangs in a call of the system goes later than it is ended. */
  readonly gone: Promise<void>;
  end(): void;
}

export function inThread<T>({ module, data, timeoutMs, clock }: ThreadWork): Thread<T> {
  const worker = new Worker(module, { workerData: data });
  worker.unref();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const end = (why: ThreadEnded['why']): void => {
    reject(new ThreadEnded(why));
    void worker.terminate();
  };
  const cancel = clock.after(timeoutMs, () => end('late'));
  worker.once('message', resolve);
  worker.once('error', reject);
  const gone = new Promise<void>((left) => {
    worker.once('exit', () => {
      reject(new ThreadEnded('stopped'));
      left();
    });
  });
  return { message: promise.finally(cancel), gone, end: () => end('stopped') };
}
