/** A tool as a reader meets it: where each argument goes, what the answer holds, in words instead of JSON Schema. */
import type { Scope } from '#domain/principal.ts';
import type { RefusalReason } from '#domain/refusal.ts';
import type { Effect, Tool } from './define.ts';
import written from './examples.generated.json' with { type: 'json' };
import type { JsonSchema, PropertySchema } from './json-schema.ts';
import { isRecord } from './normalise.ts';
import { hasBody, REST_BASE, restShape } from './rest-shape.ts';

type Wire = Readonly<Record<string, unknown>>;
/** What a gateway answered, by tool: to the example, and to its commit where the example is a preview. */
const ANSWERS: Readonly<Record<string, Wire>> = written.answers;
const COMMITS: Readonly<Record<string, Wire>> = written.commits;

export const SCOPE_WORDS: { readonly [scope in Scope]: string } = {
  'read:market': 'Instruments, quotes, bars and the market clock.',
  'read:account': 'The accounts the agent was given; its own orders, trades and mandate.',
  'write:orders':
    'Placing, changing, canceling and closing. The scope alone moves nothing: trading needs a mandate of the owner.',
};

export const EFFECT_WORDS: { readonly [effect in Effect]: string } = {
  read: 'reads only',
  reduce: 'can only lower risk; acts on the first call',
  trade: 'can add risk; previews first',
};

export interface ParameterReference {
  readonly name: string;
  readonly where: 'path' | 'query' | 'body';
  readonly type: string;
  readonly required: boolean;
  /** What it must be beside its type; empty when nothing is to be said. */
  readonly bounds: string;
  readonly description: string;
}

export interface AnswerField {
  readonly name: string;
  readonly type: string;
  /** False: may be left out. */
  readonly always: boolean;
}

/** The fields of one object of an answer; `orders[]` is each entry of the list `orders`, empty the answer itself. */
export interface AnswerGroup {
  readonly of: string;
  readonly fields: readonly AnswerField[];
}

export interface ToolReference {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly scope: Tool['scope'];
  readonly effect: Tool['effect'];
  readonly method: Tool['rest']['method'];
  /** With `/api/v1`. */
  readonly path: string;
  readonly parameters: readonly ParameterReference[];
  readonly answer: readonly AnswerGroup[];
  readonly refusals: readonly RefusalReason[];
  readonly prompt: string;
  readonly arguments: Wire;
}

export function referenceOf(tool: Tool): ToolReference {
  const { inPath, inQuery } = restShape(tool);
  const place = (field: string): ParameterReference['where'] => {
    if (inPath.includes(field)) return 'path';
    return inQuery.includes(field) ? 'query' : 'body';
  };
  const required = new Set(tool.inputSchema.required);
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    scope: tool.scope,
    effect: tool.effect,
    method: tool.rest.method,
    path: `${REST_BASE}${tool.rest.path}`,
    parameters: Object.entries(tool.inputSchema.properties).map(([name, schema]) => ({
      name,
      where: place(name),
      type: typeWords(schema),
      required: required.has(name),
      bounds: boundsOf(schema),
      description: schema.description ?? '',
    })),
    answer: answerGroups(tool.successSchema),
    refusals: tool.refusals,
    prompt: tool.example.prompt,
    arguments: tool.example.arguments,
  };
}

/** As `fields.ts` and `shapes.ts` write decimals. */
const isDecimal = (schema: PropertySchema): boolean => (schema.pattern ?? '').includes('[1-9]\\d*)');

const variantsOf = (schema: PropertySchema): readonly PropertySchema[] =>
  ((schema['anyOf'] ?? schema['oneOf']) as readonly PropertySchema[] | undefined) ?? [];

/** `decimal or null`, `list of strings`, `integer`. */
function typeWords(schema: PropertySchema): string {
  const variants = variantsOf(schema);
  if (variants.length > 0) return [...new Set(variants.map(typeWords))].join(' or ');
  if (isDecimal(schema)) return 'decimal';
  if (schema['format'] === 'date-time') return 'time';
  if (typeof schema['const'] === 'boolean') return 'boolean';
  if (schema.type === 'array') {
    const items = schema['items'] as PropertySchema | undefined;
    return `list of ${items === undefined ? 'values' : `${typeWords(items)}s`}`;
  }
  return [schema.type ?? 'value'].flat().join(' or ');
}

