/** Tools of the protocol's own test suite that answer at once, each with the one result the suite knows. */
import type { CallToolResult, ListToolsResult } from '@modelcontextprotocol/server';

export type ListedTool = ListToolsResult['tools'][number];

/** One red pixel. */
export const RED_PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
/** A sound without a sample. */
const EMPTY_WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==';

export const NO_ARGUMENTS = { type: 'object' as const, properties: {} };
export const text = (said: string): CallToolResult => ({ content: [{ type: 'text', text: said }] });

const RED_PIXEL = { type: 'image' as const, data: RED_PNG, mimeType: 'image/png' };

export interface AnsweredTool {
  readonly listed: ListedTool;
  readonly result: CallToolResult;
}

const answered = (name: string, description: string, result: CallToolResult): AnsweredTool => ({
  listed: { name, description, inputSchema: NO_ARGUMENTS },
  result,
});

/** Whether a list of tools keeps every keyword of a schema; conditions and references among them. */
const SCHEMA_2020_12: ListedTool = {
  name: 'json_schema_2020_12_tool',
  description: 'Has an input schema with every kind of keyword.',
  inputSchema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  },
};

export const ANSWERED_TOOLS: readonly AnsweredTool[] = [
  answered('test_simple_text', 'Answers a text.', text('This is a simple text response for testing.')),
  answered('test_image_content', 'Answers an image.', { content: [RED_PIXEL] }),
  answered('test_audio_content', 'Answers a sound.', {
    content: [{ type: 'audio', data: EMPTY_WAV, mimeType: 'audio/wav' }],
  }),
  answered('test_embedded_resource', 'Answers a resource.', {
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  }),
  answered('test_multiple_content_types', 'Answers a text, an image and a resource.', {
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      RED_PIXEL,
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: JSON.stringify({ test: 'data', value: 123 }),
        },
      },
    ],
  }),
  answered('test_error_handling', 'Answers an error.', {
    ...text('This tool intentionally returns an error for testing'),
    isError: true,
  }),
  { listed: SCHEMA_2020_12, result: text('The schema is what matters.') },
];
