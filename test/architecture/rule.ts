// What a rule of the house is: how it finds a breach, what it tells who made one, and a planted breach that proves it.

import { lineAt, type Source } from './sources.ts';

export interface Breach {
  readonly path: string;
  readonly line: number;
  /** What stands there. */
  readonly found: string;
}

export interface Rule {
  readonly name: string;
  /** What goes wrong in a house without it. */
  readonly why: string;
  /** What to write instead. */
  readonly remedy: string;
  /** `all` is every source of the run, for rules that look across files. */
  readonly find: (source: Source, all: readonly Source[]) => readonly Breach[];
  /** Each set of files holds a breach, found in the first of them. */
  readonly planted: readonly Files[];
  /** Each set of files looks like a breach and is none. */
  readonly allowed: readonly Files[];
}

/** Path -> text. */
export type Files = Readonly<Record<string, string>>;

/** Every match of a pattern in the code, comments and literals left out. */
export function matches(source: Source, pattern: RegExp): Breach[] {
  return [...source.code.matchAll(pattern)].map((match) => {
    const line = lineAtMatch(source, match);
    return breach(source, line, source.text.split('\n')[line - 1]?.trim() ?? '');
  });
}

export function lineAtMatch(source: Source, match: RegExpMatchArray): number {
  return lineAt(source.text, (match.index ?? 0) + match[0].search(/\S|$/));
}

export function breach(source: Source, line: number, found: string): Breach {
  return { path: source.path, line, found };
}

export function report(rule: Rule, { path, line, found }: Breach): string {
  return `${path}:${line}: ${rule.name}: ${found}\n    why: ${rule.why}\n    instead: ${rule.remedy}`;
}

export const isServer = ({ path }: Source): boolean => path.startsWith('server/');

/** The room of a source: its folder in server/, or a file of the root by its own name (`compose`). */
export function roomOf(path: string): string {
  return /^server\/([^/]+?)(?:\.ts$|\/)/.exec(path)?.[1] ?? '';
}
