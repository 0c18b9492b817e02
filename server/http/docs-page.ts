/** What the page at /docs shows: every operation by scope, and every refusal, from the definitions of the tools. */
import { SCOPES } from '#domain/principal.ts';
import { REFUSAL_GUIDE, refusalGroups } from '#domain/refusal-guide.ts';
import type { Effect, Tool } from '#tools/define.ts';
import { SCOPE_WORDS } from '#tools/openapi.ts';
import { curlOf, exampleAnswer, referenceOf } from '#tools/reference.ts';
import { OF_EVERY_TOOL } from '#tools/refusals.ts';

const EFFECT_WORDS: { readonly [effect in Effect]: string } = {
  read: 'reads only',
  reduce: 'can only lower risk, acts on the first call',
  trade: 'can add risk, previews first',
};

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

function operationOf(tool: Tool, origin: string): object {
  const reference = referenceOf(tool);
  const { example } = tool;
  const answer = exampleAnswer(tool);
  return {
    ...reference,
    curl: curlOf(tool, origin),
    effectWords: EFFECT_WORDS[tool.effect],
    answerExample: answer === undefined ? '' : JSON.stringify(answer, null, 2),
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
