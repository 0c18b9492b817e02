/** A program of the bench that is asked things and answers, over the channel to who started it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environmentWith } from '#config.ts';
import type { Bench } from './figure.ts';
import { stopper } from './process.ts';

export interface Child<A, T extends { readonly kind: string }> {
  /** The next thing of this kind that it says. */
  told<K extends T['kind']>(kind: K): Promise<Extract<T, { readonly kind: K }>>;
  ask(asked: A): void;
}

interface ChildOptions {
  /** Beside this file: `alpaca-server.ts`. */
  readonly file: string;
  readonly args?: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
}

/** Ends with the figure at the latest. */
export function startChild<A extends object, T extends { readonly kind: string }>(
  bench: Pick<Bench, 'onEnd'>,
  { file, args = [], settings = {} }: ChildOptions,
): Child<A, T> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [...args], {
    env: environmentWith(settings),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  bench.onEnd(stopper(child));
  return {
    told(kind) {
      const { promise, resolve, reject } =
        Promise.withResolvers<Extract<T, { readonly kind: typeof kind }>>();
      const ended = (): void => reject(new Error(`${file} ended.`));
      const listen = (said: unknown): void => {
        const told = said as T;
        if (told.kind === kind) resolve(told as Extract<T, { readonly kind: typeof kind }>);
      };
      child.on('message', listen).once('exit', ended);
      return promise.finally(() => child.off('message', listen).off('exit', ended));
    },
    ask: (asked) => void child.send(asked),
  };
}
