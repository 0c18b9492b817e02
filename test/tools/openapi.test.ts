// The OpenAPI document as a reader of the specification meets it: whole, resolvable, and with examples that are true.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { SCOPES } from '#domain/principal.ts';
import { statusOf } from '#domain/refusal.ts';
import { TOOLS } from '#tools/index.ts';
import { openApiDocument } from '#tools/openapi.ts';
import { OF_EVERY_TOOL } from '#tools/refusals.ts';
import { STREAM_ROUTE } from '#tools/stream-shape.ts';

type Json = Readonly<Record<string, unknown>>;
interface Media {
  readonly schema: Json;
  readonly examples?: Readonly<Record<string, { readonly $ref?: string; readonly value?: unknown }>>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Json;
  readonly example?: unknown;
}
interface Response {
  readonly description: string;
  readonly headers?: Json;
  readonly content: Readonly<Record<string, Media>>;
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': Media } };
  readonly responses: Readonly<Record<string, Response>>;
}
interface Document {
  readonly info: { readonly version: string; readonly license: Json };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}
// As it travels: what JSON can not say is not in it.
const document = JSON.parse(JSON.stringify(openApiDocument(TOOLS, '1.2.3'))) as Document;
const OPERATIONS = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const named = OPERATIONS.map((one) => [one.operation.operationId, one] as const);

/** Every value of the document with the way to it. */
function walk(value: unknown, visit: (value: Json, path: string) => void, path = '#'): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Json, path);
  for (const [key, below] of Object.entries(value)) walk(below, visit, `${path}/${key}`);
}
const resolve = (reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce<unknown>((here, key) => (here as Json | undefined)?.[key], document);

const FORMATS = { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) };
/** Strict about schemas: a keyword that is none, or that belongs to another type, is an error. */
const ajv = new Ajv2020({ strict: true, strictRequired: false, formats: FORMATS });
ajv.addVocabulary(['components']);
const judges = new Map<string, ValidateFunction>();
/** References are resolved within the document; many places have the same schema, which is compiled once. */
function judge(schema: Json): ValidateFunction {
  const text = JSON.stringify(schema);
  const compiled = judges.get(text) ?? ajv.compile({ ...schema, components: document.components });
  judges.set(text, compiled);
  return compiled;
}

describe('the OpenAPI document', () => {
  it('has an operation for every tool, under its name, and no name twice', () => {
    const expected = [...TOOLS.map(({ name }) => name), STREAM_ROUTE.name];
    expect(named.map(([name]) => name).toSorted()).toEqual(expected.toSorted());
    expect(document.info).toMatchObject({ version: '1.2.3', license: { name: 'MIT', identifier: 'MIT' } });
  });

  it('has nothing beside what the specification lists at its root', () => {
    const known = ['openapi', 'info', 'servers', 'security', 'tags', 'paths', 'components'];
    expect(Object.keys(document).filter((key) => !known.includes(key))).toEqual([]);
    expect(document).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/api/v1' }] });
  });

  it('describes a tag for every scope, and tags every operation with its own', () => {
    expect(document.tags.map(({ name }) => name)).toEqual([...SCOPES]);
    for (const { description } of document.tags) expect(description.length).toBeGreaterThan(20);
    for (const tool of TOOLS) {
      const found = OPERATIONS.find(({ operation }) => operation.operationId === tool.name);
      expect(found?.operation).toMatchObject({ tags: [tool.scope], 'x-effect': tool.effect });
    }
  });

  it('keeps two methods of one path apart', () => {
    expect(Object.keys(document.paths['/orders/{order_id}'] ?? {}).sort()).toEqual([
      'delete',
      'get',
      'patch',
    ]);
    expect(Object.keys(document.paths['/orders'] ?? {}).sort()).toEqual(['get', 'post']);
  });

  it('refers only to what is in it, and has no component that nothing refers to', () => {
    const references = new Set<string>();
    walk(document, (value) => {
      if (typeof value['$ref'] === 'string') references.add(value['$ref']);
    });
    expect([...references].filter((reference) => resolve(reference) === undefined)).toEqual([]);
    const components = Object.entries(document.components).flatMap(([kind, entries]) =>
      kind === 'securitySchemes' ? [] : Object.keys(entries).map((name) => `#/components/${kind}/${name}`),
    );
    expect(components.filter((name) => !references.has(name))).toEqual([]);
  });

  it('is made of schemas that a strict validator of draft 2020-12 takes', () => {
    const schemas: [string, Json][] = [];
    walk(document, (value, path) => {
      if (typeof value['schema'] === 'object') schemas.push([path, value['schema'] as Json]);
    });
    schemas.push(...Object.entries(document.components['schemas'] ?? {}));
    expect(schemas.length).toBeGreaterThan(100);
    for (const [path, schema] of schemas) expect(() => judge(schema), path).not.toThrow();
  });
});

/** The fixed fields of the specification (3.1.0, section 4.8) of the objects that the document is made of. */
const FIELDS = {
  info: ['title', 'summary', 'description', 'license', 'version'],
  license: ['name', 'identifier'],
  server: ['url', 'description'],
  tag: ['name', 'description'],
  components: ['schemas', 'headers', 'examples', 'securitySchemes'],
  operation: ['tags', 'summary', 'description', 'operationId', 'parameters', 'requestBody', 'responses'],
  parameter: ['name', 'in', 'description', 'required', 'style', 'explode', 'schema', 'example'],
  requestBody: ['required', 'content'],
  response: ['description', 'headers', 'content'],
  mediaType: ['schema', 'examples'],
  header: ['description', 'schema', 'example'],
  example: ['summary', 'value'],
  securityScheme: ['type', 'scheme', 'description'],
} as const;

