/** Where the text of a setting comes from: the environment, which is everybody's, and `.env`, which is ours alone and read strictly. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { editDistance, nearest } from '#domain/nearest.ts';
import { printable } from '#domain/refusal.ts';
import { PROJECT_FOLDER } from './project-folder.ts';

/** Shorter names are one slip away from too many words of others. */
const NEAR_MISS_LENGTH_MIN = 8;

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

interface Texts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly '.env': Readonly<Record<string, string | undefined>>;
}

/** The value itself or what its file holds, from the first source that names either. */
export function textGiven(
  name: string,
  texts: Texts,
  wrong: string[],
): { readonly source: keyof Texts; readonly text: string } | undefined {
  for (const source of ['environment', '.env'] as const) {
    const text = texts[source][name];
    const file = texts[source][`${name}_FILE`];
    if (text !== undefined && file !== undefined)
      wrong.push(`${name} and ${name}_FILE are both set; keep one of them.`);
    if (text !== undefined) return { source, text };
    if (file === undefined) continue;
    try {
      return { source, text: readFileSync(resolve(PROJECT_FOLDER, file), 'utf8').replace(/\r?\n$/, '') };
    } catch (cause) {
      wrong.push(`${name}_FILE can not be read: ${(cause as Error).message}.`);
      return undefined;
    }
  }
  return undefined;
}

/** The environment belongs to many programs: only what can be meant for us is looked at. */
export function unknownInEnvironment(name: string, settings: readonly string[]): string | undefined {
  const known = settings.flatMap((one) => [one, `${one}_FILE`]);
  if (known.includes(name)) return undefined;
  if (name.startsWith('PORTCULLIS_'))
    return `${shown(name)} (in the environment) is not a setting${suggestion(name, known)}`;
  const near = settings.find((one) => one.length >= NEAR_MISS_LENGTH_MIN && editDistance(name, one) === 1);
  return near && `${shown(name)} (in the environment) is not a setting; did you mean ${near}?`;
}
