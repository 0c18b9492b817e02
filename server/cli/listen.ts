/** Listens on a socket file that only its own user may connect to, with a bound on how many are connected. */
import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';

export interface LocalListener {
  /** Connections open now. */
  count(): number;
  close(): Promise<void>;
}

export async function listenLocally(o: {
  readonly path: string;
  readonly connectionsMax: number;
  readonly onConnection: (socket: Socket) => void;
}): Promise<LocalListener> {
  const open = new Set<Socket>();
  // The half that still has answers to give stays open when the other side has said its last word.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // A peer that vanishes is no fault of ours; `close` follows.
    socket.on('error', () => socket.destroy());
    o.onConnection(socket);
  });
  server.maxConnections = o.connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(o.path, 0o600);
  return {
    count: () => open.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
