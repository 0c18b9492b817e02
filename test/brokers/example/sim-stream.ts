/** The stream of the simulated exchange, with a switch for each way in which a stream goes wrong. */
import type { Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';

interface Client {
  readonly socket: WebSocket;
  follows: readonly string[];
  isFrozen: boolean;
}

export function serveStream(server: Server, key: string, write: (message: unknown) => string) {
  // Pongs are sent by hand, so that a frozen stream sends none.
  const sockets = new WebSocketServer({ noServer: true, autoPong: false });
  const clients = new Set<Client>();
  let held: string[] | undefined;

  server.on('upgrade', (request, socket, head) => {
    if (request.headers['x-key'] !== key) return void socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (made) => {
      const client: Client = { socket: made, follows: [], isFrozen: false };
      clients.add(client);
      made.on('close', () => clients.delete(client));
      made.on('ping', () => void (client.isFrozen || made.pong()));
      made.on('message', (said) => {
        client.follows = (JSON.parse((said as Buffer).toString()) as { follow: string[] }).follow;
      });
    });
  });
  const raw = (said: string, to: (client: Client) => boolean = () => true): void => {
    for (const client of clients) if (!client.isFrozen && to(client)) client.socket.send(said);
  };

  return {
    raw,
    tell(news: unknown): void {
      if (held === undefined) raw(write(news));
      // As it is now: what is held back must not change with the order.
      else held.push(write(news));
    },
    tellPrices: (symbol: string, quotes: readonly unknown[]): void =>
      raw(write({ type: 'quotes', quotes }), ({ follows }) => follows.includes(symbol)),
    drop(): void {
      for (const { socket } of clients) socket.terminate();
    },
    freeze(): void {
      for (const client of clients) client.isFrozen = true;
    },
    hold: (): void => void (held = []),
    release(how: 'in order' | 'reversed' | 'twice'): void {
      const said = held ?? [];
      held = undefined;
      const again = how === 'reversed' ? said.toReversed() : how === 'twice' ? [...said, ...said] : said;
      for (const one of again) raw(one);
    },
  };
}
