/** Real MCP clients of both SDK lines, over HTTP and over a socket. */
import type { Duplex } from 'node:stream';
import {
  Client,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport as OldTransport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

const INFO = { name: 'test-client', version: '1.0.0' };
const at = (url: string): URL => new URL('/mcp', url);
const headersOf = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

/** Of the current line; `mode` as ClientOptions.versionNegotiation has it. */
export async function currentClient(
  url: string,
  key: string,
  mode: VersionNegotiationMode = 'auto',
): Promise<Client> {
  const client = new Client(INFO, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(at(url), { requestInit: headersOf(key) }));
  return client;
}

/** Of the maintenance line: what older hosts embed. Lists the tools first, so that it validates results. */
export async function olderClient(url: string, key: string): Promise<OldClient> {
  const client = new OldClient(INFO);
  await client.connect(new OldHttpTransport(at(url), { requestInit: headersOf(key) }) as OldTransport);
  await client.listTools();
  return client;
}

/** JSON lines over any duplex, for clients whose own stdio transport insists on a child process. */
export class LineTransport implements OldTransport {
  readonly #stream: Duplex;
  readonly #buffer = new ReadBuffer();
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }
  async start(): Promise<void> {
    this.#stream.on('data', (chunk: Buffer) => {
      this.#buffer.append(chunk);
      for (let message = this.#buffer.readMessage(); message; message = this.#buffer.readMessage())
        this.onmessage?.(message);
    });
    this.#stream.once('close', () => this.onclose?.());
  }
  async send(message: JSONRPCMessage): Promise<void> {
    this.#stream.write(serializeMessage(message));
  }
  async close(): Promise<void> {
    this.#stream.destroy();
  }
}

export async function currentClientOver(
  stream: Duplex,
  mode: VersionNegotiationMode = 'auto',
): Promise<Client> {
  const client = new Client(INFO, { versionNegotiation: { mode } });
  await client.connect(new LineTransport(stream) as unknown as Parameters<Client['connect']>[0]);
  return client;
}
export async function olderClientOver(stream: Duplex): Promise<OldClient> {
  const client = new OldClient(INFO);
  await client.connect(new LineTransport(stream));
  await client.listTools();
  return client;
}
