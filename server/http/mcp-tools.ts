/** The two MCP methods that matter, answered once for every era and transport: which tools, and the call of one. */
import type { CallToolResult, ListToolsResult } from '@modelcontextprotocol/server';
import type { Door, Principal, Scope } from '#domain/principal.ts';
import { printable, type Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { MCP_LIST_PAGE_MAX } from '#limits.ts';
import type { Tool } from '#tools/define.ts';
import type { Dispatcher } from '#tools/dispatch.ts';
import { mcpTool } from '#tools/mcp-shape.ts';
import { nearestTool } from '#tools/nearest.ts';
import { pageOf } from './mcp-page.ts';

type ListedTool = ListToolsResult['tools'][number];

export interface CallParams {
  readonly name: string;
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
}

/** `unknown_tool` is a protocol error (-32602); a refusal is a result with `isError`. */
export type CallOutcome =
  | {
      readonly kind: 'result';
      readonly result: CallToolResult;
      readonly refusal: Refusal | undefined;
      /** That the one text of its content is its structured content as JSON, letter for letter. */
      readonly isCopied?: true;
    }
  | { readonly kind: 'unknown_tool'; readonly detail: string };

export interface McpTools {
  /** Whether a call of this name is answered here, by one result. */
  has(tool: string): boolean;
  /** A page of the caller's tools; the error says that the cursor is not one of ours. */
  list(principal: Principal, cursor: string | undefined): Result<ListToolsResult, string>;
  call(principal: Principal, via: Door, params: CallParams): Promise<CallOutcome>;
  /** The scope the caller lacks for this tool, if the tool exists. */
  missingScope(principal: Principal, tool: string): Scope | undefined;
}

/** A refusal as a tool result: older clients validate it against the output schema, so it is the structured content. */
export function refusalResult(refusal: Refusal): CallToolResult {
  const structuredContent: Record<string, unknown> = { ...refusal };
  return {
    content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
    structuredContent,
    isError: true,
  };
}

function successResult(output: Readonly<Record<string, unknown>>): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(output) }], structuredContent: { ...output } };
}

/** Names only tools that the caller may use. */
function unknownTool(given: string, usable: readonly Tool[]): string {
  const near = nearestTool(
    given,
    usable.map(({ name }) => name),
  );
  const hint = near === null ? '' : ` Did you mean ${near}?`;
  return `Unknown tool: ${printable(given).slice(0, 64)}.${hint} tools/list names those you may use.`;
}

export function mcpTools(dispatcher: Dispatcher): McpTools {
  // Projecting a tool compiles its JSON Schemas: once a tool, never once a request.
  const projected = new Map<Tool, ListedTool>();
  function project(tool: Tool): ListedTool {
    const known = projected.get(tool);
    if (known) return known;
    // The SDK's type of a schema is mutable; nobody writes to it.
    const made = mcpTool(tool) as unknown as ListedTool;
    projected.set(tool, made);
    return made;
  }

  return {
    has: (name) => dispatcher.tool(name) !== undefined,
    list(principal, cursor) {
      const page = pageOf(dispatcher.listFor(principal), cursor, {
        keyOf: ({ name }) => name,
        max: MCP_LIST_PAGE_MAX,
      });
      return page.ok ? ok({ tools: page.value.items.map(project), ...page.value.next }) : page;
    },
    async call(principal, via, params) {
      const answer = await dispatcher.call({
        tool: params.name,
        args: params.arguments ?? {},
        principal,
        via,
      });
      if (answer === null)
        return {
          kind: 'unknown_tool',
          detail: unknownTool(params.name, dispatcher.listFor(principal)),
        };
      const refusal = answer.ok ? undefined : answer.refusal;
      const result = answer.ok ? successResult(answer.output) : refusalResult(answer.refusal);
      return { kind: 'result', result, refusal, isCopied: true };
    },
    missingScope(principal, name) {
      const tool = dispatcher.tool(name);
      return tool && !principal.scopes.has(tool.scope) ? tool.scope : undefined;
    },
  };
}
