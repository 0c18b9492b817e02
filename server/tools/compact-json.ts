/** JSON for people: what fits on a line stays on it, what does not gets a line an entry. */
import { isRecord } from './normalise.ts';

export function compactJson(value: unknown, width: number, indent = ''): string {
  const line = onOneLine(value);
  if (indent.length + line.length <= width || typeof value !== 'object' || value === null) return line;
  const deeper = `${indent}  `;
  const entries = isRecord(value)
    ? Object.entries(value).map(
        ([key, below]) => `${JSON.stringify(key)}: ${compactJson(below, width, deeper)}`,
      )
    : (value as readonly unknown[]).map((below) => compactJson(below, width, deeper));
  const [open, close] = isRecord(value) ? ['{', '}'] : ['[', ']'];
  return `${open}\n${entries.map((entry) => `${deeper}${entry}`).join(',\n')}\n${indent}${close}`;
}

function onOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, below]) => `${JSON.stringify(key)}: ${onOneLine(below)}`)
    .join(', ')}}`;
}
