/** A tool as a route of REST: which argument travels where. */
import type { RestRoute, Tool } from './define.ts';

export const REST_BASE = '/api/v1';

export interface RestShape {
  readonly method: RestRoute['method'];
  /** Below `REST_BASE`, parameters as `{order_id}`. */
  readonly path: string;
  readonly inPath: readonly string[];
  /** What is not in the path travels in the query of GET and DELETE, in the JSON body of the others. */
  readonly inQuery: readonly string[];
  readonly inBody: readonly string[];
}

export const hasBody = (method: RestRoute['method']): boolean => method === 'POST' || method === 'PATCH';

export function restShape(tool: Tool): RestShape {
  const { method, path } = tool.rest;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => field ?? '');
  const others = Object.keys(tool.inputSchema.properties).filter((field) => !inPath.includes(field));
  const [inQuery, inBody] = hasBody(method) ? [[], others] : [others, []];
  return { method, path, inPath, inQuery, inBody };
}
