/** A tool as MCP lists it: name, title, strict input schema, open output schema, all four annotations. */
import type { Tool } from './define.ts';
import { type InputSchema, type JsonSchema, outputSchemaOf } from './json-schema.ts';
import { RefusalShape } from './shapes.ts';

export interface McpTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: InputSchema;
  readonly outputSchema: JsonSchema & { readonly type: 'object' };
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
}

/** Pure, and not cheap enough for every request: a door builds its list once per set of scopes. */
export function mcpTool(tool: Tool): McpTool {
  const acts = tool.effect !== 'read';
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: tool.inputSchema,
    // Older clients validate structuredContent of a refusal too, so the schema admits both.
    outputSchema: { type: 'object', anyOf: [tool.successSchema, outputSchemaOf(RefusalShape)] },
    annotations: {
      readOnlyHint: !acts,
      destructiveHint: acts,
      // A repeated key is the stored outcome, a repeated cancel or close finds its work done.
      idempotentHint: true,
      openWorldHint: tool.openWorld,
    },
  };
}
