// The examples of the tools are true: what is written down is what a gateway answers to them.
import { describe, expect, it } from 'vitest';
import { compactJson } from '#tools/compact-json.ts';
import type { Tool } from '#tools/define.ts';
import { TOOLS } from '#tools/index.ts';
import { curlOf, exampleAnswer, exampleCommit, exampleRequest, referenceOf } from '#tools/reference.ts';
import { restShape } from '#tools/rest-shape.ts';
import { exampleAnswers } from '../support/example-scene.ts';

const named = TOOLS.map((tool) => [tool.name, tool] as const);

it('what is written down is what a gateway answers; `npm run docs` writes it', async () => {
  const { answers, commits } = await exampleAnswers();
  const told = <T>(of: (tool: Tool) => T) =>
    Object.fromEntries(TOOLS.flatMap((tool) => (of(tool) === undefined ? [] : [[tool.name, of(tool)]])));
  expect(told(exampleAnswer)).toEqual(answers);
  expect(told((tool) => exampleCommit(tool)?.answer)).toEqual(commits);
  expect(Object.keys(answers)).toEqual(TOOLS.map(({ name }) => name));
  expect(Object.keys(commits)).toEqual(
    TOOLS.filter(({ effect }) => effect === 'trade').map(({ name }) => name),
  );
});

describe.each(named)('the example of %s', (_, tool) => {
  it('has an answer that fits the output, and no secret in it', () => {
    expect(tool.output.safeParse(exampleAnswer(tool)).error).toBeUndefined();
    expect(JSON.stringify(exampleAnswer(tool))).not.toMatch(/pcl_/);
  });

  it('is followed by its commit when it is a preview', () => {
    const commit = exampleCommit(tool);
    if (commit === undefined) return expect(exampleAnswer(tool)).not.toHaveProperty('action_token');
    expect(tool.prepare(commit.arguments)).toMatchObject({
      ok: true,
      value: { dryRun: false, repaired: {} },
    });
    expect(commit.arguments).toMatchObject({
      ...tool.example.arguments,
      action_token: exampleAnswer(tool)?.['action_token'],
    });
    expect(tool.output.safeParse(commit.answer).error).toBeUndefined();
    return expect(commit.answer).toMatchObject({ dry_run: false });
  });

  it('carries every argument in its place as a request', () => {
    const { method, target, body } = exampleRequest(tool);
    const { inPath, inQuery } = restShape(tool);
    const url = new URL(target, 'http://127.0.0.1');
    expect(method).toBe(tool.rest.method);
    for (const [field, value] of Object.entries(tool.example.arguments)) {
      if (inPath.includes(field)) expect(url.pathname).toContain(String(value));
      else if (inQuery.includes(field)) expect(url.searchParams.get(field)).toBe(String(value));
      else expect(body).toHaveProperty(field, value);
    }
    const given = Object.keys(tool.example.arguments);
    expect([...url.searchParams.keys()]).toEqual(given.filter((field) => inQuery.includes(field)));
    expect(Object.keys(body ?? {}).filter((field) => inPath.includes(field))).toEqual([]);
    expect(target).not.toMatch(/[{}]/);
  });
});

describe('a line for a shell', () => {
  const halt = TOOLS.find(({ name }) => name === 'halt_trading');
  it('survives quotes in what it sends', () => {
    if (halt === undefined) throw new Error('halt_trading');
    const arguments_ = { reason: "it's wrong" };
    const line = curlOf({ ...halt, example: { prompt: '', arguments: arguments_ } }, 'http://127.0.0.1:7800');
    expect(line).toBe(
      `curl 'http://127.0.0.1:7800/api/v1/halt' \\\n  -H "Authorization: Bearer $KEY" \\\n  -H 'Content-Type: application/json' \\\n  -d '{"reason":"it'\\''s wrong"}'`,
    );
  });
});

describe('a tool in words', () => {
  const of = (name: string) => {
    const tool = TOOLS.find((one) => one.name === name);
    if (tool === undefined) throw new Error(name);
    return referenceOf(tool);
  };
  it('says of a parameter where it goes, its type, whether it must be there, and its bounds', () => {
    expect(of('get_orders').parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: 'status',
          where: 'query',
          bounds: 'open, final, all; default "all"',
        }),
        expect.objectContaining({ name: 'limit', type: 'integer', bounds: '1 to 500; default 100' }),
      ]),
    );
    expect(of('place_order').parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'side', where: 'body', required: true, bounds: 'buy, sell' }),
        expect.objectContaining({ name: 'qty', type: 'decimal', required: false, bounds: 'more than 0' }),
      ]),
    );
    expect(of('get_quotes').parameters).toEqual([
      expect.objectContaining({ name: 'symbols', type: 'list of strings', bounds: '1 to 50 entries' }),
    ]);
  });
  it('tells the variants of an answer together, and what only some have as not always there', () => {
    const { answer } = of('place_order');
    expect(answer[0]).toEqual({
      of: '',
      fields: [
        { name: 'dry_run', type: 'boolean', always: true },
        { name: 'preview', type: 'object', always: false },
        { name: 'action_token', type: 'string', always: false },
        { name: 'expires_at', type: 'time', always: false },
        { name: 'order', type: 'object', always: false },
      ],
    });
    expect(answer.map((group) => group.of)).toEqual([
      '',
      'preview',
      'preview.limits[]',
      'preview.margin',
      'order',
    ]);
  });
  it('has every field that the example answers with', () => {
    for (const tool of TOOLS) {
      const [root] = referenceOf(tool).answer;
      const told = root?.fields.map(({ name }) => name) ?? [];
      for (const field of Object.keys(exampleAnswer(tool) ?? {})) expect(told).toContain(field);
    }
  });
});

describe('JSON for people', () => {
  it('keeps on a line what fits on it', () => {
    expect(compactJson({ a: [1, { b: 'x' }], c: null }, 80)).toBe('{"a": [1, {"b": "x"}], "c": null}');
    expect(compactJson({ a: [1, 2, 3], b: {} }, 16)).toBe('{\n  "a": [1, 2, 3],\n  "b": {}\n}');
    expect(compactJson([['aaaa'], []], 8)).toBe('[\n  [\n    "aaaa"\n  ],\n  []\n]');
  });
  it('says the same as JSON', () => {
    for (const tool of TOOLS) {
      const answer = exampleAnswer(tool);
      for (const width of [1, 40, 100, 10_000])
        expect(JSON.parse(compactJson(answer, width))).toEqual(answer);
    }
  });
});