function boundsOf(schema: PropertySchema): string {
  const bounds: string[] = [];
  if (schema.enum) bounds.push(schema.enum.join(', '));
  else if (isDecimal(schema)) bounds.push('more than 0');
  else if (schema.pattern !== undefined && schema['format'] === undefined)
    bounds.push(schema.pattern.slice(1, -1));
  if (schema.minimum !== undefined && schema.maximum !== undefined)
    bounds.push(`${schema.minimum} to ${schema.maximum}`);
  if (typeof schema['maxLength'] === 'number') bounds.push(`at most ${schema['maxLength']} characters`);
  if (typeof schema['maxItems'] === 'number')
    bounds.push(`${Number(schema['minItems'] ?? 0)} to ${schema['maxItems']} entries`);
  if (schema.default !== undefined) bounds.push(`default ${JSON.stringify(schema.default)}`);
  return bounds.join('; ');
}

/** Variants of an answer are told together: what only some of them have may be left out. */
function answerGroups(schema: JsonSchema): readonly AnswerGroup[] {
  const groups = new Map<string, Map<string, { types: string[]; always: boolean }>>();
  collect(schema, '', groups);
  return [...groups].map(([of, fields]) => ({
    of,
    fields: [...fields].map(([name, { types, always }]) => ({ name, type: types.join(' or '), always })),
  }));
}

type Groups = Map<string, Map<string, { types: string[]; always: boolean }>>;

function collect(schema: PropertySchema, path: string, groups: Groups): void {
  const objects = objectsOf(schema);
  if (objects.length === 0) return;
  const fields = groups.get(path) ?? new Map<string, { types: string[]; always: boolean }>();
  groups.set(path, fields);
  for (const object of objects) {
    const required = new Set((object['required'] as readonly string[] | undefined) ?? []);
    for (const [name, property] of Object.entries(object.properties)) {
      const field = fields.get(name) ?? { types: [], always: true };
      const type = property.enum === undefined ? typeWords(property) : property.enum.join(' | ');
      if (!field.types.includes(type)) field.types.push(type);
      field.always &&= required.has(name) && objects.every((one) => Object.hasOwn(one.properties, name));
      fields.set(name, field);
    }
  }
  for (const object of objects)
    for (const [name, property] of Object.entries(object.properties)) {
      const below = path === '' ? name : `${path}.${name}`;
      collect(property, below, groups);
      for (const list of [property, ...variantsOf(property)])
        if (isRecord(list['items'])) collect(list['items'], `${below}[]`, groups);
    }
}

type ObjectSchema = PropertySchema & { readonly properties: Readonly<Record<string, PropertySchema>> };

/** The schema itself, or those of its variants, that have named fields. */
function objectsOf(schema: PropertySchema): readonly ObjectSchema[] {
  return [schema, ...variantsOf(schema)].filter((one): one is ObjectSchema => isRecord(one['properties']));
}

/** The example as a request of REST: address and, where there is one, body. */
export interface ExampleRequest {
  readonly method: Tool['rest']['method'];
  /** Path and query. */
  readonly target: string;
  readonly body: Wire | undefined;
}

export function exampleRequest(tool: Tool, args: Wire = tool.example.arguments): ExampleRequest {
  const { inPath, inBody, method, path } = restShape(tool);
  const left = new Map(Object.entries(args));
  let target = `${REST_BASE}${path}`;
  for (const field of inPath) {
    target = target.replace(`{${field}}`, encodeURIComponent(String(left.get(field))));
    left.delete(field);
  }
  if (hasBody(method))
    return { method, target, body: inBody.length > 0 ? Object.fromEntries(left) : undefined };
  const query = [...left].map(([field, value]) => `${field}=${encodeURIComponent(String(value))}`).join('&');
  return { method, target: query === '' ? target : `${target}?${query}`, body: undefined };
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A line for a shell in which `$KEY` holds the key. */
export function curlOf(tool: Tool, origin: string, args?: Wire): string {
  const { method, target, body } = exampleRequest(tool, args);
  const implied = method === 'GET' || (method === 'POST' && body !== undefined);
  const lines = [
    `curl ${implied ? '' : `-X ${method} `}${quoted(`${origin}${target}`)}`,
    '-H "Authorization: Bearer $KEY"',
    ...(body === undefined
      ? []
      : ["-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`]),
  ];
  return lines.join(' \\\n  ');
}

const entryOf = (of: Readonly<Record<string, Wire>>, tool: Tool): Wire | undefined =>
  Object.hasOwn(of, tool.name) ? of[tool.name] : undefined;

/** What a gateway answered to the example, ids and tokens replaced; undefined for a tool that is not of the core. */
export const exampleAnswer = (tool: Tool): Wire | undefined => entryOf(ANSWERS, tool);

/** The call that carries out what the example previews, and what it answered. */
export function exampleCommit(tool: Tool): { readonly arguments: Wire; readonly answer: Wire } | undefined {
  const answer = entryOf(COMMITS, tool);
  if (answer === undefined) return undefined;
  const { action_token } = exampleAnswer(tool) ?? {};
  const commit = { dry_run: false, action_token, idempotency_key: 'monday-1' };
  return { arguments: { ...tool.example.arguments, ...commit }, answer };
}
