/** Reaches the gateway for the owner: through owner.sock when an engine runs, with the lock in hand when none does. */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Config } from '#config.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, type Result } from '#domain/result.ts';
import {
  ENGINE_GREETING_TIMEOUT_MS,
  ENGINE_POLL_MS,
  ENGINE_WAIT_MS,
  OWNER_ANSWER_BYTES_MAX,
  OWNER_ANSWER_TIMEOUT_MS,
  SOCKET_HELLO_BYTES_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { takeEngineLock } from '#store/engine-lock.ts';
import { ensureFirstAccount } from './account-book.ts';
import type { OwnerAct } from './act.ts';
import { GREETING_VERSION } from './agent-socket.ts';
import { CommandError, RefusedError } from './command.ts';
import { nextLine, parseLine } from './line-stream.ts';
import { openOffice } from './office.ts';
import type { AskedProof } from './owner-proof.ts';
import { type Asked, carryOut } from './owner-socket.ts';
import { findSocketFolder, OWNER_SOCKET } from './socket-folder.ts';

/** `hung`: somebody holds the socket and says nothing. */
export type Dialed =
  | { readonly kind: 'engine'; readonly socket: Socket }
  | { readonly kind: 'none' | 'hung' };

/** Connects to a socket of an engine; undefined when nobody listens. */
export function dial(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    const failed = (cause: NodeJS.ErrnoException): void => {
      if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') resolve(undefined);
      else if (cause.code === 'EACCES')
        reject(
          new CommandError(
            `The socket ${path} belongs to another user: run this as the user that runs the gateway.`,
          ),
        );
      else reject(new CommandError(`The socket ${path} can not be reached: ${cause.message}.`));
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      // The end of the connection is what counts from here on.
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

export async function dialOwner(config: Config, clock: Clock): Promise<Dialed> {
  const socket = await dial(join(findSocketFolder(config.DATA_DIR), OWNER_SOCKET));
  if (socket === undefined) return { kind: 'none' };
  const line = await nextLine(socket, {
    clock,
    withinMs: ENGINE_GREETING_TIMEOUT_MS,
    bytesMax: SOCKET_HELLO_BYTES_MAX,
  });
  if (parseLine(line)?.['portcullis'] === GREETING_VERSION) return { kind: 'engine', socket };
  // It ended before it greeted: the engine is on its way out.
  const gone = socket.readableEnded || socket.destroyed;
  socket.destroy();
  return { kind: gone ? 'none' : 'hung' };
}

export interface Request extends Asked {
  readonly act: string;
  readonly withinMs?: number;
}

/** Sends one act and waits for its answer. */
export async function send(socket: Socket, clock: Clock, request: Request): Promise<Result<object, Refusal>> {
  const { withinMs = OWNER_ANSWER_TIMEOUT_MS, ...asked } = request;
  socket.write(`${JSON.stringify(asked)}\n`);
  const line = await nextLine(socket, { clock, withinMs, bytesMax: OWNER_ANSWER_BYTES_MAX });
  socket.destroy();
  const answer = parseLine(line);
  if (answer === undefined)
    return err(
      refuse('internal', 'The gateway ended before it answered; look whether the command took effect.'),
    );
  return answer as unknown as Result<object, Refusal>;
}

export const pause = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    // The clock never keeps a process alive, and a command that waits must stay.
    const stay = setInterval(() => undefined, ms);
    clock.after(ms, () => {
      clearInterval(stay);
      resolve();
    });
  });

export interface Reach {
  readonly config: () => Config;
  readonly clock: Clock;
}

/** How the same thing is done through a running engine, and with the lock in hand when none runs. */
interface Ways<T> {
  through(send: (asked: Asked) => Promise<Result<object, Refusal>>): Promise<T>;
  alone(config: Config): Promise<T>;
}

/** Finds out which way leads to the books, and waits while an engine starts or stops. Throws CommandError. */
export async function atTheBooks<T>({ config: load, clock }: Reach, act: string, ways: Ways<T>): Promise<T> {
  const config = load();
  const deadlineMs = clock.monotonicMs() + ENGINE_WAIT_MS;
  for (;;) {
    const dialed = await dialOwner(config, clock);
    if (dialed.kind === 'engine')
      return ways.through((asked) => send(dialed.socket, clock, { act, ...asked }));
    if (dialed.kind === 'hung')
      throw new CommandError('The gateway runs but does not answer; `portcullis kill` works all the same.');
    const holder = { pid: process.pid, command: `command ${act}`, startedAtMs: clock.wallMs() };
    const lock = takeEngineLock(config.DATA_DIR, holder);
    if (lock.ok) {
      try {
        return await ways.alone(config);
      } finally {
        lock.value.release();
      }
    }
    // It is starting or stopping, or another command is at work.
    if (clock.monotonicMs() > deadlineMs) throw new CommandError(lock.error);
    await pause(clock, ENGINE_POLL_MS);
  }
}

/** Carries out an act with what is given, wherever the books are; `ask` (ask.ts) brings the proof. Throws RefusedError or CommandError. */
export function request<I extends z.ZodType, O extends object>(
  reach: Reach,
  act: OwnerAct<I, O>,
  asked: Asked & { readonly input: z.input<I> },
): Promise<O> {
  return atTheBooks<O>(reach, act.name, {
    through: async (sendAsked) => valueOf<O>(await sendAsked(asked)),
    alone: async (config) => valueOf<O>(await withOffice({ config, clock: reach.clock, act, ...asked })),
  });
}

/** What proof an act needs with this input now. Throws RefusedError or CommandError. */
export function askedFor(reach: Reach, act: OwnerAct, input: unknown): Promise<AskedProof> {
  const asked = { input, question: 'proof' } as const;
  return atTheBooks<AskedProof>(reach, act.name, {
    through: async (sendAsked) => valueOf<AskedProof>(await sendAsked(asked)),
    alone: async (config) =>
      valueOf<AskedProof>(await withOffice({ config, clock: reach.clock, act, ...asked })),
  });
}

/** Throws RefusedError. */
export function valueOf<O>(answer: Result<object, Refusal>): O {
  if (!answer.ok) throw new RefusedError(answer.error);
  return answer.value as O;
}

/** With the lock in hand. */
export async function withOffice(
  o: Asked & { readonly config: Config; readonly clock: Clock; readonly act: OwnerAct },
): Promise<Result<object, Refusal>> {
  const office = openOffice(o.config, o.clock);
  try {
    if (o.act.urgent !== true) ensureFirstAccount(office);
    return await carryOut(o.act, office, o);
  } finally {
    office.close();
  }
}
