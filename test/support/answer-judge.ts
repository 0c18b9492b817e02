// Somebody else's validator over what tools answer: the published schemas, compiled by ajv, and what an answer may never say.
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Tool } from '#tools/define.ts';
import type { ToolAnswer } from '#tools/dispatch.ts';
import { outputSchemaOf } from '#tools/json-schema.ts';
import { mcpTool } from '#tools/mcp-shape.ts';
import { OF_EVERY_TOOL } from '#tools/refusals.ts';
import { ProblemShape, RefusalShape } from '#tools/shapes.ts';

export interface AnswerJudge {
  /** What is wrong with an answer of the tool, as a sentence; undefined when it keeps every promise. */
  ofCall(tool: Tool, answer: ToolAnswer): string | undefined;
  ofSuccess(tool: Tool, body: unknown): string | undefined;
  /** A refusal, or what the HTTP surface refuses by itself. */
  ofProblem(body: unknown): string | undefined;
}

const ANSWER_LENGTH_MAX = 256 * 1024;

export function answerJudge(): AnswerJudge {
  // Formats come with a pattern of their own.
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const compiled = new Map<string, ReturnType<typeof ajv.compile>>();
  /** Schemas are made once: making one costs more than judging by it. */
  function fault(name: string, schema: () => object, value: unknown): string | undefined {
    const validate = compiled.get(name) ?? ajv.compile(schema());
    compiled.set(name, validate);
    return validate(value) ? undefined : `${name}: ${ajv.errorsText(validate.errors)}`;
  }
  const refusal = (value: unknown) => fault('Refusal', () => outputSchemaOf(RefusalShape), value);
  return {
    ofCall(tool, answer) {
      const wire: unknown = JSON.parse(JSON.stringify(answer.ok ? answer.output : answer.refusal));
      if (JSON.stringify(wire).length > ANSWER_LENGTH_MAX) return 'the answer is longer than any should be';
      const published = fault(`output of ${tool.name}`, () => mcpTool(tool).outputSchema, wire);
      if (published !== undefined) return published;
      if (answer.ok) return this.ofSuccess(tool, wire);
      if (answer.refusal.status >= 500) return `${answer.refusal.reason}: ${answer.refusal.detail}`;
      const told = [...OF_EVERY_TOOL, ...tool.refusals];
      if (!told.includes(answer.refusal.reason))
        return `${tool.name} does not say that it may refuse with ${answer.refusal.reason}`;
      return refusal(wire);
    },
    ofSuccess: (tool, body) => fault(`success of ${tool.name}`, () => tool.successSchema, body),
    ofProblem(body) {
      const asRefusal = refusal(body);
      return asRefusal === undefined
        ? undefined
        : fault('Problem', () => outputSchemaOf(ProblemShape), body) && asRefusal;
    },
  };
}
