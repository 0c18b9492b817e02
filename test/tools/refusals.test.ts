// What tools say they may be refused with is whole: every refusal that the corpus of wrong calls meets is in its tool's list.
import { describe, expect, it } from 'vitest';
import { REFUSAL_REASONS, statusOf } from '#domain/refusal.ts';
import { isReserved, REFUSAL_GUIDE, refusalGroups } from '#domain/refusal-guide.ts';
import { TOOLS } from '#tools/index.ts';
import { OF_EVERY_TOOL } from '#tools/refusals.ts';
import { CALLS } from '../tool-eval/calls/index.ts';

describe('the refusals of a tool', () => {
  it.each(TOOLS.map((tool) => [tool.name, tool] as const))(
    '%s: each once, none reserved, none that every tool has',
    (_, { refusals }) => {
      expect(new Set(refusals).size).toBe(refusals.length);
      expect(refusals.filter(isReserved)).toEqual([]);
      expect(refusals.filter((reason) => OF_EVERY_TOOL.includes(reason))).toEqual([]);
    },
  );

  it('are together all that can be answered', () => {
    const told = new Set([...OF_EVERY_TOOL, ...TOOLS.flatMap(({ refusals }) => refusals)]);
    expect(REFUSAL_REASONS.filter((reason) => !isReserved(reason) && !told.has(reason))).toEqual([]);
  });

  it('include those that the corpus of wrong calls meets', () => {
    const calls = CALLS.flatMap(({ entries }) => entries);
    const missing = calls.flatMap(({ tool: name, expect: expected }) => {
      const tool = TOOLS.find((one) => one.name === name);
      if (tool === undefined || !('reason' in expected)) return [];
      const told = [...OF_EVERY_TOOL, ...tool.refusals];
      return told.includes(expected.reason) ? [] : [`${name} ${expected.reason}`];
    });
    expect(missing).toEqual([]);
    expect(calls.length).toBeGreaterThan(150);
  });
});

describe('the guide to refusals', () => {
  it('has every reason under its status, once', () => {
    const groups = refusalGroups();
    expect(groups.flatMap(({ reasons }) => reasons).toSorted()).toEqual(REFUSAL_REASONS.toSorted());
    for (const { status, reasons } of groups)
      for (const reason of reasons) expect(statusOf(reason)).toBe(status);
  });

  it('says of each what it means and what to do, in sentences of its own', () => {
    const meanings = REFUSAL_REASONS.filter((reason) => !isReserved(reason)).map(
      (reason) => REFUSAL_GUIDE[reason].meaning,
    );
    expect(new Set(meanings).size).toBe(meanings.length);
    for (const { meaning, remedy } of Object.values(REFUSAL_GUIDE)) {
      expect(meaning).toMatch(/^[A-Z].{10,}[.)]$/);
      expect(remedy).toMatch(/^[A-Z].{5,}\.$/);
    }
  });

  it('never tells anybody to go round the gate', () => {
    expect(JSON.stringify(REFUSAL_GUIDE)).not.toMatch(
      /another (?:key|account|door)|split|without (?:asking|preview)/i,
    );
  });
});
