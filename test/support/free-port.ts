/** A port of loopback that nobody listens on, for a gateway that must know its own address before it starts. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** The kernel hands out another one each time, so two that ask at once are not told the same. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
