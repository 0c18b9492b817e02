/** The tools as REST tells of them: which argument travels where, and the OpenAPI document of all of them. */
import type { RestRoute, Tool } from './define.ts';
import { type JsonSchema, outputSchemaOf, type PropertySchema } from './json-schema.ts';
import { RefusalShape } from './shapes.ts';

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

export function restShape(tool: Tool): RestShape {
  const { method, path } = tool.rest;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => field ?? '');
  const others = Object.keys(tool.inputSchema.properties).filter((field) => !inPath.includes(field));
  const bodiless = method === 'GET' || method === 'DELETE';
  return { method, path, inPath, inQuery: bodiless ? others : [], inBody: bodiless ? [] : others };
}

/** OpenAPI 3.1, whose schemas are JSON Schema 2020-12: those of MCP as they are. */
export function openApiDocument(tools: readonly Tool[], version: string): JsonSchema {
  const paths = new Map<string, Record<string, JsonSchema>>();
  for (const tool of tools) {
    const operations = paths.get(tool.rest.path) ?? {};
    operations[tool.rest.method.toLowerCase()] = operationOf(tool);
    paths.set(tool.rest.path, operations);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portcullis',
      version,
      description:
        'A trading gateway for AI agents. Prices, quantities and money are decimal strings; times are ISO 8601 UTC.',
    },
    servers: [{ url: REST_BASE }],
    security: [{ key: [] }],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key of the owner, pcl_…' },
      },
      schemas: { Refusal: outputSchemaOf(RefusalShape) },
    },
  };
}

function operationOf(tool: Tool): JsonSchema {
  const { inPath, inQuery, inBody } = restShape(tool);
  const { properties } = tool.inputSchema;
  const required = tool.inputSchema.required ?? [];
  const parameters = [
    ...inPath.map((field) => parameterOf(field, 'path', { schema: properties[field], required: true })),
    ...inQuery.map((field) =>
      parameterOf(field, 'query', { schema: properties[field], required: required.includes(field) }),
    ),
  ];
  return {
    operationId: tool.name,
    summary: tool.title,
    description: `${tool.description} Scope: ${tool.scope}.`,
    tags: [tool.scope],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(inBody.length === 0 ? {} : { requestBody: bodyOf(tool, inBody) }),
    responses: {
      '200': { description: 'Done.', content: { 'application/json': { schema: tool.successSchema } } },
      default: {
        description: 'Refused: the reason, and what to do about it.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Refusal' } } },
      },
    },
  };
}

function parameterOf(
  name: string,
  where: 'path' | 'query',
  how: { readonly schema: PropertySchema | undefined; readonly required: boolean },
): JsonSchema {
  const { description, ...schema } = how.schema ?? {};
  return {
    name,
    in: where,
    required: how.required,
    ...(description === undefined ? {} : { description }),
    // A list is one value with commas.
    ...(schema.type === 'array' ? { style: 'form', explode: false } : {}),
    schema,
  };
}

function bodyOf(tool: Tool, fields: readonly string[]): JsonSchema {
  const required = (tool.inputSchema.required ?? []).filter((field) => fields.includes(field));
  const schema = {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field, tool.inputSchema.properties[field]])),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
  return { required: required.length > 0, content: { 'application/json': { schema } } };
}
