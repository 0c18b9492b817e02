/** owner.sock: one line of JSON asks for an act of the owner, one line answers it; only the owner's own user reaches it. */
import type { Socket } from 'node:net';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { OWNER_CONNECTIONS_MAX, SOCKET_GREETING_TIMEOUT_MS, SOCKET_MESSAGE_BYTES_MAX } from '#limits.ts';
import type { OwnerAct } from './act.ts';
import { greeting } from './agent-socket.ts';
import { nextLine, parseLine } from './line-stream.ts';
import { type LocalListener, listenLocally } from './listen.ts';
import type { Office } from './office.ts';
import { judgeProof, proofFor } from './owner-proof.ts';

/** What an act is given: its input, and the owner's proof where it widens. */
export interface Asked {
  readonly input: unknown;
  readonly proof?: unknown;
  /** Asks what proof it would need, and for nothing else: nobody is to be asked for a passphrase in vain. */
  readonly question?: unknown;
}

export interface OwnerSocketOptions {
  readonly path: string;
  readonly office: Office;
  readonly acts: readonly OwnerAct[];
}

/** Closing waits for the acts at work: none goes on beside books that are closing, and each is answered. */
export async function openOwnerSocket(o: OwnerSocketOptions): Promise<LocalListener> {
  const desk: Desk = { ...o, atWork: new Set(), closing: false };
  const listener = await listenLocally({
    path: o.path,
    connectionsMax: OWNER_CONNECTIONS_MAX,
    onConnection: (socket) => void serve(socket, desk),
  });
  return {
    ...listener,
    async close() {
      desk.closing = true;
      await Promise.all(desk.atWork);
      await listener.close();
    },
  };
}

interface Desk extends OwnerSocketOptions {
  readonly atWork: Set<Promise<void>>;
  closing: boolean;
}

/** The greeting comes first: whoever connected to an engine that hangs learns it from silence. */
async function serve(socket: Socket, desk: Desk): Promise<void> {
  const { office, acts, atWork } = desk;
  // Who is not greeted looks again, and finds the books free.
  if (desk.closing) return void socket.destroy();
  socket.write(greeting());
  const line = await nextLine(socket, {
    clock: office.clock,
    withinMs: SOCKET_GREETING_TIMEOUT_MS,
    bytesMax: SOCKET_MESSAGE_BYTES_MAX,
  });
  const request = parseLine(line);
  if (request === undefined || desk.closing) {
    socket.destroy();
    return;
  }
  const act = acts.find((one) => one.name === request['act']);
  const { input, proof, question } = request;
  const answered = carryOut(act, office, { input, proof, question }).then(
    (answer) => void socket.end(`${JSON.stringify(answer)}\n`),
  );
  atWork.add(answered);
  await answered.finally(() => atWork.delete(answered));
}

/**
 * The one way to an act, with an engine and without: nothing of it happens before the proof is judged. Never throws: what went
 * wrong inside is told, because the one who asks is the owner.
 */
export async function carryOut(
  act: OwnerAct | undefined,
  office: Office,
  { input: given, proof, question }: Asked,
): Promise<Result<object, Refusal>> {
  if (act === undefined)
    return err(
      refuse('not_found', 'The running gateway does not know this command: restart it after an update.'),
    );
  const input = act.input.safeParse(given);
  if (!input.success) {
    const [issue] = input.error.issues;
    const error = fieldError(issue?.path.join('.') ?? '', '', issue?.message ?? 'well-formed');
    return err(refuse('invalid_input', `${act.name}: ${error.field} ${error.rule}`, { errors: [error] }));
  }
  try {
    const { asked } = proofFor(office, act, input.data);
    if (question === 'proof') {
      const known = act.check?.(office, input.data);
      return known === undefined ? ok({ asked }) : err(known);
    }
    // Without a pause in between: what needs no proof now must not need one by the time it is done.
    if (asked === 'nothing') return await act.work(office, input.data, asked);
    const judged = await judgeProof(office, act, proof);
    return judged.ok ? await act.work(office, input.data, asked) : judged;
  } catch (cause) {
    return err(refuse('internal', cause instanceof Error ? cause.message : String(cause)));
  }
}
