/** Lines of JSON over a socket: one read at a time, bounded in length and in waiting. */
import type { Socket } from 'node:net';
import type { Clock } from '#ports.ts';

/**
 * Resolves with the next line and leaves what follows in the stream; undefined when it ended, was too long, or did not come within
 * `withinMs`.
 */
export function nextLine(
  socket: Socket,
  o: { readonly clock: Clock; readonly withinMs: number; readonly bytesMax: number },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const stopTimer = o.clock.after(o.withinMs, () => finish(undefined));
    const finish = (line: string | undefined): void => {
      stopTimer();
      socket.off('readable', read);
      socket.off('end', ended);
      socket.off('close', ended);
      socket.off('error', ended);
      resolve(line);
    };
    const ended = (): void => finish(undefined);
    const read = (): void => {
      for (let chunk = takeFrom(socket); chunk; chunk = takeFrom(socket)) {
        const end = chunk.indexOf(0x0a);
        length += end < 0 ? chunk.length : end;
        if (length > o.bytesMax) return finish(undefined);
        if (end >= 0) {
          chunks.push(chunk.subarray(0, end));
          const rest = chunk.subarray(end + 1);
          if (rest.length > 0) socket.unshift(rest);
          return finish(Buffer.concat(chunks).toString('utf8'));
        }
        chunks.push(chunk);
      }
    };
    socket.on('readable', read);
    socket.once('end', ended);
    socket.once('close', ended);
    socket.once('error', ended);
  });
}

const takeFrom = (socket: Socket): Buffer | null => socket.read() as Buffer | null;

/** The object in a line of JSON; undefined when there is none. */
export function parseLine(line: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (line === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
