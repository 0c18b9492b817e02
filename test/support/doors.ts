/** A listening gateway for tests of the doors: real store, record, keys and dispatcher, and tools that do as they are told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Access, openAccess } from '#access/access.ts';
import { DEFAULT_RATES } from '#access/rate.ts';
import { type AuditLog, openAuditLog } from '#audit/log.ts';
import { type AuditLine, auditQuery } from '#audit/query.ts';
import { OWNER_CLI, type Scope } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { buildApp, type HttpSettings } from '#http/app.ts';
import { type McpOffer, mcpOffer } from '#http/mcp-server.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { BUILT_IN } from '#market/master.ts';
import { scopedSymbols } from '#market/scoped-symbols.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore } from '#store/open.ts';
import { openChangeFeed } from '#tools/change-feed.ts';
import { defineTool, type Tool, type ToolServices } from '#tools/define.ts';
import { type Dispatcher, openDispatcher } from '#tools/dispatch.ts';
import { openLibrary } from '#tools/library.ts';
import { type HandClock, handClock } from './hand-clock.ts';

export const SECRET_OF_A_FAULT = 'canary-in-a-stack-trace';

/** What a test tells its tools to wait for, and what they saw. */
export interface Script {
  /** `slow_order` waits for it. */
  gate: Promise<void>;
  readonly finished: string[];
  readonly seen: unknown[];
}

function scriptedTools(script: Script): readonly Tool[] {
  const echo = defineTool({
    name: 'get_word',
    title: 'Get a word',
    description: 'Answers what it was asked.',
    scope: 'read:market',
    effect: 'read',
    rest: { method: 'GET', path: '/words/{word}' },
    example: { prompt: 'Say hello three times.', arguments: { word: 'hello', times: 3 } },
    input: z.strictObject({
      word: z.string().min(1).max(40),
      times: z.int().min(1).max(9).optional(),
      loud: z.boolean().optional(),
      tags: z.array(z.string()).optional(),
    }),
    output: z.object({ word: z.string(), times: z.number(), loud: z.boolean(), tags: z.array(z.string()) }),
    run: (_services, _principal, { word, times = 1, loud = false, tags = [] }) => {
      script.seen.push({ word, times, loud, tags });
      return ok({ word, times, loud, tags });
    },
  });
  const order = defineTool({
    name: 'slow_order',
    title: 'Place an order slowly',
    description: 'Takes as long as the test says.',
    scope: 'write:orders',
    effect: 'trade',
    rest: { method: 'POST', path: '/slow-orders' },
    example: { prompt: 'Place a slow order.', arguments: { name: 'slow' } },
    input: z.strictObject({ name: z.string(), dry_run: z.boolean().default(true) }),
    output: z.object({ placed: z.string() }),
    async run(_services, _principal, { name }) {
      script.seen.push(name);
      await script.gate;
      script.finished.push(name);
      return ok({ placed: name });
    },
  });
  const change = defineTool({
    name: 'change_order',
    title: 'Change an order',
    description: 'Takes a path parameter and a body.',
    scope: 'write:orders',
    effect: 'reduce',
    rest: { method: 'PATCH', path: '/slow-orders/{order_id}' },
    example: { prompt: 'Make it two.', arguments: { order_id: 'ord_1', qty: '2' } },
    input: z.strictObject({ order_id: z.string(), qty: z.string().optional() }),
    output: z.object({ order_id: z.string(), qty: z.string() }),
    run: (_services, _principal, { order_id, qty = '' }) => ok({ order_id, qty }),
  });
  const cancel = defineTool({
    name: 'cancel_slow_order',
    title: 'Cancel an order',
    description: 'Takes a path parameter and perhaps a body.',
    scope: 'write:orders',
    effect: 'reduce',
    rest: { method: 'DELETE', path: '/slow-orders/{order_id}' },
    example: { prompt: 'Take it back.', arguments: { order_id: 'ord_1' } },
    input: z.strictObject({ order_id: z.string(), idempotency_key: z.string().optional() }),
    output: z.object({ order_id: z.string(), key: z.string() }),
    run: (_services, _principal, { order_id, idempotency_key = '' }) =>
      ok({ order_id, key: idempotency_key }),
  });
  const refused = defineTool({
    name: 'get_refused',
    title: 'Be refused',
    description: 'Refuses, with figures.',
    scope: 'read:market',
    effect: 'read',
    rest: { method: 'GET', path: '/refused' },
    example: { prompt: 'Refuse me.', arguments: { reason: 'max_order_value' } },
    input: z.strictObject({
      reason: z.enum(['max_order_value', 'rate_limited', 'trading_halted', 'credential_revoked']),
    }),
    output: z.object({ never: z.string() }),
    run: (_services, _principal, { reason }) =>
      err(
        refuse(reason, 'Less is more.', {
          limits: [{ limit: 'max_order_value', used: '0', order: '11', max: '10', unit: 'USD' }],
          ...(reason === 'rate_limited' ? { retry_after: 1.2 } : {}),
        }),
      ),
  });
  const fault = defineTool({
    name: 'get_fault',
    title: 'Fail',
    description: 'Throws.',
    scope: 'read:account',
    effect: 'read',
    rest: { method: 'GET', path: '/fault' },
    example: { prompt: 'Fail.', arguments: {} },
    input: z.strictObject({}),
    output: z.object({}),
    run: () => {
      throw new Error(SECRET_OF_A_FAULT);
    },
  });
  return [echo, order, change, cancel, refused, fault];
}

