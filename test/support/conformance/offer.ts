/** What the protocol's own test suite expects of a server, offered behind the production door in place of our tools. */
/* oxlint-disable typescript/no-deprecated -- the low-level Server, as production uses it */
import { randomBytes } from 'node:crypto';
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  ProtocolError,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { wallClock } from '#clock.ts';
import { ok } from '#domain/result.ts';
import type { McpOffer, McpServer, ServerOptions } from '#http/mcp-server.ts';
import { RPC_INVALID_PARAMS } from '#http/problem.ts';
import { scriptedChanges } from '../scripted-changes.ts';
import { ANSWERED_TOOLS, type ListedTool, NO_ARGUMENTS, text } from './answers.ts';
import { ASKING_TOOLS, type AskedState } from './asking.ts';
import { complete, getPrompt, PROMPTS, RESOURCES, readResource, TEMPLATES } from './resources.ts';
import { TELLING_TOOLS } from './telling.ts';

const CHANGING_TOOLS: readonly ListedTool[] = ['test_trigger_tool_change', 'test_trigger_prompt_change'].map(
  (name) => ({ name, description: 'Changes the lists.', inputSchema: NO_ARGUMENTS }),
);
const TOOLS = [
  ...[...ANSWERED_TOOLS, ...ASKING_TOOLS, ...TELLING_TOOLS].map((tool) => tool.listed),
  ...CHANGING_TOOLS,
];
const ANSWERED = new Map(ANSWERED_TOOLS.map((tool) => [tool.listed.name, tool]));
const ASKING = new Map(ASKING_TOOLS.map((tool) => [tool.listed.name, tool]));
const TELLING = new Map(TELLING_TOOLS.map((tool) => [tool.listed.name, tool]));

export interface ConformanceOffer extends McpOffer {
  /** Calls by the way they took. */
  readonly calls: { direct: number; throughServer: number };
}

const unknown = (what: string): ProtocolError => new ProtocolError(RPC_INVALID_PARAMS, `Unknown ${what}`);

/** With the short way, tools that answer at once are answered beside the SDK, as ours are; without it nothing is. */
export function conformanceOffer({ shortWay }: { readonly shortWay: boolean }): ConformanceOffer {
  const calls = { direct: 0, throughServer: 0 };
  const { subscriptions, changeLists } = scriptedChanges(wallClock);
  const codec = createRequestStateCodec<AskedState>({
    key: randomBytes(32),
    bind: (context) => `${context.mcpReq.method}\0${context.http?.authInfo?.clientId ?? ''}`,
  });

  function addTools(server: McpServer): void {
    server.setRequestHandler('tools/list', () => ({ tools: TOOLS }));
    server.setRequestHandler('tools/call', async (request, context) => {
      const { name, arguments: args = {} } = request.params;
      calls.throughServer += 1;
      const asking = ASKING.get(name);
      if (asking) {
        const envelope = new Map<string, unknown>(Object.entries(context.mcpReq.envelope ?? {}));
        const declared = envelope.get(CLIENT_CAPABILITIES_META_KEY) as ClientCapabilities | undefined;
        const capabilities = declared ?? server.getClientCapabilities() ?? {};
        return asking.run({ context, args, codec, capabilities });
      }
      if (CHANGING_TOOLS.some((tool) => tool.name === name)) {
        changeLists();
        return text('Changed.');
      }
      const telling = TELLING.get(name);
      if (telling) return telling.run(context);
      const answered = ANSWERED.get(name);
      if (answered) return answered.result;
      throw unknown(`tool: ${name}`);
    });
  }

  function addRest(server: McpServer): void {
    server.setRequestHandler('resources/list', () => ({ resources: RESOURCES }));
    server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: TEMPLATES }));
    server.setRequestHandler('resources/read', (request) => readResource(request.params.uri));
    server.setRequestHandler('resources/subscribe', () => ({}));
    server.setRequestHandler('resources/unsubscribe', () => ({}));
    server.setRequestHandler('prompts/list', () => ({ prompts: PROMPTS }));
    server.setRequestHandler('prompts/get', (request, context: ServerContext) => {
      const prompt = getPrompt(request.params.name, request.params.arguments ?? {}, context);
      if (!prompt) throw unknown(`prompt: ${request.params.name}`);
      return prompt;
    });
    server.setRequestHandler('completion/complete', (request) => complete(request.params.argument.value));
  }

  return {
    calls,
    subscriptions,
    denied: async () => undefined,
    tools: {
      has: (name) => shortWay && ANSWERED.has(name),
      list: () => ok({ tools: TOOLS }),
      call: async (_principal, _via, { name }) => {
        const answered = ANSWERED.get(name);
        if (!answered) return { kind: 'unknown_tool', detail: `Unknown tool: ${name}` };
        calls.direct += 1;
        return { kind: 'result', result: answered.result, refusal: undefined };
      },
      missingScope: () => undefined,
    },
    buildServer({ version }: ServerOptions): McpServer {
      const server = new Server(
        { name: 'portcullis-conformance', version },
        {
          capabilities: {
            tools: { listChanged: true },
            resources: { subscribe: true },
            prompts: { listChanged: true },
            completions: {},
            logging: {},
          },
          requestState: { verify: (state, context) => codec.verify(state, context) },
        },
      );
      addTools(server);
      addRest(server);
      return server;
    },
  };
}
