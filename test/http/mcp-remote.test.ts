/** A host that speaks stdio alone, with mcp-remote between it and the gateway, as older desktop hosts are set up. */
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { wallClock } from '#clock.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { MANDATE } from '../support/portcullis.ts';
import { environmentAt } from '../support/run-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MCP_REMOTE = fileURLToPath(new URL('../../node_modules/mcp-remote/dist/proxy.js', import.meta.url));
const TEST_TIMEOUT_MS = 60_000;
const SIGN_IN = /callback server|sign-in|browser|authorize/i;

let gate: TestGateway<typeof wallClock>;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  gate = await openTestGateway({ clock: wallClock });
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => gate.close());

interface Host {
  readonly client: Client;
  readonly connected: Promise<void>;
  /** What mcp-remote said so far. */
  readonly said: () => string;
}

function host(key: string, flags: readonly string[]): Host {
  const home = temporaryFolder();
  const transport = new StdioClientTransport({
    command: process.execPath,
    // The header without a space, the secret in the environment: hosts mangle spaces and list arguments.
    args: [MCP_REMOTE, `${gate.url}/mcp`, '--header', 'Authorization:${AUTH}', '--allow-http', ...flags],
    env: { ...environmentAt(home), AUTH: `Bearer ${key}`, MCP_REMOTE_CONFIG_DIR: home },
    stderr: 'pipe',
  });
  let said = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const client = new Client({ name: 'older-host', version: '1.0.0' });
  closers.push(() => client.close());
  return { client, connected: client.connect(transport), said: () => said };
}

async function ask(client: Client, name: string, args: object): Promise<unknown> {
  const { structuredContent } = await client.callTool({ name, arguments: { ...args } });
  return structuredContent;
}

describe.each([
  ['as it comes', []],
  ['over HTTP alone', ['--transport', 'http-only']],
  ['in the modern era', ['--transport', 'http-only', '--protocol', 'auto']],
])('mcp-remote %s', (_how, flags) => {
  test(
    'hands on the list, a quote and the preview of an order, and signs in nowhere',
    async () => {
      const { key } = gate.key('desktop');
      expect(gate.gateway.access.mandates.set('desktop', MANDATE, OWNER_CLI).ok).toBe(true);
      const { client, connected, said } = host(key, flags);
      await connected;
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain('place_order');
      expect(await ask(client, 'get_quotes', { symbols: ['SPX'] })).toMatchObject({
        quotes: [{ symbol: 'SPX' }],
      });
      const order = { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' };
      expect(await ask(client, 'place_order', order)).toMatchObject({
        dry_run: true,
        preview: { position_after: '1' },
      });
      expect(await ask(client, 'get_orders', {})).toEqual({ orders: [] });
      expect(said()).not.toMatch(SIGN_IN);
      expect(said()).not.toContain(key);
    },
    TEST_TIMEOUT_MS,
  );
  test(
    'ends by itself when the key is none',
    async () => {
      const { connected, said } = host(`pcl_${'A'.repeat(43)}`, flags);
      await expect(connected).rejects.toThrow(/closed/i);
      expect(said()).toMatch(/error/i);
    },
    TEST_TIMEOUT_MS,
  );
});
