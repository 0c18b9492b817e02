/** The connections of the HTTP door: how many there may be, who has to leave for another, and how a close ends them. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HTTP_CLOSE_TIMEOUT_MS, HTTP_CONNECTIONS_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { answerUnreadable } from './errors.ts';

export interface Connections {
  /** Whether a close has begun: what comes now is not taken any more. */
  closing(): boolean;
  /** The request is being answered from now on. */
  begin(request: FastifyRequest): void;
  /** Its answer has been sent, or nobody reads it any more. */
  end(request: FastifyRequest): void;
  /** For what comes over a connection and is not HTTP. */
  unreadable(error: NodeJS.ErrnoException, socket: Socket): void;
  /**
   * A close waits for answers, not for connections: one that is idle, or that never asked anything, ends at once, one that
   * is being answered with its answer. Node's own notion of idle leaves out the connections that have asked nothing yet.
   * Who does not send the rest of a question or take its answer is not waited for longer than any answer can take.
   */
  watch(app: FastifyInstance, clock: Pick<Clock, 'after'>): void;
}

interface Answering {
  count: number;
  latest: IncomingMessage | undefined;
  /** To be ended with the last answer. */
  leaving: boolean;
}

export function openConnections(): Connections {
  /** In order of use: the first is the one that has done nothing for longest. */
  const open = new Map<Socket, Answering>();
  let closing = false;
  let stopWaiting = (): void => undefined;

  /** Who trickles a request, or holds connections and asks nothing, leaves for who comes; who is being answered stays. */
  function makeRoom(comer: Socket): void {
    if (open.size <= HTTP_CONNECTIONS_MAX) return;
    for (const [socket, answering] of open) {
      const asked = answering.count > 0 && answering.latest?.complete === true;
      if (asked || socket === comer) continue;
      // At once, so that the next one who comes finds another: the socket itself closes later.
      open.delete(socket);
      socket.destroy();
      return;
    }
    comer.destroy();
  }
  function count(request: FastifyRequest, by: number): void {
    const { socket } = request.raw;
    const answering = open.get(socket);
    if (answering === undefined) return;
    answering.count += by;
    if (by > 0) {
      answering.latest = request.raw;
      open.delete(socket);
      open.set(socket, answering);
    } else if (answering.count === 0 && (closing || answering.leaving)) socket.destroySoon();
  }

  // A request that Fastify refuses before its hooks is answered all the same: only what was counted is counted down.
  const counted = new WeakSet<FastifyRequest>();
  return {
    closing: () => closing,
    begin(request) {
      counted.add(request);
      count(request, 1);
    },
    end(request) {
      if (counted.delete(request)) count(request, -1);
    },
    unreadable(error, socket) {
      const answering = open.get(socket);
      // What is sent now would be read as the answer to the order that is still being worked on.
      if (answering && answering.count > 0) answering.leaving = true;
      else answerUnreadable(error, socket);
    },
    watch(app, clock) {
      app.server.on('connection', (socket: Socket) => {
        open.set(socket, { count: 0, latest: undefined, leaving: false });
        socket.once('close', () => open.delete(socket));
        makeRoom(socket);
      });
      // RFC 9110, section 10.1.1: an expectation nobody knows may be ignored; Node would answer it without a word.
      app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
      app.addHook('preClose', async () => {
        closing = true;
        for (const [socket, { count: answers }] of open) if (answers === 0) socket.destroySoon();
        stopWaiting = clock.after(HTTP_CLOSE_TIMEOUT_MS, () => {
          for (const socket of open.keys()) socket.destroy();
        });
      });
      app.addHook('onClose', async () => stopWaiting());
    },
  };
}
