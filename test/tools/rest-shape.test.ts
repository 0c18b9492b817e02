// REST and OpenAPI as projections of the tools.
import { describe, expect, it } from 'vitest';
import { TOOLS } from '#tools/index.ts';
import { openApiDocument, restShape } from '#tools/rest-shape.ts';

function shapeOf(name: string) {
  const tool = TOOLS.find((one) => one.name === name);
  if (tool === undefined) throw new Error(name);
  return restShape(tool);
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: object } } };
}
const document = openApiDocument(TOOLS, '1.2.3') as {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

describe('a tool as a route', () => {
  it('carries every argument in exactly one place', () => {
    for (const tool of TOOLS) {
      const { inPath, inQuery, inBody } = restShape(tool);
      expect([...inPath, ...inQuery, ...inBody].sort()).toEqual(
        Object.keys(tool.inputSchema.properties).sort(),
      );
    }
  });

  it('never carries a symbol in the path: symbols have slashes in them', () => {
    for (const tool of TOOLS) expect(restShape(tool).inPath).not.toContain('symbol');
  });

  it('sends changes in the body, looks and cancels in the query', () => {
    expect(shapeOf('modify_order')).toMatchObject({ inPath: ['order_id'], inQuery: [] });
    expect(shapeOf('modify_order').inBody).toContain('idempotency_key');
    expect(shapeOf('cancel_order')).toMatchObject({
      inPath: ['order_id'],
      inQuery: ['dry_run', 'idempotency_key'],
      inBody: [],
    });
    expect(shapeOf('get_quotes').inQuery).toEqual(['symbols']);
  });
});

describe('the OpenAPI document', () => {
  it('has an operation for every tool, under its name', () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(
      TOOLS.map(({ name }) => name).sort(),
    );
    expect(document.info.version).toBe('1.2.3');
  });

  it('keeps two methods of one path apart', () => {
    expect(Object.keys(document.paths['/orders/{order_id}'] ?? {}).sort()).toEqual([
      'delete',
      'get',
      'patch',
    ]);
    expect(Object.keys(document.paths['/orders'] ?? {}).sort()).toEqual(['get', 'post']);
  });

  it('asks for what is required, and for nothing that is not in its place', () => {
    expect(document.paths['/quotes']?.['get']?.parameters).toEqual([
      expect.objectContaining({ name: 'symbols', in: 'query', required: true, explode: false }),
    ]);
    const body = document.paths['/orders']?.['post']?.requestBody?.content['application/json'].schema;
    expect(body).toMatchObject({ required: ['symbol', 'side', 'type'], additionalProperties: false });
    const change = document.paths['/orders/{order_id}']?.['patch'];
    expect(change?.parameters).toEqual([
      expect.objectContaining({ name: 'order_id', in: 'path', required: true }),
    ]);
    expect(change?.requestBody?.content['application/json'].schema).not.toHaveProperty('properties.order_id');
  });

  it('refers to nothing that is not in it', () => {
    const references = JSON.stringify(document).match(/"\$ref":"[^"]+"/g) ?? [];
    expect(new Set(references)).toEqual(new Set(['"$ref":"#/components/schemas/Refusal"']));
  });
});
