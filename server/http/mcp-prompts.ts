/** Prompts and completions as MCP words them: those the caller has the tools for, and what may stand in their arguments. */
import type {
  CompleteRequestParams,
  CompleteResult,
  GetPromptResult,
  ListPromptsResult,
} from '@modelcontextprotocol/server';
import type { Principal } from '#domain/principal.ts';
import { printable, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { MCP_LIST_PAGE_MAX } from '#limits.ts';
import type { Completions, Source } from '#tools/completions.ts';
import { mayUse, PROMPTS, type Prompt } from '#tools/prompts.ts';
import { mayRead, RESOURCES, type Variable } from '#tools/resources.ts';
import { pageOf } from './mcp-page.ts';
import type { Caller } from './mcp-resources.ts';

export interface McpPrompts {
  /** The error says that the cursor is not one of ours. */
  list(principal: Principal, cursor: string | undefined): Result<ListPromptsResult, string>;
  get(principal: Principal, name: string, given: unknown): Result<GetPromptResult, Refusal>;
  complete(caller: Caller, asked: CompleteRequestParams): Promise<Result<CompleteResult, Refusal>>;
}

type Listed = ListPromptsResult['prompts'][number];

const listed = ({ name, title, description, schema }: Prompt): Listed => ({
  name,
  title,
  description,
  arguments: Object.entries(schema.properties).map(([argument, property]) => ({
    name: argument,
    ...(property.description === undefined ? {} : { description: property.description }),
    required: schema.required?.includes(argument) ?? false,
  })),
});
const LISTED: ReadonlyMap<Prompt, Listed> = new Map(PROMPTS.map((prompt) => [prompt, listed(prompt)]));

/** One that the caller has no tools for is as unknown as one that is not there. */
function find(principal: Principal, name: string): Result<Prompt, Refusal> {
  const found = PROMPTS.find((prompt) => prompt.name === name && mayUse(prompt, principal));
  if (found) return ok(found);
  const shown = printable(name).slice(0, 64);
  return err(refuse('not_found', `There is no prompt ${shown}; prompts/list names those you may use.`));
}

const OF_VARIABLE: { readonly [variable in Variable]: Source } = {
  account: 'account',
  symbol: 'symbol',
  order_id: 'order_id',
};

/** Where the values of an argument come from; undefined when anything may stand in it. */
function sourceOf(principal: Principal, asked: CompleteRequestParams): Result<Source | undefined, Refusal> {
  const { ref, argument } = asked;
  if (ref.type === 'ref/prompt') {
    const prompt = find(principal, ref.name);
    if (!prompt.ok) return prompt;
    const { completes } = prompt.value;
    // The name is the caller's: `constructor` is no argument of ours.
    return ok(Object.hasOwn(completes, argument.name) ? completes[argument.name] : undefined);
  }
  const resource = RESOURCES.find(({ template }) => template === ref.uri);
  if (resource === undefined || !mayRead(principal, resource))
    return err(refuse('not_found', 'There is no such template; resources/templates/list names them.'));
  const variable = resource.variables.find((name) => name === argument.name);
  return ok(variable === undefined ? undefined : OF_VARIABLE[variable]);
}

export function mcpPrompts(completions: Completions): McpPrompts {
  return {
    list(principal, cursor) {
      const page = pageOf(
        PROMPTS.filter((prompt) => mayUse(prompt, principal)),
        cursor,
        { keyOf: ({ name }) => name, max: MCP_LIST_PAGE_MAX },
      );
      if (!page.ok) return page;
      const { items, next } = page.value;
      return ok({ prompts: items.map((prompt) => LISTED.get(prompt) ?? listed(prompt)), ...next });
    },
    get(principal, name, given) {
      const prompt = find(principal, name);
      if (!prompt.ok) return prompt;
      const text = prompt.value.text(given, principal);
      if (!text.ok) return text;
      return ok({
        description: prompt.value.description,
        messages: [{ role: 'user', content: { type: 'text', text: text.value } }],
      });
    },
    async complete(caller, asked) {
      const source = sourceOf(caller.principal, asked);
      if (!source.ok) return source;
      if (source.value === undefined) return ok({ completion: { values: [] } });
      const offered = await completions.complete(source.value, asked.argument.value, caller);
      if (!offered.ok) return offered;
      return ok({ completion: { values: [...offered.value.values], hasMore: offered.value.hasMore } });
    },
  };
}
