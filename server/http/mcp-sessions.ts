/** Sessions of the legacy era (up to 2025-11-25): each bound to the credential that opened it, capped, expired when idle. */
import { randomBytes } from 'node:crypto';
import {
  type AuthInfo,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { AgentId, Principal } from '#domain/principal.ts';
import {
  MCP_SESSION_IDLE_MS,
  MCP_SESSION_SWEEP_MS,
  MCP_SESSIONS_MAX,
  MCP_SESSIONS_PER_AGENT_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';

interface Session {
  readonly id: string;
  readonly agent: AgentId;
  readonly credential: string;
  /** As authenticated at its last request: what a stream that stays open is judged by. */
  principal: Principal;
  readonly server: Server;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Monotonic. */
  lastUsedMs: number;
  /** HTTP exchanges in progress, the open stream among them. */
  exchanges: number;
  streams: number;
  retired: boolean;
}

/** One HTTP exchange of a session; `done` is called once when its response has ended. */
export interface SessionExchange {
  readonly answer: Promise<Response>;
  done(): void;
}

export interface SessionRequest {
  readonly principal: Principal;
  readonly authInfo: AuthInfo;
  readonly request: Request;
  readonly body: unknown;
}

export interface McpSessions {
  /** For `initialize`; the response carries the new id when the SDK accepted the handshake. */
  open(request: SessionRequest): Promise<Response>;
  /** Undefined when there is no such session for this credential: another's is as unknown as none. */
  exchange(id: string, request: SessionRequest): SessionExchange | undefined;
  has(id: string, principal: Principal): boolean;
  /** Ends what is not `live`: answers on their way are finished, streams are closed, no further request is taken. */
  retireUnless(live: (principal: Principal) => boolean): void;
  count(): number;
  close(): void;
}

export interface SessionOptions {
  readonly clock: Clock;
  /** A server whose principal comes from each request's AuthInfo. */
  readonly makeServer: () => Server;
  /** Asked while streams are open: nobody else would notice that their credential ended. */
  readonly stillLive: (principal: Principal) => boolean;
}

export function mcpSessions(options: SessionOptions): McpSessions {
  const { clock } = options;
  /** In order of use: the first is the one unused for longest. */
  const sessions = new Map<string, Session>();
  let stopSweep: (() => void) | undefined;

  function retire(session: Session): void {
    if (session.retired) return;
    session.retired = true;
    sessions.delete(session.id);
    session.transport.closeStandaloneSSEStream();
    if (session.exchanges === session.streams) void session.server.close();
  }

  function touch(session: Session): void {
    session.lastUsedMs = clock.monotonicMs();
    sessions.delete(session.id);
    sessions.set(session.id, session);
  }

  function makeRoom(agent: AgentId): void {
    const own = [...sessions.values()].filter((session) => session.agent === agent);
    const [oldestOwn] = own;
    if (own.length >= MCP_SESSIONS_PER_AGENT_MAX && oldestOwn) retire(oldestOwn);
    const [oldest] = sessions.values();
    if (sessions.size >= MCP_SESSIONS_MAX && oldest) retire(oldest);
  }

  function sweep(): void {
    const now = clock.monotonicMs();
    for (const session of [...sessions.values()]) {
      const idle = session.exchanges === 0 && now - session.lastUsedMs >= MCP_SESSION_IDLE_MS;
      if (idle || (session.streams > 0 && !options.stillLive(session.principal))) retire(session);
    }
    stopSweep = sessions.size > 0 ? clock.after(MCP_SESSION_SWEEP_MS, sweep) : undefined;
  }

  function keep(session: Session): void {
    makeRoom(session.agent);
    sessions.set(session.id, session);
    stopSweep ??= clock.after(MCP_SESSION_SWEEP_MS, sweep);
  }

  function find(id: string, principal: Principal): Session | undefined {
    const session = sessions.get(id);
    return session?.credential === principal.credential ? session : undefined;
  }

  return {
    async open({ principal, authInfo, request, body }) {
      const server = options.makeServer();
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => randomBytes(24).toString('base64url'),
        onsessioninitialized: (id) =>
          keep({
            id,
            agent: principal.agent,
            credential: principal.credential,
            principal,
            server,
            transport,
            lastUsedMs: clock.monotonicMs(),
            exchanges: 0,
            streams: 0,
            retired: false,
          }),
        onsessionclosed: (id) => void sessions.delete(id),
      });
      await server.connect(transport);
      const response = await transport.handleRequest(request, { authInfo, parsedBody: body });
      if (transport.sessionId === undefined) await server.close();
      return response;
    },
    exchange(id, { principal, authInfo, request, body }) {
      const session = find(id, principal);
      if (!session) return undefined;
      const streams = request.method === 'GET' ? 1 : 0;
      session.principal = principal;
      session.exchanges += 1;
      session.streams += streams;
      touch(session);
      let ended = false;
      return {
        answer: session.transport.handleRequest(request, {
          authInfo,
          ...(body === undefined ? {} : { parsedBody: body }),
        }),
        done() {
          if (ended) return;
          ended = true;
          session.exchanges -= 1;
          session.streams -= streams;
          session.lastUsedMs = clock.monotonicMs();
          if (session.retired && session.exchanges === session.streams) void session.server.close();
        },
      };
    },
    has(id, principal) {
      const session = find(id, principal);
      if (session) touch(session);
      return session !== undefined;
    },
    retireUnless(live) {
      for (const session of [...sessions.values()]) if (!live(session.principal)) retire(session);
    },
    count: () => sessions.size,
    close() {
      stopSweep?.();
      for (const session of sessions.values()) void session.server.close();
      sessions.clear();
    },
  };
}
