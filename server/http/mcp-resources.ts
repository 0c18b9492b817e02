/** Resources as MCP words them: pages of what the caller may read, and the answer of the tool behind an address as JSON. */
import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
} from '@modelcontextprotocol/server';
import type { Door, Principal, Scope } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { MCP_LIST_PAGE_MAX } from '#limits.ts';
import { type ListedResource, RESOURCE_MIME_TYPE, type ResourceReader } from '#tools/resource-reader.ts';
import { mayRead, type Resource } from '#tools/resources.ts';
import { pageOf } from './mcp-page.ts';

/** Whose request it is, and through which door. */
export interface Caller {
  readonly principal: Principal;
  readonly via: Door;
}

export interface McpResources {
  /** The error says that the cursor is not one of ours. */
  list(principal: Principal, cursor: string | undefined): Result<ListResourcesResult, string>;
  templates(principal: Principal, cursor: string | undefined): Result<ListResourceTemplatesResult, string>;
  read(caller: Caller, uri: string): Promise<Result<ReadResourceResult, Refusal>>;
  /** The scope the caller lacks for this resource, if there is such a resource. */
  missingScope(principal: Principal, uri: string): Scope | undefined;
}

type Listed = ListResourcesResult['resources'][number];
type ListedTemplate = ListResourceTemplatesResult['resourceTemplates'][number];

/** The same for every address of a resource. */
const kindOf = ({ priority }: Resource) => ({
  mimeType: RESOURCE_MIME_TYPE,
  annotations: { audience: ['user' as const, 'assistant' as const], priority },
});
const listed = ({ uri, name, title, description, resource }: ListedResource): Listed => ({
  uri,
  name,
  title,
  description,
  ...kindOf(resource),
});
const listedTemplate = (resource: Resource): ListedTemplate => ({
  uriTemplate: resource.template,
  name: resource.name,
  title: resource.title,
  description: resource.description,
  ...kindOf(resource),
});

export function mcpResources(reader: ResourceReader): McpResources {
  return {
    list(principal, cursor) {
      const page = pageOf(reader.list(principal), cursor, {
        keyOf: ({ uri }) => uri,
        max: MCP_LIST_PAGE_MAX,
      });
      if (!page.ok) return page;
      const { items, next } = page.value;
      return ok({ resources: items.map(listed), ...next });
    },
    templates(principal, cursor) {
      const page = pageOf(reader.templates(principal), cursor, {
        keyOf: ({ template }) => template,
        max: MCP_LIST_PAGE_MAX,
      });
      if (!page.ok) return page;
      const { items, next } = page.value;
      return ok({ resourceTemplates: items.map(listedTemplate), ...next });
    },
    missingScope(principal, uri) {
      const found = reader.find(uri);
      if (!found.ok || mayRead(principal, found.value.resource)) return undefined;
      return found.value.resource.tool.scope;
    },
    async read(caller, uri) {
      const answer = await reader.read(uri, caller);
      if (!answer.ok) return answer;
      return ok({ contents: [{ uri, mimeType: RESOURCE_MIME_TYPE, text: JSON.stringify(answer.value) }] });
    },
  };
}
