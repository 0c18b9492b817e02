/** What MCP shows beside the tools, put together once: resources, completions, and what tells that they changed. */
import type { Principal } from '#domain/principal.ts';
import type { ChangeFeed } from './change-feed.ts';
import { type Completions, openCompletions } from './completions.ts';
import type { ToolServices } from './define.ts';
import type { Dispatcher } from './dispatch.ts';
import { openResourceReader, type ResourceReader } from './resource-reader.ts';

/** The lists of MCP that depend on who asks. */
export const LISTS = ['tools', 'prompts', 'resources'] as const;
export type List = (typeof LISTS)[number];

export interface Library {
  readonly resources: ResourceReader;
  readonly completions: Completions;
  readonly changes: ChangeFeed;
  /** What each list depends on, as a text: another text, another list. */
  listsOf(principal: Principal): { readonly [list in List]: string };
}

export type LibraryServices = Pick<ToolServices, 'book'> & {
  readonly markets: ToolServices['markets'];
  readonly changes: ChangeFeed;
  readonly access: { readonly agents: Pick<ToolServices['access']['agents'], 'accountsOf'> };
};

export function openLibrary(services: LibraryServices, dispatcher: Dispatcher): Library {
  return {
    resources: openResourceReader(services, dispatcher),
    completions: openCompletions(dispatcher),
    changes: services.changes,
    listsOf(principal) {
      const scopes = [...principal.scopes].sort().join(' ');
      const accounts = services.access.agents.accountsOf(principal.agent).join(' ');
      return { tools: scopes, prompts: scopes, resources: `${scopes}, ${accounts}` };
    },
  };
}
