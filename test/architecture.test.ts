// The house stays the house: rooms keep their directions and every source its rules; each rule first proves that it can fail.

import { describe, expect, it } from 'vitest';
import { BROKER_RULES } from './architecture/broker-way.ts';
import { BROKER_WIRE_RULES } from './architecture/broker-wire.ts';
import { LANGUAGE_RULES } from './architecture/language.ts';
import { ORDER_LINE_RULES } from './architecture/order-line.ts';
import { REGISTRY_RULES } from './architecture/registries.ts';
import { ROOM_RULES } from './architecture/rooms.ts';
import { type Files, type Rule, report } from './architecture/rule.ts';
import { importsOf, readSources, type Source, sourceOf } from './architecture/sources.ts';

const RULES: readonly Rule[] = [
  ...ROOM_RULES,
  ...LANGUAGE_RULES,
  ...BROKER_RULES,
  ...BROKER_WIRE_RULES,
  ...ORDER_LINE_RULES,
  ...REGISTRY_RULES,
];
const SOURCES = ['server', 'test', 'bench', 'scripts'].flatMap(readSources);

const sourcesOf = (files: Files): Source[] =>
  Object.entries(files).map(([path, text]) => sourceOf(path, text));
const breachesIn = (rule: Rule, sources: readonly Source[]) =>
  sources.flatMap((source) => rule.find(source, sources));

describe('the sources as the rules read them', () => {
  it('lose their comments and literals, and keep every line and column', () => {
    const text = "a('x//y'); // b\n/* c\n*/ d(`e${f('g')}h`, /i'[/]/g, j / k);\n";
    const { code, uncommented } = sourceOf('x.ts', text);
    expect(code).toBe(
      "a('    ');     \n    \n   d(` ${f(' ')} `, /      g, j / k);\n".replace('/      g', '/     /g'),
    );
    expect(uncommented).toBe("a('x//y');     \n    \n   d(`e${f('g')}h`, /i'[/]/g, j / k);\n");
  });

  it('know every form of import, and whether anything of it is left at run time', () => {
    const text = [
      "import a from 'a';",
      "import type { B } from 'b';",
      "import {\n  type C,\n  c,\n} from 'c';",
      "import { type D, LIST } from 'd';",
      "import * as e from 'e';",
      "import 'f';",
      "export * from 'g';",
      "export type { H } from 'h';",
      "const i = await import('i');",
      "// import j from 'j';",
      'const k = `\nimport k from "k";`;',
    ].join('\n');
    expect(
      importsOf(sourceOf('x.ts', text)).map(({ specifier, typesOnly, line }) => [specifier, typesOnly, line]),
    ).toEqual([
      ['a', false, 1],
      ['b', true, 2],
      ['c', false, 3],
      ['d', true, 7],
      ['e', false, 8],
      ['f', false, 9],
      ['g', false, 10],
      ['h', true, 11],
      ['i', false, 12],
    ]);
  });

  it('close every bracket they open, so no literal was mistaken for code', () => {
    const count = (text: string, bracket: RegExp) => text.match(bracket)?.length ?? 0;
    const unbalanced = SOURCES.filter(({ code }) => count(code, /[([{]/g) !== count(code, /[)\]}]/g));
    expect(unbalanced.map(({ path }) => path)).toEqual([]);
  });

  it('are there to be read', () => {
    expect(SOURCES.map(({ path }) => path)).toContain('test/architecture.test.ts');
    expect(SOURCES.filter(({ path }) => path.startsWith('server/')).length).toBeGreaterThan(50);
  });
});

describe.each(RULES)('$name', (rule) => {
  it('finds every planted breach, and says where, why and what instead', () => {
    expect(rule.planted.length).toBeGreaterThan(0);
    for (const files of rule.planted) {
      const [first] = breachesIn(rule, sourcesOf(files));
      expect(first?.path, JSON.stringify(files)).toBe(Object.keys(files)[0]);
      if (first) expect(report(rule, first)).toMatch(/^\S+:\d+: .+\n {4}why: .{20,}\n {4}instead: .{20,}$/);
    }
  });

  it('leaves alone what only looks like one', () => {
    expect(rule.allowed.length).toBeGreaterThan(0);
    for (const files of rule.allowed)
      expect(breachesIn(rule, sourcesOf(files)), JSON.stringify(files)).toEqual([]);
  });

  it('holds everywhere', () => {
    const breaches = breachesIn(rule, SOURCES).map((found) => report(rule, found));
    expect(breaches.join('\n'), `${breaches.length} breaches`).toBe('');
  });
});
