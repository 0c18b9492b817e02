/** Sessions of the legacy era (up to 2025-11-25): each bound to the credential that opened it, capped, expired when idle. */
import { randomBytes } from 'node:crypto';
import { type AuthInfo, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import type { AgentId, Principal } from '#domain/principal.ts';
import {
  MCP_SESSION_IDLE_MS,
  MCP_SESSIONS_MAX,
  MCP_SESSIONS_PER_AGENT_MAX,
  MCP_STREAM_CHECK_MS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { McpServer } from './mcp-server.ts';

interface Session {
  readonly id: string;
  readonly agent: AgentId;
  readonly credential: string;
  /** As authenticated at its last request: what a stream that stays open is judged by. */
  principal: Principal;
  readonly server: McpServer;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Monotonic. */
  lastUsedMs: number;
  /** Requests whose response is on its way, the open stream not counted. */
  answering: number;
  streams: number;
}

/** One HTTP exchange of a session; `done` is called once its response has ended. */
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

export interface SessionOptions {
  readonly clock: Clock;
  /** A server whose principal comes from each request's AuthInfo. */
  readonly makeServer: () => McpServer;
  /** Asked while streams are open: nobody else would notice that their credential ended. */
  readonly stillLive: (principal: Principal) => boolean;
}

export class McpSessions {
  readonly #options: SessionOptions;
  /** In order of use: the first is the one unused for longest. */
  readonly #sessions = new Map<string, Session>();
  #stopExpiry: (() => void) | undefined;
  #stopWatch: (() => void) | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** For `initialize`; the response carries the new id when the SDK accepts the handshake. */
  async open({ principal, authInfo, request, body }: SessionRequest): Promise<Response> {
    const server = this.#options.makeServer();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomBytes(24).toString('base64url'),
      onsessioninitialized: (id) => this.#keep({ id, principal, server, transport }),
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    await server.connect(transport);
    const response = await transport.handleRequest(request, { authInfo, parsedBody: body });
    if (transport.sessionId === undefined) await server.close();
    return response;
  }

  /** Undefined when there is no such session for this credential: another's is as unknown as none. */
  exchange(id: string, { principal, authInfo, request, body }: SessionRequest): SessionExchange | undefined {
    const session = this.#find(id, principal);
    if (!session) return undefined;
    const kind = request.method === 'GET' ? 'streams' : 'answering';
    session.principal = principal;
    session[kind] += 1;
    this.#touch(session);
    if (kind === 'streams') this.#watchStreams();
    let ended = false;
    const parsed = body === undefined ? {} : { parsedBody: body };
    return {
      answer: session.transport.handleRequest(request, { authInfo, ...parsed }),
      done: () => {
        if (ended) return;
        ended = true;
        session[kind] -= 1;
        session.lastUsedMs = this.#options.clock.monotonicMs();
        this.#closeIfRetired(session);
      },
    };
  }

  has(id: string, principal: Principal): boolean {
    const session = this.#find(id, principal);
    if (session) this.#touch(session);
    return session !== undefined;
  }

  /** Ends what is not live: answers on their way are finished, streams are closed, no further request is taken. */
  retireDead(): void {
    for (const session of this.#sessions.values())
      if (!this.#options.stillLive(session.principal)) this.#retire(session);
  }

  close(): void {
    this.#stopExpiry?.();
    this.#stopWatch?.();
    for (const session of this.#sessions.values()) void session.server.close();
    this.#sessions.clear();
  }

  #find(id: string, principal: Principal): Session | undefined {
    const session = this.#sessions.get(id);
    return session?.credential === principal.credential ? session : undefined;
  }

  #keep(made: Pick<Session, 'id' | 'principal' | 'server' | 'transport'>): void {
    const { agent, credential } = made.principal;
    this.#makeRoom(agent);
    const lastUsedMs = this.#options.clock.monotonicMs();
    this.#sessions.set(made.id, { ...made, agent, credential, lastUsedMs, answering: 0, streams: 0 });
    this.#expireLater(MCP_SESSION_IDLE_MS);
  }

  /** A client that comes back under a new session each time crowds out its own oldest, not somebody else's. */
  #makeRoom(agent: AgentId): void {
    const own = [...this.#sessions.values()].filter((session) => session.agent === agent);
    const [oldestOwn] = own;
    if (own.length >= MCP_SESSIONS_PER_AGENT_MAX && oldestOwn) this.#retire(oldestOwn);
    const [oldest] = this.#sessions.values();
    if (this.#sessions.size >= MCP_SESSIONS_MAX && oldest) this.#retire(oldest);
  }

  #touch(session: Session): void {
    session.lastUsedMs = this.#options.clock.monotonicMs();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  #retire(session: Session): void {
    this.#sessions.delete(session.id);
    session.transport.closeStandaloneSSEStream();
    this.#closeIfRetired(session);
  }

  #closeIfRetired(session: Session): void {
    if (!this.#sessions.has(session.id) && session.answering === 0) void session.server.close();
  }

  #expireLater(delayMs: number): void {
    this.#stopExpiry ??= this.#options.clock.after(delayMs, () => this.#expireIdle());
  }

  #expireIdle(): void {
    const now = this.#options.clock.monotonicMs();
    let next: number | undefined;
    for (const session of this.#sessions.values()) {
      const inUse = session.answering + session.streams > 0;
      const leftMs = inUse ? MCP_SESSION_IDLE_MS : session.lastUsedMs + MCP_SESSION_IDLE_MS - now;
      if (leftMs <= 0) this.#retire(session);
      else next = Math.min(next ?? leftMs, leftMs);
    }
    this.#stopExpiry = undefined;
    if (next !== undefined) this.#expireLater(next);
  }

  #watchStreams(): void {
    this.#stopWatch ??= this.#options.clock.after(MCP_STREAM_CHECK_MS, () => {
      this.#stopWatch = undefined;
      const streaming = [...this.#sessions.values()].filter((session) => session.streams > 0);
      for (const session of streaming) if (!this.#options.stillLive(session.principal)) this.#retire(session);
      if (streaming.length > 0) this.#watchStreams();
    });
  }
}
