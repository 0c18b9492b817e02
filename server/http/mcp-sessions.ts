/** Sessions of the legacy era (up to 2025-11-25): each bound to the credential and grant that opened it, capped, expired when idle. */
import { randomBytes } from 'node:crypto';
import { type AuthInfo, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import type { AgentId, Principal } from '#domain/principal.ts';
import { MCP_SESSION_IDLE_MS, MCP_SESSIONS_MAX, MCP_SESSIONS_PER_AGENT_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type McpServer, notify } from './mcp-server.ts';
import type { Subscriber, Subscriptions } from './mcp-subscriptions.ts';
import type { Flow } from './mcp-web.ts';

interface Session {
  readonly id: string;
  /** As authenticated at its last request, always under one credential: what a stream that stays open is judged by. */
  principal: Principal;
  readonly server: McpServer;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly subscriber: Subscriber;
  /** Of the open stream, while there is one. */
  flow: Flow | undefined;
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
  readonly flow: Flow;
  readonly authInfo: AuthInfo;
  readonly request: Request;
  readonly body: unknown;
}

export interface SessionOptions {
  readonly clock: Clock;
  /** A server whose principal comes from each request's AuthInfo. */
  readonly makeServer: (subscriber: Subscriber) => McpServer;
  readonly subscriptions: Subscriptions;
  readonly stillLive: (principal: Principal) => boolean;
}

export class McpSessions {
  readonly #options: SessionOptions;
  /** In order of use: the first is the one unused for longest. */
  readonly #sessions = new Map<string, Session>();
  #stopExpiry: (() => void) | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** For `initialize`; the response carries the new id when the SDK accepts the handshake. */
  async open({ principal, authInfo, request, body }: SessionRequest): Promise<Response> {
    let session: Session | undefined;
    const subscriber = this.#options.subscriptions.connect({
      live: () => this.#liveOf(session?.principal ?? principal),
      state: () => (session?.flow === undefined ? 'closed' : session.flow.blocked() ? 'busy' : 'ready'),
      send: (event) => notify(server, event),
      end: (why) => session && this.#end(session, why),
    });
    const server = this.#options.makeServer(subscriber);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomBytes(24).toString('base64url'),
      onsessioninitialized: (id) => {
        session = this.#keep({ id, principal, server, transport, subscriber });
      },
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    server.onclose = () => subscriber.close();
    await server.connect(transport);
    const response = await transport.handleRequest(request, { authInfo, parsedBody: body });
    if (transport.sessionId === undefined) await server.close();
    return response;
  }

  /** Undefined when there is no such session for this credential: another's is as unknown as none. */
  exchange(id: string, asked: SessionRequest): SessionExchange | undefined {
    const session = this.#find(id, asked.principal);
    if (!session) return undefined;
    const kind = asked.request.method === 'GET' ? 'streams' : 'answering';
    this.#noteCaller(session, asked.principal);
    session[kind] += 1;
    this.#touch(session);
    let ended = false;
    return {
      answer: kind === 'streams' ? this.#openStream(session, asked) : handle(session, asked),
      done: () => {
        if (ended) return;
        ended = true;
        session[kind] -= 1;
        if (session.flow === asked.flow) session.flow = undefined;
        session.lastUsedMs = this.#options.clock.monotonicMs();
        this.#closeIfRetired(session);
      },
    };
  }

  async #openStream(session: Session, asked: SessionRequest): Promise<Response> {
    const response = await handle(session, asked);
    if (response.status !== 200) return response;
    session.flow = asked.flow;
    asked.flow.onDrain(() => session.subscriber.resume());
    // What changed while nobody listened is told first.
    session.subscriber.resume();
    return response;
  }

  has(id: string, principal: Principal): boolean {
    const session = this.#find(id, principal);
    if (session) this.#touch(session);
    return session !== undefined;
  }

  close(): void {
    this.#stopExpiry?.();
    for (const session of this.#sessions.values()) void session.server.close();
    this.#sessions.clear();
  }

  #find(id: string, principal: Principal): Session | undefined {
    const session = this.#sessions.get(id);
    return session && isSameCaller(session.principal, principal) ? session : undefined;
  }

  #keep(made: Pick<Session, 'id' | 'principal' | 'server' | 'transport' | 'subscriber'>): Session {
    this.#makeRoom(made.principal.agent);
    const lastUsedMs = this.#options.clock.monotonicMs();
    const session = { ...made, lastUsedMs, answering: 0, streams: 0, flow: undefined };
    this.#sessions.set(made.id, session);
    this.#expireLater(MCP_SESSION_IDLE_MS);
    return session;
  }

  #liveOf(principal: Principal): Principal | undefined {
    return this.#options.stillLive(principal) ? principal : undefined;
  }

  /** A credential may come back with other scopes; its lists are others then. */
  #noteCaller(session: Session, principal: Principal): void {
    const before = session.principal;
    session.principal = principal;
    if (!sameScopes(before, principal)) session.subscriber.tellLists();
  }

  /**
   * Of a credential that has ended: answers on their way are finished, the stream is closed, no further request is taken.
   * Of a stream that nobody reads: it is cut off, and the session stays until it has been idle for long.
   */
  #end(session: Session, why: 'ended' | 'stalled'): void {
    if (session.flow?.blocked()) session.flow.cut();
    if (why === 'ended') this.#retire(session);
  }

  /** A client that comes back under a new session each time crowds out its own oldest, not somebody else's. */
  #makeRoom(agent: AgentId): void {
    const own = [...this.#sessions.values()].filter((session) => session.principal.agent === agent);
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
    session.subscriber.close();
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
}

const handle = (session: Session, { request, authInfo, body }: SessionRequest): Promise<Response> =>
  session.transport.handleRequest(request, {
    authInfo,
    ...(body === undefined ? {} : { parsedBody: body }),
  });

/** Two grants of one client are two consents of the owner's: neither goes on with what the other began. */
const isSameCaller = (one: Principal, other: Principal): boolean =>
  one.credential === other.credential && one.grant === other.grant;

const sameScopes = (one: Principal, other: Principal): boolean =>
  one.scopes.size === other.scopes.size && Array.from(one.scopes).every((scope) => other.scopes.has(scope));
