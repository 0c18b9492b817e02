/** owner.sock: one line of JSON asks for an act of the owner, one line answers it; only the owner's own user reaches it. */
import type { Socket } from 'node:net';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, type Result } from '#domain/result.ts';
import { OWNER_CONNECTIONS_MAX, SOCKET_GREETING_TIMEOUT_MS, SOCKET_MESSAGE_BYTES_MAX } from '#limits.ts';
import type { OwnerAct } from './act.ts';
import { greeting } from './agent-socket.ts';
import { nextLine, parseLine } from './line-stream.ts';
import { type LocalListener, listenLocally } from './listen.ts';
import type { Office } from './office.ts';

export interface OwnerSocketOptions {
  readonly path: string;
  readonly office: Office;
  readonly acts: readonly OwnerAct[];
}

export function openOwnerSocket(o: OwnerSocketOptions): Promise<LocalListener> {
  return listenLocally({
    path: o.path,
    connectionsMax: OWNER_CONNECTIONS_MAX,
    onConnection: (socket) => void serve(socket, o),
  });
}

/** The greeting comes first: whoever connected to an engine that hangs learns it from silence. */
async function serve(socket: Socket, { office, acts }: OwnerSocketOptions): Promise<void> {
  socket.write(greeting());
  const line = await nextLine(socket, {
    clock: office.clock,
    withinMs: SOCKET_GREETING_TIMEOUT_MS,
    bytesMax: SOCKET_MESSAGE_BYTES_MAX,
  });
  const request = parseLine(line);
  if (request === undefined) {
    socket.destroy();
    return;
  }
  const act = acts.find((one) => one.name === request['act']);
  const answer = await carryOut(act, office, request['input']);
  socket.end(`${JSON.stringify(answer)}\n`);
}

/** Never throws: what went wrong inside is told, because the one who asks is the owner. */
export async function carryOut(
  act: OwnerAct | undefined,
  office: Office,
  given: unknown,
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
    return await act.work(office, input.data);
  } catch (cause) {
    return err(refuse('internal', cause instanceof Error ? cause.message : String(cause)));
  }
}