describe('every object of the document', () => {
  const strange: string[] = [];
  function look(kind: keyof typeof FIELDS, object: unknown): void {
    const { $ref, ...fields } = object as Json;
    if ($ref !== undefined) {
      if (Object.keys(fields).length > 0) strange.push(`${kind}: something beside $ref`);
      return;
    }
    const known: readonly string[] = FIELDS[kind];
    for (const field of Object.keys(fields))
      if (!known.includes(field) && !field.startsWith('x-')) strange.push(`${kind}: ${field}`);
  }
  const each = (kind: keyof typeof FIELDS, objects: object = {}): void => {
    for (const object of Object.values(objects)) look(kind, object);
  };
  function lookAtContent(content: Readonly<Record<string, Media>>): void {
    for (const media of Object.values(content)) {
      look('mediaType', media);
      each('example', media.examples);
    }
  }

  it('has the fields that the specification gives it, and extensions by their prefix', () => {
    const { components, info, tags, servers } = document as Document & {
      readonly servers: readonly object[];
    };
    look('info', info);
    look('license', info.license);
    each('server', servers);
    each('tag', tags);
    look('components', components);
    each('header', components['headers']);
    each('example', components['examples']);
    each('securityScheme', components['securitySchemes']);
    for (const { operation } of OPERATIONS) {
      look('operation', operation);
      each('parameter', operation.parameters);
      if (operation.requestBody) {
        look('requestBody', operation.requestBody);
        lookAtContent(operation.requestBody.content);
      }
      for (const response of Object.values(operation.responses)) {
        look('response', response);
        each('header', response.headers);
        lookAtContent(response.content);
      }
    }
    expect(strange).toEqual([]);
    look('tag', { name: 'x', colour: 'red' });
    expect(strange).toEqual(['tag: colour']);
  });

  it('has a name that a reference can carry, and security that is declared', () => {
    for (const names of Object.values(document.components))
      for (const name of Object.keys(names)) expect(name).toMatch(/^[a-zA-Z0-9._-]+$/);
    expect(document).toMatchObject({ security: [{ key: [] }] });
    expect(document.components['securitySchemes']).toHaveProperty('key');
  });
});

describe.each(named)('%s', (_, { path, method, operation }) => {
  const parameters = operation.parameters ?? [];
  const answered = operation.operationId === STREAM_ROUTE.name ? 'text/event-stream' : 'application/json';

  it('declares every parameter of its path as required, and no other of the path', () => {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parameters.filter((one) => one.in === 'path').map(({ name }) => name)).toEqual(inPath);
    for (const one of parameters) if (one.in === 'path') expect(one.required).toBe(true);
    const places = parameters.map((one) => `${one.in} ${one.name}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it('has a body where its method carries one, and nowhere else', () => {
    expect(operation.requestBody !== undefined).toBe(method === 'post' || method === 'patch');
    if (operation.requestBody) expect(parameters.filter((one) => one.in === 'query')).toEqual([]);
  });

  it('has a response for every status that it may answer, which names the reasons', () => {
    const tool = TOOLS.find(({ name }) => name === operation.operationId);
    for (const reason of [...OF_EVERY_TOOL, ...(tool?.refusals ?? [])]) {
      const response = operation.responses[String(statusOf(reason))];
      expect(response?.description).toContain(`\`${reason}\``);
    }
    expect(operation.responses['401']?.description).toContain('`trading_halted`');
    expect(operation.responses['429']?.headers).toHaveProperty('Retry-After');
    expect(operation.responses['401']?.headers).toHaveProperty('WWW-Authenticate');
    for (const [status, { content }] of Object.entries(operation.responses))
      expect(Object.keys(content)).toEqual([status === '200' ? answered : 'application/problem+json']);
  });

  it('shows examples that fit their schemas', () => {
    const fits = (schema: Json, example: unknown) => {
      const validate = judge(schema);
      return validate(example) ? [] : [validate.errors, example];
    };
    for (const one of parameters)
      if (one.example !== undefined) expect(fits(one.schema, one.example)).toEqual([]);
    const valuesOf = ({ examples = {} }: Media): unknown[] =>
      Object.values(examples).map(({ $ref, value }) =>
        $ref === undefined ? value : (resolve($ref) as { readonly value: unknown }).value,
      );
    const body = operation.requestBody?.content['application/json'];
    if (body) {
      expect(valuesOf(body).length).toBeGreaterThan(0);
      for (const value of valuesOf(body)) expect(fits(body.schema, value)).toEqual([]);
    }
    for (const [status, { content }] of Object.entries(operation.responses))
      for (const media of Object.values(content)) {
        if (status !== 'default') expect(valuesOf(media).length).toBeGreaterThan(0);
        for (const value of valuesOf(media)) {
          expect(fits(media.schema, value)).toEqual([]);
          if (status !== '200') expect(value).toMatchObject({ status: Number(status) });
        }
      }
  });
});
