/** The OpenAPI 3.1 document of all tools: every route, what it takes, and every answer it may give. */
import { SCOPES } from '#domain/principal.ts';
import { REFUSAL_REASONS, type Refusal, type RefusalReason, refuse, statusOf } from '#domain/refusal.ts';
import { isReserved, REFUSAL_GUIDE, refusalGroups } from '#domain/refusal-guide.ts';
import type { Tool } from './define.ts';
import { type JsonSchema, outputSchemaOf, type PropertySchema } from './json-schema.ts';
import { exampleAnswer, exampleCommit, exampleRequest, SCOPE_WORDS } from './reference.ts';
import { OF_EVERY_TOOL } from './refusals.ts';
import { REST_BASE, restShape } from './rest-shape.ts';
import { ProblemShape, RefusalShape } from './shapes.ts';
import { STREAM_REFUSALS, STREAM_ROUTE, streamOperation } from './stream-shape.ts';

/** Schemas are JSON Schema 2020-12, as in MCP. */
export function openApiDocument(tools: readonly Tool[], version: string): JsonSchema {
  const paths = new Map<string, Record<string, JsonSchema>>();
  for (const tool of tools) {
    const operations = paths.get(tool.rest.path) ?? {};
    operations[tool.rest.method.toLowerCase()] = operationOf(tool);
    paths.set(tool.rest.path, operations);
  }
  const refusals = { ...refusalsOf({ refusals: STREAM_REFUSALS }), default: FROM_THE_SURFACE };
  paths.set(STREAM_ROUTE.rest.path, { get: streamOperation(refusals) });
  const scopes = SCOPES.filter((scope) => tools.some((tool) => tool.scope === scope));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portcullis',
      version,
      summary: 'A trading gateway for AI agents, as REST.',
      description:
        'Prices, quantities and money are decimal strings; times are ISO 8601 UTC. What can add risk is a preview unless `dry_run` is false; the commit repeats the arguments with the `action_token` of the preview and an `idempotency_key`. Answers may gain fields: ignore those you do not know.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: REST_BASE, description: 'This gateway.' }],
    security: [{ key: [] }],
    tags: scopes.map((name) => ({ name, description: SCOPE_WORDS[name] })),
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key that the owner made with `portcullis keys create`: `pcl_…`.',
        },
      },
      headers: {
        RetryAfter: {
          description: 'Seconds to wait before trying again; the same as `retry_after`.',
          schema: { type: 'integer', minimum: 0 },
          example: 1,
        },
        WwwAuthenticate: {
          description: 'How to authenticate, or which scope is missing (RFC 6750).',
          schema: { type: 'string' },
          example: 'Bearer',
        },
      },
      schemas: { Refusal: outputSchemaOf(RefusalShape), Problem: outputSchemaOf(ProblemShape) },
      examples: examples(),
    },
  };
}

function operationOf(tool: Tool): JsonSchema {
  const { inPath, inQuery, inBody } = restShape(tool);
  const required = tool.inputSchema.required ?? [];
  const parameters = [
    ...inPath.map((field) => parameterOf(tool, field, { where: 'path', required: true })),
    ...inQuery.map((field) =>
      parameterOf(tool, field, { where: 'query', required: required.includes(field) }),
    ),
  ];
  return {
    operationId: tool.name,
    summary: tool.title,
    description: tool.description,
    tags: [tool.scope],
    'x-effect': tool.effect,
    'x-scope': tool.scope,
    'x-prompt': tool.example.prompt,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(inBody.length === 0 ? {} : { requestBody: bodyOf(tool, inBody) }),
    responses: { '200': successOf(tool), ...refusalsOf(tool), default: FROM_THE_SURFACE },
  };
}

