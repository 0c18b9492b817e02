// What a model reads of the tools: budgets, strictness, honesty, and schemas that admit every refusal.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MandateDocument } from '#domain/mandate.ts';
import { REFUSAL_REASONS, refuse, refuseUnclear } from '#domain/refusal.ts';
import { TOOLS } from '#tools/index.ts';
import { mcpTool } from '#tools/mcp-shape.ts';

/** bytes / 4, as the budget counts. */
function tokensOf(shape: object): number {
  return Math.ceil(Buffer.byteLength(JSON.stringify(shape)) / 4);
}
const listed = TOOLS.map(mcpTool);
const withoutOutput = listed.map(({ name, title, description, inputSchema, annotations }) => ({
  name,
  title,
  description,
  inputSchema,
  annotations,
}));

describe('the list of tools as a model reads it', () => {
  it.each(withoutOutput.map((tool) => [tool.name, tool] as const))('%s keeps to its budget', (name, tool) => {
    expect(tokensOf(tool)).toBeLessThanOrEqual(name === 'place_order' ? 900 : 300);
  });

  it('fits into 6,000 tokens as a whole', () => {
    expect(tokensOf(withoutOutput)).toBeLessThanOrEqual(6_000);
  });

  it('leaves the examples to the documents', () => {
    const words = JSON.stringify(listed);
    for (const { example } of TOOLS) expect(words).not.toContain(example.prompt);
  });

  it('never invites to skip a look or a confirmation', () => {
    const words = JSON.stringify(withoutOutput);
    expect(words).not.toMatch(
      /without (asking|confirm|preview)|skip|no need to|automatically|always set dry_run/i,
    );
  });

  it('says of trading tools that they preview first, and of reducing ones that they act at once', () => {
    for (const { name, description, inputSchema } of listed) {
      const effect = TOOLS.find((tool) => tool.name === name)?.effect;
      const dryRun = inputSchema.properties['dry_run'];
      if (effect === 'read') expect(dryRun).toBeUndefined();
      if (effect === 'trade') {
        expect(dryRun?.default).toBe(true);
        expect(description).toMatch(/preview/i);
      }
      if (effect === 'reduce') {
        if (dryRun !== undefined) expect(dryRun.default).toBe(false);
        expect(description).toMatch(/at once/);
      }
    }
  });
});

describe('each tool', () => {
  it.each(listed.map((tool) => [tool.name, tool] as const))('%s is strict in what it takes', (_, tool) => {
    expect(tool.inputSchema.type).toBe('object');
    expect(tool.inputSchema.additionalProperties).toBe(false);
    const loose = Object.entries(tool.inputSchema.properties).filter(([name, property]) => {
      // The rules of a mandate's fields are the file's, and what bounds them is the mandate that is in force.
      if (tool.name === 'tighten_mandate' && name in MandateDocument.shape) return false;
      if (property.type === 'boolean' || property.enum !== undefined) return false;
      if (property.type === 'integer')
        return property.minimum === undefined || property.maximum === undefined;
      if (property.type === 'array') return property['maxItems'] === undefined;
      const bounded = property['pattern'] ?? property['maxLength'];
      return bounded === undefined && !/ISO 8601|Exclusive/.test(property.description ?? '');
    });
    expect(loose).toEqual([]);
    // Several hosts refuse these at the root of an input.
    for (const keyword of ['anyOf', 'oneOf', 'allOf', '$ref', '$defs']) {
      expect(tool.inputSchema).not.toHaveProperty(keyword);
    }
  });

  it.each(listed.map((tool) => [tool.name, tool] as const))(
    '%s has name, title and all annotations',
    (name, tool) => {
      expect(name).toMatch(/^[a-z]+(_[a-z]+)+$/);
      expect(name.length).toBeLessThanOrEqual(64);
      expect(tool.title).not.toBe('');
      const effect = TOOLS.find((one) => one.name === name)?.effect;
      expect(tool.annotations).toEqual({
        readOnlyHint: effect === 'read',
        destructiveHint: effect !== 'read',
        idempotentHint: true,
        openWorldHint: expect.any(Boolean),
      });
      if (effect === 'trade') expect(tool.annotations.openWorldHint).toBe(true);
    },
  );

  it.each(listed.map((tool) => [tool.name, tool] as const))('%s may answer any refusal', (_, tool) => {
    expect(tool.outputSchema.type).toBe('object');
    expect(tool.outputSchema['anyOf']).toHaveLength(2);
    const validator = z.fromJSONSchema({ ...tool.outputSchema });
    for (const reason of REFUSAL_REASONS) {
      const refusal = refuse(reason, 'Because.', {
        errors: [{ field: 'qty', value: '', rule: 'required', nearest: null }],
        did_you_mean: ['SPX'],
        limits: [{ limit: 'max_order_value', used: '0', order: '2', max: '1', unit: 'USD' }],
        order_id: 'ord_1',
        retry_after: 3,
      });
      expect(validator.safeParse(JSON.parse(JSON.stringify(refusal))).success).toBe(true);
    }
    const unclear = refuseUnclear('internal', 'Unclear.', 'get_orders');
    expect(validator.safeParse({ ...unclear, a_later_field: 1 }).success).toBe(true);
    expect(validator.safeParse({}).success).toBe(false);
    expect(validator.safeParse({ ...unclear, reason: 'a whim' }).success).toBe(false);
  });

  it('stays open to fields of later versions in what it answers', () => {
    expect(JSON.stringify(listed.map(({ outputSchema }) => outputSchema))).not.toContain(
      '"additionalProperties":false',
    );
  });
});
