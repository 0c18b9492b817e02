/**
 * Alpaca's published OpenAPI documents as a judge of what was said on the wire: each request, and each answer of the simulator. The
 * documents are data beside the project, not part of it: where they are absent there is no judge.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { Exchange } from './simulator/simulator.ts';

const SPECS = new URL('../../../../shared/data/specs/', import.meta.url);
const NAMES = ['alpaca-trading-api', 'alpaca-market-data-api'] as const;
const fileOf = (name: string): URL => new URL(`${name}.openapi.json`, SPECS);
export const SPECS_ABSENT = !NAMES.every((name) => existsSync(fileOf(name)));
export const SPECS_ABSENT_NOTE =
  'skipped: the published descriptions of Alpaca (../shared/data/specs) are not beside the project';

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: object; readonly examples?: object }>>;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}
type PathItem = Readonly<Record<string, Operation>> & { readonly parameters?: readonly Parameter[] };
interface Document {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
    readonly parameters?: Readonly<Record<string, Parameter>>;
    readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
}

export interface Judge {
  /** What is wrong with it by the documents, each a line; empty: nothing. */
  objections(exchange: Exchange): readonly string[];
  /** Whether any document knows of it. */
  knows(exchange: Pick<Exchange, 'method' | 'url'>): boolean;
  /** The published examples of the trading API, by their names. */
  example(name: string): unknown;
  /** The one published example of what a path of either API answers. */
  answerOf(path: string): unknown;
  /** The one inside a schema of the trading API. */
  exampleOf(schema: string): unknown;
  /** Whether a value is what a schema of the trading API says. */
  isOf(schema: string, value: unknown): readonly string[];
}

export function openJudge(): Judge {
  const documents = NAMES.map((name) => ({ name, document: read(name) }));
  const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: false });
  addFormats.default(ajv);
  for (const format of ['decimal', 'uint32', 'uint64', 'int', 'uint']) ajv.addFormat(format, true);
  for (const { name, document } of documents) ajv.addSchema(document, name);
  const compiled = new Map<string, ValidateFunction>();
  const validator = (reference: string): ValidateFunction => {
    const known = compiled.get(reference) ?? ajv.compile({ $ref: reference });
    compiled.set(reference, known);
    return known;
  };
  const wrong = (reference: string, value: unknown): readonly string[] => {
    const validate = validator(reference);
    return validate(value)
      ? []
      : (validate.errors ?? []).map((one) => `${one.instancePath || '/'} ${one.message ?? 'is wrong'}`);
  };
  const find = ({ method, url }: Pick<Exchange, 'method' | 'url'>) => {
    const { pathname } = new URL(url, 'http://judge');
    for (const { name, document } of documents)
      for (const [path, item] of Object.entries(document.paths)) {
        const operation = item[method.toLowerCase()];
        if (operation !== undefined && matches(path, pathname))
          return { name, document, path, item, operation };
      }
    return undefined;
  };

  return {
    knows: (exchange) => find(exchange) !== undefined,
    example: (name) => documents[0]?.document.components.examples?.[name]?.value,
    answerOf(path) {
      const item = documents.map(({ document }) => document.paths[path]).find((one) => one !== undefined);
      const content = item?.['get']?.responses['200']?.content?.['application/json'];
      const { example, examples } = (content ?? {}) as { example?: unknown; examples?: object };
      const [first] = Object.values(examples ?? {}) as { value: unknown }[];
      return example ?? first?.value;
    },
    exampleOf(schema) {
      const examples = documents[0]?.document.components.schemas[schema]?.['x-examples'];
      return Object.values((examples ?? {}) as object)[0] as unknown;
    },
    isOf: (schema, value) => wrong(`${NAMES[0]}#/components/schemas/${schema}`, value),
    objections(exchange) {
      const found = find(exchange);
      const said = `${exchange.method} ${exchange.url}`;
      if (found === undefined) return [`${said}: no document knows it`];
      const { name, document, path, item, operation } = found;
      const at = `${name}#/paths/${escaped(path)}/${exchange.method.toLowerCase()}`;
      const lines = [
        ...queryObjections(exchange, document, [...(item.parameters ?? []), ...(operation.parameters ?? [])]),
      ];
      const bodySchema = operation.requestBody?.content?.['application/json']?.schema;
      if (bodySchema !== undefined) {
        const body = JSON.parse(exchange.body) as object;
        lines.push(...wrong(`${at}/requestBody/content/${escaped('application/json')}/schema`, body));
        lines.push(...unknownFields(document, bodySchema, body));
      }
      const answer = operation.responses[String(exchange.status)]?.content?.['application/json'];
      if (exchange.genuine && answer?.schema !== undefined)
        lines.push(
          ...wrong(
            `${at}/responses/${exchange.status}/content/${escaped('application/json')}/schema`,
            JSON.parse(exchange.answer),
          ),
        );
      else if (
        exchange.genuine &&
        exchange.status < 300 &&
        operation.responses[String(exchange.status)] === undefined
      )
        lines.push(`${exchange.status} is in no document`);
      return lines.map((line) => `${said}: ${line}`);
    },
  };
}

