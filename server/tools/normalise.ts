/** The only repairs an argument ever gets: case and white space of enums, and JSON that was sent as a string. */
import type { InputSchema, PropertySchema } from './json-schema.ts';

export interface Normalised {
  readonly args: unknown;
  /** Field to the value that was used instead of the given one; empty when nothing was repaired. */
  readonly repaired: Readonly<Record<string, unknown>>;
}

/** `1M` is a month to most chart software: making minutes of it would be a guess. */
const AMBIGUOUS: ReadonlySet<string> = new Set(['1M', '5M', '15M']);
export const isAmbiguous = (given: string, allowed: readonly (string | number)[]): boolean =>
  AMBIGUOUS.has(given.trim()) && allowed.includes(given.trim().toLowerCase());

/** Anything that can not be repaired is passed on as it came, for the schema to refuse. */
export function normalise(given: unknown, schema: InputSchema): Normalised {
  const repaired = new Map<string, unknown>();
  let args = given ?? {};
  if (typeof args === 'string') {
    const parsed = parseJson(args);
    if (isRecord(parsed)) {
      args = parsed;
      repaired.set('arguments', parsed);
    }
  }
  if (!isRecord(args)) return { args, repaired: {} };
  const entries = Object.entries(args).map(([field, value]): [string, unknown] => {
    const property = Object.hasOwn(schema.properties, field) ? schema.properties[field] : undefined;
    const better = property === undefined ? value : repair(value, property);
    if (!Object.is(better, value)) repaired.set(field, better);
    return [field, better];
  });
  return { args: Object.fromEntries(entries), repaired: Object.fromEntries(repaired) };
}

function repair(value: unknown, property: PropertySchema): unknown {
  if (typeof value !== 'string') return value;
  if (property.enum !== undefined) return repairWord(value, property.enum);
  if (property.type === 'array' || property.type === 'object') {
    const parsed = parseJson(value);
    const fits = property.type === 'array' ? Array.isArray(parsed) : isRecord(parsed);
    return fits ? parsed : value;
  }
  return value;
}

function repairWord(given: string, allowed: readonly (string | number)[]): string {
  if (allowed.includes(given)) return given;
  const trimmed = given.trim();
  if (isAmbiguous(given, allowed)) return given;
  const word = trimmed.toLowerCase().replace(/\s+/g, '_');
  return allowed.includes(word) ? word : given;
}

/** undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
