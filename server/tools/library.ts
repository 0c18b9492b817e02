/** What MCP shows beside the tools, put together once: resources. */
import type { ToolServices } from './define.ts';
import type { Dispatcher } from './dispatch.ts';
import { openResourceReader, type ResourceReader } from './resource-reader.ts';

export interface Library {
  readonly resources: ResourceReader;
}

export function openLibrary(
  services: Pick<ToolServices, 'feed' | 'access'>,
  dispatcher: Dispatcher,
): Library {
  return { resources: openResourceReader(services, dispatcher) };
}