function parameterOf(
  tool: Tool,
  name: string,
  how: { readonly where: 'path' | 'query'; readonly required: boolean },
): JsonSchema {
  const { description, ...schema }: PropertySchema = tool.inputSchema.properties[name] ?? {};
  const { arguments: example } = tool.example;
  return {
    name,
    in: how.where,
    required: how.required,
    ...(description === undefined ? {} : { description }),
    // A list is one value with commas.
    ...(schema.type === 'array' ? { style: 'form', explode: false } : {}),
    schema,
    ...(Object.hasOwn(example, name) ? { example: example[name] } : {}),
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
  return {
    required: required.length > 0,
    content: { 'application/json': { schema, examples: requestExamples(tool) } },
  };
}

interface Example {
  readonly summary: string;
  readonly value: unknown;
}

/** What previews first is shown as a preview and as the commit of it. */
function requestExamples(tool: Tool): Readonly<Record<string, Example>> {
  const commit = exampleCommit(tool);
  const first = { summary: tool.example.prompt, value: exampleRequest(tool).body ?? {} };
  if (commit === undefined) return { example: first };
  const value = exampleRequest(tool, commit.arguments).body;
  return { preview: first, commit: { summary: 'The same, carried out.', value } };
}

function answerExamples(tool: Tool): Readonly<Record<string, Example>> {
  const value = exampleAnswer(tool);
  const commit = exampleCommit(tool);
  if (value === undefined) return {};
  if (commit === undefined) return { example: { summary: tool.example.prompt, value } };
  return {
    preview: { summary: tool.example.prompt, value },
    commit: { summary: 'The same, carried out.', value: commit.answer },
  };
}

function successOf(tool: Tool): JsonSchema {
  const examples = answerExamples(tool);
  return {
    description: 'Done. `normalized` is there when an argument was repaired, and says how it was read.',
    content: {
      'application/json': {
        schema: tool.successSchema,
        ...(Object.keys(examples).length === 0 ? {} : { examples }),
      },
    },
  };
}

// ---- refusals -----------------------------------------------------------------------------------------------------

const REFUSAL = { $ref: '#/components/schemas/Refusal' };
const PROBLEM = { $ref: '#/components/schemas/Problem' };

/** What is refused before it is known whose call it is: no reason of the order line covers it. */
const FROM_THE_SURFACE: JsonSchema = {
  description:
    'The request itself: for a method that the address does not have (405), not in time (408), too large (413), not JSON (415), for a Host that is not answered here (421).',
  content: { 'application/problem+json': { schema: PROBLEM } },
};

/** The surface answers under these as well: a body that is not JSON, a foreign Origin. */
const ALSO_PROBLEMS: ReadonlySet<number> = new Set([400, 403]);

/** A response for each status, with the reasons of this tool that it may carry. */
function refusalsOf(tool: Pick<Tool, 'refusals'>): Readonly<Record<string, JsonSchema>> {
  const own = new Set<RefusalReason>([...OF_EVERY_TOOL, ...tool.refusals]);
  const responses = refusalGroups().flatMap(({ status, words, reasons }): [string, JsonSchema][] => {
    const named = reasons.filter((reason) => own.has(reason));
    // The kill switch shuts everybody out: the state, told as a credential that opens nothing.
    const told: readonly RefusalReason[] = status === 401 ? [...named, 'trading_halted'] : named;
    return told.length === 0 ? [] : [[String(status), refusalOf({ status, words, reasons: told })]];
  });
  return Object.fromEntries(responses);
}

function refusalOf(group: ReturnType<typeof refusalGroups>[number]): JsonSchema {
  const { status, words, reasons } = group;
  const waits = reasons.some((reason) => WAITS.has(reason));
  const headers = {
    ...(waits ? { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } : {}),
    ...(status === 401 || status === 403
      ? { 'WWW-Authenticate': { $ref: '#/components/headers/WwwAuthenticate' } }
      : {}),
  };
  return {
    description: `${words} Reasons: ${reasons.map((reason) => `\`${reason}\``).join(', ')}.`,
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    content: {
      'application/problem+json': {
        schema: ALSO_PROBLEMS.has(status) ? { anyOf: [REFUSAL, PROBLEM] } : REFUSAL,
        examples: Object.fromEntries(
          reasons.map((reason) => [reason, { $ref: `#/components/examples/${exampleName(reason, status)}` }]),
        ),
      },
    },
  };
}

/** Only the kill switch answers a reason under another status than its own. */
const exampleName = (reason: RefusalReason, status: number): string =>
  statusOf(reason) === status ? reason : 'kill_switch';

function examples(): Readonly<Record<string, JsonSchema>> {
  const named = REFUSAL_REASONS.filter((reason) => !isReserved(reason)).map(
    (reason): [string, JsonSchema] => [
      reason,
      { summary: REFUSAL_GUIDE[reason].meaning, value: exampleRefusal(reason) },
    ],
  );
  const killed = {
    summary: 'The owner has dropped the gate.',
    value: { ...exampleRefusal('trading_halted'), status: 401 },
  };
  return { ...Object.fromEntries(named), kill_switch: killed };
}

/** Reasons that come with the time to wait. */
const WAITS: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'rate_limited',
  'throttled',
  'reconciling',
]);

function exampleRefusal(reason: RefusalReason): Refusal {
  const { meaning, remedy } = REFUSAL_GUIDE[reason];
  const figure = { limit: reason, used: '0', order: '12814.0515', max: '10000', unit: 'USD' };
  return refuse(reason, `${meaning} ${remedy}`, {
    ...(reason === 'invalid_input'
      ? { errors: [{ field: 'side', value: 'long', rule: 'one of buy, sell', nearest: null }] }
      : {}),
    ...(reason === 'unknown_symbol' ? { did_you_mean: ['SPX', 'SPY'] } : {}),
    ...(statusOf(reason) === 422 && reason.startsWith('max_') ? { limits: [figure] } : {}),
    ...(WAITS.has(reason) ? { retry_after: 1 } : {}),
  });
}
