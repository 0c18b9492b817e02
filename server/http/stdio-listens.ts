/** `subscriptions/listen` of the modern era on one connection: several at once, each asked for no more than the caller may read. */
import {
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  SUBSCRIPTION_ID_META_KEY,
} from '@modelcontextprotocol/server';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { MCP_STREAMS_PER_CONNECTION_MAX } from '#limits.ts';
import { TOO_MANY_STREAMS } from './mcp-errors.ts';
import { narrowed } from './mcp-listen.ts';
import type { Subscriber } from './mcp-subscriptions.ts';
import { RPC_UNAUTHENTICATED } from './problem.ts';

export class StdioListens {
  readonly #subscriber: Subscriber;
  readonly #principal: () => Result<Principal, Refusal>;
  /** The addresses that each open one follows. */
  readonly #open = new Map<RequestId, Set<string>>();

  constructor(subscriber: Subscriber, principal: () => Result<Principal, Refusal>) {
    this.#subscriber = subscriber;
    this.#principal = principal;
  }

  /** What the SDK may see of the request, or the error that answers it; undefined when it was canceled meanwhile. */
  async admit(
    request: JSONRPCRequest,
  ): Promise<
    | { readonly kind: 'request'; readonly request: JSONRPCRequest }
    | { readonly kind: 'error'; readonly error: JSONRPCErrorResponse }
    | undefined
  > {
    const { id } = request;
    const principal = this.#principal();
    if (!principal.ok) {
      const { detail } = principal.error;
      return errorOf(id, { code: RPC_UNAUTHENTICATED, message: detail, data: principal.error });
    }
    if (this.#open.size >= MCP_STREAMS_PER_CONNECTION_MAX) return errorOf(id, TOO_MANY_STREAMS);
    const follows = new Set<string>();
    this.#open.set(id, follows);
    const by = { principal: principal.value, via: 'stdio' } as const;
    const asked = await narrowed(request, async (uri) => {
      const subscribed = await this.#subscriber.subscribe(uri, by);
      if (subscribed.ok) follows.add(uri);
      return subscribed.ok;
    });
    if (this.#open.get(id) === follows) return { kind: 'request', request: asked };
    this.#release(follows);
    return undefined;
  }

  cancel(id: RequestId): void {
    const follows = this.#open.get(id);
    if (!follows || !this.#open.delete(id)) return;
    this.#release(follows);
  }

  /** Ends all of them: what the SDK is to be told, and what the client. */
  endAll(): readonly { readonly inward: JSONRPCMessage; readonly outward: JSONRPCMessage }[] {
    const ids = Array.from(this.#open.keys());
    this.#open.clear();
    this.#subscriber.unsubscribeAll();
    return ids.map((id) => ({
      inward: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } },
      outward: {
        jsonrpc: '2.0',
        id,
        result: { resultType: 'complete', _meta: { [SUBSCRIPTION_ID_META_KEY]: id } },
      },
    }));
  }

  /** What no other one follows is followed no more. */
  #release(follows: ReadonlySet<string>): void {
    for (const uri of follows) {
      const elsewhere = Array.from(this.#open.values()).some((others) => others.has(uri));
      if (!elsewhere) this.#subscriber.unsubscribe(uri);
    }
  }
}

const errorOf = (id: RequestId, error: JSONRPCErrorResponse['error']) =>
  ({ kind: 'error', error: { jsonrpc: '2.0', id, error } }) as const;