/** Two known faults are mended: an asset's exchange may be that of coins, and an activity may fit both of its two kinds. */
function read(name: string): Document {
  const text = readFileSync(fileOf(name), 'utf8');
  const document = JSON.parse(text) as Document;
  const exchange = document.components.schemas['Exchange'];
  if (exchange !== undefined) (exchange['enum'] as string[]).push('CRYPTO');
  const activities = document.paths['/v2/account/activities/{activity_type}']?.['get'];
  const list = activities?.responses['200']?.content?.['application/json']?.schema as
    | { items: { oneOf?: unknown; anyOf?: unknown } }
    | undefined;
  if (list !== undefined) {
    list.items.anyOf = list.items.oneOf;
    delete list.items.oneOf;
  }
  return document;
}

const escaped = (part: string): string =>
  encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
const matches = (template: string, path: string): boolean =>
  new RegExp(
    `^${template.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{[^}]+\}/g, '[^/]+')}$`,
  ).test(path);

function queryObjections(
  { url }: Exchange,
  document: Document,
  parameters: readonly Parameter[],
): readonly string[] {
  const query = new URL(url, 'http://judge').searchParams;
  const known = parameters.map((one) =>
    one.$ref === undefined
      ? one
      : (document.components.parameters?.[one.$ref.split('/').at(-1) ?? ''] ?? one),
  );
  const lines: string[] = [];
  for (const [name, value] of query) {
    const parameter = known.find((one) => one.in === 'query' && one.name === name);
    if (parameter === undefined) lines.push(`?${name} is in no document`);
    else lines.push(...valueObjections(document, parameter, value));
  }
  for (const { name, required, in: where } of known)
    if (where === 'query' && required === true && !query.has(name)) lines.push(`?${name} is missing`);
  return lines;
}

function valueObjections(document: Document, { name, schema }: Parameter, value: string): readonly string[] {
  const reference = schema['$ref'];
  const meant =
    typeof reference === 'string'
      ? (document.components.schemas[reference.split('/').at(-1) ?? ''] ?? schema)
      : schema;
  if (meant['type'] === 'integer') {
    const number = Number(value);
    if (!Number.isInteger(number)) return [`?${name}=${value} is no integer`];
    if (number > Number(meant['maximum'] ?? Number.POSITIVE_INFINITY))
      return [`?${name}=${value} is too large`];
  }
  const words = meant['enum'] as readonly string[] | undefined;
  return words === undefined || words.includes(value)
    ? []
    : [`?${name}=${value} is none of ${words.join(', ')}`];
}

function unknownFields(document: Document, schema: object, body: object): readonly string[] {
  const { $ref: reference } = schema as { $ref?: string };
  const meant =
    reference === undefined ? schema : (document.components.schemas[reference.split('/').at(-1) ?? ''] ?? {});
  const { properties = {} } = meant as { properties?: object };
  return Object.keys(body)
    .filter((field) => !(field in properties))
    .map((field) => `the field ${field} is in no document`);
}

const judge = SPECS_ABSENT ? undefined : openJudge();
if (SPECS_ABSENT) console.log(SPECS_ABSENT_NOTE);

/** Throws when anything of what was said is against the documents; says nothing where they are absent. */
export function mustBeLawful(exchanges: readonly Exchange[]): void {
  const lines = new Set(exchanges.flatMap((one) => judge?.objections(one) ?? []));
  if (lines.size > 0) throw new Error(`against Alpaca's documents:\n${[...lines].slice(0, 10).join('\n')}`);
}
