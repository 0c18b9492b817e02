// REST as a projection of the tools.
import { describe, expect, it } from 'vitest';
import { TOOLS } from '#tools/index.ts';
import { restShape } from '#tools/rest-shape.ts';

function shapeOf(name: string) {
  const tool = TOOLS.find((one) => one.name === name);
  if (tool === undefined) throw new Error(name);
  return restShape(tool);
}

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
