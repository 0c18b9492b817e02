/** docs/resources-and-prompts.md names what there is, letter for letter. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  MCP_NOTICE_DELAY_MS,
  MCP_QUOTE_NOTICE_MS,
  MCP_STREAM_STALLED_MS,
  MCP_SUBSCRIPTIONS_MAX,
} from '#limits.ts';
import { PROMPTS } from '#tools/prompts.ts';
import { RESOURCES } from '#tools/resources.ts';

const page = readFileSync('docs/resources-and-prompts.md', 'utf8');
const rows = (of: RegExp): readonly string[] => page.split('\n').filter((line) => of.test(line));

test('every resource has its line, in the order of the list, with its tool', () => {
  expect(rows(/^\| `portcullis:/)).toEqual(
    RESOURCES.map(({ template, title, tool }) => `| \`${template}\` | ${title} | \`${tool.name}\` |`),
  );
});
test('every prompt has its line, with its arguments', () => {
  const named = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
  expect(rows(/^\| `\w+` \|/)).toEqual(
    PROMPTS.map(
      ({ name, schema, description }) =>
        `| \`${name}\` | ${named(Object.keys(schema.properties))} | ${description} |`,
    ),
  );
});
test('the bounds are those of the code', () => {
  expect(page).toContain(`up to ${MCP_SUBSCRIPTIONS_MAX} resources`);
  expect(MCP_NOTICE_DELAY_MS / 1_000).toBe(0.1);
  expect(MCP_QUOTE_NOTICE_MS / 1_000).toBe(1);
  expect(MCP_STREAM_STALLED_MS / 60_000).toBe(2);
});
