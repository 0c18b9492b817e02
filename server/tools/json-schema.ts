/** JSON Schema (draft 2020-12) of a tool's input and output, from their zod definitions. */
import { z } from 'zod';

/** The part of a property's schema that normalising, REST and error messages look at. */
export interface PropertySchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly (string | number)[];
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly [keyword: string]: unknown;
}

export interface InputSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, PropertySchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties: false;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Strict and flat: one object, nothing additional; rules across fields stand in the descriptions, because several hosts refuse `anyOf` at the root. */
export function inputSchemaOf(input: z.ZodType): InputSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: 'input' });
  if (schema.type !== 'object' || schema.additionalProperties !== false) {
    throw new TypeError('the input of a tool is a strict object');
  }
  const properties = (schema.properties ?? {}) as InputSchema['properties'];
  return {
    type: 'object',
    properties,
    ...(schema.required === undefined ? {} : { required: schema.required }),
    additionalProperties: false,
  };
}

/** Open to new fields: a client that kept an older schema goes on accepting what a newer gateway answers. */
export function outputSchemaOf(output: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(output, {
    io: 'output',
    override(node) {
      if (node.jsonSchema.additionalProperties === false) delete node.jsonSchema.additionalProperties;
    },
  });
  return schema;
}
