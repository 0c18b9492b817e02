/** A host behind mcp-remote that signs in: what it asks its person to visit is read from what it says. */
import { EventEmitter, once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { held, type RemoteHost } from './remote-clients.ts';
import type { Reach } from './remote-flow.ts';
import { environmentAt } from './run-program.ts';

const MCP_REMOTE = fileURLToPath(new URL('../../node_modules/mcp-remote/dist/proxy.js', import.meta.url));
const VISIT = /visiting:\s+(\S+)\s/g;
/** It names the address first, and then looks whether it is still known there: only this is the end of it. */
const ASKED = 'Could not open a browser automatically';

/** A host that speaks stdio alone, with mcp-remote between; `home` is where that keeps what it holds. */
export function mcpRemoteHost({ resource }: Reach, home: string): RemoteHost {
  const visits = new EventEmitter();
  let client: OldClient | undefined;
  let connected: Promise<void> | undefined;
  let transport: StdioClientTransport | undefined;
  /** Closing its input alone makes it wait for its person first. */
  async function end(): Promise<void> {
    try {
      if (transport?.pid) process.kill(transport.pid, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
    await client?.close();
  }
  const ready = (): OldClient => {
    if (client === undefined) throw new Error('it has not begun');
    return client;
  };
  /** The address that it asks its person to visit next, or the end of `other`, whichever is first. */
  async function visitOr<T>(other: Promise<T>): Promise<T | URL> {
    const over = new AbortController();
    try {
      const asked = once(visits, 'asked', { signal: over.signal }) as Promise<[URL]>;
      return await Promise.race([other, asked.then(([address]) => address)]);
    } finally {
      over.abort();
    }
  }
  return {
    async begin() {
      await end();
      transport = new StdioClientTransport({
        command: process.execPath,
        args: [MCP_REMOTE, resource, '--allow-http', '--transport', 'http-only'],
        env: { ...environmentAt(home), MCP_REMOTE_CONFIG_DIR: home },
        stderr: 'pipe',
      });
      let said = '';
      transport.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (!said.includes(ASKED)) return;
        const [, address = 'about:blank'] = [...said.matchAll(VISIT)].at(-1) ?? [];
        said = '';
        visits.emit('asked', new URL(address));
      });
      client = new OldClient({ name: 'older-host', version: '1.0.0' });
      connected = client.connect(transport);
      // Whoever waits for it is told; nobody may be waiting yet.
      connected.catch(() => undefined);
      const sentTo = await visitOr(connected);
      if (!(sentTo instanceof URL)) throw new Error('it came in without its person');
      return sentTo;
    },
    async comesBack(left) {
      const page = await fetch(left);
      const words = await page.text();
      const error = left.searchParams.get('error');
      if (error !== null) throw new Error(`${error}: ${page.status} ${words}`);
      await connected;
    },
    tools: async () => (await ready().listTools()).tools.map(({ name }) => name),
    // It waits for its person in the middle of a call, for as long as the host does.
    async call(name, args) {
      const answer = await visitOr(ready().callTool({ name, arguments: { ...args } }));
      if (answer instanceof URL) throw new Error('it asks its person to sign in again');
      return answer.structuredContent;
    },
    tokens() {
      const files = readdirSync(home, { recursive: true, encoding: 'utf8' });
      const file = files.find((name) => name.endsWith('tokens.json'));
      return held(JSON.parse(readFileSync(join(home, file ?? ''), 'utf8')));
    },
    close: end,
  };
}
