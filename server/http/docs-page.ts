/** What the page at /docs shows: every operation by scope, and every refusal, from the definitions of the tools. */
import { SCOPES } from '#domain/principal.ts';
import { REFUSAL_GUIDE, refusalGroups } from '#domain/refusal-guide.ts';
import { compactJson } from '#tools/compact-json.ts';
import type { Tool } from '#tools/define.ts';
import {
  curlOf,
  EFFECT_WORDS,
  exampleAnswer,
  exampleCommit,
  referenceOf,
  SCOPE_WORDS,
} from '#tools/reference.ts';
import { OF_EVERY_TOOL } from '#tools/refusals.ts';

/** A line of an example, in characters. */
const ANSWER_LINE_LENGTH_MAX = 112;

/** The context of docs.html; `origin` stands in its curl lines. */
export function docsPage(tools: readonly Tool[], version: string, origin: string): object {
  const groups = SCOPES.map((scope) => ({
    scope,
    words: SCOPE_WORDS[scope],
    tools: tools.filter((tool) => tool.scope === scope).map((tool) => operationOf(tool, origin)),
  }));
  return {
    assets: '/docs/static',
    version,
    origin,
    groups: groups.filter((group) => group.tools.length > 0),
    always: OF_EVERY_TOOL,
    refusalGroups: refusalGroups().map((group) => ({
      ...group,
      reasons: group.reasons.map((reason) => ({ reason, ...REFUSAL_GUIDE[reason] })),
    })),
  };
}

const jsonOf = (answer: object | undefined): string =>
  answer === undefined ? '' : compactJson(answer, ANSWER_LINE_LENGTH_MAX);

function operationOf(tool: Tool, origin: string): object {
  const reference = referenceOf(tool);
  const { example } = tool;
  const answer = exampleAnswer(tool);
  const commit = exampleCommit(tool);
  return {
    ...reference,
    curl: curlOf(tool, origin),
    effectWords: EFFECT_WORDS[tool.effect],
    answerExample: jsonOf(answer),
    commitCurl: commit === undefined ? '' : curlOf(tool, origin, commit.arguments),
    commitExample: jsonOf(commit?.answer),
    parameters: reference.parameters.map((parameter) => ({
      ...parameter,
      example: Object.hasOwn(example.arguments, parameter.name)
        ? String(example.arguments[parameter.name])
        : '',
    })),
    search: [tool.name, tool.title, reference.method, reference.path, tool.effect, tool.description]
      .join(' ')
      .toLowerCase(),
  };
}
