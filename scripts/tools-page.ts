// docs/tools.md, from the definitions of the tools and what a gateway answered to their examples.

import { SCOPES } from '#domain/principal.ts';
import { compactJson } from '#tools/compact-json.ts';
import type { Tool } from '#tools/define.ts';
import {
  type AnswerGroup,
  EFFECT_WORDS,
  referenceOf,
  SCOPE_WORDS,
  type ToolReference,
} from '#tools/reference.ts';
import { OF_EVERY_TOOL } from '#tools/refusals.ts';

const LINE_LENGTH_MAX = 110;

const HEAD = `# The tools

<!-- Made from the code by \`npm run docs\`; a test compares. -->

What an agent can do, one section a tool. The same tools stand behind MCP and [REST](rest.md), with the same arguments, mandate and refusals. An agent sees the tools of its scopes; to let it trade you also give it a mandate.

Each section begins with something you might say to a model, the call that it leads to, and what a gateway answered, on the sample tape. Prices, quantities and money are decimal strings, as JSON numbers only integers. Times are ISO 8601 UTC. Answers may gain fields in later versions.

Arguments are read strictly. Two things are repaired, and told under \`normalized\` in the answer: case and white space of words (\`BUY\`), and a string that holds JSON where a list is expected. Everything else that is wrong is refused with what would be right.
`;

/** What was answered, by tool. */
interface Answers {
  readonly answers: Readonly<Record<string, unknown>>;
  readonly commits: Readonly<Record<string, unknown>>;
}

export function toolsPage(tools: readonly Tool[], told: Answers): string {
  const parts = [HEAD, indexOf(tools)];
  for (const scope of SCOPES) {
    parts.push(`## ${scope}\n\n${SCOPE_WORDS[scope]}\n`);
    parts.push(...tools.filter((tool) => tool.scope === scope).map((tool) => sectionOf(tool, told)));
  }
  const every = OF_EVERY_TOOL.map(linkTo).join(', ');
  parts.push(
    `## What every call may be refused with\n\n${every}. All of them are explained in [Refusals](refusals.md).\n`,
  );
  return parts.join('\n');
}

function indexOf(tools: readonly Tool[]): string {
  const rows = tools.map(({ name, title, scope, effect, rest }) =>
    row([`[\`${name}\`](#${name})`, title, `\`${rest.method} /api/v1${rest.path}\``, `\`${scope}\``, effect]),
  );
  return table(['tool', 'what it does', 'REST', 'scope', 'effect'], rows);
}

function sectionOf(tool: Tool, { answers, commits }: Answers): string {
  const reference = referenceOf(tool);
  return [
    `### ${tool.name}`,
    `**${tool.title}.** ${tool.description}`,
    `\`${reference.method} ${reference.path}\` · scope \`${tool.scope}\` · ${EFFECT_WORDS[tool.effect]}`,
    `> ${tool.example.prompt}`,
    json(tool.example.arguments),
    'answers',
    json(answers[tool.name]),
    ...(Object.hasOwn(commits, tool.name)
      ? ['and, carried out with its token and a key of your own,', json(commits[tool.name])]
      : []),
    ...argumentsOf(reference),
    `Answer (? where it may be left out):\n\n${reference.answer.map(groupWords).join('\n')}`,
    ...(tool.refusals.length === 0 ? [] : [`Refusals of its own: ${tool.refusals.map(linkTo).join(', ')}.`]),
  ]
    .join('\n\n')
    .concat('\n');
}

const json = (value: unknown): string => `\`\`\`json\n${compactJson(value, LINE_LENGTH_MAX)}\n\`\`\``;
const linkTo = (reason: string): string => `[\`${reason}\`](refusals.md#${reason})`;
/** A bar in a cell would begin another one. */
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const cell = (text: string): string => text.replaceAll('|', '\\|');
const table = (head: readonly string[], rows: readonly string[]): string =>
  [row(head), row(head.map(() => '---')), ...rows].join('\n').concat('\n');

function argumentsOf({ parameters }: ToolReference): readonly string[] {
  if (parameters.length === 0) return ['No arguments.'];
  const rows = parameters.map(({ name, type, required, bounds, description }) =>
    row([
      `\`${name}\``,
      required ? `**${type}**` : type,
      bounds === '' ? '' : `\`${cell(bounds)}\``,
      cell(description),
    ]),
  );
  return [table(['argument', 'type (bold: required)', 'bounds', 'meaning'], rows).trimEnd()];
}

const groupWords = ({ of, fields }: AnswerGroup): string => {
  const told = fields.map(({ name, type, always }) => `\`${name}\`${always ? '' : '?'} ${type}`).join(', ');
  return of === '' ? `- ${told}` : `- in \`${of}\`: ${told}`;
};
