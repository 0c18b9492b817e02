/** The file `.env`: read strictly, because it is ours alone. */
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { nearest } from '#domain/nearest.ts';
import { printable } from '#domain/refusal.ts';

interface EnvFile {
  readonly values: Readonly<Record<string, string | undefined>>;
  /** A sentence for everything that is wrong with it. */
  readonly wrong: readonly string[];
}

/** A stranger's text in a complaint. */
export const shown = (text: string): string => printable(text).slice(0, 80);

/** `.env` is ours alone, so everything in it must be known and well-formed. */
export function readEnvFile(file: string, known: readonly string[]): EnvFile {
  const wrong: string[] = [];
  if (!existsSync(file)) return { values: {}, wrong };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    return { values: {}, wrong: [`The file ${file} can not be read: ${(cause as Error).message}.`] };
  }
  const seen = new Set<string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const place = `.env, line ${index + 1}`;
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const name = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/.exec(line)?.[1];
    if (name === undefined)
      wrong.push(`${place} is not of the form NAME=value: ${JSON.stringify(shown(line))}.`);
    else if (!known.includes(name))
      wrong.push(`${shown(name)} (${place}) is not a setting${suggestion(name, known)}`);
    else if (seen.has(name)) wrong.push(`${name} (${place}) is set twice; keep one of them.`);
    if (name !== undefined) seen.add(name);
  }
  return { values: parseEnv(text), wrong };
}

export function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === null ? '; .env.example lists them.' : `; did you mean ${near}?`;
}
