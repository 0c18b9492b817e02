// Sources as the rules read them: each file whole, without its comments, and without its comments and literals.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Source {
  /** From the project folder, with slashes: `server/trading/submit.ts`. */
  readonly path: string;
  readonly text: string;
  /** Comments blanked; every offset and line stays where it was. */
  readonly uncommented: string;
  /** Comments and the insides of strings, templates and regular expressions blanked. */
  readonly code: string;
}

export interface Import {
  readonly specifier: string;
  /** Nothing of it is left at run time, or only constant lists (UPPER_CASE). */
  readonly typesOnly: boolean;
  readonly line: number;
}

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** Every TypeScript file under a folder of the project; a folder that does not exist has none. */
export function readSources(folder: string): Source[] {
  return readdirSync(PROJECT, { withFileTypes: true }).some((entry) => entry.name === folder)
    ? readdirSync(`${PROJECT}${folder}`, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .toSorted()
        .map((name) => {
          const path = `${folder}/${name.replaceAll('\\', '/')}`;
          return sourceOf(path, readFileSync(`${PROJECT}${path}`, 'utf8'));
        })
    : [];
}

export function sourceOf(path: string, text: string): Source {
  return { path, text, ...blank(text) };
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** Static imports, re-exports and `import(…)`; what stands in a string or comment is none. */
export function importsOf({ code, uncommented }: Source): Import[] {
  const found: Import[] = [];
  const statement =
    /^(?:import|export)\s+(?:(type)\s+)?(?:([\w*{][^;'"]*?)\s*from\s*)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/gm;
  for (const match of uncommented.matchAll(statement)) {
    if (!/^(?:import|export)/.test(code.slice(match.index, match.index + 6))) continue;
    const [, typeKeyword, names, fromStatic, fromDynamic] = match;
    const specifier = fromStatic ?? fromDynamic;
    if (specifier === undefined) continue;
    found.push({
      specifier,
      typesOnly: typeKeyword !== undefined || (names !== undefined && namesOnlyTypes(names)),
      line: lineAt(code, match.index),
    });
  }
  return found;
}

function namesOnlyTypes(names: string): boolean {
  const listed = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  if (listed === undefined) return false;
  return listed
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .every((name) => /^type\s/.test(name) || /^[A-Z][A-Z0-9_]*$/.test(name));
}

/** Where a `/` begins a regular expression and not a division: after what can not end a value. */
const BEFORE_REGEX =
  /(?:^|[([{,;:=!&|?+\-*%<>~^}]|=>|\b(?:return|typeof|case|in|of|do|else|void|await|yield))\s*$/;

/** One pass over the text; `${…}` inside a template is code again. */
function blank(text: string): { uncommented: string; code: string } {
  // By code unit, so that offsets stay those of the text.
  const uncommented = text.split('');
  const code = uncommented.slice();
  const hide = (from: number, to: number, comment: boolean) => {
    for (let i = from; i < to; i++) {
      if (text[i] === '\n') continue;
      code[i] = ' ';
      if (comment) uncommented[i] = ' ';
    }
  };
  /** Depths of braces at which an open template goes on. */
  const templates: number[] = [];
  let braces = 0;
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at, at + 2);
    const char = text[at];
    let end: number;
    if (rest === '//') {
      end = endOf(text.indexOf('\n', at), text);
      hide(at, end, true);
    } else if (rest === '/*') {
      end = endOf(text.indexOf('*/', at + 2) + 2, text);
      hide(at, end, true);
    } else if (char === "'" || char === '"') {
      end = closing(text, at + 1, (c) => c === char || c === '\n');
      hide(at + 1, end - 1, false);
    } else if (char === '/' && BEFORE_REGEX.test(code.slice(Math.max(0, at - 40), at).join(''))) {
      end = regexEnd(text, at);
      hide(at + 1, end - 1, false);
    } else if (char === '`' || (char === '}' && templates.at(-1) === braces)) {
      if (char === '}') templates.pop();
      end = closing(text, at + 1, (c, i) => c === '`' || (c === '$' && text[i + 1] === '{'));
      hide(at + 1, end - 1, false);
      if (text[end - 1] === '$') {
        end += 1;
        templates.push(braces);
      }
    } else {
      if (char === '{') braces += 1;
      if (char === '}') braces -= 1;
      end = at + 1;
    }
    at = end;
  }
  return { uncommented: uncommented.join(''), code: code.join('') };
}

const endOf = (index: number, text: string): number => (index <= 0 ? text.length : index);

/** The offset behind the first unescaped character that closes. */
function closing(text: string, from: number, closes: (char: string, index: number) => boolean): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i += 1;
    else if (closes(text.charAt(i), i)) return i + 1;
  }
  return text.length;
}

function regexEnd(text: string, start: number): number {
  let inClass = false;
  return closing(text, start + 1, (char) => {
    if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    return (char === '/' && !inClass) || char === '\n';
  });
}
