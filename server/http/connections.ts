/** The connections of the HTTP door: how many there may be, who has to leave for another, and how a close ends them. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  HTTP_CLOSE_TIMEOUT_MS,
  HTTP_CONNECTIONS_MAX,
  HTTP_UNREAD_LOOK_MS,
  HTTP_UNREAD_LOOKS_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { answerUnreadable } from './errors.ts';

export interface Connections {
  /** Whether a close has begun: what comes now is not taken any more. */
  closing(): boolean;
  /** The request is being answered from now on; gives how many of its connection are. */
  begin(request: FastifyRequest): number;
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

interface Connection {
  /** Requests that are being answered. */
  answering: number;
  latest: IncomingMessage | undefined;
  /** To be ended with the last answer. */
  leaving: boolean;
  /** Bytes that wait for the other side to read, at the last look, and for how many looks they have not become fewer. */
  unread: number;
  unreadLooks: number;
}

export function openConnections(): Connections {
  /** In order of use: the first is the one that has done nothing for longest. */
  const open = new Map<Socket, Connection>();
  let closing = false;
  let stopWaiting: (() => void) | undefined;
  let stopLooking: (() => void) | undefined;

  /** Who trickles a request, or holds connections and asks nothing, leaves for who comes; who is being answered stays. */
  function makeRoom(comer: Socket): void {
    if (open.size <= HTTP_CONNECTIONS_MAX) return;
    for (const [socket, { answering, latest }] of open) {
      const isOwed = answering > 0 && latest?.complete === true;
      if (isOwed || socket === comer) continue;
      // At once, so that the next one who comes finds another: the socket itself closes later.
      open.delete(socket);
      socket.destroy();
      return;
    }
    comer.destroy();
  }
  function begin(request: FastifyRequest): number {
    const { socket } = request.raw;
    const connection = open.get(socket);
    if (connection === undefined) return 0;
    connection.answering += 1;
    connection.latest = request.raw;
    open.delete(socket);
    open.set(socket, connection);
    return connection.answering;
  }
  function end(socket: Socket): void {
    const connection = open.get(socket);
    if (connection === undefined) return;
    connection.answering -= 1;
    if (connection.answering === 0 && (closing || connection.leaving)) socket.destroySoon();
  }
  /** What is not read is held in memory; who reads, however slowly, has less to read at one of the looks. */
  function lookForUnread(): void {
    for (const [socket, connection] of open) {
      const unread = socket.writableLength;
      const isStuck = unread > 0 && unread >= connection.unread;
      connection.unread = unread;
      connection.unreadLooks = isStuck ? connection.unreadLooks + 1 : 0;
      if (connection.unreadLooks > HTTP_UNREAD_LOOKS_MAX) socket.destroy();
    }
  }

  // A request that Fastify refuses before its hooks is answered all the same: only what was counted is counted down.
  const counted = new WeakSet<FastifyRequest>();
  return {
    closing: () => closing,
    begin(request) {
      counted.add(request);
      return begin(request);
    },
    end(request) {
      if (counted.delete(request)) end(request.raw.socket);
    },
    unreadable(error, socket) {
      const connection = open.get(socket);
      // What is sent now would be read as the answer to the order that is still being worked on.
      if (connection && connection.answering > 0) connection.leaving = true;
      else answerUnreadable(error, socket);
    },
    watch(app, clock) {
      const look = (): void => {
        lookForUnread();
        stopLooking = open.size > 0 ? clock.after(HTTP_UNREAD_LOOK_MS, look) : undefined;
      };
      app.server.on('connection', (socket: Socket) => {
        open.set(socket, { answering: 0, latest: undefined, leaving: false, unread: 0, unreadLooks: 0 });
        socket.once('close', () => open.delete(socket));
        makeRoom(socket);
        stopLooking ??= clock.after(HTTP_UNREAD_LOOK_MS, look);
      });
      // RFC 9110, section 10.1.1: an expectation nobody knows may be ignored; Node would answer it without a word.
      app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
      app.addHook('preClose', async () => {
        closing = true;
        for (const [socket, { answering }] of open) if (answering === 0) socket.destroySoon();
        stopWaiting = clock.after(HTTP_CLOSE_TIMEOUT_MS, () => {
          for (const socket of open.keys()) socket.destroy();
        });
      });
      app.addHook('onClose', async () => {
        stopWaiting?.();
        stopLooking?.();
      });
    },
  };
}
