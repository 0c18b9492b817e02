/** Between Fastify and the SDK's web-standard transports: a Request that ends with the connection, a Response sent as it is. */
import { toWebRequest } from '@modelcontextprotocol/node';
import type { AuthInfo, ServerContext } from '@modelcontextprotocol/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { noPrincipal } from './problem.ts';

export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
export const wantsStream = (request: FastifyRequest): boolean =>
  (headerOf(request, 'accept') ?? '').includes('text/event-stream');

export interface WebExchange {
  readonly web: Request;
  /** Aborting it ends the response, as a client that hangs up would. */
  readonly controller: AbortController;
}

/** The body has been parsed already. `accept` stands for what a plain client did not say. */
export async function openExchange(
  request: FastifyRequest,
  reply: FastifyReply,
  accept?: string,
): Promise<WebExchange> {
  const controller = new AbortController();
  // A Request follows a given signal by a weak reference to itself: once it was collected, an open stream would hear
  // neither of a hang-up nor of the end of its credential. So it is held until the response has ended.
  const held = new Set<Request>();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
    held.clear();
  });
  const { raw } = request;
  const head = {
    method: raw.method ?? 'GET',
    url: raw.url ?? '/mcp',
    headers: accept === undefined ? raw.headers : { ...raw.headers, accept },
    [Symbol.asyncIterator]: () => raw[Symbol.asyncIterator](),
  };
  const web = await toWebRequest(head, request.body, { signal: controller.signal });
  held.add(web);
  return { web, controller };
}

/** The head of a stream is sent at once: its first event may be minutes away. */
export function sendResponse(reply: FastifyReply, response: Response): FastifyReply {
  void reply.send(response);
  if (isStream(response)) reply.raw.flushHeaders();
  return reply;
}

/** Whether the other side of a stream reads what it is sent. */
export interface Flow {
  blocked(): boolean;
  /** Calls each time it reads again. */
  onDrain(call: () => void): void;
  /** Ends the connection: what was written and not read is lost. */
  cut(): void;
}

/** While the socket is full, the kernel's buffers are too. */
export const flowOf = ({ raw }: FastifyReply): Flow => ({
  blocked: () => raw.writableNeedDrain,
  onDrain: (call) => void raw.on('drain', call),
  cut: () => void raw.destroy(),
});

export const isStream = (response: Response): boolean =>
  response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;

/** How a principal travels through the SDK: its AuthInfo carries no token, only who it stands for. */
export interface PrincipalCarrier {
  authInfoOf(principal: Principal): AuthInfo;
  principalOf(context: ServerContext): Result<Principal, Refusal>;
  noteRefusal(context: ServerContext, refusal: Refusal): void;
  /** The refusal of the call that was made under this AuthInfo. */
  refusalOf(info: AuthInfo): Refusal | undefined;
}

export function principalCarrier(): PrincipalCarrier {
  const carried = new WeakMap<AuthInfo, Principal>();
  const refusals = new WeakMap<AuthInfo, Refusal>();
  return {
    authInfoOf(principal) {
      const info: AuthInfo = { token: '', clientId: principal.credential, scopes: [...principal.scopes] };
      carried.set(info, principal);
      return info;
    },
    principalOf(context) {
      const info = context.http?.authInfo;
      const principal = info && carried.get(info);
      return principal ? ok(principal) : err(noPrincipal());
    },
    noteRefusal(context, refusal) {
      if (context.http?.authInfo) refusals.set(context.http.authInfo, refusal);
    },
    refusalOf: (info) => refusals.get(info),
  };
}