export interface Doors {
  readonly access: Access;
  readonly audit: AuditLog;
  readonly clock: HandClock;
  readonly dispatcher: Dispatcher;
  readonly mcp: McpOffer;
  readonly script: Script;
  /** To inject requests from any address. */
  readonly app: FastifyInstance;
  readonly logged: readonly string[];
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  key(scopes?: readonly Scope[], agent?: string): { readonly id: string; readonly key: string };
  kill(): void;
  resume(): void;
  record(): readonly AuditLine[];
  close(): Promise<void>;
}

export const VERSION = '0.0.0-test';
const LOCAL_SETTINGS: HttpSettings = {
  allowedHosts: [],
  ipAllowlist: [],
  publicUrl: undefined,
  publicConsole: false,
  publicRest: false,
  corsOrigins: [],
  trustedProxies: [],
  logLevel: 'trace',
  remoteScopes: ['read:market', 'read:account'],
};

/** `offer` makes of what the tools give to MCP what is given instead. */
export async function openDoors(
  settings: Partial<HttpSettings> = {},
  offer?: (own: McpOffer) => McpOffer,
): Promise<Doors> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-doors-'));
  const clock = handClock();
  const store = openStore(join(folder, 'data'));
  const keyring = openKeyring(join(folder, 'keys'));
  const audit = openAuditLog({ store, clock, folder: join(folder, 'log'), keyring });
  const book = instrumentBook(BUILT_IN);
  const access = openAccess({
    store,
    audit,
    clock,
    keyring,
    timezone: 'UTC',
    instruments: scopedSymbols(book),
    accounts: { currencyOf: (id) => (id === 'paper' ? 'USD' : undefined) },
    rates: DEFAULT_RATES,
  });
  const script: Script = { gate: Promise.resolve(), finished: [], seen: [] };
  const tools = scriptedTools(script);
  // The scripted tools touch neither desk nor feed, and the feed is silent; everything the dispatcher itself uses is real.
  const services = {
    access,
    audit,
    clock,
    book,
    markets: {
      all: () => SILENT_FEED,
      among: () => SILENT_FEED,
      scopesOf: () => ['built-in'],
    },
    transaction: <T>(work: () => T) => store.transaction(work),
    version: VERSION,
    remoteMcp: () => false,
  } as unknown as ToolServices;
  const dispatcher = openDispatcher(services, tools);
  const changes = openChangeFeed({ audit, access, markets: { onTick: () => () => undefined } });
  const { markets } = services;
  const own = mcpOffer(dispatcher, openLibrary({ markets, book, changes, access }, dispatcher), clock);
  const mcp = offer?.(own) ?? own;
  const logged: string[] = [];
  const app = buildApp({
    settings: { ...LOCAL_SETTINGS, ...settings },
    dispatcher,
    mcp,
    tools,
    access,
    audit,
    clock,
    version: VERSION,
    logTo: { write: (line) => void logged.push(line) },
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    access,
    audit,
    clock,
    dispatcher,
    mcp,
    script,
    app,
    logged,
    url,
    port: Number(new URL(url).port),
    key(scopes = ['read:market', 'read:account', 'write:orders'], agent = 'claude') {
      const made = access.keys.create({ agent, scopes, by: OWNER_CLI });
      if (!made.ok) throw new Error(made.error.detail);
      return made.value;
    },
    kill() {
      store.transaction(() => {
        access.setGatewayState('HALTED', 'kill switch');
        access.bumpEpoch();
      });
    },
    resume: () => store.transaction(() => access.setGatewayState('ACTIVE', 'resumed')),
    record() {
      audit.flush();
      return auditQuery(store, keyring).tail(500);
    },
    async close() {
      await app.close();
      access.close();
      audit.close();
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const SILENT_FEED = { instruments: () => [], onTick: () => () => undefined };
