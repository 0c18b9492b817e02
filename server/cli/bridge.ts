/** `portcullis stdio --url`: the same pipe to a gateway elsewhere, message by message over streamable HTTP, in both eras. */
import { createInterface } from 'node:readline';
import {
  isInitializeRequest,
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { printable } from '#domain/refusal.ts';
import { BRIDGE_REQUESTS_MAX } from '#limits.ts';
import { CommandError } from './command.ts';

type RequestId = string | number;

/** Until the host ends (0) or the gateway can not be reached (CommandError). Messages are not looked into beyond their ids. */
export async function bridge(url: URL, key: string | undefined): Promise<number> {
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: withoutChallenge,
    ...(key === undefined ? {} : { requestInit: { headers: { authorization: `Bearer ${key}` } } }),
  });
  const inWork = new Map<RequestId, AbortController>();
  /** Streams of the modern era: answered when they end, so nothing waits for them. */
  const listening = new Map<RequestId, AbortController>();
  const idle = Promise.withResolvers<void>();
  let hostEnded = false;
  let initializeId: RequestId | undefined;

  const settle = (id: RequestId): void => {
    inWork.delete(id);
    listening.delete(id);
    if (hostEnded && inWork.size === 0) idle.resolve();
    if (!hostEnded && inWork.size < BRIDGE_REQUESTS_MAX) lines.resume();
  };
  const write = (message: JSONRPCMessage | object): void =>
    void process.stdout.write(`${JSON.stringify(message)}\n`);
  transport.onmessage = (message) => {
    const answer = isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message);
    if (isJSONRPCResultResponse(message) && message.id === initializeId) {
      const version: unknown = message.result['protocolVersion'];
      if (typeof version === 'string') transport.setProtocolVersion(version);
    }
    write(message);
    if (answer && message.id !== undefined) settle(message.id);
  };
  await transport.start();

  async function forward(message: JSONRPCMessage): Promise<void> {
    const canceled = canceledId(message);
    const request = isJSONRPCRequest(message) ? message : undefined;
    if (canceled !== undefined) {
      // In the modern era hanging up is how a request is canceled; the older one is told as well.
      const controller = inWork.get(canceled) ?? listening.get(canceled);
      settle(canceled);
      controller?.abort();
    }
    const controller = new AbortController();
    if (request) (request.method === 'subscriptions/listen' ? listening : inWork).set(request.id, controller);
    if (!hostEnded && inWork.size >= BRIDGE_REQUESTS_MAX) lines.pause();
    if (request && isInitializeRequest(request)) initializeId = request.id;
    try {
      await transport.send(message, request ? { requestSignal: controller.signal } : {});
    } catch (cause) {
      if (controller.signal.aborted) return;
      if (!(cause instanceof SdkHttpError) && isUnreachable(cause)) throw cause;
      if (!request) return;
      write({ jsonrpc: '2.0', id: request.id, error: errorOf(cause) });
      settle(request.id);
    }
  }

  const lines = createInterface({ input: process.stdin });
  const failed = new Promise<never>((_resolve, reject) => {
    lines.on('line', (line) => {
      const message = parseMessage(line);
      if (message === undefined) {
        if (line.trim() !== '')
          write({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Not a JSON-RPC message.' } });
        return;
      }
      forward(message).catch(reject);
    });
    process.stdout.once('error', () => lines.close());
  });
  const hostGone = new Promise<void>((resolve) => {
    lines.once('close', () => {
      hostEnded = true;
      for (const controller of listening.values()) controller.abort();
      if (inWork.size === 0) idle.resolve();
      resolve();
    });
  });
  try {
    await Promise.race([hostGone.then(() => idle.promise), failed]);
    await transport.terminateSession().catch(() => undefined);
    return 0;
  } catch (cause) {
    throw new CommandError(`The gateway at ${url.href} can not be reached: ${reasonOf(cause)}.`);
  } finally {
    await transport.close();
    process.stdin.destroy();
  }
}

function parseMessage(line: string): JSONRPCMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (isJSONRPCRequest(value) || isJSONRPCNotification(value)) return value;
  return isJSONRPCResultResponse(value) || isJSONRPCErrorResponse(value) ? value : undefined;
}

/** There is nobody to sign in here, so that a challenge is an answer like any other: its body goes through. */
async function withoutChallenge(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  if (response.ok || !response.headers.has('www-authenticate')) return response;
  const headers = new Headers(response.headers);
  headers.delete('www-authenticate');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

function canceledId(message: JSONRPCMessage): RequestId | undefined {
  if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return undefined;
  const id: unknown = message.params?.['requestId'];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** `fetch` says "fetch failed" and keeps why in the cause. */
const isUnreachable = (cause: unknown): boolean =>
  cause instanceof TypeError && cause.message === 'fetch failed';
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const said = inner instanceof Error ? inner.message || inner.name : String(inner);
  return printable(said).slice(0, 200);
}

/** A refused request was answered in JSON-RPC already: its own error goes through. */
function errorOf(cause: unknown): object {
  const text = cause instanceof SdkHttpError ? cause.data?.text : undefined;
  try {
    const body: unknown = JSON.parse(typeof text === 'string' ? text : '');
    if (
      typeof body === 'object' &&
      body !== null &&
      'error' in body &&
      typeof body.error === 'object' &&
      body.error
    )
      return body.error;
  } catch {
    // Not from a gateway: a proxy's page, for instance.
  }
  return { code: -32000, message: reasonOf(cause) };
}
