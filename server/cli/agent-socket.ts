/** agent.sock: speaks MCP and nothing else, as the key that its first line presents or, without one, as the agent `local`. */
import type { Socket } from 'node:net';
import type { Access } from '#access/access.ts';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { McpOffer } from '#http/mcp-server.ts';
import { serveConnection } from '#http/stdio.ts';
import { SOCKET_CONNECTIONS_MAX, SOCKET_GREETING_TIMEOUT_MS, SOCKET_HELLO_BYTES_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { nextLine, parseLine } from './line-stream.ts';
import { type LocalListener, listenLocally } from './listen.ts';

/** Both sides' first line says that they mean each other; the client's may carry a key. */
export const GREETING_VERSION = 1;
export const greeting = (key?: string): string =>
  `${JSON.stringify({ portcullis: GREETING_VERSION, ...(key === undefined ? {} : { key }) })}\n`;

export interface AgentSocketOptions {
  readonly path: string;
  readonly access: Access;
  readonly mcp: McpOffer;
  readonly clock: Clock;
  readonly version: string;
}

export function openAgentSocket(o: AgentSocketOptions): Promise<LocalListener> {
  return listenLocally({
    path: o.path,
    connectionsMax: SOCKET_CONNECTIONS_MAX,
    onConnection: (socket) => void serve(socket, o),
  });
}

async function serve(socket: Socket, o: AgentSocketOptions): Promise<void> {
  const { access, mcp, clock, version } = o;
  const hello = parseLine(
    await nextLine(socket, {
      clock,
      withinMs: SOCKET_GREETING_TIMEOUT_MS,
      bytesMax: SOCKET_HELLO_BYTES_MAX,
    }),
  );
  if (hello?.['portcullis'] !== GREETING_VERSION) {
    socket.destroy();
    return;
  }
  const key = hello['key'];
  // Asked for every request: a key that was revoked a moment ago opens nothing any more.
  const principal = (): Result<Principal, Refusal> =>
    typeof key === 'string' ? access.keys.authenticate(key, { door: 'stdio' }) : access.localPrincipal();
  socket.write(greeting());
  const stillLive = (who: Principal): boolean => access.stillLive(who).ok;
  await serveConnection({ stream: socket, principal, stillLive, mcp, clock, version }).closed;
}
